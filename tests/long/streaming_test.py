#!/usr/bin/env python3
"""1 GiB through a component and back, in constant memory."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402
from streaming import MIB, bounded_growth, check_echo  # noqa: E402


class LongStreamingTest(harness.TestCase):
    def test_1_gib_comes_back_with_less_than_64_mib_of_growth(self):
        for name, path in (("http-echo", "/"), ("http-echo", "/splice"), ("http-echo-p3", "/"),
                           ("http-echo-p3", "/pipe")):
            with self.subTest(f"{name}{path}"):
                server = self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0")
                server.post(path, b"warm")
                with bounded_growth(self, server, 64 * MIB):
                    check_echo(self, server, path, 1024 * MIB)


if __name__ == "__main__":
    harness.main()
