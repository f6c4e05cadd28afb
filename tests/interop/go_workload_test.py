"""A component whose key-value is a map in a process in Go, which knows nothing of the host."""

import json
import unittest

import interop  # first: it makes the modules of tests/e2e known
from interop import peer

import hosting


def counter(name, provider):
    manifest = hosting.workload(name, "kv-counter")
    manifest["hostInterfaces"] = [
        {"namespace": "wasi", "package": "keyvalue", "provider": provider}]
    return manifest


class GoWorkloadTest(interop.TestCase, hosting.TestCase):
    def counts(self, host, name, times):
        return [json.loads(host.text_of(f"{name}.test"))["count"] for _ in range(times)]

    def check(self, provider):
        """Two workloads, each with keys of its own."""
        host = self.host()
        for name in ("one", "two"):
            host.apply(counter(name, provider))
        self.assertEqual([1, 2, 3], self.counts(host, "one", 3))
        self.assertEqual([1, 2], self.counts(host, "two", 2))
        self.assertEqual([4], self.counts(host, "one", 1))

    def test_over_nats(self):
        nats = self.nats()
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.check(f"{nats.url}/shop.kv")

    def test_over_tcp(self):
        self.check(f"tcp:{self.start(peer('keyvalue-go'), 'tcp', '127.0.0.1:0').announced}")

    def test_over_a_unix_socket(self):
        path = self.folder / "kv.sock"
        self.start(peer("keyvalue-go"), "unix", path)
        self.check(f"unix:{path}")

    def test_a_killed_provider_is_an_error_until_another_serves(self):
        nats = self.nats()
        provider = self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        host = self.host()
        host.apply(counter("far", f"{nats.url}/shop.kv"))
        self.assertEqual([1], self.counts(host, "far", 1))
        nats.kill_client(provider)
        answer = host.ask("far.test")
        self.assertEqual(500, answer.status)
        self.assertIn(b"cannot be reached", answer.body)  # and not: there is no such store
        host.wait_for_stderr("a call of a provider failed.*nobody serves it")
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.assertEqual([1, 2], self.counts(host, "far", 2))  # a map forgets


if __name__ == "__main__":
    unittest.main()
