"""A pseudo terminal for tests: programs that believe a user sits in front of them."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import harness

CLOSING_SECONDS = 3

class Terminal:
    """A program whose standard streams are a terminal; what it writes is read as text. `stdout` and
    `stderr` may lead elsewhere."""

    def __init__(self, command, *, columns=80, rows=24, **options):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        streams = {"stdin": slave, "stdout": slave, "stderr": slave, **options}
        self.process = subprocess.Popen([str(word) for word in command], **streams)
        os.close(slave)
        self.text = ""

    def read_until(self, text):
        deadline = time.monotonic() + harness.PATIENCE_SECONDS
        while text not in self.text:
            if not self._read_some(deadline):
                raise EOFError(f"no {text!r} in {self.text!r}")

    def read_to_end(self):
        """All it wrote, once it has ended."""
        deadline = time.monotonic() + harness.PATIENCE_SECONDS
        while self._read_some(deadline):
            pass
        return self.text

    def _read_some(self, deadline):
        ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError(f"nothing more behind {self.text!r}")
        try:
            data = os.read(self.master, 4096)
        except OSError:  # nobody has the other end open any more
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def take(self):
        """What was read so far, which is forgotten."""
        text, self.text = self.text, ""
        return text

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self):
        return self.process.wait(timeout=harness.PATIENCE_SECONDS)

    def close(self):
        """Ends it; given a moment, it ends what it has started, in process groups of their own."""
        self.process.terminate()
        try:
            self.process.wait(timeout=CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


class TestCase(harness.TestCase):
    def terminal(self, *arguments, **options):
        """A `wash` on a terminal that ends with the test."""
        options.setdefault("env", self.environment())
        terminal = Terminal([*self.wash_words(), *arguments], **options)
        self.addCleanup(terminal.close)
        return terminal
