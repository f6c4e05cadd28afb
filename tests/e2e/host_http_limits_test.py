#!/usr/bin/env python3
"""`http.limits` of a host's configuration, against clients of HTTP/1.1 and of TLS that exceed them.
Those of HTTP/2 alone are in http2_protocol_test.py."""

import contextlib
import http.client
import re
import socket
import ssl
import threading

import certificates
import harness
import hosting
from hosting import workload
from http2_clients import Client, head
from http2_frames import RST_STREAM, Code, window_update

# More than the system keeps of a connection, and in KiB more than that for a limit.
BIG = 32 << 20
HIGH = 64 << 10
PIECE = 16 << 10


def get(path="/count", fields=""):
    return f"GET {path} HTTP/1.1\r\nhost: w.test\r\n{fields}\r\n"


def post(path, length, content):
    return f"POST {path} HTTP/1.1\r\nhost: w.test\r\ncontent-length: {length}\r\n\r\n{content}"


def chunked(content):
    return ("POST /drain HTTP/1.1\r\nhost: w.test\r\ntransfer-encoding: chunked\r\n\r\n"
            f"{len(content):x}\r\n{content}\r\n0\r\n\r\n")


# However slow the machine is.
PATIENT = {"idleTimeout": "10m", "bodyIdleTimeout": "10m", "tlsHandshakeTimeout": "10m",
           "minBodyBytesPerSecond": 0}

OF_A_MESSAGE = {"maxRequestLineKb": 1, "maxHeaderKb": 2, "maxHeaderCount": 8, "maxBodyKb": 1}

EXCEEDING = {
    "a request line": (get("/count?" + "a" * 1024), 414),
    "a field": (get(fields=f"x: {'a' * 2048}\r\n"), 431),
    "fields together": (get(fields=f"x: {'a' * 500}\r\n" * 5), 431),
    "the number of fields": (get(fields="x: a\r\n" * 8), 431),
    "content as announced": (post("/drain", 1025, "a" * 1025), 413),
    "content as it comes": (chunked("a" * 1025), 413),
}

WITHIN = {
    "a request line": (get("/count?" + "a" * 1000), "1\n"),
    "a field": (get(fields=f"x: {'a' * 2000}\r\n"), "1\n"),
    "the number of fields": (get(fields="x: a\r\n" * 7), "1\n"),
    "content as announced": (post("/drain", 1024, "a" * 1024), "1024\n"),
    "content as it comes": (chunked("a" * 1024), "1024\n"),
}

# What a client sends before it falls silent, what it gets, and how long that takes by default.
SILENT = {
    "headerTimeout": ("GET / HTTP/1.1\r\n", rb"\AHTTP/1\.1 408 ", 10),
    "idleTimeout": ("", rb"\A\Z", 75),
    "bodyIdleTimeout": (post("/drain", 2, "x"), rb"(?s)\AHTTP/1\.1 200 .*\b1, then ", 30),
}


class HttpLimitsTest(hosting.TestCase):
    def serving(self, guest="http-misc", *, access_log=None, **limits):
        """A host that has these, and a workload at w.test."""
        log = {} if access_log is None else {"accessLog": {"path": str(access_log)}}
        host = self.host(config={"shards": 1, "http": {"limits": limits}, **log})
        host.apply(workload("w", guest))
        return host

    def calls(self, host):
        return host.status("w")["components"][0]["callsInFlight"]

    def read_all(self, client, count):
        """So many bytes, of which nothing is kept."""
        for _ in range(count // PIECE):
            client.read_exactly(PIECE)

    def check_served(self, client):
        client.send(get())
        answer = client.read_answer()
        self.assertEqual((200, "1\n"), (answer.status, answer.text))
        return answer

    def check_cut_off(self, host, sent, expected, default_seconds):
        """A client that sends no more than this gets that, and its connection is closed, sooner
        than by default. A machine that is busy may need more than one attempt."""
        seen = []

        def is_cut_off():
            with host.connect() as client:
                client.socket.settimeout(0.8 * default_seconds)
                with contextlib.suppress(TimeoutError):
                    client.send(sent)
                    seen[:] = [client.read_to_end()]
                    return re.search(expected, seen[0]) is not None
            return False

        self.eventually(is_cut_off, f"no client of {sent!r} was cut off in time: {seen}")


class MessagesTest(HttpLimitsTest):
    def test_what_exceeds_a_limit_is_refused_and_its_connection_ends(self):
        host = self.serving(**OF_A_MESSAGE)
        for what, (request, status) in EXCEEDING.items():
            with self.subTest(what), host.connect() as client:
                client.send(request)
                answer = client.read_answer()
                self.assertEqual((status, "close"),
                                 (answer.status, answer.headers.get("connection")))
                self.assertEqual(b"", client.read_to_end())

    def test_what_is_within_the_limits_is_answered_and_its_connection_stays(self):
        host = self.serving(**OF_A_MESSAGE)
        for what, (request, expected) in WITHIN.items():
            with self.subTest(what), host.connect() as client:
                client.send(request)
                answer = client.read_answer()
                self.assertEqual((200, expected), (answer.status, answer.text))
                self.check_served(client)

    def test_content_that_nobody_reads_is_swallowed_up_to_a_limit(self):
        host = self.serving(maxDrainKb=1)
        with host.connect() as client:
            client.send(post("/noread", 1024, ""))
            self.assertEqual(200, client.read_answer().status)
            client.send("a" * 1024)
            self.check_served(client)
        with host.connect() as client:
            client.send(post("/noread", 1025, ""))
            self.assertEqual(200, client.read_answer().status)
            self.assertEqual(b"", client.read_to_end())


class ConnectionsTest(HttpLimitsTest):
    def is_served(self, host):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return host.ask("w.test", "/count").status == 200
        return False

    def begin(self, host):
        """A client with a request under way, whose last byte is missing."""
        client = self.enterContext(host.connect())
        client.send(post("/drain", 2, "x"))
        return client

    def check_ends(self, client):
        """That its request does, and well."""
        client.send("x")
        self.assertEqual(200, client.read_answer().status)

    def wait_until_busy(self, host, count):
        self.eventually(lambda: self.calls(host) == count, f"{count} requests are not under way")

    def test_a_connection_too_many_is_closed_at_once_where_all_are_busy(self):
        host = self.serving(maxConnections=3, **PATIENT)
        held = [self.begin(host) for _ in range(3)]
        self.wait_until_busy(host, 3)
        with host.connect() as client:
            self.assertEqual(b"", client.read_to_end())
        self.assertEqual(1, host.metric("nimbus_http_connections_refused_total"))
        self.assertEqual(0, host.metric("nimbus_http_connections_evicted_total"))
        self.check_ends(held[0])
        held[0].close()
        self.eventually(lambda: self.is_served(host), "a place that is free is not given away")
        for client in held[1:]:
            self.check_ends(client)

    def test_a_new_client_takes_the_place_of_the_one_that_has_been_idle_for_the_longest(self):
        host = self.serving(maxConnections=3, **PATIENT)
        busy = self.begin(host)
        self.wait_until_busy(host, 1)
        silent = self.enterContext(host.connect())
        clients = [silent]
        for _ in range(3):
            # The second request comes after the turn of the loop in which the one before ended.
            clients.append(self.enterContext(host.connect()))
            for _ in range(2):
                self.check_served(clients[-1])
        for ended in clients[:2]:
            self.assertEqual(b"", ended.read_to_end())
        self.assertEqual(2, host.metric("nimbus_http_connections_evicted_total"))
        self.assertEqual(0, host.metric("nimbus_http_connections_refused_total"))
        self.check_ends(busy)
        for kept in clients[2:]:
            self.check_served(kept)

    def test_a_connection_ends_after_its_requests_and_the_last_answer_says_so(self):
        host = self.serving(maxRequestsPerConnection=3)
        for _ in range(2):
            with host.connect() as client:
                told = [self.check_served(client).headers.get("connection") for _ in range(3)]
                self.assertEqual([None, None, "close"], told)
                self.assertEqual(b"", client.read_to_end())


class TimesTest(HttpLimitsTest):
    def test_a_client_that_falls_silent_is_cut_off(self):
        host = self.serving(**{key: "500ms" for key in SILENT})
        for key, (sent, expected, default_seconds) in SILENT.items():
            with self.subTest(key):
                self.check_cut_off(host, sent, expected, default_seconds)

    def test_content_that_comes_more_slowly_than_the_least_rate_is_given_up(self):
        # Ten seconds pass before the rate counts. By default the first part were enough for long.
        host = self.serving(bodyIdleTimeout="10m", minBodyBytesPerSecond=1_000_000)
        with host.connect() as client:
            client.send(post("/drain", 200_000, "x" * 100_000))
            self.assertRegex(client.read_to_end(), rb"(?s)\AHTTP/1\.1 200 .*\b100000, then ")

    def test_a_client_that_takes_nothing_is_cut_off(self):
        log = self.folder / "access.log"
        host = self.serving(writeIdleTimeout="500ms", access_log=log)
        with host.connect() as client:
            client.send(get(f"/big?bytes={64 << 20}"))
            # By default it would take half a minute.
            self.eventually(lambda: log.exists() and "/big" in log.read_text(),
                            "its request does not end", timeout_seconds=24)
            self.assertLess(len(client.read_to_end()), 64 << 20)

    def taken_slowly(self, **limits):
        """How much a client gets that takes 16 KiB every 20 ms for three seconds, which is no more
        than 800 KB a second, and then all that there is."""
        host = self.serving(writeIdleTimeout="500ms", **limits)
        pause, taken = threading.Event(), 0
        with host.connect() as client, contextlib.suppress(EOFError, ConnectionError):
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
            client.send(get(f"/big?bytes={BIG}&length=1"))
            client.read_until("\r\n\r\n")
            for _ in range(150):
                taken += len(client.read_exactly(PIECE))
                pause.wait(0.02)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.read_all(client, BIG - taken)
            taken = BIG
        return taken

    def test_a_client_that_takes_less_than_the_least_rate_is_cut_off(self):
        taken = self.taken_slowly(minResponseBytesPerSecond=100_000_000, unsentHighWaterKb=HIGH)
        self.assertLess(taken, BIG)

    def test_a_client_that_takes_enough_or_all_that_waits_is_kept(self):
        # A machine that is busy may let the client pause for too long.
        for limits in ({"minResponseBytesPerSecond": 0, "unsentHighWaterKb": HIGH},
                       {"minResponseBytesPerSecond": 10_000, "unsentHighWaterKb": HIGH},
                       {"minResponseBytesPerSecond": 100_000_000, "unsentHighWaterKb": 1}):
            with self.subTest(**limits):
                self.eventually(lambda limits=limits: self.taken_slowly(**limits) == BIG,
                                "it is cut off")

    def end_of_stream_taken_slowly(self, **limits):
        """The code with which a response over HTTP/2 is reset of which the client takes 200 bytes a
        second at most; None if it is not within three seconds."""
        host = self.serving(writeIdleTimeout="500ms", **limits)
        pause = threading.Event()
        with Client(host) as client:
            stream = client.next_stream()
            client.send(head(stream, f"/big?bytes={BIG}", host="w.test"))
            for _ in range(60):
                pause.wait(0.05)
                client.send(window_update(0, 10) + window_update(stream, 10))
                while client.readable(0):
                    one = client.read_frame()
                    if one.kind == RST_STREAM:
                        return one.code
        return None

    def test_each_response_over_http_2_has_to_be_taken_at_the_least_rate(self):
        for limits, code in (({"minResponseBytesPerSecond": 1000}, Code.CANCEL),
                             ({"minResponseBytesPerSecond": 0}, None)):
            with self.subTest(**limits):
                self.eventually(
                    lambda limits=limits, code=code:
                    self.end_of_stream_taken_slowly(**limits) == code,
                    "it is kept where it should not be, or the other way round")


class UnsentTest(HttpLimitsTest):
    def test_a_response_waits_in_memory_up_to_a_limit_and_its_guest_for_the_client(self):
        for guest in ("http-misc", "http-misc-p3"):
            for limit, is_over in ((HIGH, True), (64, False)):
                with self.subTest(guest, limit=limit):
                    host = self.serving(guest, unsentHighWaterKb=limit)
                    with host.connect() as client:
                        client.send(get(f"/big?bytes={BIG}&length=1"))
                        client.read_until("\r\n\r\n")
                        if is_over:
                            self.eventually(lambda: self.calls(host) == 0, "the guest waits")
                        # Another one that does the same comes to its end meanwhile.
                        self.assertEqual(BIG, len(host.ask("w.test", f"/big?bytes={BIG}").body))
                        self.eventually(lambda: self.calls(host) == (0 if is_over else 1),
                                        "more or less waits than should")
                        self.read_all(client, BIG)


class HandshakeTest(HttpLimitsTest):
    def setUp(self):
        super().setUp()
        self.certificates = certificates.Certificates(self.folder)

    def secured(self, **limits):
        identity = {"certificate": self.certificates["server.pem"],
                    "key": self.certificates["server.key"]}
        listener = {"address": "127.0.0.1:0", "tls": {"certificates": [identity]}}
        settings = {"shards": 1, "http": {"listeners": [listener], "limits": limits}}
        host = self._start(hosting.Host, ["-o", "json", "host", "--admin-socket",
                                          self.admin_socket, "--config", self.config(settings)],
                           None, {"admin_socket": self.admin_socket})
        host.apply(workload("w"))
        return host

    def is_served(self, host):
        context = ssl.create_default_context(cafile=self.certificates["ca.pem"])
        with contextlib.suppress(OSError), \
                socket.create_connection((host.host, host.port),
                                         timeout=harness.PATIENCE_SECONDS) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as client:
            client.sendall(get(fields="connection: close\r\n").encode())
            return client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        return False

    def test_a_handshake_that_does_not_come_to_its_end_is_given_up(self):
        host = self.secured(tlsHandshakeTimeout="500ms")
        beginning = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
        for sent in (b"", beginning):
            with self.subTest(sent):
                self.check_cut_off(host, sent, rb"\A(?!HTTP)", 10)
        self.eventually(lambda: host.metric("nimbus_http_tls_handshake_errors_total") >= 2,
                        "they are not counted")
        self.eventually(lambda: self.is_served(host), "nobody is served any more")

    def test_those_who_do_not_even_begin_a_handshake_keep_nobody_out(self):
        host = self.secured(maxConnections=2, **PATIENT)
        silent = [self.enterContext(host.connect()) for _ in range(2)]
        self.assertTrue(self.is_served(host))
        # They may have come together.
        self.eventually(lambda: [client.readable(0) for client in silent].count(True) == 1,
                        "not one of them is ended")


if __name__ == "__main__":
    harness.main()
