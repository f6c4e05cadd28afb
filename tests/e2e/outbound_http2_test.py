#!/usr/bin/env python3
"""Outgoing HTTP/2 of components under `wash run`: long, slow, stalled and broken off. The server is
the test itself, frame by frame."""

import struct
import threading

import certificates
import harness
import upstreams
from http2_frames import DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, Code, frame
from http2_upstreams import OK, Http2Upstream, begin, echo
from streaming import MIB, Sender, bounded_growth
from upstreams import check_proxied, with_each

# A body that is kept as a whole anywhere does not fit in it.
GROWTH = 40 * MIB


def answer(connection, stream):
    connection.send(frame(HEADERS, END_HEADERS, stream, OK) +
                    frame(DATA, END_STREAM, stream, b"ok"))


class OutboundHttp2Test(upstreams.TestCase):
    def setUp(self):
        super().setUp()
        self.issued = certificates.Certificates(self.folder)

    def upstream(self, *turns):
        return Http2Upstream(self, self.issued, *turns)

    def serve(self, name, upstream, *flags):
        return super().serve(name, upstream, "--outgoing-ca", self.issued["ca.pem"], *flags)


class Long(OutboundHttp2Test):
    @with_each()
    def test_64_mib_go_out_and_come_back_with_trailers_in_constant_memory(self, name):
        upstream = self.upstream(echo)
        server = self.serve(name, upstream)
        check_proxied(self, server, upstream, "/", MIB)
        with bounded_growth(self, server, GROWTH):
            check_proxied(self, server, upstream, "/", 64 * MIB)


class Stalled(OutboundHttp2Test):
    @with_each()
    def test_a_server_that_does_not_answer_costs_one_request_its_time(self, name):
        def stall(connection, stream):
            ended.append(connection.reset_of(stream))

        ended = []
        upstream = self.upstream(stall, answer)
        server = self.serve(name, upstream)
        failed = self.ask(server, upstream.url, x_first_byte_timeout_ms="200")
        self.check_failed(failed, "http-response-timeout")
        self.check_answered(self.ask(server, upstream.url, x_first_byte_timeout_ms="60000"))
        self.eventually(lambda: ended, "the stream goes on")
        self.assertEqual([Code.CANCEL], ended)

    @with_each()
    def test_content_that_stops_coming_is_broken_off(self, name):
        def stall(connection, stream):
            begin(connection, stream)
            ended.append(connection.reset_of(stream))

        ended = []
        upstream = self.upstream(stall, answer)
        server = self.serve(name, upstream)
        with server.connect() as client:
            client.send(f"GET / HTTP/1.1\r\nHost: h\r\nX-Url: {upstream.url}\r\n"
                        "X-Between-Bytes-Timeout-Ms: 200\r\n\r\n")
            head, _, content = client.read_to_end().partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
            self.assertEqual(b"5\r\nbegin\r\n", content)
        self.check_answered(self.ask(server, upstream.url))
        self.eventually(lambda: ended, "the stream goes on")
        self.assertEqual([Code.CANCEL], ended)

    @with_each()
    def test_a_server_that_opens_no_window_holds_the_upload_back(self, name):
        def read_no_content(connection, stream):
            ended.append(connection.reset_of(stream))

        ended = []
        upstream = self.upstream(read_no_content)
        server = self.serve(name, upstream)
        with bounded_growth(self, server, GROWTH), server.connect() as client:
            sender = Sender(client, "/", 96 * MIB, headers=f"X-Url: {upstream.url}\r\n"
                            "X-First-Byte-Timeout-Ms: 500\r\n")
            head = client.read_until("\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 502 "), head)
            client.reset()
            sender.join()
        self.eventually(lambda: ended, "the stream goes on")
        self.assertEqual([Code.CANCEL], ended)


class BrokenOff(OutboundHttp2Test):
    @with_each()
    def test_a_component_that_drops_a_body_ends_its_stream_alone(self, name):
        def send_without_end(connection, stream):
            connection.send(frame(HEADERS, END_HEADERS, stream, OK))
            came = []
            while not came:
                came = connection.send_content(stream, bytes(16384))
            ended.append((stream, came[-1].stream, came[-1].code))

        ended = []
        upstream = self.upstream(send_without_end)
        server = self.serve(name, upstream)
        with bounded_growth(self, server, GROWTH):
            for _ in range(20):
                got = self.ask(server, upstream.url, x_take="100000")
                self.assertEqual((200, 100000), (got.status, len(got.body)))
        self.eventually(lambda: len(ended) == 20, "streams go on")
        self.assertEqual([(stream, stream, Code.CANCEL) for stream in range(1, 41, 2)], ended)
        self.assertEqual(1, upstream.connections)

    @with_each()
    def test_a_client_that_vanishes_ends_the_stream_of_its_component(self, name):
        def think(connection, stream):
            asked.set()
            ended.append(connection.reset_of(stream))

        asked, ended = threading.Event(), []
        upstream = self.upstream(think)
        server = self.serve(name, upstream)
        for count in range(1, 4):
            asked.clear()
            client = server.connect()
            client.send(f"GET / HTTP/1.1\r\nHost: h\r\nX-Url: {upstream.url}\r\n\r\n")
            self.assertTrue(asked.wait(harness.PATIENCE_SECONDS), "no request went out")
            client.reset()
            self.eventually(lambda count=count: len(ended) == count, "the stream goes on")
        self.assertEqual([Code.CANCEL] * 3, ended)

    @with_each()
    def test_content_that_the_server_breaks_off_is_never_taken_for_the_whole(self, name):
        def break_off(connection, stream):
            begin(connection, stream)
            connection.send(frame(RST_STREAM, 0, stream, struct.pack(">I", Code.INTERNAL_ERROR)))

        def close(connection, stream):
            begin(connection, stream)
            raise EOFError

        upstream = self.upstream(break_off, close)
        server = self.serve(name, upstream)
        for _ in range(2):
            with server.connect() as client:
                client.send(f"GET / HTTP/1.1\r\nHost: h\r\nX-Url: {upstream.url}\r\n"
                            "Connection: close\r\n\r\n")
                got = client.read_to_end()
                self.assertIn(b"HTTP/1.1", got)
                self.assertFalse(got.endswith(b"0\r\n\r\n"), got)


if __name__ == "__main__":
    harness.main()
