#!/usr/bin/env python3
"""What components import beyond WASI, and who provides it: key-value, configuration, logging."""

import json
import socket

import harness
import hosting


def keyvalue(**entry):
    return {"namespace": "wasi", "package": "keyvalue", **entry}


def counter(name, *entries):
    manifest = hosting.workload(name, "kv-counter")
    manifest["hostInterfaces"] = list(entries)
    return manifest


class Running(harness.TestCase):
    """`wash run` gives a guest everything, for trying things out."""

    def count(self, server, path="/a"):
        answer = server.get(path)
        self.assertEqual(200, answer.status, answer.text)
        return json.loads(answer.body)["count"]

    def serve(self, *flags, guest="kv-counter"):
        return self.wash("run", harness.guest(guest), "--addr", "127.0.0.1:0", *flags)

    def test_a_counter_counts_in_memory(self):
        server = self.serve()
        self.assertEqual([1, 2, 3], [self.count(server) for _ in range(3)])
        self.assertEqual(1, self.count(server, "/b"))
        server.request("DELETE", "/a")
        self.assertEqual(1, self.count(server))

    def test_shards_and_warm_instances_share_what_is_in_memory(self):
        server = self.serve("--shards", "3", "--pool-size", "3")
        self.assertEqual(list(range(1, 31)), [self.count(server) for _ in range(30)])

    def test_a_database_keeps_what_was_counted(self):
        for expected in (1, 2, 3):
            server = self.serve("--keyvalue", f"sqlite:{self.folder}/kv.sqlite")
            self.assertEqual(expected, self.count(server))
            server.kill()

    def test_a_provider_elsewhere_serves_it(self):
        address = f"unix:{self.folder}/kv.sock"
        self.start("provider", "serve", "keyvalue-memory", "--listen",
                   address).wait_for_stdout("Serving")
        server = self.serve("--keyvalue", address)
        self.assertEqual([1, 2], [self.count(server) for _ in range(2)])

    def test_configuration_is_what_the_flags_say(self):
        server = self.serve("--config", "greeting=hi", "--config", "empty=", guest="http-config")
        self.assertEqual({"greeting": "hi", "empty": ""}, json.loads(server.get("/").body))
        self.assertEqual(404, server.get("/none").status)

    def test_configuration_is_there_for_the_older_draft_too(self):
        server = self.serve("--config", "greeting=hi", "--config", "other=x",
                            guest="wat-config-runtime")
        headers = server.get("/").headers
        self.assertEqual(("hi", "2"), (headers["x-greeting"], headers["x-count"]))

    def test_mistakes_are_named(self):
        for flags, message in ((("--keyvalue", "redis"), "expected memory, sqlite:FILE"),
                               (("--config", "x"), "expected KEY=VALUE")):
            done = self.run_wash("run", harness.guest("kv-counter"), *flags)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(message, done.stderr)

    def test_a_record_goes_to_the_log(self):
        done = self.run_wash("run", harness.guest("wat-run-log"))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("a record of the guest", done.stderr)
        self.assertIn("severity=critical", done.stderr)
        self.assertIn("context=part", done.stderr)
        self.assertIn("component=wat-run-log", done.stderr)


class Bindings(hosting.TestCase):
    def count(self, host, name):
        return json.loads(host.text_of(f"{name}.test"))["count"]

    def binding(self, host, name, position=0):
        return host.status(name)["components"][0]["bindings"][position]

    def test_what_nothing_provides_is_named_with_what_would(self):
        why = self.host().why_refused(hosting.workload("bare", "kv-counter"))
        for interface in ("store", "atomics"):
            self.assertIn(f"wasi:keyvalue/{interface}@0.2.0-draft, which nothing provides", why)
            self.assertIn(f"interfaces: [{interface}], provider: keyvalue-sqlite", why)

    def test_without_a_state_folder_there_is_no_database(self):
        self.assertIn("give it a state folder, or name another provider",
                      self.host().why_refused(counter("a", keyvalue())))

    def test_two_workloads_never_see_each_others_keys(self):
        address = f"unix:{self.folder}/kv.sock"
        self.start("provider", "serve", "keyvalue-memory", "--listen",
                   address).wait_for_stdout("Serving")
        host = self.host(state=True)
        for provider in ("keyvalue-memory", "keyvalue-sqlite", address):
            with self.subTest(provider):
                for name in ("one", "two"):
                    host.apply(counter(name, keyvalue(provider=provider)))
                self.assertEqual([1, 2, 3], [self.count(host, "one") for _ in range(3)])
                self.assertEqual([1, 2], [self.count(host, "two") for _ in range(2)])

    def test_workloads_share_a_keyspace_that_both_name(self):
        host = self.host(state=True)
        for name in ("one", "two"):
            host.apply(counter(name, keyvalue(config={"keyspace": "common"})))
        self.assertEqual([1, 2, 3, 4], [self.count(host, name)
                                        for name in ("one", "two", "one", "two")])

    def test_the_database_outlives_the_host(self):
        self.assertEqual(1, self.counted_with_a_new_host(apply=True))
        self.assertEqual(2, self.counted_with_a_new_host(apply=False))

    def counted_with_a_new_host(self, *, apply):
        host = self.host(state=True)
        if apply:
            host.apply(counter("kept", keyvalue()))
        count = self.count(host, "kept")
        host.terminate()
        return count

    def test_memory_goes_with_its_workload(self):
        host = self.host()
        manifest = counter("gone", keyvalue(provider="keyvalue-memory"))
        host.apply(manifest)
        self.assertEqual([1, 2], [self.count(host, "gone") for _ in range(2)])

        def starts_again():
            # What was removed may still be winding up; then the next one goes on with its keys.
            host.delete("gone")
            self.eventually(lambda: host.status("gone") is None, "it was never removed")
            host.apply(manifest)
            return self.count(host, "gone") == 1

        self.eventually(starts_again, "the keys outlived the workload")

    def test_an_update_keeps_the_keys_and_a_new_provider_takes_over(self):
        host = self.host(state=True)
        memory = counter("live", keyvalue(provider="keyvalue-memory"))
        host.apply(memory)
        self.assertEqual([1, 2], [self.count(host, "live") for _ in range(2)])
        self.assertEqual({"id": "default/live/web/wasi:keyvalue", "provider": "keyvalue-memory",
                          "generation": 1}, self.binding(host, "live"))
        memory["components"][0]["poolSize"] = 1
        host.apply(memory)
        self.assertEqual(3, self.count(host, "live"))
        self.assertEqual(1, self.binding(host, "live")["generation"])
        host.apply(counter("live", keyvalue(provider="keyvalue-sqlite")))
        self.assertEqual(1, self.count(host, "live"))
        self.assertEqual(("keyvalue-sqlite", 2), (self.binding(host, "live")["provider"],
                                                  self.binding(host, "live")["generation"]))

    def test_a_quota_is_an_error_that_the_guest_sees(self):
        host = self.host()
        host.apply(counter("small", keyvalue(provider="keyvalue-memory",
                                             config={"max-keys": "1"})))
        self.assertEqual(200, host.ask("small.test", "/a").status)
        answer = host.ask("small.test", "/b")
        self.assertEqual(500, answer.status)
        self.assertIn("the quota of 1 keys is used up", answer.text)

    def test_a_workload_cannot_fill_the_memory_of_all(self):
        host = self.host(config={"keyvalue": {"memoryMaxMb": 1}})
        for name in ("greedy", "modest"):
            host.apply(counter(name, keyvalue(provider="keyvalue-memory")))
        answer = None
        for number in range(1000):
            answer = host.ask("greedy.test", f"/{number}/" + "x" * 4000)
            if answer.status != 200:
                break
        self.assertEqual(500, answer.status)
        self.assertIn("the quota of 1048576 bytes is used up", answer.text)
        self.assertGreater(number, 200)
        self.assertEqual([1, 2], [self.count(host, "modest") for _ in range(2)])

    def test_a_provider_that_dies_is_an_error_until_it_is_back(self):
        address = f"unix:{self.folder}/kv.sock"
        serve = ("provider", "serve", "keyvalue-sqlite", "--listen", address, "--config",
                 f"path={self.folder}/kv.sqlite")
        provider = self.start(*serve)
        provider.wait_for_stdout("Serving")
        host = self.host()
        host.apply(counter("far", keyvalue(provider=address)))
        self.assertEqual([1, 2], [self.count(host, "far") for _ in range(2)])
        self.assertNotIn("problem", self.binding(host, "far"))
        provider.kill()
        answer = host.ask("far.test")
        self.assertEqual(500, answer.status)
        self.assertIn("Other", answer.text)
        self.assertIn(address, self.binding(host, "far")["problem"])
        self.start(*serve).wait_for_stdout("Serving")
        self.assertEqual(3, self.count(host, "far"))
        self.assertNotIn("problem", self.binding(host, "far"))

    def test_a_provider_may_come_later_than_its_workload(self):
        address = f"unix:{self.folder}/kv.sock"
        host = self.host()
        host.apply(counter("early", keyvalue(provider=address)))
        self.assertEqual(500, host.ask("early.test").status)
        self.start("provider", "serve", "keyvalue-memory", "--listen",
                   address).wait_for_stdout("Serving")
        self.assertEqual(1, self.count(host, "early"))

    def test_the_status_says_that_a_provider_cannot_be_reached_before_anybody_calls_it(self):
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        host = self.host()
        for address in (f"unix:{self.folder}/kv.sock", f"tcp:127.0.0.1:{port}"):
            with self.subTest(address):
                host.apply(counter("quiet", keyvalue(provider=address)))
                self.eventually(lambda: "problem" in self.binding(host, "quiet"),
                                "nothing is said of a provider that is not there")
                shown = self.run_wash("workload", "--host", f"unix:{self.admin_socket}", "get",
                                      "quiet")
                self.assertIn(self.binding(host, "quiet")["problem"], shown.stdout)
                self.start("provider", "serve", "keyvalue-memory", "--listen",
                           address).wait_for_stdout("Serving")
                self.eventually(lambda: "problem" not in self.binding(host, "quiet"),
                                "the problem stays although the provider is there")

    def test_configuration_is_each_components_own_and_follows_the_manifest(self):
        host = self.host()

        def config(**values):
            return hosting.workload("conf", "http-config", resources={"config": values},
                                    poolSize=1)

        host.apply(config(a="1"))
        self.assertEqual({"a": "1"}, json.loads(host.text_of("conf.test")))
        host.apply(config(a="2", b="3"))
        self.assertEqual({"a": "2", "b": "3"}, json.loads(host.text_of("conf.test")))
        host.apply(hosting.workload("plain", "http-config"))
        self.assertEqual({}, json.loads(host.text_of("plain.test")))


if __name__ == "__main__":
    harness.main()
