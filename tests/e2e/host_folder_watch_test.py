#!/usr/bin/env python3
"""A host whose user has used up what the system gives it for watching folders."""

import subprocess
import unittest

import harness
import hosting
from hosting import workload

# The limits of a user namespace of its own, which the test may set.
NAMESPACE = ["unshare", "--user", "--map-root-user", "--"]


def may_have_namespace():
    probe = [*NAMESPACE, "sh", "-c", "echo 100 > /proc/sys/user/max_inotify_watches"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


@unittest.skipUnless(may_have_namespace(), "no user namespaces here")
class HostFolderWatchTest(hosting.TestCase):
    def wash_words(self):
        return [*NAMESPACE, *super().wash_words()]

    def limit(self, host, most):
        """How many watches the host's user may have from now on."""
        subprocess.run(["nsenter", "--user", "--preserve-credentials", f"--target={host.pid}",
                        "sh", "-c", f"echo {most} > /proc/sys/user/max_inotify_watches"],
                       check=True)

    def replace_folder(self):
        fresh = self.folder / "fresh"
        fresh.mkdir()
        self.workloads_folder.rename(self.folder / "old")
        fresh.rename(self.folder / "workloads")

    def test_a_folder_that_cannot_be_watched_is_read_all_the_same_and_reported(self):
        self.put("a.json", workload("a", "http-hello"))
        host = self.host(workloads=True)
        self.limit(host, 0)
        self.replace_folder()
        self.put("b.json", workload("b", "http-hello"))
        self.eventually(lambda: host.problems(), "nothing tells that the folder is not watched")
        problem = host.problems()[""]
        self.assertIn(f"cannot watch the folder {self.workloads_folder}: No space left", problem)
        self.assertIn("fs.inotify.max_user_watches", problem)
        self.assertIn("it is read every five seconds", problem)
        host.wait_for_stderr("the workloads folder cannot be followed")
        self.eventually(lambda: host.ask("b.test").status == 200, "b.json was not seen")
        self.put("c.json", workload("c", "http-hello"))
        self.eventually(lambda: host.ask("c.test").status == 200, "c.json was not seen")
        self.limit(host, 100)
        self.eventually(lambda: not host.problems(), "the folder is not watched again")
        self.assertIsNone(host.status("a"))

    def test_a_host_that_cannot_watch_its_folder_does_not_start_and_names_the_limit(self):
        limited = ["sh", "-c", 'echo 0 > /proc/sys/user/max_inotify_watches; exec "$@"', "sh"]
        words = [*NAMESPACE, *limited, *super().wash_words(),
                 *self.host_arguments(workloads=True)]
        done = subprocess.run([str(word) for word in words], text=True, check=False,
                              capture_output=True, timeout=harness.PATIENCE_SECONDS,
                              env=self.environment())
        self.assertNotEqual(0, done.returncode)
        self.assertIn("fs.inotify.max_user_watches", done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
