"""Real Redis servers for tests: Debian's redis-server, with nothing on disk.

    redis = redis_servers.start(self)
    self.run_wash("provider", "serve", "keyvalue-redis", "--config", f"url={redis.url}", …)
"""

import pathlib
import socket
import subprocess

import harness


def free_port():
    """One that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Server(harness.Process):
    """A redis-server of a test that listens on loopback and at a Unix socket."""

    def __init__(self, folder, port, configuration):
        self.socket = pathlib.Path(folder) / f"redis-{port}.sock"
        file = pathlib.Path(folder) / f"redis-{port}.conf"
        file.write_text(f"bind 127.0.0.1\nport {port}\nunixsocket {self.socket}\nsave \"\"\n"
                        f"appendonly no\ndir {folder}\n{configuration}\n", encoding="utf-8")
        self.port = port
        self.url = f"redis://127.0.0.1:{port}"
        super().__init__(["redis-server", file])
        self.wait_for_stdout(f"ready to accept connections at {self.socket}")

    def ask(self, *words):
        """What redis-cli prints."""
        done = subprocess.run(["redis-cli", "-s", self.socket, *words], capture_output=True,
                              text=True, check=True, timeout=harness.PATIENCE_SECONDS)
        return done.stdout.strip()


def start(test, configuration="", port=None):
    """`configuration` as redis.conf has it."""
    return test.own(Server(test.folder, port or free_port(), configuration))
