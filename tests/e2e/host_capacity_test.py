#!/usr/bin/env python3
"""How much a host takes: workloads, bytes of a component, elements of an instance's tables, calls
at once and in the queue; and what its configuration says of workloads that say nothing."""

import pathlib

import harness
import hosting
from hosting import workload
from wire import text

MIB = 1 << 20
MISCS = ("http-misc", "http-misc-p3")


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
        # A table of the pool has no more than 100,000 elements, which is the default's sum, too.
        for defaults in ({"maxTableElements": 1}, {}):
            with self.subTest(defaults):
                host = self.host(config={"defaults": defaults})
                host.apply(workload("w", "wat-table-bomb"))
                self.assertEqual(500, host.ask("w.test").status)
                host.wait_for_stderr("a call failed.*default/w.*after it hit the .*table limit")


class CallsTest(hosting.TestCase):
    """One call at once, on one thread."""

    def serving(self, guest, *, defaults=None, **policy):
        host = self.host(config={"shards": 1, "defaults": defaults or {}})
        host.apply(workload("w", guest, **policy))
        return host

    def wait_until(self, host, key, count):
        self.eventually(lambda: host.status("w")["components"][0][key] == count,
                        f"{key} is never {count}")

    def hold(self, host):
        """A call that is under way until its finish()."""
        held = self.enterContext(harness.Held(host, "w.test"))
        self.wait_until(host, "callsInFlight", 1)
        return held

    def check_refused(self, host, reason):
        """One more call is refused, and the log says why."""
        answer = host.ask("w.test", "/count")
        self.assertEqual((503, "1"), (answer.status, answer.headers.get("retry-after")))
        host.wait_for_stderr(f"a call was refused .*default/w.*{reason}")


class QueueTest(CallsTest):
    POLICIES = [(guest, {"maxInstances": 1, "poolSize": size})
                for guest in MISCS for size in (0, 1)]

    def test_who_waits_for_longer_than_the_queue_time_is_told_when_to_come_again(self):
        for guest, policy in self.POLICIES:
            with self.subTest(guest, **policy):
                host = self.serving(guest, queueTimeout="100ms", **policy)
                held = self.hold(host)
                self.check_refused(host, "no instance became free in time")
                self.assertEqual(200, held.finish().status)
                self.assertEqual(200, host.ask("w.test", "/count").status)

    def test_one_more_than_may_wait_is_told_so_at_once(self):
        for guest, policy in self.POLICIES:
            with self.subTest(guest, **policy):
                host = self.serving(guest, maxQueue=1, queueTimeout="10m", **policy)
                held = self.hold(host)
                waiting = self.enterContext(host.connect())
                waiting.send("GET /count HTTP/1.1\r\nhost: w.test\r\n\r\n")
                self.wait_until(host, "callsQueued", 1)
                self.check_refused(host, "too many requests wait for an instance")
                self.assertEqual([200, 200],
                                 [held.finish().status, waiting.read_answer().status])


class DefaultsTest(CallsTest):
    """What a host says of workloads that say nothing."""

    # A path, what it gets, and what the log says of it.
    OF_A_CALL = {
        "timeout": ("300ms", "/sleep?ms=600000", 504, "outcome=timeout "),
        "cpuLimit": (200, "/spin", 504, "outcome=cpu-limit "),
        "memoryLimitMb": (16, "/memory?mb=32", 507, None),
    }
    OF_OVERLOAD = (
        ({"maxInstances": 1, "maxQueue": 0}, "too many requests wait for an instance"),
        ({"maxInstances": 1, "queueTimeout": "100ms"}, "no instance became free in time"),
    )

    def test_they_limit_each_call(self):
        for guest in MISCS:
            for key, (value, path, status, reason) in self.OF_A_CALL.items():
                with self.subTest(guest, key=key):
                    host = self.serving(guest, defaults={key: value})
                    self.assertEqual(status, host.ask("w.test", path).status)
                    if reason:
                        host.wait_for_stderr(f"a call failed .*default/w.*{reason}")
                    self.assertEqual(200, host.ask("w.test", "/memory?mb=8").status)

    def test_they_limit_calls_together(self):
        for guest in MISCS:
            for defaults, reason in self.OF_OVERLOAD:
                with self.subTest(guest, **defaults):
                    host = self.serving(guest, defaults=defaults)
                    held = self.hold(host)
                    self.check_refused(host, reason)
                    self.assertEqual(200, held.finish().status)

    def test_what_a_workload_says_itself_counts_instead(self):
        defaults = {"timeout": "1ms", "cpuLimit": 1, "memoryLimitMb": 2, "maxInstances": 1,
                    "maxQueue": 0}
        for guest in MISCS:
            with self.subTest(guest):
                host = self.serving(guest, defaults=defaults, timeout="10m", maxInstances=2,
                                    resources={"cpuLimit": 60_000, "memoryLimitMb": 64})
                held = self.hold(host)
                self.assertEqual("slept 100 ms\n", host.text_of("w.test", "/sleep?ms=100"))
                self.assertEqual("32 MiB\n", host.text_of("w.test", "/memory?mb=32"))
                host.text_of("w.test", "/cpu?ms=50")
                self.assertEqual(200, held.finish().status)


if __name__ == "__main__":
    harness.main()
