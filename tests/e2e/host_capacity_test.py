#!/usr/bin/env python3
"""How much a host takes: workloads, bytes of a component, elements of an instance's tables."""

import pathlib

import harness
import hosting
from hosting import workload
from wire import text

MIB = 1 << 20


class WorkloadsTest(hosting.TestCase):
    FULL = "the host has 2 workloads, the most it takes"

    def test_one_more_than_the_host_takes_is_refused_until_another_one_goes(self):
        host = self.host(config={"limits": {"maxWorkloads": 2}})
        for name in ("a", "b"):
            host.apply(workload(name, "http-hello"))
        self.assertIn(self.FULL, host.why_refused(workload("c", "http-hello"), status=503))
        self.assertIsNone(host.status("c"))
        self.assertEqual(404, host.ask("c.test").status)
        # One that is there may change all the same.
        host.apply(workload("a", "http-misc", environment={"V": "2"}))
        self.assertIn('"2"', host.text_of("a.test", "/env"))
        host.delete("b")
        self.eventually(lambda: host.try_apply(workload("c", "http-hello")).status == 200,
                        "the place of a workload that has gone is not free")
        self.assertEqual(200, host.ask("c.test").status)

    def test_one_more_in_the_folder_is_a_problem_until_another_one_goes(self):
        paths = [self.put(f"{name}.json", workload(name, "http-hello")) for name in ("a", "b", "c")]
        host = self.host(workloads=True, config={"limits": {"maxWorkloads": 2}})
        served = [name for name in "abc" if host.ask(f"{name}.test").status == 200]
        self.assertEqual(2, len(served))
        (left,) = set("abc") - set(served)
        self.assertEqual([f"{left}.json"], list(host.problems()))
        self.assertIn(self.FULL, host.problems()[f"{left}.json"])
        paths["abc".index(served[0])].unlink()
        self.eventually(lambda: host.ask(f"{left}.test").status == 200, "it is not tried again")
        self.eventually(lambda: not host.problems(), "it is still called a problem")


class ComponentsTest(hosting.TestCase):
    def test_a_component_with_more_bytes_than_the_host_takes_is_refused(self):
        # A section that means nothing makes it larger.
        component = pathlib.Path(harness.guest("http-hello")).read_bytes()
        path = self.folder / "large.wasm"
        path.write_bytes(component + b"\0" + text(text("filling") + bytes(MIB)))
        manifest = workload("large", "http-hello")
        manifest["components"][0]["file"] = str(path)
        host = self.host(config={"limits": {"maxComponentMb": 1}})
        self.assertIn(f"{path} is larger than {MIB} bytes",
                      host.why_refused(manifest, status=503))
        self.assertEqual(404, host.ask("large.test").status)
        host.apply(workload("small", "http-hello"))
        self.assertEqual(200, host.ask("small.test").status)
        host = self.host(config={"limits": {"maxComponentMb": 2}})
        host.apply(manifest)
        self.assertEqual(200, host.ask("large.test").status)


class TablesTest(hosting.TestCase):
    def test_a_component_with_a_larger_table_than_the_default_allows_is_refused(self):
        for guest in ("http-hello", "http-hello-p3"):
            with self.subTest(guest):
                host = self.host(config={"defaults": {"maxTableElements": 1}})
                self.assertRegex(host.why_refused(workload("w", guest), status=422),
                                 r"has a table of \d+ elements from its start on, and the limit "
                                 r"\(maxTableElements\) is 1")
                host = self.host(config={"defaults": {"maxTableElements": 100_000}})
                host.apply(workload("w", guest))
                self.assertEqual(200, host.ask("w.test").status)

    def test_a_table_does_not_grow_beyond_what_the_default_allows(self):
        host = self.host(config={"defaults": {"maxTableElements": 1}})
        host.apply(workload("w", "wat-table-bomb"))
        self.assertEqual(500, host.ask("w.test").status)
        host.wait_for_stderr("a call failed.*default/w.*after it hit the .*table limit")


if __name__ == "__main__":
    harness.main()
