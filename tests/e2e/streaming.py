"""Bodies of any length in constant memory, for the tests that stream."""

import contextlib
import socket
import subprocess
import threading

import harness

PIECE = 1 << 18
MIB = 1 << 20
# Every byte depends on its offset within a period that is no divisor of any buffer's size.
PERIOD = 251
_PATTERN = bytes(range(PERIOD)) * (PIECE // PERIOD + 2)


def pattern(offset, length):
    """`length` bytes, at most PIECE, of the endless body from `offset` on."""
    start = offset % PERIOD
    return memoryview(_PATTERN)[start:start + length]


class Sender:
    """Sends a request with a long body from a thread of its own."""

    def __init__(self, client, path, length, *, headers=""):
        self._client, self._length, self.failure = client, length, None
        client.send(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n"
                    f"{headers}\r\n")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            for offset in range(0, self._length, PIECE):
                self._client.socket.sendall(pattern(offset, min(PIECE, self._length - offset)))
        except OSError as failure:
            self.failure = failure

    def join(self):
        self._thread.join(harness.PATIENCE_SECONDS)


class Chunks:
    """Reads a chunked body piece by piece; `read` gives b"" at the end."""

    def __init__(self, client):
        self._client, self._left, self.trailers = client, 0, []

    def read(self):
        if self._left == 0:
            self._left = int(self._client.read_until("\r\n").split(b";")[0], 16)
            if self._left == 0:
                while (line := self._client.read_until("\r\n")) != b"\r\n":
                    self.trailers.append(line.decode("latin-1").strip().lower())
                return b""
        if not self._client.received:
            self._client.received = self._client.socket.recv(PIECE)
            if not self._client.received:
                raise EOFError("the peer closed in the middle of a chunk")
        piece = self._client.received[:self._left]
        self._client.received = self._client.received[len(piece):]
        self._left -= len(piece)
        if self._left == 0:
            self._client.read_exactly(2)
        return piece


def check_body(test, chunks, length):
    """Reads a chunked body to its end and compares every byte."""
    offset = 0
    while piece := chunks.read():
        for start in range(0, len(piece), PIECE):
            part = piece[start:start + PIECE]
            if part != pattern(offset, len(part)):
                test.fail(f"other bytes came back at {offset}")
            offset += len(part)
    test.assertEqual(length, offset)


def check_echo(test, server, path, length):
    """Sends `length` bytes while it reads them back, and compares every one."""
    with server.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sender = Sender(client, path, length)
        head = client.read_until("\r\n\r\n")
        test.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
        test.assertIn(b"transfer-encoding: chunked", head.lower())
        check_body(test, Chunks(client), length)
        sender.join()
        test.assertIsNone(sender.failure)


def check_echo_http2(test, server, path, length):
    """The same over HTTP/2 without TLS, by curl, which sends and receives at once."""
    curl = subprocess.Popen(
        ["curl", "-sS", "--fail", "--http2-prior-knowledge", "-H", "te: trailers", "-X", "POST",
         "-T", "-", "-w", "%{stderr}%{http_version} %{response_code}", f"{server.url}{path}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with curl:
        test.addCleanup(curl.kill)
        feeder = threading.Thread(target=_feed, args=(curl.stdin, length), daemon=True)
        feeder.start()
        offset = 0
        while part := curl.stdout.read1(PIECE):
            if part != pattern(offset, len(part)):
                test.fail(f"other bytes came back at {offset}")
            offset += len(part)
        told = curl.stderr.read().decode()
        feeder.join(harness.PATIENCE_SECONDS)
    test.assertEqual((0, "2 200", length), (curl.returncode, told, offset), told)


def _feed(pipe, length):
    # A reader that ends early is noticed by what it has not returned.
    with contextlib.suppress(BrokenPipeError), pipe:
        for offset in range(0, length, PIECE):
            pipe.write(pattern(offset, min(PIECE, length - offset)))


@contextlib.contextmanager
def bounded_growth(test, server, most_bytes):
    """The resident memory of the server must not have grown further at any time in between."""
    before = server.resident_bytes()
    yield
    grown = server.peak_resident_bytes() - before
    test.assertLess(grown, most_bytes, f"grown by {grown / MIB:.1f} MiB")
