"""wRPC's own crates for Rust, whose only dialect is the framed one, over Unix sockets and TCP, both
ways."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import interop  # noqa: E402
from interop import WRPC_INTEROP, peer  # noqa: E402


class WrpcRustTest(interop.TestCase):
    """What `check` calls is in interop/wit: every type, streams, futures, resources, a failure."""

    def setUp(self):
        super().setUp()
        self.rust = peer("wrpc-rust")

    def check_over_all(self, client, server):
        for listen in (f"unix:{self.folder}/peer.sock", "tcp:127.0.0.1:0"):
            with self.subTest(listen):
                serving = self.start(server, "serve", listen)
                address = serving.announced
                if address.startswith("127."):
                    address = f"tcp:{address}"
                self.assert_succeeds(client, "check", address)
                serving.wait_for_stderr("on purpose")
                self.assert_succeeds(client, "large", address)

    def test_our_client_calls_a_rust_server(self):
        self.check_over_all(WRPC_INTEROP, self.rust)

    def test_a_rust_client_calls_our_server(self):
        self.check_over_all(self.rust, WRPC_INTEROP)

    def test_a_rust_client_calls_a_rust_server(self):
        """So that a failure above is known to be ours."""
        self.check_over_all(self.rust, self.rust)

    def test_a_rust_server_that_dies_breaks_its_calls_off(self):
        address = f"unix:{self.folder}/peer.sock"
        server = self.start(self.rust, "serve", address)
        caller = self.own(interop.harness.Process([WRPC_INTEROP, "hang", address]))
        server.wait_for_stdout("hanging")
        server.kill()
        caller.wait_for_stdout("no answer: ")
        self.assertEqual(0, caller.wait())

    def test_a_server_of_ours_that_dies_is_missed_by_a_rust_client(self):
        address = f"unix:{self.folder}/peer.sock"
        self.start(WRPC_INTEROP, "serve", address).kill()
        status, output = self.run_peer(self.rust, "check", address)
        self.assertNotEqual(0, status)
        self.assertIn("Connection refused", output)


if __name__ == "__main__":
    unittest.main()
