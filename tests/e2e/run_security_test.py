#!/usr/bin/env python3
"""`wash run` against clients that cheat, with TLS, and with components that want out."""

import contextlib
import http.server
import pathlib
import socket
import ssl
import subprocess
import threading

import certificates
import harness


class SecurityTest(harness.TestCase):
    def serve(self, name="http-hello", *flags):
        return self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0", *flags)


REFUSED = {
    "both lengths": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
                   "hello!",
    "a repeated length": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                         "Content-Length: 5\r\n\r\nhello",
    "a list of lengths": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello",
    "a negative length": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
    "a signed length": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello",
    "a length in hexadecimal": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello",
    "a length beyond 64 bits": "POST / HTTP/1.1\r\nHost: h\r\n"
                               "Content-Length: 18446744073709551621\r\n\r\nhello",
    "an empty length": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n",
    "chunked twice": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"
                     "0\r\n\r\n",
    "chunked not last": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n"
                        "\r\n0\r\n\r\n",
    "repeated codings": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                        "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a coding with a strange byte": "POST / HTTP/1.1\r\nHost: h\r\n"
                                    "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a coding in HTTP/1.0": "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "0\r\n\r\n",
    "a bare line feed after the request line": "GET / HTTP/1.1\nHost: h\r\n\r\n",
    "a bare line feed after a field": "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
    "a bare line feed at the end": "GET / HTTP/1.1\r\nHost: h\r\n\n",
    "a bare carriage return in a field": "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
    "a folded field": "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
    "a folded first field": "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
    "a space before the colon": "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    "a field without a colon": "GET / HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n",
    "a field without a name": "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
    "two hosts": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "the same host twice": "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "a host with a path": "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host with a user": "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
    "a NUL in a value": "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
    "a NUL in a name": "GET / HTTP/1.1\r\nHost: h\r\nX\0: a\r\n\r\n",
    "a NUL in the path": "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n",
    "a space in the path": "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "a tab as a separator": "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "no version": "GET /\r\nHost: h\r\n\r\n",
    "a path without a slash": "GET nonsense HTTP/1.1\r\nHost: h\r\n\r\n",
    "TLS on a plain port": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\r\n" * 10,
}

BAD_CHUNKS = {
    "no digits": "\r\nhello\r\n0\r\n\r\n",
    "a sign": "+5\r\nhello\r\n0\r\n\r\n",
    "a prefix": "0x5\r\nhello\r\n0\r\n\r\n",
    "a space before the size": " 5\r\nhello\r\n0\r\n\r\n",
    "more than 64 bits": "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a bare line feed after the size": "5\nhello\r\n0\r\n\r\n",
    "a bare line feed after the data": "5\r\nhello\n0\r\n\r\n",
    "more data than announced": "5\r\nhello!\r\n0\r\n\r\n",
    "less data than announced": "5\r\nhell\r\n0\r\n\r\n",
    "a bare line feed in an extension": "5;a\n\r\nhello\r\n0\r\n\r\n",
    "a folded trailer": "5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
    "a trailer without a colon": "5\r\nhello\r\n0\r\nnonsense\r\n\r\n",
}

SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


class Smuggling(SecurityTest):
    def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_closed(self):
        server = self.serve()
        for what, request in REFUSED.items():
            with self.subTest(what), server.connect() as client:
                client.send((request + SMUGGLED).encode("latin-1"))
                answer = client.read_to_end()
                self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
                self.assertEqual(1, answer.count(b"HTTP/1.1 "), answer)
        self.assertEqual(200, server.get().status)

    def test_bad_chunks_never_reach_the_end_of_a_body(self):
        for name in ("http-echo", "http-echo-p3"):
            server = self.serve(name)
            for what, body in BAD_CHUNKS.items():
                with self.subTest(f"{name}: {what}"), server.connect() as client:
                    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                f"{body}{SMUGGLED}")
                    answer = client.read_to_end()
                    self.assertLessEqual(answer.count(b"HTTP/1.1 "), 1, answer)
                    if answer.startswith(b"HTTP/1.1 200 "):
                        self.assertFalse(answer.endswith(b"0\r\n\r\n"), answer)
            self.assertEqual(b"fine", server.post("/", b"fine").body)

    def test_unknown_codings_are_a_501(self):
        with self.serve().connect() as client:
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n")
            self.assertTrue(client.read_to_end().startswith(b"HTTP/1.1 501 "))

    def test_a_component_cannot_split_its_response(self):
        for name in ("http-hello", "http-hello-p3"):
            server = self.serve(name)
            with server.connect() as client:
                client.send("GET /%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: h\r\n"
                            "Connection: close\r\n\r\n")
                head = client.read_to_end().split(b"\r\n\r\n")[0]
                self.assertNotIn(b"\r\nset-cookie", head.lower())


class Sizes(SecurityTest):
    def check(self, request, status):
        server = self.serve()
        with server.connect() as client:
            with contextlib.suppress(OSError):  # it may stop reading before the end
                client.send(request)
            self.assertIn(f"HTTP/1.1 {status} ".encode(), client.read_to_end())
        self.assertEqual(200, server.get().status)

    def test_a_long_request_line_is_a_414(self):
        self.check(f"GET /{'a' * 17_000} HTTP/1.1\r\nHost: h\r\n\r\n", 414)

    def test_a_request_line_without_an_end_is_a_414(self):
        self.check("GET /" + "a" * 100_000, 414)

    def test_a_large_field_is_a_431(self):
        self.check(f"GET / HTTP/1.1\r\nHost: h\r\nX: {'a' * 70_000}\r\n\r\n", 431)

    def test_large_fields_together_are_a_431(self):
        self.check("GET / HTTP/1.1\r\nHost: h\r\n" +
                   "".join(f"X-{n}: {'a' * 1000}\r\n" for n in range(100)) + "\r\n", 431)

    def test_too_many_fields_are_a_431(self):
        self.check("GET / HTTP/1.1\r\nHost: h\r\n" + "X: a\r\n" * 300 + "\r\n", 431)


class Tls(SecurityTest):
    def setUp(self):
        super().setUp()
        self.certificates = certificates.Certificates(self.folder)

    def serve_tls(self, *flags):
        return self.serve("http-hello", "--tls-cert", self.certificates["server.pem"],
                          "--tls-key", self.certificates["server.key"], *flags)

    def context(self, client=None, alpn=None):
        context = ssl.create_default_context(cafile=self.certificates["ca.pem"])
        if client:
            context.load_cert_chain(self.certificates[f"{client}.pem"],
                                    self.certificates[f"{client}.key"])
        if alpn:
            context.set_alpn_protocols(alpn)
        return context

    def get(self, server, context, name="localhost"):
        """(what a request got, the ALPN protocol, the TLS version)."""
        with socket.create_connection((server.host, server.port),
                                      timeout=harness.PATIENCE_SECONDS) as plain, \
                context.wrap_socket(plain, server_hostname=name) as client:
            client.sendall(b"GET /tls HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            alpn, version = client.selected_alpn_protocol(), client.version()
            return b"".join(iter(lambda: client.recv(1 << 16), b"")), alpn, version

    def test_the_url_says_https_and_requests_are_answered(self):
        server = self.serve_tls()
        self.assertEqual("https", server.scheme)
        answer, _, version = self.get(server, self.context(alpn=["http/1.1"]))
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "))
        self.assertTrue(answer.endswith(b"hello from rust /tls\n"))
        self.assertIn(version, ("TLSv1.2", "TLSv1.3"))

    def test_a_client_that_names_no_server_and_no_protocol_gets_http_1(self):
        # An address is no name for SNI.
        answer, alpn, _ = self.get(self.serve_tls(), self.context(), "127.0.0.1")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "))
        self.assertIsNone(alpn)

    def test_http_2_is_chosen_by_alpn(self):
        server = self.serve_tls()
        with socket.create_connection((server.host, server.port)) as plain, \
                self.context(alpn=["h2", "http/1.1"]).wrap_socket(
                    plain, server_hostname="localhost") as client:
            self.assertEqual("h2", client.selected_alpn_protocol())

    def test_curl_gets_several_answers_over_http_2(self):
        server = self.serve_tls()
        done = subprocess.run(["curl", "-sS", "--http2", "--cacert", self.certificates["ca.pem"],
                               "-w", "%{http_version}", f"{server.url}/x", f"{server.url}/y"],
                              capture_output=True, check=False, timeout=harness.PATIENCE_SECONDS)
        self.assertEqual(b"hello from rust /x\n2hello from rust /y\n2", done.stdout, done.stderr)

    def test_old_versions_of_tls_are_refused(self):
        server = self.serve_tls()
        context = self.context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            self.get(server, context)

    def test_plain_text_on_a_tls_port_is_closed(self):
        server = self.serve_tls()
        with server.connect() as client:
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertNotIn(b"200", client.read_to_end())

    def test_a_client_that_breaks_off_the_handshake_harms_nobody(self):
        server = self.serve_tls()
        for _ in range(20):
            client = server.connect()
            client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
            client.reset()
        self.assertIn(b" 200 ", self.get(server, self.context())[0])

    def test_with_a_client_authority_only_its_clients_are_let_in(self):
        server = self.serve_tls("--tls-client-ca", self.certificates["ca.pem"])
        self.assertIn(b" 200 ", self.get(server, self.context("client"))[0])
        with self.assertRaises(OSError):
            self.get(server, self.context())

    def test_clients_of_another_authority_are_refused(self):
        other = self.folder / "other"
        other.mkdir()
        strangers = certificates.Certificates(other)
        server = self.serve_tls("--tls-client-ca", self.certificates["ca.pem"])
        context = self.context()
        context.load_cert_chain(strangers["client.pem"], strangers["client.key"])
        with self.assertRaises(OSError):
            self.get(server, context)
        self.assertIn(b" 200 ", self.get(server, self.context("client"))[0])

    def test_a_key_that_does_not_fit_is_one_clear_line(self):
        done = self.run_wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0",
                             "--tls-cert", self.certificates["server.pem"], "--tls-key",
                             self.certificates["client.key"])
        self.assertEqual(1, done.returncode)
        self.assertRegex(harness.without_progress(done.stderr),
                         r"\Aerror: .*(server\.pem|client\.key).*\n\Z")

    def test_a_certificate_that_is_replaced_is_used_without_a_restart(self):
        server = self.serve_tls()

        def shown():
            pem = ssl.get_server_certificate((server.host, server.port))
            return pem.strip() == pathlib.Path(self.certificates["server.pem"]).read_text(
                encoding="ascii").strip()

        self.assertTrue(shown())
        before = pathlib.Path(self.certificates["server.pem"]).read_text(encoding="ascii")
        self.certificates.issue("server", "subjectAltName=DNS:localhost,DNS:second")
        self.assertNotEqual(before, pathlib.Path(self.certificates["server.pem"]).read_text(
            encoding="ascii"))
        self.eventually(shown, "the old certificate is still shown")


class Upstream:
    """An HTTP server of this process that counts who came."""

    def __init__(self):
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                upstream.paths.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "8")
                self.end_headers()
                self.wfile.write(b"upstream")

            def log_message(self, *_):
                pass

        self.paths = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/in"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class OutboundHttp(SecurityTest):
    def setUp(self):
        super().setUp()
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)

    def ask(self, name, url, *flags):
        return self.serve(name, *flags).get("/", headers={"x-url": url})

    def check_denied(self, url, *flags, names=("http-outbound", "http-outbound-p3")):
        for name in names:
            with self.subTest(name):
                answer = self.ask(name, url, *flags)
                self.assertEqual(502, answer.status, answer.text)
                self.assertIn(answer.text.split("\n")[0].lower().replace("-", ""),
                              ("httprequestdenied", "destinationipprohibited"), answer.text)
        self.assertEqual([], self.upstream.paths)

    def test_nothing_is_allowed_unless_it_is_said(self):
        self.check_denied(self.upstream.url)

    def test_an_allowed_host_alone_does_not_open_loopback(self):
        self.check_denied(self.upstream.url, "--allowed-host", f"127.0.0.1:{self.upstream.port}")

    def test_everything_allowed_does_not_open_loopback(self):
        self.check_denied(self.upstream.url, "--allowed-host", "*")

    def test_an_open_loopback_port_alone_allows_no_request(self):
        self.check_denied(self.upstream.url, "--allowed-loopback-port", str(self.upstream.port))

    def test_another_loopback_port_stays_closed(self):
        self.check_denied(self.upstream.url, "--allowed-host", "*", "--allowed-loopback-port",
                          str(self.upstream.port ^ 1))

    def test_a_name_for_loopback_is_no_way_around(self):
        self.check_denied(f"http://localhost:{self.upstream.port}/", "--allowed-host", "*")

    def test_other_spellings_of_loopback_are_no_way_around(self):
        for host in ("127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"):
            with self.subTest(host):
                self.check_denied(f"http://{host}:{self.upstream.port}/", "--allowed-host", "*",
                                  names=("http-outbound",))

    def test_an_allowed_host_on_an_open_loopback_port_is_reached(self):
        for name in ("http-outbound", "http-outbound-p3"):
            with self.subTest(name):
                answer = self.ask(name, self.upstream.url, "--allowed-host", "127.0.0.1",
                                  "--allowed-loopback-port", str(self.upstream.port))
                self.assertEqual((200, "upstream"), (answer.status, answer.text))
                self.assertEqual("/in", self.upstream.paths[-1])

    def test_another_scheme_than_the_allowed_one_is_denied(self):
        self.check_denied(self.upstream.url, "--allowed-host", "https://127.0.0.1",
                          "--allowed-loopback-port", str(self.upstream.port))

    def test_metadata_services_are_denied_whatever_is_allowed(self):
        for flags in (("--allowed-host", "*"), ("--allowed-host", "169.254.169.254")):
            with self.subTest(flags):
                self.check_denied("http://169.254.169.254/latest/meta-data/", *flags)
        self.check_denied("http://[fd00:ec2::254]/latest/", "--allowed-host", "*",
                          names=("http-outbound",))

    def test_a_denial_is_logged(self):
        server = self.serve("http-outbound")
        server.get("/", headers={"x-url": self.upstream.url})
        server.wait_for_stderr("denied")


def serve_bytes(test):
    """The port of a TCP server that answers `answer to …` to what it is sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    test.addCleanup(listener.close)

    def run():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    data = b"".join(iter(lambda: connection.recv(4096), b""))
                    connection.sendall(b"answer to " + data)

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


def serve_datagrams(test):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    test.addCleanup(server.close)

    def run():
        with contextlib.suppress(OSError):
            while True:
                data, peer = server.recvfrom(4096)
                server.sendto(b"answer to " + data, peer)

    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


class Sockets(SecurityTest):
    MISCS = ("http-misc", "http-misc-p3")

    def check_denied(self, path, *flags):
        for name in self.MISCS:
            with self.subTest(name):
                answer = self.serve(name, *flags).get(path)
                self.assertEqual(500, answer.status, answer.text)
                self.assertIn("access-denied", answer.text)

    def check_answer(self, path, expected, *flags):
        for name in self.MISCS:
            with self.subTest(name):
                answer = self.serve(name, *flags).get(path)
                self.assertEqual((200, expected), (answer.status, answer.text))

    def test_tcp_is_denied_unless_the_port_is_open(self):
        path = f"/tcp?addr=127.0.0.1:{serve_bytes(self)}&send=x&close=1"
        self.check_denied(path)
        self.check_denied(path, "--allowed-host", "*")
        self.check_denied(path, "--allowed-host", "127.0.0.1")

    def test_tcp_reaches_an_open_loopback_port(self):
        port = serve_bytes(self)
        self.check_answer(f"/tcp?addr=127.0.0.1:{port}&send=x&close=1", "answer to x",
                          "--allowed-loopback-port", str(port))

    def test_udp_is_denied_unless_the_port_is_open_for_it(self):
        port = serve_datagrams(self)
        path = f"/udp?addr=127.0.0.1:{port}&send=x"
        self.check_denied(path)
        self.check_denied(path, "--allowed-host", "*")
        self.check_denied(path, "--allowed-loopback-port", f"{port}/tcp")

    def test_udp_reaches_an_open_loopback_port(self):
        port = serve_datagrams(self)
        self.check_answer(f"/udp?addr=127.0.0.1:{port}&send=x", "answer to x",
                          "--allowed-loopback-port", f"{port}/udp")

    def test_metadata_services_are_denied_to_sockets_too(self):
        for host in ("*", "169.254.169.254"):
            self.check_denied("/tcp?addr=169.254.169.254:80&send=x", "--allowed-host", host)
            self.check_denied("/udp?addr=169.254.169.254:80&send=x", "--allowed-host", host)

    def test_nobody_listens(self):
        self.check_denied("/listen?addr=127.0.0.1:0", "--allowed-host", "*")
        self.check_denied("/listen?addr=0.0.0.0:0", "--allowed-host", "*")

    def test_names_are_looked_up_only_when_allowed(self):
        for flags in ((), ("--allowed-host", "*"), ("--allowed-lookup", "*.example.org")):
            for name in self.MISCS:
                with self.subTest(f"{name} {flags}"):
                    answer = self.serve(name, *flags).get("/lookup?name=localhost")
                    self.assertEqual(500, answer.status, answer.text)

    def test_what_is_too_long_for_a_name_is_not_looked_at(self):
        for name in self.MISCS:
            with self.subTest(name):
                answer = self.serve(name, "--allowed-lookup", "*").get(
                    "/lookup?name=" + "a" * 1025)
                self.assertEqual(500, answer.status)
                self.assertIn("invalid-argument", answer.text)

    def test_an_allowed_name_is_looked_up(self):
        for name in self.MISCS:
            with self.subTest(name):
                answer = self.serve(name, "--allowed-lookup", "localhost").get(
                    "/lookup?name=localhost")
                self.assertEqual(200, answer.status, answer.text)
                self.assertLessEqual(set(answer.text.split()), {"127.0.0.1", "::1"})
                self.assertNotEqual("", answer.text)


if __name__ == "__main__":
    harness.main()
