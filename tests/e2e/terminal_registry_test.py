#!/usr/bin/env python3
"""Whoever waits for a registry or a server that says nothing yet is told so after half a second: on
a terminal by a line that goes again, elsewhere by a plain line."""

import json
import re
import signal
import subprocess

import harness
import registries
import terminals

ERASE = "\r\x1b[K"
INTERRUPTED = 130


class Silence(terminals.TestCase):
    def setUp(self):
        super().setUp()
        self.registry = self.enterContext(registries.SilentRegistry())
        self.reference = self.registry.reference("acme/log:0.2.0")
        self.url = f"http://{self.registry.authority}/old.wasm"
        # (what is shown, the command)
        self.commands = [
            (f"Pulling {self.reference}", ["oci", "pull", self.reference, "--insecure"]),
            (f"Pushing {self.reference}",
             ["oci", "push", self.reference, harness.guest("http-hello"), "--insecure"]),
            (f"Pulling {self.reference}", ["run", self.reference, "--insecure"]),
            (f"Pulling {self.reference}", ["inspect", self.reference, "--insecure"]),
            (f"Pulling {self.reference}", ["plugin", "install", self.reference, "--insecure"]),
            (f"Pulling {self.url}",
             ["plugin", "install", self.url, "--digest", "sha256:" + "0" * 64]),
            (f"Pulling http://{self.registry.authority}/releases.json",
             ["update", "--base-url", f"http://{self.registry.authority}"]),
        ]

    def environment(self, **more):
        return super().environment(TERM="xterm", NO_COLOR="1",
                                   XDG_CACHE_HOME=str(self.folder / "cache"),
                                   DOCKER_CONFIG=str(self.folder / "docker"), **more)

    def test_a_line_is_shown_for_as_long(self):
        for shown, command in self.commands:
            with self.subTest(command=command):
                terminal = self.terminal(*command, columns=120)
                terminal.read_until(f" {shown}  1 s")
                terminal.process.send_signal(signal.SIGINT)
                text = terminal.read_to_end()
                self.assertEqual(INTERRUPTED, terminal.wait(), text)
                self.assertNotIn("Pu", text.rsplit(ERASE, 1)[-1])

    def test_a_signal_is_told_as_a_failure_is(self):
        for _, command in self.commands[:2]:
            with self.subTest(command=command):
                child = self.start("-o", "json", *command, env=self.environment(),
                                   stdin=subprocess.DEVNULL)
                child.wait_for_stderr("^Pu")
                child.send(signal.SIGINT)
                self.assertEqual(INTERRUPTED, child.wait())
                told = json.loads("\n".join(child.stdout.all))
                self.assertEqual(("interrupted", False), (told["message"], told["success"]))

    def test_elsewhere_by_one_plain_line(self):
        for shown, command in self.commands:
            with self.subTest(command=command):
                child = self.start(*command, env=self.environment(), stdin=subprocess.DEVNULL)
                child.wait_for_stderr(f"^{re.escape(shown)}$")
                child.send(signal.SIGINT)
                self.assertEqual(INTERRUPTED, child.wait())
                self.assertEqual(1, child.describe().count(shown))


if __name__ == "__main__":
    harness.main()
