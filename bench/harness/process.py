"""Server processes under measurement: pinned to cores, output in a file, CPU time and memory read
from /proc."""

import os
import re
import resource
import signal
import socket
import subprocess
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class StartFailed(Exception):
    """A server that did not come up; the message says why, with the end of its output."""


def raise_file_limit():
    """Lets this process and its children open as many files as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port():
    """A TCP port of the loopback that is free now; for servers that cannot report port 0's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Child:
    """One process, ended when the `with` block is left. `cpus` is a list for taskset, or None.
    Its standard input is at its end, or with `stdin=subprocess.PIPE` stays open."""

    def __init__(self, argv, log_path, cpus=None, env=None, cwd=None, stdin=subprocess.DEVNULL):
        self.log_path = log_path
        self.argv = [str(argument) for argument in argv]
        pinned = ["taskset", "-c", cpus] if cpus else []
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(
                pinned + self.argv, stdin=stdin, stdout=log, stderr=log,
                env=env, cwd=cwd, start_new_session=True)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def output(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode(errors="replace")

    def wait_for_output(self, pattern, timeout_s=60):
        """The first match of the regular expression in the output."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if match := re.search(pattern, self.output()):
                return match
            self.check_alive()
            time.sleep(0.005)
        raise StartFailed(f"no \"{pattern}\" after {timeout_s} s: {self.tail()}")

    def check_alive(self):
        if self.process.poll() is not None:
            raise StartFailed(f"exit status {self.process.returncode}: {self.tail()}")

    def tail(self):
        return self.output()[-600:].strip().replace("\n", " | ")

    def cpu_seconds(self):
        """User and system time of all its threads, ended ones included."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def memory_bytes(self):
        """Resident now, and the most it ever was."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as status:
            values = dict(line.split(":", 1) for line in status if ":" in line)
        return tuple(int(values[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))

    def mappings(self):
        """/proc/PID/maps: one line per mapping."""
        with open(f"/proc/{self.pid}/maps", encoding="utf-8") as maps:
            return maps.read()

    def stop(self, timeout_s=5):
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
