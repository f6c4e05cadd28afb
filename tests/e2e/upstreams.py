"""Servers that a component's outgoing requests reach, played by the test itself on loopback."""

import contextlib
import functools
import socket
import threading

import harness
from streaming import MIB, PIECE, Chunks, check_body, pattern

OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def with_each(*names):
    """Runs a test for each of the components, or for both that forward requests."""
    def decorate(test):
        @functools.wraps(test)
        def run_each(self):
            for name in names or ("http-outbound", "http-outbound-p3"):
                with self.subTest(name):
                    test(self, name)
        return run_each
    return decorate


class Accepted(harness.Raw):
    """The server's end of one connection."""

    def __init__(self, accepted):
        accepted.settimeout(harness.PATIENCE_SECONDS)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.received = accepted, b""

    def read_head(self):
        return self.read_until("\r\n\r\n").decode("latin-1").lower()

    def wait_for_end(self):
        """Until the client closes or resets, whatever it still sends."""
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(PIECE):
                pass


class Upstream:
    """Calls play(connection, number) for each connection, in a thread of its own, and closes it.

    `closed` says how many connections are over. A failed assertion in a play fails the test at its
    end; that the client closed early does not.
    """

    def __init__(self, test, play, accept=Accepted):
        self.connections, self.closed = 0, 0
        self._play, self._failures, self._changed = play, [], threading.Condition()
        self._accepted = accept
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        test.addCleanup(self._end)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def wait_until_closed(self, count):
        """Until that many connections have come to their end."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.closed >= count, harness.PATIENCE_SECONDS):
                raise AssertionError(f"only {self.closed} of {count} connections were closed")

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(accepted, self.connections),
                                 daemon=True).start()

    def _serve(self, accepted, number):
        try:
            with contextlib.suppress(EOFError, ConnectionError), \
                    self._accepted(accepted) as connection:
                self._play(connection, number)
        except Exception as failure:  # shown by the test's own thread
            self._failures.append(failure)
        with self._changed:
            self.closed += 1
            self._changed.notify_all()

    def close(self):
        """Its port refuses connections from now on."""
        # Closing alone would not wake the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _end(self):
        self.close()
        if self._failures:
            raise self._failures[0]


class FullListener:
    """A port of loopback at which no further connection comes about: nobody accepts those that wait
    there, and no more may wait."""

    def __init__(self, test):
        self._test = test
        self._listener = socket.socket()
        test.addCleanup(self._listener.close)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port = self._listener.getsockname()[1]
        while self._takes_one_more():
            pass

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def _takes_one_more(self):
        client = socket.socket()
        self._test.addCleanup(client.close)
        client.settimeout(0.5)
        try:
            client.connect(("127.0.0.1", self.port))
        except TimeoutError:
            return False
        return True


class TestCase(harness.TestCase):
    """Of components that forward requests, and say what came of it."""

    def serve(self, name, upstream, *flags):
        """One thread, so that every request can use every connection that is kept."""
        return self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0", "--shards", "1",
                         "--allowed-host", "*", "--allowed-loopback-port", str(upstream.port),
                         *flags)

    def ask(self, server, url, method="GET", **headers):
        fields = {"x-url": url, **{name.replace("_", "-"): value
                                   for name, value in headers.items()}}
        body = b"content" if method == "POST" else None
        return server.request(method, headers=fields, body=body)

    def check_answered(self, answer):
        self.assertEqual((200, "ok"), (answer.status, answer.text))

    def check_failed(self, answer, name):
        """The component answers with the name of the error that it saw."""
        self.assertEqual((502, name), (answer.status, answer.text.split("\n")[0]), answer.text)


def echo_with_trailers(connection, _number):
    """Sends content and trailers back as they come, and how much it was in one more trailer."""
    head = connection.read_head()
    if "transfer-encoding: chunked" not in head:
        raise AssertionError(head)
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                    "Trailer: x-sum, x-received\r\n\r\n")
    chunks, received = Chunks(connection), 0
    while piece := chunks.read():
        received += len(piece)
        connection.send(b"%X\r\n%b\r\n" % (len(piece), piece))
    trailers = "".join(f"{line}\r\n" for line in chunks.trailers)
    connection.send(f"0\r\n{trailers}x-received: {received}\r\n\r\n")


def send_without_end(connection, _number):
    """Content without end, until the client wants no more."""
    connection.read_head()
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.send(b"10000\r\n%b\r\n" % bytes(0x10000))


def answer_each(connection, _number):
    """Answers one request without content after the other."""
    while True:
        connection.read_head()
        connection.send(OK)


class ChunkedSender:
    """Sends a request whose content of `length` bytes is chunked and followed by a trailer."""

    def __init__(self, client, url, length, *, path="/", headers=""):
        self._client, self._length, self.failure = client, length, None
        client.send(f"POST {path} HTTP/1.1\r\nHost: h\r\nX-Url: {url}\r\nTE: trailers\r\n"
                    f"Trailer: x-sum\r\nTransfer-Encoding: chunked\r\n{headers}\r\n")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            for offset in range(0, self._length, PIECE):
                piece = pattern(offset, min(PIECE, self._length - offset))
                self._client.socket.sendall(b"%X\r\n%b\r\n" % (len(piece), piece))
            self._client.socket.sendall(b"0\r\nx-sum: 42\r\n\r\n")
        except OSError as failure:
            self.failure = failure

    def join(self):
        self._thread.join(harness.PATIENCE_SECONDS)


def check_proxied(test, server, upstream, path, length):
    """Sends `length` bytes through the component to an echo and back; compares every one."""
    with server.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        sender = ChunkedSender(client, upstream.url, length, path=path)
        head = client.read_until("\r\n\r\n")
        test.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
        chunks = Chunks(client)
        check_body(test, chunks, length)
        sender.join()
        test.assertIsNone(sender.failure)
        test.assertEqual(["x-received: " + str(length), "x-sum: 42"], sorted(chunks.trailers))
