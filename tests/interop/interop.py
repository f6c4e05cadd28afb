"""What the tests with foreign peers share: a NATS server, the peers, and our side of a call."""

import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402

BUILD = harness.WASH.parent
PEERS = pathlib.Path(os.environ.get("INTEROP", BUILD / "interop"))
WRPC_INTEROP = BUILD / "wrpc_interop"
KEYVALUE_CONFORMANCE = BUILD / "nimbus_keyvalue_conformance"


def peer(name):
    """The path of a provider or client in another language."""
    path = PEERS / name
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: scripts/build-interop.sh builds it")
    return path


class NatsServer(harness.Process):
    """A nats-server on loopback, on a port of its own choosing."""

    def __init__(self, folder, configuration=""):
        """`configuration` as nats-server's own files have it."""
        file = pathlib.Path(folder) / "nats-server.conf"
        file.write_text(configuration + "\n", encoding="utf-8")
        program = "/usr/sbin/nats-server"
        super().__init__([program if os.path.exists(program) else "nats-server", "-a", "127.0.0.1",
                          "-p", "-1", "--ports_file_dir", folder, "-D", "-c", str(file)])
        self.wait_for_stderr("Server is ready")
        # The server says that it is ready before it writes the file.
        ports = pathlib.Path(folder) / f"nats-server_{self.pid}.ports"
        deadline = time.monotonic() + harness.PATIENCE_SECONDS
        while not (ports.is_file() and ports.read_text(encoding="ascii").endswith("}")):
            if time.monotonic() > deadline or not self.running():
                raise AssertionError(f"no {ports}\n{self.describe()}")
        self.url = json.loads(ports.read_text(encoding="ascii"))["nats"][0]
        self.port = int(self.url.rsplit(":", 1)[1])

    def kill_client(self, client):
        """Kills a process that is connected, and waits until the server has noticed: before that
        nobody is told that it is gone."""
        client.kill()
        self.wait_for_stderr("Client connection closed")


class TestCase(harness.TestCase):
    def nats(self):
        return self.own(NatsServer(self.folder))

    def start(self, *command, **options):
        """A peer that serves, once it says so."""
        process = self.own(harness.Process(command, **options))
        process.announced = process.wait_for_stdout("serving ?(.*)").group(1)
        return process

    def run_peer(self, *command):
        """A peer that ends by itself; gives its exit status and what it wrote."""
        process = self.own(harness.Process(command))
        status = process.wait()
        return status, process.describe()

    def assert_succeeds(self, *command):
        status, output = self.run_peer(*command)
        self.assertEqual(0, status, output)
        return output

    def serve_keyvalue(self, address):
        """Our own provider, in memory."""
        process = self.own(harness.Process([harness.WASH, "provider", "serve", "keyvalue-memory",
                                            "--listen", address]))
        process.wait_for_stdout(r"Serving \S+ at ")
        return process

    def assert_conforms(self, address):
        """A provider of the flat form passes the cases that ours pass."""
        output = self.assert_succeeds(KEYVALUE_CONFORMANCE, address, "flat")
        self.assertIn("[  PASSED  ]", output)

    def assert_missing(self, address):
        """A provider over NATS does not answer, and the caller is told why."""
        status, output = self.run_peer(KEYVALUE_CONFORMANCE, address, "flat")
        self.assertNotEqual(0, status)
        self.assertIn("nobody serves it", output)
