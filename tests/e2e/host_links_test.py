#!/usr/bin/env python3
"""Components of one workload that call each other and have key-value and configuration of their
own: composed, and linked by calls."""

import json

import harness
import hosting

TALLY = {"namespace": "test", "package": "tally", "provider": "component:back"}
KEYVALUE = {"namespace": "wasi", "package": "keyvalue", "provider": "keyvalue-memory"}
BY_CALLS = {"as the manifest says": {"named": True},
            "for a limit": {"cpuLimit": 2000},
            "for a pool": {"poolSize": 1}}


def part(name, guest, *, pool=0, **resources):
    own = {"environment": {"WHO": name}, "config": {f"only-{name}": "told " + name}, **resources}
    return hosting.component(name, guest, localResources=own, poolSize=pool)


def tally(*, named=False, poolSize=0, web=None, **limits):
    back = part("back", "tally-back", pool=poolSize)
    for key, value in limits.items():
        (back["localResources"] if key in ("cpuLimit", "memoryLimitMb") else back)[key] = value
    entries = [KEYVALUE] + ([TALLY] if named else [])
    return {"name": "tally", "components": [{**part("web", "tally-web"), **(web or {})}, back],
            "hostInterfaces": entries,
            "http": {"routes": [{"host": "tally.test", "component": "web"}]}}


class Tally(hosting.TestCase):
    def ask(self, host, path):
        return host.text_of("tally.test", path).strip()

    def link(self, host):
        status = host.status("tally")
        [link] = status["components"][0]["links"]
        return link

    def check_that_each_has_its_own(self, host):
        own, other = self.ask(host, "/settings").splitlines()
        for shown, name, stranger in ((own, "web", "back"), (other, "back", "web")):
            self.assertIn(f'Ok([("only-{name}", "told {name}")]) [("WHO", "{name}")]', shown)
            self.assertNotIn(stranger, shown)


class ComposedTest(Tally):
    def test_each_part_has_its_own_bindings(self):
        host = self.host()
        host.apply(tally())
        self.assertEqual("composed", self.link(host)["how"])
        self.check_that_each_has_its_own(host)
        ids = [binding["id"] for binding in host.status("tally")["components"][0]["bindings"]]
        self.assertEqual(sorted(f"default/tally/{name}/wasi:{package}"
                                for name in ("web", "back") for package in ("config", "keyvalue")),
                         sorted(ids))

    def test_buckets_are_the_workloads(self):
        host = self.host()
        host.apply(tally())
        self.assertEqual(["1", "2", "3"],
                         [self.ask(host, path) for path in ("/own/a", "/other/a", "/own/a")])

    def test_the_text_view_lists_the_bindings(self):
        host = self.host()
        host.apply(tally())
        shown = self.run_wash("workload", "--host", f"unix:{self.admin_socket}", "get", "tally")
        self.assertIn("  default/tally/back/wasi:keyvalue bound to keyvalue-memory, generation 1\n",
                      shown.stdout)


class ByCallsTest(Tally):
    def test_each_has_its_own_there_too(self):
        host = self.host()
        for why, how in BY_CALLS.items():
            with self.subTest(why):
                host.apply(tally(**how))
                self.assertEqual("linked by calls", self.link(host)["how"])
                self.check_that_each_has_its_own(host)

    def test_the_status_and_inspect_say_which_and_why(self):
        host = self.host()
        for how, reason in (({"named": True}, "the manifest names it as the provider"),
                            ({"cpuLimit": 2000}, "it has a limit of its own (cpuLimit)"),
                            ({"poolSize": 1},
                             'it and "web" keep instances differently (poolSize)')):
            with self.subTest(reason):
                manifest = tally(**how)
                host.apply(manifest)
                self.assertEqual({"import": "test:tally/tally@0.1.0", "component": "back",
                                  "how": "linked by calls", "reason": reason}, self.link(host))
                self.assertEqual("library", host.status("tally")["components"][1]["kind"])
                answer = self.run_wash("inspect", self.write("tally.json", json.dumps(manifest)))
                self.assertEqual(0, answer.returncode, answer.stderr)
                self.assertIn(f"  test:tally/tally@0.1.0 -> back, linked by calls: {reason}\n",
                              answer.stdout)
                self.assertIn("back: called by others, alone\n", answer.stdout)

    def test_results_and_resources_cross(self):
        host = self.host()
        host.apply(tally(named=True))
        self.assertEqual(["1", "2"], [self.ask(host, "/other/a") for _ in range(2)])
        self.assertEqual("41 42", self.ask(host, "/resource"))

    def test_calls_are_counted_where_they_arrive(self):
        host = self.host()
        host.apply(tally(named=True))
        self.assertEqual(["1", "2"], [self.ask(host, "/other/a") for _ in range(2)])
        self.assertEqual(500, host.ask("tally.test", "/fail").status)
        web, back = host.status("tally")["components"]
        self.assertEqual((3, 1), (web["callsTotal"], web["failuresTotal"]))
        self.assertEqual((3, 1, 0), (back["callsTotal"], back["failuresTotal"],
                                     back["callsInFlight"]))

    def test_an_instance_of_the_called_belongs_to_one_of_the_callers(self):
        host = self.host("--shards", "1")
        host.apply(tally(named=True))
        self.assertEqual(["1 2", "1 2"], [self.ask(host, "/calls") for _ in range(2)])
        host.apply(tally(named=True, poolSize=1, web={"poolSize": 1}))
        self.assertEqual(["1 2", "3 4"], [self.ask(host, "/calls") for _ in range(2)])

    def test_a_trap_and_a_limit_of_the_called_end_the_call_and_nothing_else(self):
        host = self.host()
        host.apply(tally(cpuLimit=100))
        self.assertEqual(500, host.ask("tally.test", "/fail").status)
        self.assertEqual(500, host.ask("tally.test", "/spin").status)
        host.wait_for_stderr("the call used up its CPU time")
        self.assertEqual("41 42", self.ask(host, "/resource"))

    def test_its_instances_are_limited_and_come_back(self):
        host = self.host("--shards", "1")
        # A warm caller keeps the one instance that there is.
        host.apply(tally(named=True, maxInstances=1, web={"poolSize": 1}))
        self.assertEqual(["1 2", "3 4"], [self.ask(host, "/calls") for _ in range(2)])
        self.assertEqual(1, host.status("tally")["components"][1]["instances"])
        self.assertEqual(500, host.ask("tally.test", "/fail").status)
        self.assertEqual("1 2", self.ask(host, "/calls"))

    def test_input_streams_cross_as_bytes(self):
        folder = self.write("poems/poem", "once upon a midnight dreary" * 10_000).parent
        back = part("back", "pair-back", volumeMounts=[{"name": "poems", "mountPath": "/poems"}])
        host = self.host()
        host.apply({"name": "pair", "components": [part("web", "pair-web"),
                                                   {**back, "maxInstances": 3}],
                    "volumes": [{"name": "poems", "hostPath": {"path": str(folder)}}],
                    "http": {"routes": [{"host": "pair.test", "component": "web"}]}})
        [link] = host.status("pair")["components"][0]["links"]
        self.assertEqual("linked by calls", link["how"])
        # The content of a request, as it comes; and a file, which another thread reads.
        for size in (0, 1, 300_000, 3 << 20):
            content = b"x" * size
            answer = host.ask("pair.test", "/count", method="POST", body=content)
            self.assertEqual(f"{size}\n", answer.text)
        self.assertEqual("once upon a midnight dreary" * 10_000,
                         host.text_of("pair.test", "/open?path=poem"))
        self.assertEqual("no-entry\n", host.text_of("pair.test", "/open?path=rhyme"))

    def test_what_cannot_cross_is_refused_by_name(self):
        host = self.host()
        manifest = {"name": "pair",
                    "components": [hosting.component("web", "http-blobs"),
                                   hosting.component("back", "plugin-blobstore-filesystem",
                                                     maxInstances=3)],
                    "http": {"routes": [{"host": "pair.test", "component": "web"}]}}
        message = host.why_refused(manifest)
        self.assertRegex(message, 'component "web" is linked to "back" by calls for '
                                  "wasi:blobstore/types@0.2.0-draft, because it has a limit of "
                                  "its own")
        self.assertIn("outgoing-value-write-body", message)
        missing = tally(named=True)
        missing["hostInterfaces"][1] = {**TALLY, "provider": "component:nobody"}
        self.assertIn("has no component of that name", host.why_refused(missing))


if __name__ == "__main__":
    harness.main()
