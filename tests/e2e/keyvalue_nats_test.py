#!/usr/bin/env python3
"""Key-value in the JetStream of a NATS server: hosts that share it, providers, `wash dev`."""

import json
import sys

import conformance
import developing
import harness
import hosting

sys.path.insert(0, str(harness.SOURCE / "tests" / "interop"))
import interop  # noqa: E402


def start_nats(test, configuration="jetstream {{ store_dir: \"{folder}/js\" }}"):
    folder = test.folder / "nats"
    folder.mkdir()
    return test.own(interop.NatsServer(folder, configuration.format(folder=folder)))


def start_again(test, nats):
    """At the same port, with what it had stored."""
    command = [str(nats.port) if word == "-1" else word for word in nats.command]
    test.own(harness.Process(command)).wait_for_stderr("Server is ready")


def count(answer):
    return json.loads(answer.text)["count"]


class HostsTest(hosting.TestCase):
    def settings(self, nats, **keyvalue):
        return {"nats": {"servers": [nats.url]}, "keyvalue": {"nats": keyvalue}}

    def counter(self, name, **config):
        return {**hosting.workload(name, "kv-counter"), "hostInterfaces": [
            {"namespace": "wasi", "package": "keyvalue", "provider": "keyvalue-nats",
             "config": config}]}

    def test_two_hosts_share_a_keyspace(self):
        nats = start_nats(self)
        one = self.host(config=self.settings(nats))
        two = self.second_host(config=self.settings(nats))
        one.apply(self.counter("web", keyspace="counters"))
        two.apply(self.counter("api", keyspace="counters"))
        counts = [count(one.ask("web.test")), count(two.ask("api.test")),
                  count(two.ask("api.test")), count(one.ask("web.test"))]
        self.assertEqual([1, 2, 3, 4], counts)

    def test_prefixes_keep_hosts_apart(self):
        nats = start_nats(self)
        one = self.host(config=self.settings(nats, prefix="one"))
        two = self.second_host(config=self.settings(nats, prefix="two", storage="memory"))
        for host in (one, two):
            host.apply(self.counter("web"))
            self.assertEqual([1, 2], [count(host.ask("web.test")) for _ in range(2)])

    def test_what_was_counted_outlives_the_host(self):
        nats = start_nats(self)
        for expected in (1, 2):
            host = self.host(config=self.settings(nats))
            host.apply(self.counter("web"))
            self.assertEqual(expected, count(host.ask("web.test")))

    def test_a_quota_is_the_servers(self):
        nats = start_nats(self)
        host = self.host(config=self.settings(nats))
        host.apply(self.counter("web", **{"max-keys": "1"}))
        self.assertEqual(1, count(host.ask("web.test", "/a")))
        answer = host.ask("web.test", "/b")
        self.assertEqual(500, answer.status)
        self.assertIn("a limit of the NATS server", answer.text)
        self.assertEqual(2, count(host.ask("web.test", "/a")))

    def test_a_server_without_jetstream_is_an_error_of_the_guest(self):
        nats = start_nats(self, "")
        host = self.host(config=self.settings(nats))
        host.apply(self.counter("web"))
        answer = host.ask("web.test")
        self.assertEqual(500, answer.status)
        self.assertIn("has no JetStream", answer.text)

    def test_no_server_is_said_when_the_workload_comes(self):
        host = self.host(config={"nats": {"servers": ["nats://127.0.0.1:1"]}})
        why = host.why_refused(self.counter("web"), status=503)
        self.assertIn("cannot reach the NATS server of keyvalue-nats", why)

    def test_a_host_that_starts_before_the_server_serves_once_that_is_there(self):
        names = ("web", "far")
        nats = start_nats(self)
        options = {"state": True, "workloads": True,
                   "config": {**self.settings(nats), "registries": {"retryPause": "100ms"}}}
        self.put("far.json", self.counter("far"))
        host = self.host(**options)
        host.apply(self.counter("web"))
        self.assertEqual([1, 1], [count(host.ask(f"{name}.test")) for name in names])
        self.assertEqual(0, host.terminate())
        nats.terminate()

        host = self.host(**options)
        self.assertEqual(["far.json"], list(host.problems()))
        for name in names:
            self.eventually(lambda name=name: self.is_tried_again(host.status(name)),
                            f"the status of {name} does not say that it is tried again")
        start_again(self, nats)
        for name in names:
            self.eventually(lambda name=name: host.status(name)["state"] == "Running",
                            f"{name} was given up")
        self.assertEqual([2, 2], [count(host.ask(f"{name}.test")) for name in names])
        self.eventually(lambda: not host.problems(), "it is still called a problem")

    def is_tried_again(self, status):
        """While it is, nothing is said of a next time."""
        if "retryAt" not in status:
            return False
        self.assertEqual("Error", status["state"])
        self.assertIn("cannot reach the NATS server of keyvalue-nats", status["reason"])
        return True


class ProviderTest(harness.TestCase):
    def test_conforms(self):
        nats = start_nats(self, "max_payload: 4MB\njetstream {{ store_dir: \"{folder}/js\" }}")
        provider = self.start("provider", "serve", "keyvalue-nats", "--listen",
                              f"unix:{self.folder}/kv.sock", "--data-nats-url", nats.url)
        address = provider.wait_for_stdout(r"Serving \S+ at (\S+)").group(1)
        conformance.check(self, address)
        provider.send(harness.signal.SIGTERM)
        self.assertEqual(0, provider.wait())


class DevTest(developing.TestCase):
    def counts_across_two_starts(self, nats, **dev):
        self.project("kv-counter", dev={"wasi_keyvalue_nats_url": nats.url, **dev})
        for expected in (1, 2):
            server = self.dev()
            self.assertEqual(expected, count(server.get("/a")))
            self.assertEqual(0, server.interrupt())

    def test_a_url_keeps_what_is_counted(self):
        self.counts_across_two_starts(start_nats(self))

    def test_a_url_comes_before_a_path(self):
        self.counts_across_two_starts(start_nats(self), wasi_keyvalue_path="kv.db")
        self.assertFalse((self.root / "kv.db").exists())


if __name__ == "__main__":
    harness.main()
