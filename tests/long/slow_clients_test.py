#!/usr/bin/env python3
"""Clients that send a byte now and then: the limits that take seconds to be reached."""

import contextlib
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402

HEADER_TIMEOUT_SECONDS = 10


class SlowClientsTest(harness.TestCase):
    def drip(self, client, data, seconds_between):
        """Sends byte by byte until the peer has had enough; gives what it answered."""
        pause = threading.Event()
        for byte in data:
            if client.readable(0):
                break
            with contextlib.suppress(OSError):
                client.send(bytes([byte]))
            pause.wait(seconds_between)
        return client.read_to_end()

    def test_a_head_that_takes_too_long_is_ended_however_often_a_byte_comes(self):
        server = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0")
        for head in (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 1000, b"G" * 1000):
            with server.connect() as client:
                began = time.monotonic()
                answer = self.drip(client, head, 0.2)
                took = time.monotonic() - began
                self.assertIn(b" 408 ", answer[:20])
                self.assertGreaterEqual(took, HEADER_TIMEOUT_SECONDS - 1)
        self.assertEqual(200, server.get().status)

    def test_a_body_that_drips_is_ended(self):
        server = self.wash("run", harness.guest("http-misc"), "--addr", "127.0.0.1:0")
        with server.connect() as client:
            # The guest reads it all, and answers with the number of bytes that came.
            client.send("POST /drain HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
            answer = self.drip(client, b"b" * 1000, 0.2)
            came = re.search(rb"(?s)\AHTTP/1\.1 200 .*\b(\d+), then ", answer)
            self.assertTrue(came, answer)
            self.assertLess(int(came.group(1)), 1000)
        self.assertEqual(200, server.get("/count").status)

    def test_500_slow_heads_keep_nobody_else_waiting(self):
        server = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0")
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(server.connect()) for _ in range(500)]
            for client in slow:
                client.send("GET / HTTP/1.1\r\nHost: h\r\n")
            for _ in range(20):
                self.assertEqual(200, server.get().status)
            for client in slow:
                self.assertIn(b" 408 ", client.read_to_end()[:20])
        self.assertEqual(200, server.get().status)


if __name__ == "__main__":
    harness.main()
