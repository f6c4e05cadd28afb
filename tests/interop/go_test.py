"""Key-value between ours, the example provider on wRPC's own Go module, and a client in Go
that shares no code with either."""

import unittest

import interop
from interop import peer


class GoProviderTest(interop.TestCase):
    def test_conforms_over_nats(self):
        nats = self.nats()
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.assert_conforms(f"{nats.url}/shop.kv")

    def test_conforms_over_tcp(self):
        provider = self.start(peer("keyvalue-go"), "tcp", "127.0.0.1:0")
        self.assert_conforms(f"tcp:{provider.announced}")

    def test_conforms_over_a_unix_socket(self):
        path = self.folder / "kv.sock"
        self.start(peer("keyvalue-go"), "unix", path)
        self.assert_conforms(f"unix:{path}")

    def test_is_missed_when_killed_and_found_when_started_again(self):
        nats = self.nats()
        provider = self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        provider.kill()
        self.assert_missing(f"{nats.url}/shop.kv")
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.assert_conforms(f"{nats.url}/shop.kv")


class GoClientTest(interop.TestCase):
    def check(self, nats):
        self.assertIn("checked", self.assert_succeeds(peer("go-client"), nats.url, "shop.kv"))

    def test_calls_our_provider_over_nats(self):
        nats = self.nats()
        provider = self.serve_keyvalue(f"{nats.url}/shop.kv")
        self.check(nats)
        self.assertEqual(0, provider.terminate())

    def test_calls_the_go_provider_alike(self):
        nats = self.nats()
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.check(nats)


if __name__ == "__main__":
    unittest.main()
