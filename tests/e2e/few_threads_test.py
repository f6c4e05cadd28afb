#!/usr/bin/env python3
"""Starts under a limit of processes and threads, from none up to just enough: as long as there are
too few, one line says so, and the exit status is 1."""

import os
import pathlib
import shutil
import time
import unittest

import harness

USER = 65533  # that has no processes
MOST = 64


@unittest.skipUnless(os.geteuid() == 0, "the limit is a user's, and counts all its processes")
class FewThreads(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.home.mkdir()
        os.chown(self.home, USER, USER)
        self.guest = self.folder / "hello.wasm"
        shutil.copy(harness.guest("http-hello"), self.guest)

    def start(self, limit, *arguments):
        environment = self.environment(HOME=str(self.home), XDG_CACHE_HOME=str(self.home / "cache"))
        return self.own(harness.Process(
            ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
             "prlimit", f"--nproc={limit}", *self.wash_words(), "-l", "error", *arguments],
            cwd=self.home, env=environment))

    def explains_until_it_serves(self, *arguments):
        for limit in range(1, MOST):
            process = self.start(limit, *arguments)
            deadline = time.monotonic() + harness.PATIENCE_SECONDS
            if process.stdout.wait_for(harness.parse_address, deadline) is not None:
                self.assertEqual(0, process.terminate(), process.describe())
                self.assertGreater(limit, 4, "the limit does not count")
                return
            with self.subTest(arguments[0], limit=limit):
                self.assertEqual(1, process.wait(), process.describe())
                self.assertEqual(1, len(process.stderr.all), process.describe())
                self.assertRegex(process.stderr.all[0], "^error: .*cannot start .*thread")
        self.fail(f"{arguments[0]} does not serve with {MOST} threads")

    def test_of_wash_run(self):
        self.explains_until_it_serves("run", self.guest, "--addr", "127.0.0.1:0")

    def test_of_wash_host(self):
        workloads = pathlib.Path(self.home / "workloads")
        workloads.mkdir()
        (workloads / "a.yaml").write_text(
            f"name: a\ncomponents: [{{name: web, file: {self.guest}}}]\n", encoding="ascii")
        self.explains_until_it_serves("host", "--http-addr", "127.0.0.1:0", "--admin-socket",
                                      self.home / "admin.sock", "--workloads", workloads,
                                      "--state", self.home / "state", "--shards", "2")


if __name__ == "__main__":
    harness.main()
