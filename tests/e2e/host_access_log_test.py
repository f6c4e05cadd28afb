#!/usr/bin/env python3
"""The access log of a host: rotated by SIGHUP, and on a disk that takes nothing."""

import signal

import harness
import hosting
from hosting import workload


class HostAccessLogTest(hosting.TestCase):
    def serving(self, **access_log):
        host = self.host(config={"accessLog": access_log} if access_log else None)
        host.apply(workload("w", "http-hello"))
        return host

    def has(self, file, text):
        self.eventually(lambda: file.exists() and text in file.read_text(),
                        f"{file.name} has no {text}")

    def test_the_file_is_opened_anew_at_sighup(self):
        file, moved = self.folder / "access.log", self.folder / "access.log.1"
        host = self.serving(path=str(file))
        host.text_of("w.test", "/before")
        self.has(file, "/before")
        file.rename(moved)
        host.send(signal.SIGHUP)
        host.wait_for_stderr("the access log was opened anew")
        host.text_of("w.test", "/after")
        self.has(file, "/after")
        self.assertNotIn("/after", moved.read_text())

    def test_a_file_that_cannot_be_opened_anew_goes_on_where_it_is(self):
        folder, moved = self.folder / "logs", self.folder / "moved"
        folder.mkdir()
        host = self.serving(path=str(folder / "access.log"))
        folder.rename(moved)
        host.send(signal.SIGHUP)
        host.wait_for_stderr("the access log stays where it was.*No such file")
        host.text_of("w.test", "/after")
        self.has(moved / "access.log", "/after")

    def test_a_hang_up_ends_nothing(self):
        host = self.serving()
        host.send(signal.SIGHUP)
        host.text_of("w.test")
        self.assertEqual(0, host.terminate())

    def test_a_full_disk_is_told_and_costs_no_request(self):
        host = self.serving(path="/dev/full")
        host.text_of("w.test")
        host.wait_for_stderr("records of the access log are lost.*No space left on device")
        host.text_of("w.test")


if __name__ == "__main__":
    harness.main()
