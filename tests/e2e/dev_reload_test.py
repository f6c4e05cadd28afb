#!/usr/bin/env python3
# ctest: run alone
"""`wash dev`: from a saved file to new code, without a request noticing. Builds copy components
that are there already, so that only what `wash` itself does is looked at."""

import json
import pathlib

import developing
import harness

ONE, OTHER = "http-hello", "http-hello-c"
SAYS = {ONE: "hello from rust /x", OTHER: "hello from c /x"}


class DevReloadTest(developing.TestCase):
    def test_an_edit_is_served(self):
        self.project(ONE)
        dev = self.dev()
        self.assertIn(SAYS[ONE], self.text_of(dev, "/x"))
        self.swap(OTHER)
        event = dev.until("reloaded")
        self.assertEqual(2, event["generation"])
        self.assertIn(SAYS[OTHER], self.text_of(dev, "/x"))
        self.assertEqual([["component.in"]], [each["paths"] for each in dev.events("changed")])
        self.assertEqual(0, dev.interrupt())

    def test_ten_edits_in_a_row_under_load_fail_no_request(self):
        for keep in (True, False):
            with self.subTest(keep=keep):
                self.project(ONE)
                dev = self.dev()
                clients = developing.Clients(dev, 4, "/x", keep=keep)
                for number in range(1, 11):
                    guest = (ONE, OTHER)[number % 2]
                    self.swap(guest)
                    self.assertEqual(number + 1, dev.until("reloaded")["generation"])
                    self.assertIn(SAYS[guest], self.text_of(dev, "/x"))
                self.assertGreater(clients.end(), 100)
                self.assertEqual(0, dev.interrupt())

    def test_a_kept_connection_and_a_streaming_answer_survive(self):
        self.project("http-misc")
        dev = self.dev()
        with dev.connect() as kept, dev.connect() as streaming:
            kept.send("GET /env HTTP/1.1\r\nhost: x\r\n\r\n")
            self.assertEqual(200, kept.read_answer().status)
            streaming.send("GET /late?ms=1000 HTTP/1.1\r\nhost: x\r\n\r\n")
            head = streaming.read_until("\r\n\r\n")
            self.assertIn(b" 200 ", head)
            self.swap(ONE)
            dev.until("reloaded")
            kept.send("GET /x HTTP/1.1\r\nhost: x\r\n\r\n")
            self.assertIn(SAYS[ONE], kept.read_answer().text)
            self.assertEqual(b"5\r\nlate\n\r\n0\r\n\r\n", streaming.read_exactly(15))
        self.assertEqual(0, dev.interrupt())

    def test_a_failed_build_is_told_once_and_keeps_what_serves(self):
        self.project(ONE, build={"command": "test ! -e broken && cp component.in app.wasm"})
        dev = self.dev()
        self.source("broken", "")
        failed = dev.until("build-failed")
        self.assertIn("failed with status 1", failed["message"])
        self.assertEqual("program-failed", failed["code"])
        self.assertIn(SAYS[ONE], self.text_of(dev, "/x"))
        self.swap(OTHER)
        dev.until("build-failed")
        self.assertIn(SAYS[ONE], self.text_of(dev, "/x"))
        (self.root / "broken").unlink()
        dev.until("reloaded")
        self.assertIn(SAYS[OTHER], self.text_of(dev, "/x"))
        self.assertEqual(2, len(dev.events("build-failed")))

    def test_a_component_that_does_not_load_keeps_what_serves(self):
        self.project(ONE)
        dev = self.dev()
        self.source("component.in", "no component")
        self.assertIn("app.wasm", dev.until("build-failed")["message"])
        self.assertIn(SAYS[ONE], self.text_of(dev, "/x"))
        self.swap("command")
        self.assertIn("does not serve HTTP", dev.until("load-failed")["message"])
        self.assertIn(SAYS[ONE], self.text_of(dev, "/x"))
        self.swap(ONE)
        dev.until("unchanged")
        self.swap(OTHER)
        self.assertEqual(2, dev.until("reloaded")["generation"])

    def test_what_a_build_prints_is_seen(self):
        self.project(ONE, build={"command": "echo to be seen; echo alas >&2; "
                                            "cp component.in $WASH_COMPONENT_PATH"})
        dev = self.dev()
        dev.wait_for_stderr("to be seen")
        self.assertEqual(0, dev.interrupt())
        self.assertIn("alas", dev.stderr.all)

    def test_a_first_build_that_fails_waits_for_an_edit(self):
        self.project(ONE, build={"command": "test -e whole && cp component.in app.wasm"})
        process = self.start("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0")
        process.wait_for_stdout("build-failed")
        self.source("whole", "")
        process.wait_for_stdout('"event":"serving"')
        process.send(harness.signal.SIGINT)
        self.assertEqual(0, process.wait())

    def test_a_unix_socket_has_an_address_and_no_url(self):
        self.project(ONE)
        address = f"unix:{self.folder}/dev.sock"
        process = self.start("-o", "json", "dev", self.root, "--addr", address)
        process.wait_for_stdout(f'"address":"{address}","url":null')
        process.send(harness.signal.SIGINT)
        self.assertEqual(0, process.wait())
        process = self.start("dev", self.root, "--addr", address)
        process.wait_for_stdout(f"Serving at {address}")
        process.send(harness.signal.SIGINT)
        self.assertEqual(0, process.wait())

    def test_a_component_is_followed_without_a_build(self):
        self.source("app.wasm", pathlib.Path(harness.guest(ONE)).read_bytes())
        dev = self.dev("--no-build", "--component-path", "app.wasm")
        self.assertIn(SAYS[ONE], self.text_of(dev, "/x"))
        self.source("app.wasm", pathlib.Path(harness.guest(OTHER)).read_bytes())
        dev.until("reloaded")
        self.assertIn(SAYS[OTHER], self.text_of(dev, "/x"))

    def test_results_of_builds_start_no_builds(self):
        self.project(ONE, build={"command": "mkdir -p node_modules target; date +%N > target/a; "
                                            "date +%N > node_modules/b; cp component.in app.wasm"})
        self.source("Cargo.toml", "")
        dev = self.dev()
        self.swap(OTHER)
        dev.until("reloaded")
        self.source("README.md", "a change of its own")
        dev.until("unchanged")
        self.assertEqual(3, len(dev.events("building")))

    def test_a_build_that_writes_among_the_sources_comes_to_rest(self):
        self.project(ONE, build={"command": "date +%N > stamp; cp component.in app.wasm"})
        dev = self.dev()
        self.assertIn("stamp", dev.until("warning")["message"])
        builds = len(dev.events("building"))
        self.swap(OTHER)
        dev.until("reloaded")
        self.assertEqual(builds + 1, len(dev.events("building")))

    def test_requests_are_logged(self):
        self.project(ONE)
        dev = self.dev("--log-requests")
        self.text_of(dev, "/x?a=b")
        event = dev.until("request")
        self.assertEqual(("GET", "/x?a=b", 200),
                         (event["method"], event["path"], event["status"]))

    def test_what_guests_print_comes_line_by_line_with_the_components_name(self):
        self.project("http-misc")
        dev = self.dev()
        for stream in ("stdout", "stderr"):
            self.text_of(dev, f"/print?to={stream}&lines=2&bytes=7")
            for text in ("line 0 ", "line 1 "):
                event = dev.until("output", stream=stream)
                self.assertEqual(("project", text), (event["component"], event["message"]))

    def test_what_cannot_be_run_at_all_is_an_error_at_once(self):
        (self.root / ".wash").mkdir(parents=True)
        done = self.run_wash("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0")
        self.assertEqual(1, done.returncode)
        self.assertIs(False, json.loads(done.stdout.splitlines()[-1])["success"])


if __name__ == "__main__":
    harness.main()
