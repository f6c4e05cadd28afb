"""A `wash host` to measure, and a client of its administration API."""

import dataclasses
import http.client
import json
import socket
import time

from harness.process import Child, StartFailed

WORKLOADS_PATH = "/v1/workloads"


class AdminClient(http.client.HTTPConnection):
    """HTTP over the host's Unix socket, on one connection."""

    def __init__(self, path):
        super().__init__("localhost", timeout=300)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def apply(self, document):
        """Returns the milliseconds until the host answered that the workload serves."""
        return self._timed("POST", WORKLOADS_PATH, json.dumps(document),
                           {"Content-Type": "application/json"})[0]

    def timed_get(self, path):
        """Milliseconds until the whole answer was here, and the answer."""
        return self._timed("GET", path)

    def _timed(self, method, path, *request):
        began = time.perf_counter()
        self.request(method, path, *request)
        response = self.getresponse()
        content = response.read()
        elapsed_ms = (time.perf_counter() - began) * 1e3
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:300].decode()}")
        return elapsed_ms, content


@dataclasses.dataclass
class Host:
    child: Child  # ends with `with host.child:`
    port: int  # of its workloads
    probe_port: int
    admin: AdminClient


def start_host(session, program, cpus, name="host"):
    """One shard, with files of its own under that name."""
    folder = session.folder(name)
    admin_path = folder / "admin.sock"
    child = Child([program, "host", "--state", folder / "state", "--http-addr", "127.0.0.1:0",
                   "--admin-socket", admin_path, "--probe-addr", "127.0.0.1:0", "--shards", "1",
                   "-o", "json"],
                  folder / "log", cpus, env=session.environment(), cwd=folder)
    try:
        found = child.wait_for_output(
            r'"addresses":\["http://127\.0\.0\.1:(\d+)".*"probe":"127\.0\.0\.1:(\d+)"', 60)
    except StartFailed:
        child.stop()
        raise
    return Host(child, int(found[1]), int(found[2]), AdminClient(admin_path))
