#!/usr/bin/env python3
"""Outgoing HTTP of components under `wash run`: long, slow, broken off, reused, and secured."""

import os
import threading
import time

import certificates
import harness
import upstreams
from streaming import MIB, Sender, bounded_growth
from upstreams import (OK, FullListener, Upstream, answer_each, check_proxied,
                       echo_with_trailers, send_without_end, with_each)

# A body that is kept as a whole anywhere does not fit in it.
GROWTH = 40 * MIB


def open_files(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


class Long(upstreams.TestCase):
    def check(self, name, path):
        upstream = Upstream(self, echo_with_trailers)
        server = self.serve(name, upstream)
        check_proxied(self, server, upstream, path, MIB)
        with bounded_growth(self, server, GROWTH):
            check_proxied(self, server, upstream, path, 64 * MIB)

    @with_each()
    def test_64_mib_go_out_and_come_back_with_trailers_in_constant_memory(self, name):
        self.check(name, "/")

    def test_the_same_by_way_of_the_components_own_memory(self):
        self.check("http-outbound-p3", "/copy")


class WithoutContent(upstreams.TestCase):
    @with_each()
    def test_a_length_without_content_is_that_of_another_answer(self, name):
        def answer(connection, _):
            while True:
                head = connection.read_head()
                status = "304 Not Modified" if "if-none-match" in head else "200 OK"
                connection.send(f"HTTP/1.1 {status}\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n"
                                + ("hello" if head.startswith("get") and "200" in status else ""))

        upstream = Upstream(self, answer)
        for flags in ((), ("--pool-size", "1")):
            server = self.serve(name, upstream, *flags)
            for method, fields, status, text in (("GET", {}, 200, "hello"), ("HEAD", {}, 200, ""),
                                                 ("GET", {"if_none_match": '"a"'}, 304, "")) * 2:
                with self.subTest(flags=flags, method=method, **fields):
                    got = self.ask(server, upstream.url, method, **fields)
                    self.assertEqual((status, text), (got.status, got.text))
                    if method == "HEAD" or status == 304:
                        self.assertEqual("5", got.headers["content-length"])


class BrokenOff(upstreams.TestCase):
    @with_each()
    def test_a_component_that_drops_a_body_closes_its_connection(self, name):
        upstream = Upstream(self, send_without_end)
        server = self.serve(name, upstream)
        answer = self.ask(server, upstream.url, x_take="100000")
        self.assertEqual((200, 100000), (answer.status, len(answer.body)))
        upstream.wait_until_closed(1)
        files = open_files(server)
        with bounded_growth(self, server, GROWTH):
            for _ in range(20):
                self.assertEqual(100000, len(self.ask(server, upstream.url, x_take="100000").body))
        upstream.wait_until_closed(21)
        self.eventually(lambda: open_files(server) <= files, "sockets stay open")

    @with_each()
    def test_a_client_that_vanishes_ends_the_request_of_its_component(self, name):
        upstream = Upstream(self, send_without_end)
        server = self.serve(name, upstream)
        for count in range(1, 6):
            client = server.connect()
            client.send(f"GET / HTTP/1.1\r\nHost: h\r\nX-Url: {upstream.url}\r\n\r\n")
            client.read_exactly(200_000)
            client.reset()
            upstream.wait_until_closed(count)

    @with_each()
    def test_a_client_that_vanishes_while_the_server_thinks_does_so_too(self, name):
        def think(connection, _):
            connection.read_head()
            asked.append(True)
            connection.wait_for_end()

        asked = []
        upstream = Upstream(self, think)
        server = self.serve(name, upstream)
        client = server.connect()
        client.send(f"GET / HTTP/1.1\r\nHost: h\r\nX-Url: {upstream.url}\r\n\r\n")
        self.eventually(lambda: asked, "the request did not go out")
        client.reset()
        upstream.wait_until_closed(1)

    @with_each()
    def test_content_that_the_server_breaks_off_is_never_taken_for_the_whole(self, name):
        def break_off(connection, number):
            connection.read_head()
            connection.send("HTTP/1.1 200 OK\r\n" + ("Content-Length: 10" if number == 1 else
                            "Transfer-Encoding: chunked") + "\r\n\r\n5\r\nbegin")

        upstream = Upstream(self, break_off)
        server = self.serve(name, upstream)
        for _ in range(2):
            with server.connect() as client:
                client.send(f"GET / HTTP/1.1\r\nHost: h\r\nX-Url: {upstream.url}\r\n"
                            "Connection: close\r\n\r\n")
                answer = client.read_to_end()
                self.assertFalse(answer.endswith(b"0\r\n\r\n"), answer)


class Stalled(upstreams.TestCase):
    @with_each()
    def test_a_server_that_takes_no_connection_is_given_up_in_time(self, name):
        full = FullListener(self)
        server = self.serve(name, full)
        began = time.monotonic()
        answer = self.ask(server, full.url, x_connect_timeout_ms="300")
        took = time.monotonic() - began
        self.check_failed(answer, "connection-timeout")
        self.assertGreaterEqual(took, 0.29)
        self.assertLess(took, 15, "by default it takes half a minute")

    @with_each()
    def test_a_server_that_does_not_answer_costs_one_request_its_time(self, name):
        def stall(connection, number):
            connection.read_head()
            if number > 1:
                return connection.send(OK)
            return connection.wait_for_end()

        upstream = Upstream(self, stall)
        server = self.serve(name, upstream)
        answer = self.ask(server, upstream.url, x_first_byte_timeout_ms="200")
        self.check_failed(answer, "http-response-timeout")
        upstream.wait_until_closed(1)
        self.check_answered(self.ask(server, upstream.url, x_first_byte_timeout_ms="60000"))

    @with_each()
    def test_content_that_stops_coming_is_broken_off(self, name):
        def stall(connection, _):
            connection.read_head()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegin")
            connection.wait_for_end()

        upstream = Upstream(self, stall)
        server = self.serve(name, upstream)
        with server.connect() as client:
            client.send(f"GET / HTTP/1.1\r\nHost: h\r\nX-Url: {upstream.url}\r\n"
                        "X-Between-Bytes-Timeout-Ms: 200\r\n\r\n")
            head, _, content = client.read_to_end().partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
            self.assertEqual(b"begin", content)
        upstream.wait_until_closed(1)

    @with_each()
    def test_a_server_that_never_reads_holds_the_upload_back(self, name):
        upstream = Upstream(self, lambda connection, _: release.wait(harness.PATIENCE_SECONDS))
        release = threading.Event()
        self.addCleanup(release.set)
        server = self.serve(name, upstream)
        with bounded_growth(self, server, GROWTH), server.connect() as client:
            sender = Sender(client, "/", 96 * MIB, headers=f"X-Url: {upstream.url}\r\n"
                            "X-First-Byte-Timeout-Ms: 500\r\n")
            head = client.read_until("\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 502 "), head)
            client.reset()
            sender.join()

    @with_each()
    def test_an_upload_that_goes_on_is_no_server_that_does_not_answer(self, name):
        def read_all(connection, _):
            connection.read_head()
            connection.read_exactly(8)
            connection.send(OK)

        upstream = Upstream(self, read_all)
        pause = threading.Event()
        server = self.serve(name, upstream)
        with server.connect() as client:
            client.send(f"POST / HTTP/1.1\r\nHost: h\r\nX-Url: {upstream.url}\r\n"
                        "Content-Length: 8\r\nX-First-Byte-Timeout-Ms: 2000\r\n\r\n")
            for _ in range(8):  # in all longer than the time in which the answer is due
                pause.wait(0.4)
                client.send("x")
            self.assertEqual(200, client.read_answer().status)


class Reused(upstreams.TestCase):
    @with_each()
    def test_one_connection_serves_one_request_after_the_other(self, name):
        upstream = Upstream(self, answer_each)
        server = self.serve(name, upstream)
        for _ in range(50):
            self.check_answered(self.ask(server, upstream.url))
        self.assertEqual(1, upstream.connections)

    @with_each()
    def test_a_kept_connection_that_was_closed_is_not_used(self, name):
        def answer_once(connection, _):
            connection.read_head()
            connection.send(OK)

        upstream = Upstream(self, answer_once)
        server = self.serve(name, upstream)
        for count in range(1, 21):
            method = "POST" if count % 2 == 0 else "GET"
            self.check_answered(self.ask(server, upstream.url, method))
            upstream.wait_until_closed(count)

    @with_each()
    def test_a_kept_connection_that_closes_meanwhile_is_tried_again_where_that_is_safe(self, name):
        def close_on_the_second(connection, _):
            connection.read_head()
            connection.send(OK)
            requests.append(connection.read_head())

        requests = []
        upstream = Upstream(self, close_on_the_second)
        server = self.serve(name, upstream)
        self.check_answered(self.ask(server, upstream.url))
        self.check_answered(self.ask(server, upstream.url))
        self.assertEqual((2, 1), (upstream.connections, len(requests)))
        # Nobody knows whether this one had an effect.
        self.check_failed(self.ask(server, upstream.url, "POST"), "connection-terminated")
        self.assertEqual((2, 2), (upstream.connections, len(requests)))
        self.check_answered(self.ask(server, upstream.url))

    @with_each()
    def test_what_follows_an_answer_unasked_is_never_the_next_answer(self, name):
        def say_too_much(connection, number):
            connection.read_head()
            connection.send(OK if number > 1 else OK + OK.replace("ok", "no"))
            connection.wait_for_end()

        upstream = Upstream(self, say_too_much)
        server = self.serve(name, upstream)
        for _ in range(2):
            self.check_answered(self.ask(server, upstream.url))
        self.assertEqual(2, upstream.connections)


class Refused(upstreams.TestCase):
    @with_each()
    def test_a_closed_port_is_said_to_be_one(self, name):
        upstream = Upstream(self, answer_each)
        server = self.serve(name, upstream)
        upstream.close()
        self.check_failed(self.ask(server, upstream.url), "connection-refused")

    @with_each()
    def test_an_address_that_the_host_forbids_is_told_from_a_name_that_is_not_allowed(self, name):
        upstream = Upstream(self, answer_each)
        server = self.serve(name, upstream)
        self.check_failed(self.ask(server, f"http://localhost:{upstream.port ^ 1}/"),
                          "destination-ip-prohibited")
        server = self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0")
        self.check_failed(self.ask(server, upstream.url), "http-request-denied")
        self.assertEqual(0, upstream.connections)

    @with_each()
    def test_answers_that_are_none_are_errors_of_the_protocol(self, name):
        def speak_something_else(connection, _):
            connection.read_head()
            connection.send("220 mail.example ESMTP\r\n\r\n")

        upstream = Upstream(self, speak_something_else)
        server = self.serve(name, upstream)
        self.check_failed(self.ask(server, upstream.url), "http-protocol-error")

    @with_each()
    def test_a_connection_that_closes_without_an_answer_was_terminated(self, name):
        upstream = Upstream(self, lambda connection, _: connection.read_head())
        server = self.serve(name, upstream)
        self.check_failed(self.ask(server, upstream.url), "connection-terminated")


class Secured(upstreams.TestCase):
    def setUp(self):
        super().setUp()
        self.authority = certificates.Certificates(self.folder)

    def upstream(self, certificate="server"):
        """A `wash` that echoes, by TLS; its access log tells the version of HTTP."""
        return self.wash("run", harness.guest("http-echo"), "--addr", "127.0.0.1:0",
                         "--access-log", "-", "--tls-cert", self.authority[f"{certificate}.pem"],
                         "--tls-key", self.authority[f"{certificate}.key"])

    def trusting(self, name, upstream):
        return self.serve(name, upstream, "--outgoing-ca", self.authority["ca.pem"])

    @with_each()
    def test_http_2_is_spoken_to_a_server_whose_authority_is_trusted(self, name):
        upstream = self.upstream()
        server = self.trusting(name, upstream)
        body = bytes(range(256)) * 8192
        for host in ("localhost", "127.0.0.1"):
            answer = server.post("/", body, headers={"x-url": f"https://{host}:{upstream.port}/"})
            self.assertEqual(200, answer.status, answer.body[:200])
            self.assertEqual(body, answer.body)
            upstream.wait_for_stdout(r'"POST / HTTP/2(\.0)?"')

    @with_each()
    def test_a_server_of_an_unknown_authority_is_refused(self, name):
        upstream = self.upstream()
        server = self.serve(name, upstream)
        self.check_failed(self.ask(server, f"https://localhost:{upstream.port}/"),
                          "tls-certificate-error")

    @with_each()
    def test_a_certificate_for_another_name_is_refused(self, name):
        self.authority.issue("other", "subjectAltName=DNS:other.example")
        upstream = self.upstream("other")
        server = self.trusting(name, upstream)
        self.check_failed(self.ask(server, f"https://localhost:{upstream.port}/"),
                          "tls-certificate-error")

    @with_each()
    def test_a_server_without_tls_is_told_from_one_that_is_not_trusted(self, name):
        def speak_plainly(connection, _):
            connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            connection.wait_for_end()

        upstream = Upstream(self, speak_plainly)
        server = self.trusting(name, upstream)
        self.check_failed(self.ask(server, f"https://localhost:{upstream.port}/"),
                          "tls-protocol-error")

    def test_authorities_that_cannot_be_read_end_it_at_the_start(self):
        empty = self.write("empty.pem", "nothing\n")
        for path, status in ((self.folder / "missing.pem", 2), (empty, 1)):
            with self.subTest(path):
                done = self.run_wash("run", harness.guest("http-outbound"), "--addr",
                                     "127.0.0.1:0", "--outgoing-ca", path)
                self.assertEqual(status, done.returncode, done.stderr)
                self.assertIn(path.name, done.stderr)


if __name__ == "__main__":
    harness.main()
