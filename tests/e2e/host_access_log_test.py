#!/usr/bin/env python3
"""The access log of a host: in text and in JSON, rotated by SIGHUP, and on a disk that takes
nothing."""

import json
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

    def lines_of(self, **access_log):
        """What is written of two requests."""
        file = self.folder / "access.log"
        file.unlink(missing_ok=True)
        host = self.serving(path=str(file), **access_log)
        host.text_of("w.test", "/say?b=c")
        self.assertEqual(404, host.ask("nobody.test", method="POST", body=b"content").status)
        self.assertEqual(0, host.terminate())
        return file.read_text().splitlines()

    def test_it_is_text_unless_it_is_told_otherwise(self):
        time = r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]"
        for form in ({}, {"format": "text"}):
            with self.subTest(form):
                said, missed = self.lines_of(**form)
                self.assertRegex(said, rf'\A127\.0\.0\.1 - - {time} "GET /say\?b=c '
                                       r'HTTP/1\.1" 200 \d+ "w\.test" 0 \d+\.\d{3} complete\Z')
                self.assertRegex(missed, rf'\A127\.0\.0\.1 - - {time} "POST / HTTP/1\.1" 404 '
                                         r'\d+ "nobody\.test" \d \d+\.\d{3} complete\Z')

    def test_it_is_json_if_it_is_told_so(self):
        said, missed = map(json.loads, self.lines_of(format="json"))
        wanted = {"method": "GET", "host": "w.test", "path": "/say?b=c", "version": "HTTP/1.1",
                  "status": 200, "request_bytes": 0, "complete": True}
        self.assertEqual(wanted, {key: said[key] for key in wanted})
        self.assertRegex(said["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
        self.assertRegex(said["peer"], r"\A127\.0\.0\.1:\d+\Z")
        self.assertGreater(said["response_bytes"], 0)
        self.assertGreater(said["duration_ms"], 0)
        self.assertEqual(("POST", "nobody.test", 404),
                         (missed["method"], missed["host"], missed["status"]))

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
