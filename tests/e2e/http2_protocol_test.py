#!/usr/bin/env python3
"""HTTP/2 (RFC 9113) against clients that break its rules, or the limits of a host: each gets the
error that is meant, and nobody else notices."""

import contextlib
import ssl
import struct

import certificates
import harness
import hosting
from http2_clients import Client, Connection, head, request_fields, upload
from http2_frames import (CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS,
                          INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_BYTES,
                          MAX_HEADER_LIST_SIZE, MAX_WINDOW, PING, PRIORITY, PUSH_PROMISE,
                          SETTINGS, WHOLE, WINDOW_UPDATE, Code, block, frame, reset, status_of,
                          text, window_update)

WRONG_PREFACE = b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"
ANSWERED = (200, b"1\n")  # by /count of a fresh instance, and by /drain to a byte


class SecureConnection(Connection):
    def __init__(self, server, context):
        super().__init__((server.host, server.port))
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


# What ends a connection, by the sections of RFC 9113 and, of the last ones, RFC 7541.
VIOLATIONS = {
    "a frame larger than allowed":
        (frame(DATA, 0, 1, bytes(MAX_FRAME_BYTES + 1)), Code.FRAME_SIZE_ERROR),
    "a PING of 7 bytes": (frame(PING, 0, 0, bytes(7)), Code.FRAME_SIZE_ERROR),
    "SETTINGS with half an entry": (frame(SETTINGS, 0, 0, bytes(3)), Code.FRAME_SIZE_ERROR),
    "a WINDOW_UPDATE of 3 bytes": (frame(WINDOW_UPDATE, 0, 0, bytes(3)), Code.FRAME_SIZE_ERROR),
    "HEADERS on stream 0": (head(0), Code.PROTOCOL_ERROR),
    "HEADERS on a stream of the server's": (head(2), Code.PROTOCOL_ERROR),
    "HEADERS on a stream that was passed over":
        (head(5, "/sleep?ms=600000") + head(3), Code.PROTOCOL_ERROR),
    "DATA on stream 0": (frame(DATA, END_STREAM, 0, b"x"), Code.PROTOCOL_ERROR),
    "DATA on a stream that nobody opened": (frame(DATA, 0, 1, b"x"), Code.PROTOCOL_ERROR),
    "DATA after the end of the request":
        (head(1, "/sleep?ms=600000") + frame(DATA, END_STREAM, 1, b"x"), Code.STREAM_CLOSED),
    "HEADERS after the end of the request":
        (head(1, "/sleep?ms=600000") + head(1), Code.STREAM_CLOSED),
    "a PRIORITY of 4 bytes": (frame(PRIORITY, 0, 1, bytes(4)), Code.FRAME_SIZE_ERROR),
    "PRIORITY on stream 0": (frame(PRIORITY, 0, 0, bytes(5)), Code.PROTOCOL_ERROR),
    "RST_STREAM on a stream that nobody opened": (reset(1), Code.PROTOCOL_ERROR),
    "SETTINGS on a stream": (frame(SETTINGS, 0, 1), Code.PROTOCOL_ERROR),
    "PING on a stream": (frame(PING, 0, 1, bytes(8)), Code.PROTOCOL_ERROR),
    "a PUSH_PROMISE": (frame(PUSH_PROMISE, END_HEADERS, 1, bytes([0, 0, 0, 2])),
                       Code.PROTOCOL_ERROR),
    "CONTINUATION of nothing": (frame(CONTINUATION, END_HEADERS, 1), Code.PROTOCOL_ERROR),
    "CONTINUATION after the end of a head":
        (head(1, "/sleep?ms=600000") + frame(CONTINUATION, END_HEADERS, 1), Code.PROTOCOL_ERROR),
    "another frame inside of a head":
        (head(1, flags=END_STREAM) + frame(PING, 0, 0, bytes(8)), Code.PROTOCOL_ERROR),
    "padding longer than its frame":
        (upload(1) + frame(DATA, 8, 1, b"\x40short"), Code.PROTOCOL_ERROR),
    "a WINDOW_UPDATE of 0": (window_update(0, 0), Code.PROTOCOL_ERROR),
    "a WINDOW_UPDATE of 0 on a stream": (upload(1) + window_update(1, 0), Code.PROTOCOL_ERROR),
    "a window beyond its maximum": (window_update(0, MAX_WINDOW), Code.FLOW_CONTROL_ERROR),
    "an initial window beyond the maximum":
        (frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, 1 << 31)),
         Code.FLOW_CONTROL_ERROR),
    "fields that cannot be decoded": (frame(HEADERS, WHOLE, 1, b"\xff" * 7),
                                      Code.COMPRESSION_ERROR),
    "a few bytes that stand for megabytes of fields":
        (frame(HEADERS, WHOLE, 1, block(*request_fields()) + b"\x40" + text("x-bomb") +
               text("b" * 3000) + bytes([0x80 | 62]) * 10_000), Code.ENHANCE_YOUR_CALM),
}

# Fields that make no request.
MALFORMED = {
    "a name in upper case": (*request_fields(), ("X-Upper", "y")),
    "a field of one connection": (*request_fields(), ("connection", "close")),
    "a transfer coding": (*request_fields(), ("transfer-encoding", "chunked")),
    "a line feed in a value": (*request_fields(), ("x", "a\nb")),
    "a space in a name": (*request_fields(), ("x y", "a")),
    "no method": request_fields()[1:],
    "no path": (*request_fields()[:2], request_fields()[3]),
    "a pseudo field twice": (*request_fields(), (":path", "/2")),
    "a pseudo field after another one": (*request_fields()[:3], ("x", "y"), request_fields()[3]),
    "a pseudo field of responses": (*request_fields(), (":status", "200")),
    "a length of content that does not come": (*request_fields(), ("content-length", "5")),
}


class ViolationsTest(harness.TestCase):
    """Beside another client of the same server, which always gets its answers."""

    def setUp(self):
        super().setUp()
        self.server = self.wash("run", harness.guest("http-misc"), "--addr", "127.0.0.1:0")
        self.other = self.enterContext(Client(self.server))

    def check_other(self):
        self.assertEqual(ANSWERED, self.other.ask())

    def test_who_breaks_the_protocol_is_told_how_and_disconnected(self):
        for what, (sent, code) in VIOLATIONS.items():
            with self.subTest(what), Client(self.server) as client:
                client.send(sent)
                self.assertEqual(code, client.goaway())
            self.check_other()

    def test_a_malformed_request_is_reset_and_its_connection_goes_on(self):
        with Client(self.server) as client:
            for what, fields in MALFORMED.items():
                with self.subTest(what):
                    stream = client.next_stream()
                    client.send(frame(HEADERS, WHOLE, stream, block(*fields)))
                    self.assertEqual(Code.PROTOCOL_ERROR, client.answer(stream))
                    self.assertEqual(ANSWERED, client.ask())
            self.check_other()

    def test_content_of_another_length_than_announced_is_reset(self):
        fields = block(*request_fields("/drain", "POST"), ("content-length", "3"))
        with Client(self.server) as client:
            for content in (b"four", b"no"):
                with self.subTest(content):
                    stream = client.next_stream()
                    client.send(frame(HEADERS, END_HEADERS, stream, fields) +
                                frame(DATA, END_STREAM, stream, content))
                    self.assertEqual(Code.PROTOCOL_ERROR, client.answer(stream))
            self.assertEqual(ANSWERED, client.ask())

    def test_a_streams_own_window_beyond_its_maximum_ends_that_stream_alone(self):
        with Client(self.server) as client:
            stream = client.next_stream()
            client.send(upload(stream) + window_update(stream, MAX_WINDOW))
            self.assertEqual(Code.FLOW_CONTROL_ERROR, client.answer(stream))
            self.assertEqual(ANSWERED, client.ask())

    def test_another_preface_is_no_http_2(self):
        with self.server.connect() as client:
            client.send(WRONG_PREFACE)
            self.assertTrue(client.read_to_end().startswith(b"HTTP/1.1 505 "))
        self.check_other()

    def test_another_preface_than_that_of_the_chosen_protocol_is_an_error(self):
        issued = certificates.Certificates(self.folder)
        server = self.wash("run", harness.guest("http-misc"), "--addr", "127.0.0.1:0",
                           "--tls-cert", issued["server.pem"], "--tls-key", issued["server.key"])
        context = ssl.create_default_context(cafile=issued["ca.pem"])
        context.set_alpn_protocols(["h2"])
        with SecureConnection(server, context) as client:
            client.send(WRONG_PREFACE)
            self.assertEqual(Code.PROTOCOL_ERROR, client.goaway())

    def check_flood(self, client, batch):
        """Sends one batch after the other until the server says something, which is the end."""
        client.settle()
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                if client.readable(0):
                    break
                client.send(batch())
        self.assertEqual(Code.ENHANCE_YOUR_CALM, client.goaway())
        self.check_other()

    def test_who_resets_one_request_after_the_other_is_disconnected(self):
        with Client(self.server) as client:
            streams = [client.next_stream() for _ in range(100)]

            def batch():
                sent = b"".join(head(stream, "/sleep?ms=600000") + reset(stream)
                                for stream in streams)
                streams[:] = [client.next_stream() for _ in streams]
                return sent

            self.check_flood(client, batch)

    def test_frames_without_content_and_without_end_are_the_end_of_their_connection(self):
        with Client(self.server) as client:
            stream = client.next_stream()
            client.send(upload(stream))
            self.check_flood(client, lambda: frame(DATA, 0, stream) * 2000)


class HostLimitsTest(hosting.TestCase):
    """What `http.limits` of a host means for HTTP/2."""

    HOST = "w.test"

    def serving(self, **limits):
        """A host that has these."""
        host = self.host(config={"shards": 1, "http": {"limits": limits}})
        host.apply(hosting.workload("w"))
        return host

    def client(self, host):
        return self.enterContext(Client(host, self.HOST))

    def test_the_settings_tell_the_limits(self):
        host = self.serving(maxConcurrentStreams=3, maxHeaderKb=2, bodyReadAheadKb=32)
        told = {MAX_CONCURRENT_STREAMS: 3, MAX_HEADER_LIST_SIZE: 2048, INITIAL_WINDOW_SIZE: 32768}
        settings = self.client(host).settings
        self.assertEqual(told, {key: settings.get(key) for key in told})

    def test_as_many_streams_as_allowed_are_served_at_once(self):
        client = self.client(self.serving(maxConcurrentStreams=3))
        client.settle()
        for _ in range(2):
            streams = [client.next_stream() for _ in range(3)]
            client.send(b"".join(upload(stream, self.HOST) for stream in streams))
            for stream in streams:
                client.send(frame(DATA, END_STREAM, stream, b"x"))
                self.assertEqual(ANSWERED, client.answer(stream))

    def test_a_stream_more_than_allowed_is_an_error(self):
        host = self.serving(maxConcurrentStreams=3)
        client = self.client(host)
        client.settle()
        client.send(b"".join(upload(client.next_stream(), self.HOST) for _ in range(4)))
        self.assertEqual(Code.PROTOCOL_ERROR, client.goaway())
        self.assertEqual(200, host.ask(self.HOST, "/count").status)

    def test_more_content_than_allowed_is_a_413_and_the_connection_goes_on(self):
        client = self.client(self.serving(maxBodyKb=1))
        for length, status in ((1025, 413), (1024, 200)):
            for announced in ((), (("content-length", str(length)),)):
                with self.subTest(length, announced=bool(announced)):
                    stream = client.next_stream()
                    fields = block(*request_fields("/drain", "POST", self.HOST), *announced)
                    client.send(frame(HEADERS, END_HEADERS, stream, fields) +
                                frame(DATA, END_STREAM, stream, bytes(length)))
                    self.assertEqual(status, client.answer(stream)[0])

    def test_a_connection_ends_after_its_requests_and_without_an_error(self):
        client = self.client(self.serving(maxRequestsPerConnection=3))
        for _ in range(2):
            self.assertEqual(ANSWERED, client.ask())
        client.send(head(client.next_stream(), host=self.HOST))
        seen = list(client.frames())
        self.assertEqual([200], [status_of(one.payload) for one in seen if one.kind == HEADERS])
        self.assertEqual({Code.NO_ERROR}, {one.code for one in seen if one.kind == GOAWAY})

    def test_resets_beyond_the_rate_end_the_connection_whoever_makes_them(self):
        host = self.serving(maxResetStreamsPerSecond=5)
        too_much = {"by the client": reset,
                    "by the server": lambda stream: window_update(stream, MAX_WINDOW)}
        for what, end_of in too_much.items():
            with self.subTest(what), Client(host) as client:
                client.settle()
                # Fewer than the default allows, and than there may be streams.
                client.send(b"".join(upload(stream, self.HOST) + end_of(stream)
                                     for stream in range(1, 120, 2)))
                self.assertEqual(Code.ENHANCE_YOUR_CALM, client.goaway())
            self.assertEqual(200, host.ask(self.HOST, "/count").status)


if __name__ == "__main__":
    harness.main()
