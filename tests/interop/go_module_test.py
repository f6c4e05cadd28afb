#!/usr/bin/env python3
"""wRPC's own Go module over TCP and NATS, both ways. Skipped where that module cannot be had."""

import os
import pathlib
import subprocess
import unittest

import interop
from interop import WRPC_INTEROP, peer

BUILD = pathlib.Path(os.environ["SOURCE"]) / "scripts" / "build-wrpc-go.sh"
UNAVAILABLE = 77


class GoModuleTest(interop.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        status = subprocess.run([BUILD, interop.PEERS], check=False).returncode
        if status == UNAVAILABLE:
            raise unittest.SkipTest("the Go module wrpc.io/go is not to be had here")
        if status != 0:
            raise AssertionError(f"{BUILD} ended with {status}")
        cls.go = peer("wrpc-go-tcp")

    def test_our_client_calls_a_go_server(self):
        server = self.start(self.go, "serve", "127.0.0.1:0")
        self.assert_succeeds(WRPC_INTEROP, "check", f"tcp:{server.announced}")

    def test_a_go_client_calls_our_server(self):
        server = self.start(WRPC_INTEROP, "serve", "tcp:127.0.0.1:0")
        self.assert_succeeds(self.go, "check", server.announced)

    def test_a_go_client_calls_a_go_server(self):
        """So that a failure above is known to be ours."""
        server = self.start(self.go, "serve", "127.0.0.1:0")
        self.assert_succeeds(self.go, "check", server.announced)

    def test_our_client_calls_a_go_server_over_nats(self):
        nats = self.nats()
        self.start(self.go, "serve", f"{nats.url}/peer")
        self.assert_succeeds(WRPC_INTEROP, "check", f"{nats.url}/peer")

    def test_a_go_client_calls_our_server_over_nats(self):
        nats = self.nats()
        self.start(WRPC_INTEROP, "serve", f"{nats.url}/peer")
        self.assert_succeeds(self.go, "check", f"{nats.url}/peer")

    def test_a_go_client_calls_a_go_server_over_nats(self):
        nats = self.nats()
        self.start(self.go, "serve", f"{nats.url}/peer")
        self.assert_succeeds(self.go, "check", f"{nats.url}/peer")


if __name__ == "__main__":
    unittest.main()
