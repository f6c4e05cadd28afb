#!/usr/bin/env python3
"""Which workload, and which of its components, a request reaches."""

import json
import subprocess

import harness
import hosting
from hosting import component, workload


def named(name, routes):
    """A workload that answers its name at /env."""
    return workload(name, environment={"I": name}, routes=routes)


class HostRoutingTest(hosting.TestCase):
    def reached(self, host, authority, path="/env"):
        """The name of the workload that answers; the status if none does."""
        answer = host.ask(authority, path)
        return json.loads(answer.body)["I"] if answer.status == 200 else answer.status

    def test_an_exact_host_goes_before_a_suffix_and_a_longer_suffix_before_a_shorter(self):
        host = self.host()
        for name, pattern in (("exact", "a.shop.test"), ("near", "*.shop.test"), ("far", "*.test")):
            host.apply(named(name, [{"host": pattern}]))
        for authority, wanted in (("a.shop.test", "exact"), ("A.Shop.TEST", "exact"),
                                  ("a.shop.test:8080", "exact"), ("b.shop.test", "near"),
                                  ("x.b.shop.test", "near"), ("shop.test", "far"),
                                  ("other.test", "far"), ("test", 404), ("nottest", 404),
                                  ("a.shop.test.evil.example", 404)):
            with self.subTest(authority):
                self.assertEqual(wanted, self.reached(host, authority))

    def test_a_route_without_a_host_takes_what_no_other_takes(self):
        host = self.host()
        host.apply(named("one", [{"host": "one.test"}]))
        host.apply(named("rest", [{}]))
        self.assertEqual("one", self.reached(host, "one.test"))
        self.assertEqual("rest", self.reached(host, "two.test"))
        self.assertEqual("rest", self.reached(host, f"127.0.0.1:{host.port}"))

    def test_a_prefix_ends_at_a_segment_and_the_longest_wins(self):
        host = self.host()
        host.apply(named("root", [{"host": "p.test", "path": "/"}]))
        host.apply(workload("api", "http-hello", routes=[{"host": "p.test", "path": "/api"}]))
        host.apply(workload("deep", "http-hello-p3",
                            routes=[{"host": "p.test", "path": "/api/v2/"}]))
        for path, wanted in (("/api", "hello from rust /api\n"),
                             ("/api/", "hello from rust /api/\n"),
                             ("/api/x?y=/z", "hello from rust /api/x?y=/z\n"),
                             ("/api?x", "hello from rust /api?x\n"),
                             ("/api/v2", "hello from rust p3 /api/v2\n"),
                             ("/api/v2/x", "hello from rust p3 /api/v2/x\n"),
                             ("/api/v20", "hello from rust /api/v20\n")):
            with self.subTest(path):
                self.assertEqual(wanted, host.text_of("p.test", path))
        for path in ("/apix", "/ap", "/API"):
            with self.subTest(path):
                self.assertNotIn("hello from rust", host.ask("p.test", path).text)
        self.assertEqual("root", self.reached(host, "p.test"))

    def test_a_method_that_no_route_takes_is_405_and_names_those_that_are(self):
        host = self.host()
        host.apply(workload("a", "http-hello", routes=[
            {"host": "m.test", "methods": ["GET", "PUT"]},
            {"host": "m.test", "path": "/form", "method": "POST"}]))
        self.assertEqual(200, host.ask("m.test").status)
        self.assertEqual(200, host.ask("m.test", method="PUT", body="x").status)
        refused = host.ask("m.test", method="DELETE")
        self.assertEqual(405, refused.status)
        self.assertEqual({"GET", "PUT"},
                         {method.strip() for method in refused.headers["allow"].split(",")})
        self.assertEqual(200, host.ask("m.test", "/form", method="POST", body="x").status)

    def test_a_route_with_methods_goes_before_one_without(self):
        host = self.host()
        host.apply(named("any", [{"host": "m.test"}]))
        host.apply(workload("post", "http-hello", routes=[{"host": "m.test", "method": "POST"}]))
        self.assertEqual("any", self.reached(host, "m.test"))
        self.assertIn("hello from rust", host.ask("m.test", "/env", method="POST", body="x").text)

    def test_two_components_of_one_workload_have_routes_of_their_own(self):
        host = self.host()
        host.apply({"name": "shop",
                    "components": [component("front", "http-hello"),
                                   component("back", "http-hello-p3")],
                    "http": {"routes": [{"host": "shop.test", "component": "front"},
                                        {"host": "shop.test", "path": "/admin",
                                         "component": "back"}]}})
        self.assertEqual("hello from rust /\n", host.text_of("shop.test"))
        self.assertEqual("hello from rust p3 /admin/x\n", host.text_of("shop.test", "/admin/x"))
        by_name = {each["name"]: each for each in host.status("shop")["components"]}
        self.assertEqual({"front": "http-p2", "back": "http-p3"},
                         {name: each["kind"] for name, each in by_name.items()})
        self.assertEqual({"front": 1, "back": 1},
                         {name: each["callsTotal"] for name, each in by_name.items()})

    def test_hosts_of_the_http_interface_are_routes(self):
        manifest = workload("a", "http-hello", routes=[])
        manifest["hostInterfaces"] = [{"namespace": "wasi", "package": "http",
                                       "interfaces": ["incoming-handler"],
                                       "config": {"host": "a.test",
                                                  "host-aliases": "b.test,c.test"}}]
        host = self.host()
        host.apply(manifest)
        for name in ("a.test", "b.test", "c.test"):
            self.assertEqual(200, host.ask(name).status)

    def test_routes_of_a_changed_workload_are_those_of_the_new_manifest_alone(self):
        host = self.host()
        host.apply(named("a", [{"host": "old.test"}, {"host": "both.test"}]))
        host.apply(named("a", [{"host": "new.test"}, {"host": "both.test"}]))
        self.assertEqual([404, "a", "a"], [self.reached(host, f"{name}.test")
                                           for name in ("old", "new", "both")])
        host.apply(named("b", [{"host": "old.test"}]))
        self.assertEqual("b", self.reached(host, "old.test"))

    def test_http_2_requests_are_routed_by_their_authority(self):
        host = self.host()
        host.apply(named("a", [{"host": "a.test"}]))
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--http2-prior-knowledge", "--noproxy", "*",
             "--resolve", f"a.test:{host.port}:127.0.0.1", "--write-out", " %{http_version}",
             f"http://a.test:{host.port}/env"],
            capture_output=True, text=True, timeout=harness.PATIENCE_SECONDS, check=True)
        body, _, version = done.stdout.rpartition(" ")
        self.assertEqual(("2", "a"), (version, json.loads(body)["I"]))

    def test_three_hundred_workloads_are_all_reached(self):
        count = 300
        for index in range(count):
            self.put(f"w{index}.json", named(f"w{index}", [{"host": f"w{index}.test"}]))
        host = self.host(workloads=True)
        self.assertEqual(count, host.facts()["workloads"]["running"])
        with harness.Raw((host.host, host.port)) as connection:
            for index in range(count):
                connection.send(f"GET /env HTTP/1.1\r\nhost: w{index}.test\r\n\r\n")
                answer = connection.read_answer()
                self.assertEqual((200, f"w{index}"),
                                 (answer.status, json.loads(answer.body).get("I")))
        self.assertEqual(404, self.reached(host, f"w{count}.test"))
        self.eventually(lambda: host.metric("nimbus_components_loaded") == 1,
                        "they do not share one component")


if __name__ == "__main__":
    harness.main()
