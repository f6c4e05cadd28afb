#!/usr/bin/env python3
"""Signals while something is downloaded or runs: the command ends with the status that shells have
for that signal, and leaves nothing half done."""

import json
import os
import signal
import subprocess
import threading

import harness
import upstreams

DIGEST = "sha256:" + "a" * 64


class Stalled(upstreams.Upstream):
    """Answers with a part of what it promises, and then with nothing until the client has gone."""

    def __init__(self, test):
        self.asked = threading.Event()
        super().__init__(test, self._stall)

    def _stall(self, connection, _number):
        head = connection.read_head()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.wasm.config.v0+json", "digest": DIGEST,
                       "size": 2},
            "layers": [{"mediaType": "application/wasm", "digest": DIGEST, "size": 100000}]})
        if "get /v2/ " in head:
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        if "/manifests/" in head:
            connection.send("HTTP/1.1 200 OK\r\n"
                            "content-type: application/vnd.oci.image.manifest.v1+json\r\n"
                            f"content-length: {len(manifest)}\r\nconnection: close\r\n\r\n"
                            f"{manifest}")
            return
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nsome")
        self.asked.set()
        connection.wait_for_end()


class Downloads(harness.TestCase):
    def environment(self, **more):
        return super().environment(**{"XDG_CACHE_HOME": str(self.folder / "cache"),
                                      "XDG_DATA_HOME": str(self.folder / "data"), **more})

    def stop(self, number, *arguments):
        """Runs the command at a server that stalls, and sends the signal once it waits."""
        upstream = Stalled(self)
        words = [word.replace("SERVER", f"127.0.0.1:{upstream.port}") for word in arguments]
        process = self.start(*words, cwd=self.folder)
        self.assertTrue(upstream.asked.wait(harness.PATIENCE_SECONDS), process.describe())
        process.send(number)
        status = process.wait()
        self.assertIn("interrupted", process.describe())
        return status

    def left(self):
        return sorted(os.listdir(self.folder))

    def test_a_pull(self):
        self.assertEqual(130, self.stop(signal.SIGINT, "oci", "pull", "SERVER/a:1", "out.wasm",
                                        "--insecure"))
        self.assertNotIn("out.wasm", self.left())
        self.assertFalse([name for name in self.left() if name.startswith("out.")])

    def test_another_signal_has_another_status(self):
        self.assertEqual(143, self.stop(signal.SIGTERM, "oci", "pull", "SERVER/a:1", "out.wasm",
                                        "--insecure"))

    def test_what_is_inspected_and_run(self):
        for command in ("inspect", "run"):
            with self.subTest(command):
                self.assertEqual(130, self.stop(signal.SIGINT, command, "SERVER/a:1",
                                                "--insecure"))

    def test_a_plugin(self):
        self.assertEqual(130, self.stop(signal.SIGINT, "plugin", "install", "SERVER/a:1",
                                        "--insecure"))
        self.assertEqual(130, self.stop(signal.SIGINT, "plugin", "install", "http://SERVER/a.wasm",
                                        "--digest", DIGEST))
        self.assertEqual(0, self.wash_json("plugin", "list")["data"]["count"])

    def test_an_update(self):
        self.assertEqual(130, self.stop(signal.SIGINT, "update", "--base-url", "http://SERVER/",
                                        "--dry-run"))


class Commands(harness.TestCase):
    def test_a_command_ends_by_the_signal(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number):
                process = self.start("run", harness.guest("command"), "--", "stdin",
                                     stdin=subprocess.PIPE)
                process.process.stdin.write(b"it runs\n")
                process.process.stdin.flush()
                process.wait_for_stdout("it runs")
                process.send(number)
                self.assertEqual(status, process.wait())
                process.process.stdin.close()


if __name__ == "__main__":
    harness.main()
