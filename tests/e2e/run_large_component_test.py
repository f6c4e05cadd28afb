#!/usr/bin/env python3
"""Components of megabytes, as languages with a runtime of their own make them: compiling one takes
little more memory than the component, and gives it back."""

import signal

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


def calling_component():
    """A component that calls a function which it imports: where one is inside of another, calls
    may cross between components."""
    function_type = section(7, b"\x01\x40\x00\x01\x00")
    imported = section(10, b"\x01\x00\x01f\x01\x00")
    lowered = section(8, b"\x01\x01\x00\x00\x00")
    return b"\0asm\x0d\0\x01\0" + function_type + imported + lowered


class LargeComponentTest(harness.TestCase):
    def large(self, name, composed):
        """That guest with one core module more, which it makes no use of, and for a composed one
        such a component."""
        with open(harness.guest(name), "rb") as guest:
            component = guest.read()
        path = self.folder / f"{name}.wasm"
        component += section(1, large_module())
        path.write_bytes(component + (section(4, calling_component()) if composed else b""))
        self.assertGreater(path.stat().st_size, MIB)
        return path

    def test_a_signal_ends_it_while_it_is_compiled(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number):
                cache = self.folder / f"cache-{status}"
                process = self.start("run", self.large("command", False), "--cache-dir", cache,
                                     "--", "echo", "compiled")
                process.wait_for_stderr("^Compiling ")
                process.send(number)
                self.assertEqual(status, process.wait())
                self.assertIn("interrupted", process.describe())
                self.assertEqual([], list(cache.iterdir()), "it was compiled to the end")

    def check(self, name, *flags, composed=False):
        path = self.large(name, composed)
        server = self.wash("run", path, "--addr", "127.0.0.1:0", "--no-cache", *flags)
        self.assertEqual(200, server.get().status)
        self.assertLess(server.peak_resident_bytes(), 400 * MIB)
        self.assertLess(server.resident_bytes(), 200 * MIB)

    def test_without_wasi_0_3(self):
        self.check("http-hello")

    def test_with_wasi_0_3(self):
        self.check("http-hello-p3", "--pool-size", "2", "--max-concurrency", "4")

    def test_composed(self):
        self.check("http-hello", composed=True)


if __name__ == "__main__":
    harness.main()
