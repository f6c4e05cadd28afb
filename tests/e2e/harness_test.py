#!/usr/bin/env python3
"""The harness itself, with a small program in the place of `wash`."""

import os
import select
import signal
import socket
import sys
import threading
import unittest
from unittest import mock

import harness

STAND_IN = f"""#!{sys.executable}
import http.server, json, os, signal, sys
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
if sys.argv[1] == "fail":
    print("cannot serve", file=sys.stderr)
    sys.exit(3)
if sys.argv[1] == "json":
    print(json.dumps(sys.argv[2:]))
    sys.exit(0)
server = http.server.HTTPServer(("127.0.0.1", 0), Echo)
child = os.fork()
if child == 0:
    signal.pause()
def end(*_):
    os.kill(child, signal.SIGKILL)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print("starting", child, flush=True)
print(json.dumps({{"url": "http://127.0.0.1:%d" % server.server_port}}), flush=True)
server.serve_forever()
"""


class HarnessTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        program = self.write("stand-in", STAND_IN)
        program.chmod(0o755)
        patch = mock.patch.object(harness, "WASH", program)
        patch.start()
        self.addCleanup(patch.stop)

    def test_finds_the_address_and_talks_to_it(self):
        server = self.wash("serve")
        answer = server.get("/hello")
        self.assertEqual((200, "/hello", "6"),
                         (answer.status, answer.text, answer.headers["content-length"]))
        self.assertGreater(server.resident_bytes(), 0)
        self.assertGreaterEqual(server.peak_resident_bytes(), server.resident_bytes())
        self.assertGreaterEqual(server.cpu_seconds(), 0)

    def test_raw_client(self):
        with self.wash("serve").connect() as client:
            client.send("GET /raw HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = client.read_answer()
            self.assertEqual((200, b"/raw"), (answer.status, answer.body))
            self.assertEqual(b"", client.read_to_end())  # HTTP/1.0: the peer closes

    def test_terminate_gives_the_exit_status(self):
        self.assertEqual(0, self.wash("serve").terminate())

    def test_clean_up_ends_the_whole_process_group(self):
        server = self.wash("serve")
        child = int(server.stdout.all[0].split()[1])
        watched = os.pidfd_open(child)
        self.addCleanup(os.close, watched)
        server.kill()
        self.assertEqual(-signal.SIGKILL, server.wait())
        self.assertTrue(select.select([watched], [], [], harness.PATIENCE_SECONDS)[0])

    def test_a_server_that_does_not_serve_is_told_with_its_output(self):
        with self.assertRaisesRegex(AssertionError, "cannot serve"):
            self.wash("fail")

    def test_runs_to_the_end(self):
        self.assertEqual(3, self.run_wash("fail").returncode)
        self.assertEqual(["a", "-o", "json"], self.wash_json("json", "a"))

    def test_waiting_for_a_line_that_never_comes_has_a_limit(self):
        server = self.wash("serve")
        with self.assertRaisesRegex(TimeoutError, "starting"):
            server.wait_for_stdout("never", timeout_seconds=0.01)


class AddressTest(unittest.TestCase):
    def test_addresses_in_text_and_json(self):
        self.assertEqual(("http", "127.0.0.1", 8000),
                         harness.parse_address("serving on http://127.0.0.1:8000/"))
        self.assertEqual(("https", "::1", 8443),
                         harness.parse_address('{"url":"https://[::1]:8443"}'))
        self.assertIsNone(harness.parse_address("no address at 12:30"))


class RawTest(unittest.TestCase):
    def test_chunked_answers_with_trailers(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def answer():
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\nrest")
            thread = threading.Thread(target=answer)
            thread.start()
            with harness.Raw(listener.getsockname()) as client:
                self.assertEqual(b"abcde", client.read_answer().body)
                self.assertEqual(b"rest", client.read_to_end())
            thread.join()


if __name__ == "__main__":
    harness.main()
