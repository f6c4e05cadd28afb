#!/usr/bin/env python3
"""Output that nobody reads stops no request and no end, and what was lost of it is counted."""

import os
import socket
import subprocess

import harness
import hosting
from hosting import workload

# With what a pipe holds, more than waits in a process, for the log and for what guests print.
LINE_BYTES = 8000
REQUESTS = 8
PRINT = f"/print?lines=100&bytes={LINE_BYTES}"


class UnreadLogTest(hosting.TestCase):
    """A host of one shard, whose log nobody reads, and a workload that fills it."""

    def flooded(self):
        host = self.host("--shards", "1", unread={"stderr": ""})
        host.apply(workload("loud", "http-misc"))
        host.apply(workload("quiet", "http-hello"))
        for _ in range(REQUESTS):
            self.assertEqual("printed\n", host.text_of("loud.test", PRINT))
            host.text_of("quiet.test")
        return host

    def test_requests_are_answered_and_the_count_of_lost_records_is_logged(self):
        host = self.flooded()
        host.stderr.resume()
        host.wait_for_stderr(r"WARN  records of this log were lost: nobody read it "
                             r"records=[1-9][0-9]*$")
        self.assertEqual(0, host.terminate())
        for line in host.stderr.all:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ +\S")

    def test_the_host_ends(self):
        self.assertEqual(0, self.flooded().terminate())


class UnreadAccessLogTest(hosting.TestCase):
    def test_the_host_ends(self):
        host = self.host(config={"accessLog": {"path": "-"}}, unread={"stdout": "addresses"})
        host.apply(workload("w", "http-hello"))
        for _ in range(40):  # more than the pipe holds
            host.text_of("w.test", "/" + "x" * 4000)
        self.assertEqual(0, host.terminate())


class ClosedStreamsTest(harness.TestCase):
    @staticmethod
    def listens(path):
        # It is there before that.
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(path)) == 0

    def test_no_file_or_socket_gets_the_number_of_a_stream_that_is_closed(self):
        path = self.folder / "http.sock"
        command = [*self.wash_words(), "run", harness.guest("http-misc"), "--addr",
                   f"unix:{path}", "--access-log", "-"]
        with subprocess.Popen(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *command],
                              env=self.environment()) as process:
            try:
                self.eventually(lambda: self.listens(path), "it never listened")
                for stream in ("stdout", "stderr"):
                    answer = hosting.ask_admin(path, "GET", f"{PRINT}&to={stream}")
                    self.assertEqual(200, answer.status)
                for number in range(3):
                    self.assertEqual("/dev/null", os.readlink(f"/proc/{process.pid}/fd/{number}"))
            finally:
                process.terminate()
            # It could not say where it serves.
            self.assertEqual(1, process.wait(harness.PATIENCE_SECONDS))

    def test_a_result_without_a_place_is_no_success(self):
        done = self.run_wash("--version", preexec_fn=lambda: os.close(1))
        self.assertEqual(1, done.returncode)
        self.assertIn("cannot write to standard output", done.stderr)


class UnreadCommandTest(harness.TestCase):
    """A command component whose output nobody reads holds its thread, and ends all the same."""

    def ended(self, name, *flags, **streams):
        command = [*self.wash_words(), *flags, "run", "--timeout", "300ms", harness.guest(name),
                   "--", "stdin"]
        reads, writes = os.pipe()
        self.addCleanup(os.close, reads)
        with open("/dev/zero", "rb") as zeros, open(writes, "wb") as full:
            process = subprocess.Popen(command, env=self.environment(), stdin=zeros, stdout=full,
                                       stderr=streams.get("stderr", subprocess.PIPE))
        self.addCleanup(process.kill)
        if process.stderr:
            self.addCleanup(process.stderr.close)
        self.assertEqual(1, process.wait(timeout=harness.PATIENCE_SECONDS))
        return process.stderr.read() if process.stderr else b""

    def test_its_time_limit_ends_it(self):
        for name in ("command", "command-p3", "command-p1"):
            with self.subTest(name):
                self.assertEqual(b"error: the command took longer than its limit\n",
                                 self.ended(name))

    def test_also_where_nobody_reads_why(self):
        self.ended("command", stderr=subprocess.STDOUT)
        self.ended("command", "-o", "json")


class UnreadGuestOutputTest(harness.TestCase):
    """A component that `wash run` serves, on one shard."""

    def flooded(self, stream):
        stop_at = {"stdout": "Serving", "stderr": ""}[stream]
        server = self.wash("run", harness.guest("http-misc"), "--addr", "127.0.0.1:0",
                           "--shards", "1", unread={stream: stop_at})
        for _ in range(REQUESTS):
            self.assertEqual(200, server.get(f"{PRINT}&to={stream}").status)
        return server

    def test_requests_are_answered_and_the_count_of_lost_lines_is_told(self):
        for stream in ("stdout", "stderr"):
            with self.subTest(stream):
                server = self.flooded(stream)
                lines = getattr(server, stream)
                lines.resume()
                server.wait_for_stderr("^[1-9][0-9]* lines of output were dropped$")
                self.assertEqual(0, server.terminate())
                printed = [line for line in lines.all if line.startswith("line ")]
                self.assertEqual({LINE_BYTES}, {len(line) for line in printed})

    def test_the_server_ends(self):
        for stream in ("stdout", "stderr"):
            with self.subTest(stream):
                self.assertEqual(0, self.flooded(stream).terminate())


if __name__ == "__main__":
    harness.main()
