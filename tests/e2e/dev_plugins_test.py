#!/usr/bin/env python3
"""`wash dev`: interfaces that installed plugins serve."""

import base64
import json
import os
import pathlib
import re
import threading

import developing
import harness


class DevPluginsTest(developing.TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.env = self.environment(XDG_DATA_HOME=str(self.data))

    def install(self, guest, *arguments):
        done = self.run_wash("plugin", "install", harness.guest(guest), *arguments, env=self.env)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def uninstall(self, name):
        done = self.run_wash("plugin", "uninstall", name, env=self.env)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def plugin_file(self, *parts):
        return self.data.joinpath("wash", "plugins", *parts)

    def dev(self, *arguments, **options):
        return super().dev(*arguments, env=self.env, **options)


class ComposedTest(DevPluginsTest):
    def put(self, dev, name, text):
        with dev.connect() as connection:
            connection.send(f"PUT /{name} HTTP/1.1\r\nhost: x\r\n"
                            f"content-length: {len(text)}\r\n\r\n{text}")
            answer = connection.read_answer()
        self.assertEqual((200, f"stored {len(text)}\n"), (answer.status, answer.text))

    def test_blobs_are_files_of_the_plugin_and_stay(self):
        self.install("plugin-blobstore-filesystem")
        self.project("http-blobs")
        dev = self.dev()
        self.put(dev, "first", "some text")
        self.put(dev, "second", "x" * 100_000)
        self.assertEqual("some text", self.text_of(dev, "/first"))
        self.assertEqual("x" * 100_000, self.text_of(dev, "/second"))
        self.assertEqual("ome", self.text_of(dev, "/first?from=1&to=3"))
        folder = self.plugin_file("fs", "blobstore-filesystem")
        self.assertEqual("some text", (folder / "web" / "first").read_text(encoding="utf-8"))
        self.assertEqual(0, dev.interrupt())
        again = self.dev()
        self.assertEqual(["first 9", "second 100000"], sorted(self.text_of(again).splitlines()))
        self.assertEqual("some text", self.text_of(again, "/first"))
        self.assertEqual(0, again.interrupt())

    def test_blobs_lie_where_the_project_says(self):
        self.install("plugin-blobstore-filesystem")
        self.project("http-blobs")
        dev = self.dev()
        self.put(dev, "first", "one")
        self.project("http-blobs", dev={"wasi_blobstore_path": "data/blobs"})
        dev.until("reloaded")
        self.assertEqual("", self.text_of(dev))
        self.put(dev, "first", "another")
        blob = self.root / "data" / "blobs" / "web" / "first"
        self.assertEqual("another", blob.read_text(encoding="utf-8"))
        own = self.plugin_file("fs", "blobstore-filesystem", "web", "first")
        self.assertEqual("one", own.read_text(encoding="utf-8"))
        self.assertEqual(1, len(dev.events("building")))  # what is written there is no source
        self.assertEqual(0, dev.interrupt())

    def folders(self):
        """What there is of folders of plugins."""
        parent = self.plugin_file("fs")
        return sorted(os.listdir(parent)) if parent.exists() else []

    def test_one_that_is_uninstalled_serves_until_the_next_generation(self):
        self.install("plugin-blobstore-filesystem")
        self.project("http-blobs")
        dev = self.dev()
        self.put(dev, "first", "some text")
        self.uninstall("blobstore-filesystem")
        dev.until("load-failed")
        self.assertEqual("some text", self.text_of(dev, "/first"))
        self.put(dev, "second", "more")
        self.assertEqual("more", self.text_of(dev, "/second"))
        # What comes instead has nothing of it.
        self.install("plugin-blobstore-filesystem")
        dev.until("reloaded")
        self.assertEqual("", self.text_of(dev))
        self.assertEqual(["blobstore-filesystem"], self.folders())
        self.put(dev, "third", "again")
        self.uninstall("blobstore-filesystem")
        dev.until("load-failed")
        self.assertEqual("again", self.text_of(dev, "/third"))
        self.assertEqual(0, dev.interrupt())
        self.assertEqual([], self.folders())

    def test_what_a_killed_wash_has_left_goes_with_the_next_change(self):
        self.install("plugin-blobstore-filesystem")
        self.project("http-blobs")
        dev = self.dev()
        self.put(dev, "first", "some text")
        self.uninstall("blobstore-filesystem")
        self.assertIn("blobstore-filesystem", self.folders())
        dev.kill()
        self.install("plugin-tally")
        self.assertEqual([], self.folders())

    def test_one_that_is_damaged_meanwhile_is_told_once_with_what_helps(self):
        self.install("plugin-blobstore-filesystem")
        self.project("http-blobs")
        dev = self.dev()
        [binary] = self.plugin_file().glob("blobstore-filesystem-*.wasm")
        binary.write_bytes(b"damaged")
        left_out = "plugin blobstore-filesystem is left out: .* is not what was installed; " \
                   "install it again"
        edited = self.with_section("http-blobs")
        self.source("component.in", edited)
        dev.wait_for_stderr(left_out)
        dev.until("load-failed")
        self.source("component.in", edited + b"\0\x02\x01y")
        dev.until("load-failed")
        self.assertEqual(1, len(re.findall(left_out, "\n".join(dev.stderr.all))))
        self.install("plugin-blobstore-filesystem", "--force")
        dev.until("reloaded")

    def test_plugins_that_come_and_go_are_followed(self):
        self.project("http-blobs")
        process = self.start("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0", env=self.env)
        process.wait_for_stdout("load-failed.*wasi:blobstore|wasi:blobstore.*load-failed")
        self.install("plugin-blobstore-filesystem")
        process.wait_for_stdout('"event":"serving"')
        self.uninstall("blobstore-filesystem")
        process.wait_for_stdout("load-failed")
        process.send(harness.signal.SIGINT)
        self.assertEqual(0, process.wait())


class HooksBehindItTest(DevPluginsTest):
    """Those of the older contracts see the component that it began with."""

    def setUp(self):
        super().setUp()
        self.install("plugin-old-2")
        self.first = pathlib.Path(harness.guest("http-hello")).read_bytes()

    def assert_seen(self, dev):
        self.assertEqual(0, dev.interrupt())
        text = base64.b64encode(self.first).decode()
        self.assertIn(f"[old-2] began with {len(text)} {text[:16]} {text[-16:]}", dev.stderr.all)

    def test_built(self):
        self.project("http-hello")
        dev = self.dev()
        self.swap("http-hello-c")
        dev.until("reloaded")
        self.assert_seen(dev)

    def test_as_it_lies_there(self):
        self.source("app.wasm", self.first)
        self.assert_seen(self.dev("--no-build", "--component-path", self.root / "app.wasm"))


class HooksBeforeItTest(DevPluginsTest):
    def test_what_the_oldest_contract_leaves_is_a_variable_of_the_components(self):
        self.install("plugin-old-1")
        self.project("http-misc")
        dev = self.dev()
        self.assertEqual("yes", json.loads(self.text_of(dev, "/env"))["OLD"])
        self.assertEqual(0, dev.interrupt())
        # It counts its runs when it is initialized, which comes first.
        self.assertIn("HookType::BeforeDev, run 1 ", "\n".join(dev.stderr.all))


class CalledTest(DevPluginsTest):
    ALLOW = ("--allow", "Tally_1.x:declared")

    def test_one_instance_for_all_is_kept_over_edits(self):
        self.install("plugin-tally")
        self.project("tally-web")
        dev = self.dev()
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual("3 4\n", self.text_of(dev, "/calls"))
        self.assertEqual("41 42\n", self.text_of(dev, "/resource"))
        self.source("component.in", self.with_section("tally-web"))
        dev.until("reloaded")
        self.assertEqual("5 6\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_a_trap_is_that_requests_only(self):
        self.install("plugin-tally")
        self.project("tally-web")
        dev = self.dev()
        for _ in range(2):
            self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
            self.assertEqual(500, dev.get("/fail").status)
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_what_it_keeps_is_there_the_next_time(self):
        self.install("plugin-tally")
        self.project("tally-web")
        dev = self.dev()
        self.assertEqual("1\n", self.text_of(dev, "/other/a"))
        self.assertEqual("2\n", self.text_of(dev, "/other/a"))
        self.assertEqual(0, dev.interrupt())
        self.assertIn('"a":"2"', self.plugin_file("Tally_1_x.config.json").read_text("utf-8"))
        again = self.dev()
        self.assertEqual("3\n", self.text_of(again, "/other/a"))
        self.assertEqual(0, again.interrupt())

    def test_programs_need_consent(self):
        self.install("plugin-tally")
        self.project("tally-web")
        dev = self.dev()
        self.assertIn("ExecError::Denied", self.text_of(dev, "/settings"))
        self.assertEqual("asking", dev.until("output", component="plugin-Tally_1.x")["message"])
        self.assertEqual(0, dev.interrupt())
        allowed = self.dev(*self.ALLOW)
        self.assertEqual("counted", self.text_of(allowed, "/settings").splitlines()[-1])
        self.assertEqual(0, allowed.interrupt())

    def settings(self, dev):
        """What the plugin says of the program that it wants to run."""
        return self.text_of(dev, "/settings").splitlines()[-1]

    def test_a_permission_that_is_taken_back_is_gone_from_what_runs(self):
        self.install("plugin-tally", "--yes")
        self.project("tally-web")
        dev = self.dev()
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual("counted", self.settings(dev))
        done = self.run_wash("plugin", "revoke", "Tally_1.x", env=self.env)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("ExecError::Denied", self.settings(dev))
        # Nothing else is another: the instance goes on with what it remembers.
        self.assertEqual("3 4\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_rules_of_the_user_are_followed(self):
        self.install("plugin-tally")
        self.project("tally-web")
        rules = ".config/wash/config.yaml"
        self.write(rules, json.dumps({"plugins": {"allow": []}}))
        dev = self.dev()
        self.assertIn("ExecError::Denied", self.settings(dev))
        self.write(rules, json.dumps({"plugins": {"allow": [self.ALLOW[1]]}}))
        dev.until("reloaded")
        self.assertEqual("counted", self.settings(dev))
        self.write(rules, json.dumps({"plugins": {"allow": []}}))
        dev.until("reloaded")
        self.assertIn("ExecError::Denied", self.settings(dev))
        self.write(rules, json.dumps({"plugins": {"allow": ["nonsense"]}}))
        self.assertIn("nonsense", dev.until("load-failed")["message"])
        self.assertIn("ExecError::Denied", self.settings(dev))
        self.assertEqual(0, dev.interrupt())

    def test_what_is_configured_for_it_is_followed(self):
        self.install("plugin-tally")
        build = {"command": "cp component.in app.wasm", "component_path": "app.wasm"}
        self.project("tally-web", plugins={"config": {"Tally_1.x": {"a": "10"}}})
        dev = self.dev()
        self.assertEqual("11\n", self.text_of(dev, "/other/a"))
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.configure({"build": build, "plugins": {"config": {"Tally_1.x": {"a": "20"}}}})
        dev.until("reloaded")
        self.assertEqual("21\n", self.text_of(dev, "/other/a"))
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))  # it is another instance
        # What is said of a plugin that is not there changes nothing.
        self.configure({"build": build, "plugins": {"config": {"Tally_1.x": {"a": "20"},
                                                               "other": {"a": "1"}}}})
        dev.until("configured")
        self.source("component.in", self.with_section("tally-web"))
        dev.until("reloaded")
        self.assertEqual("3 4\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_http_requests_that_are_passed_on_meet_calls_in_the_instance_for_all(self):
        self.install("plugin-tally")
        self.project("tally-web", dev={
            "components": [{"name": "relay", "file": harness.guest("http-relay")}],
            "routes": [{"path": "/"}, {"path": "/http", "component": "relay"}],
            "host_interfaces": [{"namespace": "wasi", "package": "http",
                                 "interfaces": ["incoming-handler"],
                                 "provider": "component:plugin-tally-1-x"}]})
        dev = self.dev()
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual("3\n", self.text_of(dev, "/http/calls"))
        self.assertEqual("4 5\n", self.text_of(dev, "/calls"))
        self.assertEqual('Ok("yes")\n', self.text_of(dev, "/http/configured"))
        # One call after the other; a client that goes costs nobody anything.
        with dev.connect() as gone, dev.connect() as slow:
            for connection in (gone, slow):
                connection.send("GET /http/slow HTTP/1.1\r\nhost: x\r\n\r\n")
            gone.close()
            self.assertEqual("slow\n", slow.read_answer().text)
        self.assertEqual("6 7\n", self.text_of(dev, "/calls"))
        # A trap is that request's, and the next one has a new instance.
        self.assertEqual(500, dev.get("/http/fail").status)
        self.assertEqual("1\n", self.text_of(dev, "/http/calls"))
        self.assertEqual("2 3\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_http_is_passed_on_to_a_plugin_that_is_the_only_one_to_take_it(self):
        self.install("plugin-tally")
        self.project("http-relay")
        dev = self.dev()
        self.assertEqual("1\n", self.text_of(dev, "/calls"))
        self.source("component.in", self.with_section("http-relay"))
        dev.until("reloaded")
        self.assertEqual("2\n", self.text_of(dev, "/calls"))
        answer = dev.request("POST", "/fail", body=b"x" * 100_000)
        self.assertEqual(500, answer.status)
        self.assertEqual("1\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_a_plugin_of_the_older_contract_has_an_instance_for_each_caller(self):
        self.install("plugin-old-tally")
        self.project("tally-web")
        dev = self.dev("--allow", "old-tally:program echo counted")
        for _ in range(2):
            self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual("1\n", self.text_of(dev, "/other/a"))
        self.assertEqual("2\n", self.text_of(dev, "/other/a"))
        self.assertIn('Ok(("counted\\n", ""))', self.text_of(dev, "/settings"))
        self.assertEqual(500, dev.get("/fail").status)
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_two_plugins_for_one_interface_are_both_named(self):
        self.install("plugin-tally")
        self.install("plugin-old-tally")
        self.project("tally-web")
        process = self.start("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0", env=self.env)
        failed = process.wait_for_stdout(".*load-failed.*").group()
        for name in ("tally-1-x", "old-tally", "component:plugin-"):
            self.assertIn(name, failed)
        self.configure({"build": {"command": "cp component.in app.wasm",
                                  "component_path": "app.wasm"},
                        "dev": {"host_interfaces": [
                            {"namespace": "test", "package": "tally",
                             "provider": "component:plugin-old-tally"}]}})
        process.wait_for_stdout('"event":"serving"')
        process.send(harness.signal.SIGINT)
        self.assertEqual(0, process.wait())

    def test_calls_at_once_meet_in_one_instance(self):
        self.install("plugin-tally")
        self.project("tally-web")
        dev = self.dev()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.text_of(dev, "/calls")))
                   for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(harness.PATIENCE_SECONDS)
        numbers = sorted(int(number) for text in answers for number in text.split())
        self.assertEqual(list(range(1, 17)), numbers)
        self.assertEqual(0, dev.interrupt())

    def test_a_client_that_leaves_takes_no_state_with_it(self):
        begun, go_on = self.folder / "begun", self.folder / "go-on"
        os.mkfifo(go_on)
        program = self.write("bin/echo", f"#!/bin/sh\ntouch {begun}\nread line < {go_on}\n")
        program.chmod(0o755)
        self.env["PATH"] = f"{program.parent}:{self.env['PATH']}"
        self.install("plugin-tally")
        self.project("tally-web")
        dev = self.dev(*self.ALLOW)
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        with dev.connect() as client:
            client.send("GET /settings HTTP/1.1\r\nhost: x\r\n\r\n")
            self.eventually(begun.exists, "the plugin runs its program")
            client.reset()
        waiting = threading.Thread(target=lambda: self.text_of(dev, "/calls"))
        waiting.start()
        go_on.write_text("\n", encoding="ascii")
        waiting.join(harness.PATIENCE_SECONDS)
        self.assertEqual("5 6\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_programs_in_the_background_end_with_it(self):
        pid, never = self.folder / "pid", self.folder / "never"
        os.mkfifo(never)
        stay = self.write("bin/stay", f"#!/bin/sh\necho $$ > {pid}.new\nmv {pid}.new {pid}\n"
                                      f"read line < {never}\n")
        stay.chmod(0o755)
        self.env["PATH"] = f"{stay.parent}:{self.env['PATH']}"
        self.install("plugin-tally")
        self.project("tally-web", plugins={"config": {"Tally_1.x": {"start": "yes"}}})
        for signal in (harness.signal.SIGINT, harness.signal.SIGTERM):
            # Hooks have the configuration of the project that wash works in.
            words = ["-o", "json", "-C", self.root, *self.ALLOW, "dev", "--addr", "127.0.0.1:0"]
            dev = self._start(developing.Dev, words, self.env, {})
            self.eventually(pid.exists, "the program runs")
            number = int(pid.read_text(encoding="ascii"))
            os.kill(number, 0)  # is there
            dev.send(signal)
            self.assertEqual(0, dev.wait())
            with self.assertRaises(ProcessLookupError):
                os.kill(number, 0)
            pid.unlink()


del DevPluginsTest

if __name__ == "__main__":
    harness.main()
