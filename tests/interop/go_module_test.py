#!/usr/bin/env python3
"""wRPC's own Go module over TCP and NATS, both ways."""

import unittest

import interop
from interop import WRPC_INTEROP, peer


class GoModuleTest(interop.TestCase):
    """What `check` calls is in interop/wit: every type, streams, futures, resources, a failure."""

    def setUp(self):
        super().setUp()
        self.go = peer("wrpc-go")

    def address(self):
        """Of a peer behind a NATS server."""
        return f"{self.nats().url}/peer"

    def test_our_client_calls_a_go_server(self):
        server = self.start(self.go, "serve", "127.0.0.1:0")
        self.assert_succeeds(WRPC_INTEROP, "check", f"tcp:{server.announced}")

    def test_a_go_client_calls_our_server(self):
        server = self.start(WRPC_INTEROP, "serve", "tcp:127.0.0.1:0")
        self.assert_succeeds(self.go, "check", server.announced.removeprefix("tcp:"))

    def test_a_go_client_calls_a_go_server(self):
        """So that a failure above is known to be ours."""
        server = self.start(self.go, "serve", "127.0.0.1:0")
        self.assert_succeeds(self.go, "check", server.announced)

    def test_our_client_calls_a_go_server_over_nats(self):
        address = self.address()
        server = self.start(self.go, "serve", address)
        self.assert_succeeds(WRPC_INTEROP, "check", address)
        server.wait_for_stderr("on purpose")
        self.assert_succeeds(WRPC_INTEROP, "large", address)

    def test_a_go_client_calls_our_server_over_nats(self):
        address = self.address()
        server = self.start(WRPC_INTEROP, "serve", address)
        self.assert_succeeds(self.go, "check", address)
        server.wait_for_stderr("on purpose")
        self.assert_succeeds(self.go, "large", address)

    def test_a_go_client_calls_a_go_server_over_nats(self):
        address = self.address()
        self.start(self.go, "serve", address)
        self.assert_succeeds(self.go, "check", address)

    def test_streams_within_records_cross_tcp_and_nats_in_every_direction(self):
        nats = self.nats()
        for client, server in ((WRPC_INTEROP, self.go), (self.go, WRPC_INTEROP),
                               (WRPC_INTEROP, WRPC_INTEROP), (self.go, self.go)):
            name = f"{client.name}.{server.name}"
            with self.subTest(f"{name} over NATS"):
                self.start(server, "serve", f"{nats.url}/{name}")
                self.assert_succeeds(client, "nested", f"{nats.url}/{name}")
            with self.subTest(f"{name} over TCP"):
                ours = "tcp:127.0.0.1:0" if server == WRPC_INTEROP else "127.0.0.1:0"
                at = self.start(server, "serve", ours).announced.removeprefix("tcp:")
                at = f"tcp:{at}" if client == WRPC_INTEROP else at
                self.assert_succeeds(client, "nested", at)

    def test_a_killed_go_server_is_missed_over_nats(self):
        nats = self.nats()
        address = f"{nats.url}/peer"
        nats.kill_client(self.start(self.go, "serve", address))
        status, output = self.run_peer(WRPC_INTEROP, "check", address)
        self.assertNotEqual(0, status)
        self.assertIn("same-numbers: ", output)
        self.assertIn("nobody serves it", output)

    def test_our_killed_server_is_missed_by_a_go_client_over_nats(self):
        nats = self.nats()
        address = f"{nats.url}/peer"
        nats.kill_client(self.start(WRPC_INTEROP, "serve", address))
        status, output = self.run_peer(self.go, "check", address)
        self.assertNotEqual(0, status)
        self.assertIn("no responders available", output)


if __name__ == "__main__":
    unittest.main()
