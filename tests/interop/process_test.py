#!/usr/bin/env python3
"""Our client and our server in two processes: over both kinds of sockets, and across a kill -9."""

import unittest

import interop
from interop import WRPC_INTEROP


class ProcessTest(interop.TestCase):
    def setUp(self):
        super().setUp()
        self.unix = f"unix:{self.folder / 'peer'}"

    def serve(self, listen):
        """The server, and where it is to be found."""
        server = self.start(WRPC_INTEROP, "serve", listen)
        return server, server.announced

    def test_everything_crosses_a_unix_socket(self):
        server, address = self.serve(self.unix)
        self.assert_succeeds(WRPC_INTEROP, "check", address)
        self.assert_succeeds(WRPC_INTEROP, "large", address)
        server.wait_for_stderr("on purpose")

    def test_everything_crosses_tcp(self):
        _, address = self.serve("tcp:127.0.0.1:0")
        self.assert_succeeds(WRPC_INTEROP, "check", address)
        self.assert_succeeds(WRPC_INTEROP, "large", address)

    def kill_in_mid_call(self, listen):
        server, address = self.serve(listen)
        caller = self.own(interop.harness.Process([WRPC_INTEROP, "hang", address]))
        server.wait_for_stdout("hanging")
        server.kill()
        self.assertEqual(0, caller.wait())  # which has no time-out of its own
        self.assertIn("no answer: ", caller.describe())
        status, output = self.run_peer(WRPC_INTEROP, "check", address)
        self.assertNotEqual(0, status)
        self.assertIn("cannot connect", output)
        return address

    def test_a_killed_unix_server_fails_the_call_and_serves_again_after_its_restart(self):
        address = self.kill_in_mid_call(self.unix)
        self.serve(address)
        self.assert_succeeds(WRPC_INTEROP, "check", address)

    def test_a_killed_tcp_server_fails_the_call_and_serves_again_after_its_restart(self):
        address = self.kill_in_mid_call("tcp:127.0.0.1:0")
        self.serve(address)
        self.assert_succeeds(WRPC_INTEROP, "check", address)


if __name__ == "__main__":
    unittest.main()
