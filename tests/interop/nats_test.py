"""Our client and our server in two processes, over NATS, and across a kill -9."""

import unittest

import interop
from interop import WRPC_INTEROP


class NatsTest(interop.TestCase):
    def test_everything_crosses_nats(self):
        """Every type, streams both ways, futures, resources, a call that fails, large values."""
        nats = self.nats()
        server = self.start(WRPC_INTEROP, "serve", f"{nats.url}/peer")
        self.assert_succeeds(WRPC_INTEROP, "check", f"{nats.url}/peer")
        self.assert_succeeds(WRPC_INTEROP, "large", f"{nats.url}/peer")
        server.wait_for_stderr("on purpose")

    def test_a_killed_server_fails_the_call_in_time_and_serves_again_after_its_restart(self):
        """Nobody tells the caller that the server is gone: its own deadline ends the call."""
        nats = self.nats()
        address = f"{nats.url}/peer"
        server = self.start(WRPC_INTEROP, "serve", address)
        caller = self.own(interop.harness.Process([WRPC_INTEROP, "hang", address]))
        server.wait_for_stdout("hanging")
        nats.kill_client(server)
        self.assertEqual(0, caller.wait())
        self.assertIn("no results in time", caller.describe())
        status, output = self.run_peer(WRPC_INTEROP, "check", address)
        self.assertNotEqual(0, status)
        self.assertIn("nobody serves it", output)
        self.start(WRPC_INTEROP, "serve", address)
        self.assert_succeeds(WRPC_INTEROP, "check", address)

    def test_is_missed_when_killed_and_found_when_started_again(self):
        nats = self.nats()
        address = f"{nats.url}/shop.kv"
        nats.kill_client(self.serve_keyvalue(address))
        self.assert_missing(address)
        self.serve_keyvalue(address)
        self.assert_conforms(address)


if __name__ == "__main__":
    unittest.main()
