"""Our client and our server in two processes, over NATS, and across a kill -9."""

import subprocess
import unittest

import interop
from interop import KEYVALUE_PEER, WRPC_INTEROP


class NatsTest(interop.TestCase):
    def provider(self, nats):
        return self.start(KEYVALUE_PEER, "serve", nats.url, "shop.kv", stdin=subprocess.PIPE)

    def test_everything_crosses_nats(self):
        """Every type, streams both ways, futures, resources, a call that fails, large values."""
        nats = self.nats()
        server = self.start(WRPC_INTEROP, "serve", f"{nats.url}/peer")
        self.assert_succeeds(WRPC_INTEROP, "check", f"{nats.url}/peer")
        self.assert_succeeds(WRPC_INTEROP, "large", f"{nats.url}/peer")
        self.assertIn("on purpose", server.describe())

    def test_our_provider_conforms(self):
        nats = self.nats()
        provider = self.provider(nats)
        self.assert_conforms(f"{nats.url}/shop.kv")
        provider.process.stdin.close()
        self.assertEqual(0, provider.wait())

    def test_is_missed_when_killed_and_found_when_started_again(self):
        nats = self.nats()
        self.provider(nats).kill()
        status, output = self.run_peer(KEYVALUE_PEER, "conform", f"{nats.url}/shop.kv")
        self.assertNotEqual(0, status)
        self.assertIn("nobody serves it", output)
        provider = self.provider(nats)
        self.assert_conforms(f"{nats.url}/shop.kv")
        provider.process.stdin.close()


if __name__ == "__main__":
    unittest.main()
