#!/usr/bin/env python3
"""1 GiB through a component and back, in constant memory."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402
from streaming import MIB, bounded_growth, check_echo, check_echo_http2  # noqa: E402

ECHOES = (("http-echo", "/"), ("http-echo", "/splice"), ("http-echo-p3", "/"),
          ("http-echo-p3", "/pipe"))


class LongStreamingTest(harness.TestCase):
    def check(self, echo):
        for name, path in ECHOES:
            with self.subTest(f"{name}{path}"):
                server = self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0")
                server.post(path, b"warm")
                with bounded_growth(self, server, 64 * MIB):
                    echo(self, server, path, 1024 * MIB)

    def test_1_gib_comes_back_with_less_than_64_mib_of_growth(self):
        self.check(check_echo)

    def test_1_gib_comes_back_over_http_2(self):
        self.check(check_echo_http2)


if __name__ == "__main__":
    harness.main()
