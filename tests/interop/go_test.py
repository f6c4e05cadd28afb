"""Key-value between ours, the example provider on wRPC's own Go module, and a client in Go
that shares no code with either."""

import subprocess
import unittest

import interop
from interop import KEYVALUE_CONFORMANCE, KEYVALUE_PEER, peer


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

    def test_passes_the_cases_that_the_built_in_providers_pass(self):
        nats = self.nats()
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.start(peer("keyvalue-go"), "unix", self.folder / "kv.sock")
        tcp = self.start(peer("keyvalue-go"), "tcp", "127.0.0.1:0").announced
        for address in (f"{nats.url}/shop.kv", f"unix:{self.folder}/kv.sock", f"tcp:{tcp}"):
            with self.subTest(address):
                self.assertIn("[  PASSED  ]",
                              self.assert_succeeds(KEYVALUE_CONFORMANCE, address, "flat"))

    def test_is_missed_when_killed_and_found_when_started_again(self):
        nats = self.nats()
        provider = self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        provider.kill()
        status, output = self.run_peer(KEYVALUE_PEER, "conform", f"{nats.url}/shop.kv")
        self.assertNotEqual(0, status)
        self.assertIn("nobody serves it", output)
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.assert_conforms(f"{nats.url}/shop.kv")


class GoClientTest(interop.TestCase):
    def test_calls_our_provider_over_nats(self):
        nats = self.nats()
        provider = self.start(KEYVALUE_PEER, "serve", nats.url, "shop.kv", stdin=subprocess.PIPE)
        self.assertIn("checked", self.assert_succeeds(peer("go-client"), nats.url, "shop.kv", 0, 0))
        many = self.assert_succeeds(peer("go-client"), nats.url, "shop.kv", 100, 1000)
        self.assertIn("us_per_call", many)
        provider.process.stdin.close()
        self.assertEqual(0, provider.wait())

    def test_calls_the_go_provider_alike(self):
        nats = self.nats()
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.assertIn("checked", self.assert_succeeds(peer("go-client"), nats.url, "shop.kv", 0, 0))


if __name__ == "__main__":
    unittest.main()
