"""wasmCloud's `wash host`: a NATS server, a registry on the loopback, and workloads started over
the API that its operator uses (`runtime.host.<id>.workload.start`); and `wash dev`."""

import contextlib
import hashlib
import json
import os
import pathlib
import subprocess
import uuid

from harness.process import Child, StartFailed, free_port
from harness.servers import Running, Server, peers_folder, program_version
from peers.nats import NatsClient

WASH = "wasmcloud/bin/wash"
NATS_SERVER = "nats/bin/nats-server"
REGISTRY = "registry/usr/bin/docker-registry"
AUTHORITY = "localhost"


class ControlPlane:
    """NATS server and registry, shared by all hosts of one run; they idle under load."""

    def __init__(self, folder, cpus):
        self.folder = pathlib.Path(folder)
        self.exits = contextlib.ExitStack()
        self.registry_port = free_port()
        self.pushed = {}
        try:
            self._start(cpus)
        except BaseException:
            self.exits.close()
            raise

    def _start(self, cpus):
        ports = self.folder / "nats-ports"
        ports.mkdir()
        nats = self.exits.enter_context(Child(
            [peers_folder() / NATS_SERVER, "-js", "-sd", self.folder / "nats", "-a", "127.0.0.1",
             "-p", "-1", "--ports_file_dir", ports], self.folder / "nats.log", cpus))
        nats.wait_for_output("Server is ready")
        found = nats.wait_for_output(r"Listening for client connections on 127\.0\.0\.1:(\d+)")
        self.nats_port = int(found[1])

        config = self.folder / "registry.yml"
        config.write_text(json.dumps({
            "version": "0.1", "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "registry")}},
            "http": {"addr": f"127.0.0.1:{self.registry_port}"}}))
        registry = self.exits.enter_context(Child(
            [peers_folder() / REGISTRY, "serve", config], self.folder / "registry.log", cpus))
        registry.wait_for_output("listening on")

    def push(self, component):
        """The reference under which the registry has this component."""
        digest = hashlib.sha256(pathlib.Path(component).read_bytes()).hexdigest()
        if digest not in self.pushed:
            reference = f"127.0.0.1:{self.registry_port}/bench/{digest[:16]}:1"
            subprocess.run([peers_folder() / WASH, "--non-interactive", "oci", "push", "--insecure",
                            reference, component], env=environment(self.folder), check=True,
                           capture_output=True, timeout=120)
            self.pushed[digest] = reference
        return self.pushed[digest]

    def close(self):
        self.exits.close()


def environment(home):
    """A home of its own, so that nothing of the user's settings or caches plays a part."""
    return {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": f"{home}/cache",
            "XDG_CONFIG_HOME": f"{home}/config", "XDG_DATA_HOME": f"{home}/data"}


class WasmcloudHost(Server):
    """`wash host` with one workload. Cold (a fresh instance per request) unless a pool is asked
    for; the pool applies to P3 only."""

    name = "wasmCloud wash host"

    def __init__(self, pool_size=0, max_concurrency=0, slots=None):
        self.pool_size = pool_size
        self.max_concurrency = max_concurrency
        self.flags = ["--core-instances", str(slots)] if slots else []
        self.variant = (f"poolSize {pool_size}, maxConcurrency {max_concurrency}"
                        if pool_size else "cold")
        if slots:
            self.variant += f", {slots} slots"

    def missing(self):
        for program in (WASH, NATS_SERVER, REGISTRY):
            if not (peers_folder() / program).exists():
                return "not installed"
        return None

    def version(self):
        return program_version(peers_folder() / WASH)

    def start(self, session, guest, cpus):
        control = session.shared("wasmcloud", lambda: ControlPlane(
            session.folder("wasmcloud-control"), session.client_cpus))
        image = control.push(guest.path)
        folder = session.folder("wasmcloud-host")
        client = NatsClient(control.nats_port)
        try:
            heartbeats = client.subscribe("runtime.operator.heartbeat.>")
            port = free_port()
            nats_url = f"nats://127.0.0.1:{control.nats_port}"
            child = Child(
                [peers_folder() / WASH, "--non-interactive", "host", "--scheduler-nats-url",
                 nats_url, "--data-nats-url", nats_url, "--http-addr", f"127.0.0.1:{port}",
                 "--allow-insecure-registries", "--oci-cache-dir", folder / "oci",
                 "--log-level", "warn", *self.flags],
                folder / "log", cpus, env=environment(folder), cwd=folder)
            running = Running(child, port, AUTHORITY)
            try:
                self._start_workload(client, heartbeats, child, image, guest)
            except BaseException:
                child.stop()
                raise
            return running
        finally:
            client.close()

    def _start_workload(self, client, heartbeats, child, image, guest):
        try:
            subject, _ = client.next_message(heartbeats, timeout_s=60)
        except TimeoutError as error:
            raise StartFailed(f"no heartbeat: {child.tail()}") from error
        host_id = subject.rpartition(".")[2]
        component = {"name": "guest", "image": image, "poolSize": self.pool_size,
                     "maxInvocations": 0, "maxConcurrency": self.max_concurrency,
                     "localResources": {"allowedHosts": []}}
        interface = {"namespace": "wasi", "package": "http",
                     "interfaces": ["handler" if guest.is_p3 else "incoming-handler"],
                     "config": {"host": AUTHORITY}}
        reply = client.request(f"runtime.host.{host_id}.workload.start", {
            "workloadId": str(uuid.uuid4()),
            "workload": {"namespace": "default", "name": "bench",
                         "witWorld": {"components": [component], "hostInterfaces": [interface]}}})
        status = reply.get("workloadStatus", {})
        if status.get("workloadState") not in ("WORKLOAD_STATE_STARTING",
                                               "WORKLOAD_STATE_RUNNING"):
            raise StartFailed(f"workload not started: {json.dumps(reply)[:400]}")


class WasmcloudDev(Server):
    """`wash dev` with a component that is built already: it serves key-value from memory, which
    `wash host` does not without further ado."""

    name = "wasmCloud wash dev"
    variant = "defaults"

    def missing(self):
        return None if (peers_folder() / WASH).exists() else "not installed"

    def version(self):
        return program_version(peers_folder() / WASH)

    def start(self, session, guest, cpus):
        folder = session.folder("wasmcloud-dev")
        port = free_port()
        (folder / ".wash").mkdir()
        (folder / ".wash" / "config.yaml").write_text(json.dumps({
            "build": {"command": "true", "component_path": str(guest.path)},
            "dev": {"address": f"127.0.0.1:{port}"}}))
        child = Child([peers_folder() / WASH, "--non-interactive", "dev", "--log-level", "warn"],
                      folder / "log", cpus, env=environment(folder), cwd=folder)
        return Running(child, port, AUTHORITY)
