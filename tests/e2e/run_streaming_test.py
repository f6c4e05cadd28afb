#!/usr/bin/env python3
"""`wash run` with long, slow, broken-off and half-finished bodies, in constant memory."""

import array
import fcntl
import functools
import subprocess
import termios

import harness
from streaming import MIB, Chunks, Sender, bounded_growth, check_echo, check_echo_http2

GROWTH = 64 * MIB
ECHOES = ("http-echo", "http-echo-p3")
MISCS = ("http-misc", "http-misc-p3")


class StreamingTest(harness.TestCase):
    def serve(self, name, *flags):
        return self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0", *flags)


def with_each(names, *flags):
    """Runs a test with a server of each of the components."""
    def decorate(test):
        @functools.wraps(test)
        def run_each(self):
            for name in names:
                with self.subTest(name):
                    test(self, self.serve(name, *flags))
        return run_each
    return decorate


class Echo(StreamingTest):
    @with_each(ECHOES)
    def test_small_bodies_come_back(self, server):
        for body in (b"", b"x", b"0123456789" * 10, bytes(100_000)):
            self.assertEqual(body, server.post("/", body).body)

    @with_each(ECHOES)
    def test_trailers_come_back(self, server):
        with server.connect() as client:
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTrailer: x-sum\r\n"
                        "TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n")
            self.assertIn(b"trailer: x-sum", client.read_until("\r\n\r\n").lower())
            rest = client.read_until("0\r\nx-sum: 42\r\n\r\n")
            self.assertIn(b"hello", rest)

    @with_each(MISCS)
    def test_a_components_own_trailers_arrive(self, server):
        with server.connect() as client:
            client.send("GET /trailers HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n")
            client.read_until("x-first: one\r\nx-second: two\r\n\r\n")

    @with_each(MISCS)
    def test_trailers_arrive_over_http_2(self, server):
        done = subprocess.run(["nghttp", "-v", "-H", "te: trailers", f"{server.url}/trailers"],
                              capture_output=True, check=False,
                              timeout=harness.PATIENCE_SECONDS)
        self.assertIn(b"x-second: two", done.stdout)

    @with_each(ECHOES)
    def test_the_answer_begins_before_the_request_ends(self, server):
        with server.connect() as client:
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "5\r\nfirst\r\n")
            client.read_until("first")
            client.send("6\r\nsecond\r\n0\r\n\r\n")
            client.read_until("second")
            client.read_until("0\r\n\r\n")

    @with_each(ECHOES)
    def test_uploads_in_chunks_of_any_size_come_back(self, server):
        body = b"".join(bytes([65 + n % 26]) * n for n in range(1, 200))
        with server.connect() as client:
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            offset = 0
            for size in range(1, 200):
                client.send(b"%X;note=1\r\n%b\r\n" % (size, body[offset:offset + size]))
                offset += size
            client.send("0\r\n\r\n")
            self.assertEqual(body, client.read_answer().body)

    @with_each(ECHOES)
    def test_continue_is_said_once_the_component_reads(self, server):
        with server.connect() as client:
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
                        "Expect: 100-continue\r\n\r\n")
            self.assertEqual(b"HTTP/1.1 100 Continue\r\n\r\n", client.read_until("\r\n\r\n"))
            client.send("body")
            self.assertEqual(b"body", client.read_answer().body)

    @with_each(MISCS)
    def test_continue_is_not_said_for_a_body_that_nobody_reads(self, server):
        # But where the guest loses the core before it can answer, the body is asked for meanwhile.
        for _ in range(12):
            with server.connect() as client:
                client.send("POST /noread HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n"
                            "Expect: 100-continue\r\n\r\n")
                first = client.read_until("\r\n")
            if first.startswith(b"HTTP/1.1 200 "):
                return
            self.assertTrue(first.startswith(b"HTTP/1.1 100 "), first)
        self.fail("continue was said each time")

    def test_other_expectations_are_refused(self):
        with self.serve("http-echo").connect() as client:
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: magic\r\n\r\nx")
            self.assertEqual(417, client.read_answer().status)

    @with_each(ECHOES)
    def test_256_mib_come_back_through_a_component_in_constant_memory(self, server):
        server.post("/", b"warm")
        with bounded_growth(self, server, GROWTH):
            check_echo(self, server, "/", 256 * MIB)

    @with_each(ECHOES)
    def test_128_mib_come_back_over_http_2_in_constant_memory(self, server):
        server.post("/", b"warm")
        with bounded_growth(self, server, GROWTH):
            check_echo_http2(self, server, "/", 128 * MIB)

    def test_128_mib_come_back_past_a_component_in_constant_memory(self):
        for name, path in (("http-echo", "/splice"), ("http-echo-p3", "/pipe")):
            with self.subTest(name):
                server = self.serve(name)
                server.post(path, b"warm")
                with bounded_growth(self, server, GROWTH):
                    check_echo(self, server, path, 128 * MIB)


class Slow(StreamingTest):
    @with_each(MISCS)
    def test_a_reader_that_pauses_holds_the_component_back(self, server):
        total = 256 * MIB
        server.get()
        with bounded_growth(self, server, GROWTH), server.connect() as client:
            client.send(f"GET /big?bytes={total} HTTP/1.1\r\nHost: h\r\n\r\n")
            client.read_until("\r\n\r\n")
            self.wait_until_nothing_moves(server, client)
            self.assertEqual(200, server.get("/count").status)
            chunks, received = Chunks(client), 0
            while piece := chunks.read():
                received += len(piece)
            self.assertEqual(total, received)

    def wait_until_nothing_moves(self, server, client):
        """The component computes no more, and what the socket holds does not grow."""
        states = []

        def still():
            waiting = array.array("i", [0])
            fcntl.ioctl(client.socket, termios.FIONREAD, waiting)
            states.append((waiting[0], server.cpu_seconds()))
            return len(states) > 30 and len(set(states[-30:])) == 1

        self.eventually(still, "the component never stops")

    @with_each(MISCS)
    def test_a_component_that_pauses_holds_the_upload_back(self, server):
        server.post("/drain", b"warm")
        with bounded_growth(self, server, GROWTH), server.connect() as client:
            sender = Sender(client, "/drain?piece=1048576&ms=1", 96 * MIB)
            self.assertEqual(f"{96 * MIB}\n", client.read_answer().text)
            sender.join()
            self.assertIsNone(sender.failure)

    @with_each(MISCS)
    def test_the_head_arrives_before_a_late_body(self, server):
        for milliseconds in (300, 3000, 15000):  # both may be there before this test looks
            with server.connect() as client:
                client.send(f"GET /late?ms={milliseconds} HTTP/1.1\r\nHost: h\r\n\r\n")
                client.read_until("\r\n\r\n")
                alone = client.received == b""
                client.read_until("late\n")
            if alone:
                return
        self.fail("the head waits for the body")

    @with_each(MISCS)
    def test_single_bytes_arrive_all(self, server):
        answer = server.get("/small-writes?n=1000")
        self.assertEqual(b"abcdefghijklmnopqrstuvwxyz" * 38 + b"abcdefghijkl", answer.body)

    @with_each(MISCS)
    def test_an_announced_length_is_kept(self, server):
        answer = server.get("/big?bytes=300000&length=1")
        self.assertEqual("300000", answer.headers["content-length"])
        self.assertEqual(300000, len(answer.body))

    @with_each(MISCS)
    def test_a_body_of_unknown_length_is_chunked(self, server):
        answer = server.get("/big?bytes=300000")
        self.assertEqual("chunked", answer.headers["transfer-encoding"])
        self.assertEqual(300000, len(answer.body))


class BrokenOff(StreamingTest):
    """One instance at most, so that a further answer shows that the last one was given back."""

    @with_each(MISCS, "--pool-size", "1", "--shards", "1")
    def test_a_client_that_vanishes_while_it_reads_leaves_nothing_behind(self, server):
        server.get()
        with bounded_growth(self, server, GROWTH):
            for _ in range(10):
                client = server.connect()
                client.send("GET /big?bytes=1000000000 HTTP/1.1\r\nHost: h\r\n\r\n")
                client.read_exactly(200_000)
                client.reset()
                self.assertEqual(200, server.get("/count").status)

    @with_each(ECHOES, "--pool-size", "1", "--shards", "1")
    def test_a_client_that_vanishes_while_it_sends_leaves_nothing_behind(self, server):
        server.post("/", b"warm")
        with bounded_growth(self, server, GROWTH):
            for _ in range(10):
                client = server.connect()
                client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"
                            "the beginning")
                client.read_until("the beginning")
                client.reset()
                self.assertEqual(b"whole", server.post("/", b"whole").body)

    @with_each(ECHOES, "--pool-size", "1", "--shards", "1")
    def test_a_client_that_closes_orderly_while_it_sends_is_the_same(self, server):
        client = server.connect()
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nthe beginning")
        client.read_until("the beginning")
        client.close()
        self.assertEqual(b"whole", server.post("/", b"whole").body)

    @with_each(MISCS, "--pool-size", "1", "--shards", "1")
    def test_a_client_that_vanishes_before_the_answer_leaves_nothing_behind(self, server):
        self.vanish_while_the_component_sleeps(server)
        self.assertEqual(200, server.get("/count").status)
        server.wait_for_stderr("ended an instance.*the clients of all calls on it were gone")

    @with_each(MISCS, "--pool-size", "1", "--shards", "1", "--timeout", "1s")
    def test_what_a_client_that_vanished_has_begun_ends_at_the_timeout(self, server):
        self.vanish_while_the_component_sleeps(server)
        self.assertEqual(200, server.get("/count").status)

    def vanish_while_the_component_sleeps(self, server):
        client = server.connect()
        client.send("POST /sleep?ms=600000 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
                    "Expect: 100-continue\r\n\r\n")
        # It is said as the call is under way and has not answered.
        self.assertEqual(b"HTTP/1.1 100 Continue\r\n\r\n", client.read_until("\r\n\r\n"))
        client.reset()

    @with_each(("http-misc",))
    def test_a_dropped_body_is_visibly_incomplete(self, server):
        with server.connect() as client:
            client.send("GET /drop-body-early HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            answer = client.read_to_end()
            if not answer.startswith(b"HTTP/1.1 500 "):
                self.assertIn(b"transfer-encoding: chunked", answer.lower())
                self.assertFalse(answer.endswith(b"0\r\n\r\n"), answer)

    def test_dropping_a_p3_body_ends_it_or_breaks_it_off_but_never_hangs(self):
        server = self.serve("http-misc-p3")
        with server.connect() as client:
            client.send("GET /drop-body-early HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.assertIn(b"the beginning\n", client.read_to_end())
        self.assertEqual(200, server.get("/count").status)

    def test_an_error_for_trailers_breaks_the_body_off(self):
        with self.serve("http-misc-p3").connect() as client:
            client.send("GET /trailers-error HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.assertFalse(client.read_to_end().endswith(b"0\r\n\r\n"))

    @with_each(MISCS)
    def test_fewer_bytes_than_announced_are_never_taken_for_the_whole(self, server):
        with server.connect() as client:
            client.send("GET /wrong-length?declared=10&bytes=5 HTTP/1.1\r\nHost: h\r\n"
                        "Connection: close\r\n\r\n")
            head, _, body = client.read_to_end().partition(b"\r\n\r\n")
            if head.startswith(b"HTTP/1.1 200 "):
                self.assertIn(b"content-length: 10", head.lower())
                self.assertEqual(b"abcde", body)
            else:
                self.assertTrue(head.startswith(b"HTTP/1.1 500 "), head)

    @with_each(MISCS)
    def test_without_content_the_length_is_that_of_another_answer(self, server):
        for method, status, code in (("HEAD", 200, "200 OK"), ("GET", 304, "304 Not Modified")):
            for count in (0, 3, 10):
                with self.subTest(method=method, bytes=count), server.connect() as client:
                    path = f"/wrong-length?declared=10&bytes={count}&status={status}"
                    client.send(f"{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n"
                                "GET /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                    answers = client.read_to_end().decode().lower().split("http/1.1 ")[1:]
                    self.assertEqual(2, len(answers), answers)
                    self.assertTrue(answers[0].startswith(code.lower()), answers)
                    self.assertIn("\r\ncontent-length: 10\r\n", answers[0])
                    self.assertTrue(answers[1].startswith("200 "), answers)
        self.assertNotIn("outcome=", "\n".join(server.stderr.all))

    @with_each(MISCS)
    def test_more_bytes_than_announced_do_not_reach_the_next_answer(self, server):
        with server.connect() as client:
            client.send("GET /wrong-length?declared=5&bytes=10 HTTP/1.1\r\nHost: h\r\n\r\n"
                        "GET /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            answers = client.read_to_end().split(b"HTTP/1.1 ")[1:]
            self.assertIn(answers[0][:4], (b"200 ", b"500 "))
            for answer in answers:
                self.assertNotIn(b"fghij", answer)

    @with_each(MISCS)
    def test_a_body_that_nobody_read_does_not_become_the_next_request(self, server):
        inner = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
        with server.connect() as client:
            client.send(f"POST /noread HTTP/1.1\r\nHost: h\r\nContent-Length: {len(inner)}\r\n"
                        f"\r\n{inner}GET /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            answers = client.read_to_end()
            self.assertEqual(2, answers.count(b"HTTP/1.1 200 "), answers)
            self.assertNotIn(b"no such test", answers)

    def test_a_connection_stays_whose_small_bodies_nobody_reads(self):
        for pool in ((), ("--shards", "1", "--pool-size", "1")):
            with self.subTest(pool=pool), \
                    self.serve("wat-never-reads", *pool).connect() as client:
                for length in (1, 100_000, 200_000) * 3:
                    client.send(f"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n")
                    client.send(bytes(length))
                    self.assertEqual(200, client.read_answer().status)
                client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertEqual(200, client.read_answer().status)


if __name__ == "__main__":
    harness.main()
