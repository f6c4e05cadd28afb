#!/usr/bin/env python3
"""`wash run` with components that answer HTTP: protocols, addresses, environment, the end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import unittest

import harness

HELLOS = {"http-hello": b"hello from rust ", "http-hello-p3": b"hello from rust ",
          "http-hello-c": b"hello", "http-hello-c-p3": b"hello",
          "http-hello-0.2.0": b"hello", "http-hello-0.2.99": b"hello"}


def tool(*command):
    """Runs a foreign client: subprocess.CompletedProcess with bytes."""
    return subprocess.run(command, capture_output=True, check=False,
                          timeout=harness.PATIENCE_SECONDS)


class Hello(harness.TestCase):
    def serve(self, name="http-hello", *flags):
        return self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0", *flags)

    def test_components_of_every_wasi_version_say_hello(self):
        for name, beginning in HELLOS.items():
            with self.subTest(name):
                answer = self.serve(name).get("/some/path?a=b")
                self.assertEqual(200, answer.status)
                self.assertIn(beginning.lower(), answer.body.lower())

    def test_both_engines_serve_the_same_component(self):
        for engine in ("auto", "full"):
            with self.subTest(engine):
                self.assertEqual(200, self.serve("http-hello", "--engine", engine).get().status)

    def test_any_host_and_any_path_reach_the_component(self):
        server = self.serve()
        for host in ("localhost", "example.org:8080", "[::1]", "a.b.c.d.example"):
            for path in ("/", "/a/b/c", "/%2e%2e/x?y=z"):
                answer = server.get(path, headers={"Host": host})
                self.assertEqual((200, f"hello from rust {path}\n"), (answer.status, answer.text))

    def test_every_method_reaches_the_component(self):
        server = self.serve("http-misc")
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            seen = json.loads(server.request(method, "/headers").body)
            self.assertEqual(method, seen["method"].upper())

    def test_a_component_sees_the_request_as_it_was_sent(self):
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                server = self.serve(name)
                seen = json.loads(server.get("/headers?x=%20y", headers={
                    "Host": "shop.example", "X-Two": "words here"}).body)
                self.assertEqual(("http", "shop.example", "/headers?x=%20y"),
                                 (seen["scheme"], seen["authority"], seen["path"]))
                self.assertIn(["x-two", "words here"], seen["headers"])

    def test_a_connection_is_kept_for_further_requests(self):
        for name in ("http-hello", "http-hello-p3"):
            with self.subTest(name), self.serve(name).connect() as client:
                for number in range(20):
                    client.send(f"GET /{number} HTTP/1.1\r\nHost: h\r\n\r\n")
                    expected = rf"^hello from rust (p3 )?/{number}\n$"
                    self.assertRegex(client.read_answer().text, expected)

    def test_pipelined_requests_are_answered_in_their_order(self):
        for name in ("http-hello", "http-hello-p3"):
            with self.subTest(name), self.serve(name).connect() as client:
                client.send("".join(f"GET /{n} HTTP/1.1\r\nHost: h\r\n\r\n" for n in range(50)))
                answers = [client.read_answer().text.split()[-1] for _ in range(50)]
                self.assertEqual([f"/{n}" for n in range(50)], answers)

    def test_a_slow_request_does_not_let_a_pipelined_one_overtake_it(self):
        with self.serve("http-misc").connect() as client:
            client.send("GET /sleep?ms=200 HTTP/1.1\r\nHost: h\r\n\r\n"
                        "GET /status?code=201 HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual([200, 201], [client.read_answer().status for _ in range(2)])

    def test_a_connection_ends_when_the_client_asks_for_it(self):
        with self.serve().connect() as client:
            client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.assertIn(b"connection: close", client.read_to_end().lower())

    def test_http_1_0_is_answered_and_closed(self):
        with self.serve().connect() as client:
            client.send("GET /old HTTP/1.0\r\nHost: h\r\n\r\n")
            answer = client.read_to_end()
            self.assertIn(b" 200 ", answer.split(b"\r\n")[0])
            self.assertTrue(answer.endswith(b"hello from rust /old\n"), answer)

    def test_http_1_0_needs_no_host(self):
        with self.serve().connect() as client:
            client.send("GET /old HTTP/1.0\r\n\r\n")
            self.assertTrue(client.read_to_end().startswith(b"HTTP/1.1 200 "))

    def test_head_has_the_headers_of_get_and_no_body(self):
        for name in ("http-hello", "http-hello-p3"):
            with self.subTest(name), self.serve(name).connect() as client:
                client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
                            "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                answer = client.read_to_end()
                head, rest = answer.split(b"\r\n\r\n", 1)
                self.assertTrue(head.startswith(b"HTTP/1.1 200 "), answer)
                self.assertIn(b"content-type: text/plain", head.lower())
                self.assertTrue(rest.startswith(b"HTTP/1.1 200 "), answer)

    def test_a_unix_socket_is_an_address_and_no_url(self):
        address = f"unix:{self.folder}/http.sock"
        words = ("run", harness.guest("http-hello"), "--addr", address)
        process = self.start("-o", "json", *words)
        data = json.loads(process.wait_for_stdout("success").string)["data"]
        self.assertEqual({"address": address, "url": None, "kind": "http-p2"}, data)
        self.assertEqual(0, process.terminate())
        self.start(*words).wait_for_stdout(f"^Serving .* at {re.escape(address)}$")

    def test_curl_speaks_http_2_with_prior_knowledge(self):
        for name in ("http-hello", "http-hello-p3"):
            with self.subTest(name):
                done = tool("curl", "-sS", "--http2-prior-knowledge", "-w", "%{http_version}",
                            f"{self.serve(name).url}/x")
                self.assertRegex(done.stdout, rb"^hello from rust (p3 )?/x\n2$", done.stderr)

    def test_curl_speaks_http_1_1(self):
        done = tool("curl", "-sS", "--http1.1", "-w", "%{http_version}", f"{self.serve().url}/x")
        self.assertEqual(b"hello from rust /x\n1.1", done.stdout, done.stderr)

    def test_curl_sees_an_answer_that_does_not_wait_for_its_upload(self):
        upload = self.folder / "upload"
        upload.write_bytes(bytes(300_000))
        server = self.serve("http-misc")  # reads nothing
        for version in ("--http2-prior-knowledge", "--http1.1"):
            for _ in range(3):
                done = tool("curl", "-sS", version, "-T", upload, "-w", "%{http_code}",
                            f"{server.url}/no/such/path")
                self.assertEqual(b"no such test\n404", done.stdout, done.stderr)

    def test_curl_sees_an_early_success_over_http_2(self):
        upload = self.folder / "upload"
        upload.write_bytes(bytes(300_000))
        for name in ("http-misc", "http-misc-p3"):
            server = self.serve(name)
            for _ in range(5):
                done = tool("curl", "-sS", "--http2-prior-knowledge", "-T", upload, "-w",
                            "%{http_code} %{size_upload}", f"{server.url}/noread")
                self.assertEqual(b"not read\n200 300000", done.stdout, done.stderr)

    def test_nghttp_gets_many_streams_of_one_connection(self):
        server = self.serve("http-hello-p3")
        done = tool("nghttp", *(f"{server.url}/{n}" for n in range(20)))
        self.assertEqual({f"hello from rust p3 /{n}".encode() for n in range(20)},
                         set(done.stdout.split(b"\n")) - {b""}, done.stderr)

    def test_head_over_http_2_has_no_body(self):
        done = tool("nghttp", "-v", "-H", ":method: HEAD", self.serve().url)
        self.assertIn(b":status: 200", done.stdout)
        self.assertNotIn(b"hello from rust", done.stdout)

    def test_headers_larger_than_a_packet_reach_the_client(self):
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                answer = self.serve(name).get("/big-headers?count=20&bytes=1000")
                self.assertEqual("v" * 1000, answer.headers["x-big-19"])

    def test_an_error_instead_of_a_response_is_a_500(self):
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                self.assertEqual(500, self.serve(name).get("/error").status)


class DefaultAddress(harness.TestCase):
    """In a name space with a loopback of its own, so that the port is nobody else's."""

    ALONE = ["unshare", "--user", "--map-root-user", "--net", "--", sys.executable, "-c",
             "import fcntl, os, socket, struct, sys\n"
             "up = struct.pack('16sH14x', b'lo', 1)\n"
             "fcntl.ioctl(socket.socket(), 0x8914, up)  # SIOCSIFFLAGS, IFF_UP\n"
             "os.execvp(sys.argv[1], sys.argv[1:])"]

    def wash_words(self):
        return [*self.ALONE, *super().wash_words()]

    def test_without_an_address_port_8000_of_loopback_is_served(self):
        if subprocess.run([*self.ALONE, "true"], check=False, capture_output=True).returncode != 0:
            self.skipTest("this machine lets nobody make a name space")
        for words in (("run", harness.guest("http-hello")),
                      ("host", "--admin-socket", self.folder / "admin.sock")):
            with self.subTest(words[0]):
                server = self.wash(*words)
                self.assertEqual(("127.0.0.1", 8000), (server.host, server.port))
                self.assertEqual(0, server.terminate())


class Addresses(harness.TestCase):
    def test_json_output_names_the_address_that_was_bound(self):
        server = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0", "-o",
                           "json")
        said = json.loads(server.stdout.all[0])
        self.assertTrue(said["success"])
        self.assertEqual(f"127.0.0.1:{server.port}", said["data"]["address"])
        self.assertEqual(f"http://127.0.0.1:{server.port}/", said["data"]["url"])
        self.assertNotEqual(0, server.port)
        self.assertEqual(200, server.get().status)

    def test_the_default_is_port_8000_of_loopback_as_the_help_says(self):
        for command in ("run", "host"):
            self.assertRegex(self.run_wash(command, "--help").stdout,
                             r"--(http-)?addr ADDRESS:PORT.*\(default 127\.0\.0\.1:8000\)")

    def test_port_0_gives_two_processes_two_ports(self):
        ports = {self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0").port
                 for _ in range(2)}
        self.assertEqual(2, len(ports))

    @unittest.skipUnless(os.path.exists("/proc/net/if_inet6"), "this machine has no IPv6")
    def test_ipv6_addresses_are_served(self):
        server = self.wash("run", harness.guest("http-hello"), "--addr", "[::1]:0")
        self.assertEqual("::1", server.host)
        self.assertEqual(200, server.get().status)

    def test_a_port_in_use_is_one_clear_line(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = self.run_wash("run", harness.guest("http-hello"), "--addr", address)
            self.assertEqual(1, done.returncode)
            self.assertRegex(harness.without_progress(done.stderr),
                             rf"\Aerror: .*{address}.*\n\Z")

    def test_every_shard_count_serves(self):
        for shards in ("1", "3"):
            server = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0",
                               "--shards", shards)
            self.assertEqual([200] * 10, [server.get().status for _ in range(10)])


class Surroundings(harness.TestCase):
    def serve(self, name, *flags):
        return self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0", *flags)

    def test_the_environment_is_what_was_given_and_nothing_more(self):
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                server = self.serve(name, "--env", "A=1", "--env", "B=x=y", "--env", "C=")
                environment = json.loads(server.get("/env").body)
                self.assertEqual({"A": "1", "B": "x=y", "C": ""}, environment)

    def test_without_dir_a_component_has_no_files(self):
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                server = self.serve(name)
                self.assertEqual([], json.loads(server.get("/fs?op=preopens").body))
                self.assertEqual(500, server.get("/fs?op=read&path=/etc/passwd").status)

    def test_a_folder_can_be_read_and_written(self):
        self.write("data/seen.txt", "from outside")
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                server = self.serve(name, "--dir", f"{self.folder}/data::/data")
                self.assertEqual(["/data"], json.loads(server.get("/fs?op=preopens").body))
                self.assertEqual("from outside",
                                 server.get("/fs?op=read&path=/data/seen.txt").text.strip())
                self.assertEqual(200, server.get("/fs?op=write&path=/data/new&text=mine").status)
                self.assertEqual("mine", (self.folder / "data/new").read_text())

    def test_a_read_only_folder_stays_as_it_is(self):
        self.write("data/seen.txt", "from outside")
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                server = self.serve(name, "--dir", f"{self.folder}/data::/data:ro")
                self.assertEqual("from outside",
                                 server.get("/fs?op=read&path=/data/seen.txt").text.strip())
                for change in ("write&path=/data/new&text=x", "append&path=/data/seen.txt&text=x",
                               "unlink&path=/data/seen.txt", "mkdir&path=/data/more",
                               "rename&path=/data/seen.txt&to=/data/other"):
                    self.assertEqual(500, server.get(f"/fs?op={change}").status, change)
                self.assertEqual(["seen.txt"], os.listdir(self.folder / "data"))
                self.assertEqual("from outside", (self.folder / "data/seen.txt").read_text())

    def test_no_path_leads_out_of_a_folder(self):
        self.write("secret", "not yours")
        self.write("data/inside", "")
        (self.folder / "data/link").symlink_to("../secret")
        (self.folder / "data/absolute").symlink_to(self.folder / "secret")
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                server = self.serve(name, "--dir", f"{self.folder}/data::/data")
                for path in ("/data/../secret", "/data/link", "/data/absolute",
                             f"{self.folder}/secret"):
                    answer = server.get(f"/fs?op=read&path={path}")
                    self.assertEqual(500, answer.status, path)
                    self.assertNotIn("not yours", answer.text)

    def test_what_a_component_prints_is_passed_through(self):
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                server = self.serve(name)
                server.get("/print?lines=2")
                server.wait_for_stdout("^line 1 ")
                server.get("/print?lines=1&to=stderr")
                server.wait_for_stderr("^line 0 ")

    def test_the_access_log_has_a_line_for_each_request(self):
        file = self.folder / "access.log"
        server = self.serve("http-misc", "--access-log", file, "--log-format", "json")
        server.get("/status?code=201")
        server.get("/trap")
        self.assertEqual(0, server.terminate())
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        self.assertEqual([201, 500], [line["status"] for line in lines])
        self.assertEqual(["GET", "GET"], [line["method"] for line in lines])


class Ends(harness.TestCase):
    def serve(self, name="http-misc"):
        return self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0")

    def test_signals_end_an_idle_server_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), self.serve().connect() as idle:
                server = self._processes[-1]
                idle.send("GET /count HTTP/1.1\r\nHost: h\r\n\r\n")
                idle.read_answer()
                server.send(number)
                self.assertEqual(0, server.wait())
                self.assertEqual(b"", idle.read_to_end())

    def test_a_running_request_is_finished_first(self):
        for name in ("http-misc", "http-misc-p3"):
            with self.subTest(name):
                server = self.serve(name)
                with server.connect() as client:
                    client.send("GET /late?ms=1500 HTTP/1.1\r\nHost: h\r\n\r\n")
                    client.read_until("\r\n\r\n")  # it runs
                    server.send(signal.SIGTERM)
                    self.assertIn(b"late\n", client.read_to_end())
                self.assertEqual(0, server.wait())

    def test_nobody_new_is_let_in_while_the_last_request_runs(self):
        server = self.serve("http-echo")
        with server.connect() as client:
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx")
            client.read_until("\r\n\r\n")
            server.send(signal.SIGTERM)
            self.eventually(lambda: not self.accepts(server), "it goes on accepting")
            self.assertTrue(server.running())
            client.send("y")  # it lasted until now
            self.assertTrue(client.read_to_end().endswith(b"0\r\n\r\n"))
        self.assertEqual(0, server.wait())

    def accepts(self, server):
        try:
            socket.create_connection((server.host, server.port)).close()
            return True
        except (ConnectionRefusedError, ConnectionResetError):  # reset: as the listener closed
            return False

    def test_a_second_signal_does_not_wait(self):
        server = self.serve()
        with server.connect() as client:
            client.send("GET /late?ms=60000 HTTP/1.1\r\nHost: h\r\n\r\n")
            client.read_until("\r\n\r\n")
            server.send(signal.SIGTERM)
            self.eventually(lambda: not self.accepts(server), "it goes on accepting")
            server.send(signal.SIGINT)
            self.assertEqual(143, server.wait())


if __name__ == "__main__":
    harness.main()
