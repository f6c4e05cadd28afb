"""wRPC's own bridge between components and NATS, `wrpc-wasmtime` of 0.17.0, the last version that
has NATS, both ways: components in it call what we serve, and components with us what it serves."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import interop  # noqa: E402
from interop import WRPC_INTEROP, harness, peer  # noqa: E402


# In tests/guests/tally/wit, with the constructor and the method of its resource.
FUNCTIONS_OF_TALLY = 7


class WrpcWasmtimeTest(interop.TestCase):
    def setUp(self):
        super().setUp()
        self.bridge = peer("wrpc-wasmtime")
        self.server = self.nats()

    def bridge_nats(self, verb, *options):
        """The words that run the bridge."""
        return [str(self.bridge), "nats", verb, "--nats", self.server.url, "--timeout", "60s",
                *options]

    def run_command(self):
        return self.bridge_nats("run", "--import", "peer", str(peer("peer-command")))

    def test_a_command_in_it_calls_our_server(self):
        """With lists of more bytes than one message has."""
        self.start(WRPC_INTEROP, "serve", f"{self.server.url}/peer")
        self.assert_succeeds(*self.run_command())

    def test_a_command_in_it_misses_our_server(self):
        """So that the test above is known to be able to fail."""
        status, output = self.run_peer(*self.run_command())
        self.assertNotEqual(0, status)
        self.assertIn("failed to run component", output)

    def test_the_command_calls_our_server_from_our_own_host(self):
        address = f"{self.server.url}/peer"
        self.start(WRPC_INTEROP, "serve", address)
        self.assert_succeeds(harness.WASH, "run", peer("peer-command"), "--provider",
                             f"nimbus:interop={address}")

    def test_a_component_with_us_calls_one_in_it_which_calls_our_provider(self):
        """Ours asks over HTTP, it serves `test:tally`, and counts in our key-value store."""
        self.serve_keyvalue(f"{self.server.url}/store")
        bridge = self.own(harness.Process(self.bridge_nats(
            "serve", "--export", "tally", "--group", "tally", "--import", "store",
            harness.guest("tally-back")), env={**self.environment(), "RUST_LOG": "info"}))
        for _ in range(FUNCTIONS_OF_TALLY):
            bridge.wait_for_stdout("serving instance function")
        server = self.wash("run", harness.guest("tally-web"), "--addr", "127.0.0.1:0",
                           "--provider", f"test:tally={self.server.url}/tally")
        # It says what it serves just before it does.
        for path in ("/other/first", "/resource"):
            self.eventually(lambda path=path: server.get(path).status == 200, f"no {path}")
        for count in (1, 2, 3):
            self.assertEqual(f"{count}", server.get("/other/visits").text.strip())
        self.assertEqual("41 42", server.get("/resource").text.strip())


if __name__ == "__main__":
    unittest.main()
