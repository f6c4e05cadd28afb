#!/usr/bin/env python3
"""Components of megabytes, as languages with a runtime of their own make them: compiling one takes
little more memory than the component, and gives it back."""

import harness

MIB = 1 << 20
FUNCTIONS = 20_000


def leb(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def section(kind, content):
    return bytes([kind]) + leb(len(content)) + content


def large_module():
    """A core module of some two megabytes of code: functions that compute, each another number."""
    bodies = bytearray()
    for number in range(FUNCTIONS):
        # No locals; local.get 0, then: i32.const, i32.mul, local.get 0, i32.add; end.
        body = b"\x00\x20\x00"
        for step in range(10):
            factor = (number + step) % 60 + 64 * (1 + number % 60)
            body += b"\x41" + leb(factor) + b"\x6c\x20\x00\x6a"
        body += b"\x0b"
        bodies += leb(len(body)) + body
    return (b"\0asm\x01\0\0\0" + section(1, b"\x01\x60\x01\x7f\x01\x7f") +
            section(3, leb(FUNCTIONS) + b"\x00" * FUNCTIONS) +
            section(10, leb(FUNCTIONS) + bytes(bodies)))


class LargeComponentTest(harness.TestCase):
    def large(self, name):
        """That guest with one core module more, which it makes no use of."""
        with open(harness.guest(name), "rb") as guest:
            component = guest.read()
        path = self.folder / f"{name}.wasm"
        path.write_bytes(component + section(1, large_module()))
        self.assertGreater(path.stat().st_size, MIB)
        return path

    def check(self, name, *flags):
        server = self.wash("run", self.large(name), "--addr", "127.0.0.1:0", "--no-cache", *flags)
        self.assertEqual(200, server.get().status)
        self.assertLess(server.peak_resident_bytes(), 400 * MIB)
        self.assertLess(server.resident_bytes(), 200 * MIB)

    def test_without_wasi_0_3(self):
        self.check("http-hello")

    def test_with_wasi_0_3(self):
        self.check("http-hello-p3", "--pool-size", "2", "--max-concurrency", "4")


if __name__ == "__main__":
    harness.main()
