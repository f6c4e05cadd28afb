"""What all servers under measurement have in common, and those that need no file of their own."""

import functools
import os
import pathlib
import subprocess
import tempfile
from dataclasses import dataclass

from harness.process import Child, StartFailed

ROOT = pathlib.Path(__file__).resolve().parents[2]


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("NIMBUS_CACHE") or pathlib.Path(base) / "nimbus")


def peers_folder():
    return cache_folder() / "peers"


@dataclass(frozen=True)
class Guest:
    """A component that servers serve; `path` is None for servers that have none."""

    name: str
    path: pathlib.Path | None

    @property
    def is_p3(self):
        return self.name.endswith("-p3")


@dataclass
class Running:
    """A server that was started: where it listens and which process to account."""

    child: Child
    port: int
    authority: str = "localhost"


class Session:
    """What one run of the harness shares between servers: a temporary folder and helpers that are
    started once, such as a registry. Closed at the end of the run."""

    def __init__(self, server_cpus, client_cpus):
        self.server_cpus = server_cpus
        self.client_cpus = client_cpus
        self._temporary = tempfile.TemporaryDirectory(prefix="nimbus-bench-")
        self._helpers = {}
        self._folders = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for helper in self._helpers.values():
            helper.close()
        self._temporary.cleanup()

    def environment(self):
        """For our own programs: caches inside the session, shared by all its starts."""
        return {**os.environ, "XDG_CACHE_HOME": f"{self._temporary.name}/cache"}

    def folder(self, name):
        """A new empty folder."""
        self._folders += 1
        folder = pathlib.Path(self._temporary.name) / f"{self._folders}-{name}"
        folder.mkdir()
        return folder

    def shared(self, name, make):
        if name not in self._helpers:
            self._helpers[name] = make()
        return self._helpers[name]


class Server:
    """A way to serve a guest. `name` and `variant` identify it in tables; start() returns a Running
    or raises StartFailed; missing() says why it cannot run here, or None."""

    name = ""
    variant = ""

    def missing(self):
        return None

    def version(self):
        return ""

    def start(self, session, guest, cpus):
        raise NotImplementedError

    @property
    def label(self):
        return f"{self.name} ({self.variant})" if self.variant else self.name


class Nimbus(Server):
    """`wash run` of this repository's build."""

    name = "Nimbus"

    def __init__(self, *flags, variant="", build=ROOT / "build"):
        self.flags = flags
        self.variant = variant or " ".join(flags).replace("--", "") or "defaults"
        self.program = pathlib.Path(build) / "wash"

    def missing(self):
        return None if self.program.exists() else f"no {self.program.name} in the build folder"

    def version(self):
        return program_version(self.program)

    def start(self, session, guest, cpus):
        folder = session.folder("nimbus")
        child = Child([self.program, "run", guest.path, "--addr", "127.0.0.1:0", "-o", "json",
                       *self.flags], folder / "log", cpus, env=session.environment(), cwd=folder)
        try:
            found = child.wait_for_output(r'"address":"127\.0\.0\.1:(\d+)"', 120)
        except StartFailed:
            child.stop()
            raise
        return Running(child, int(found[1]))


class OtherGuest(Server):
    """A server with another guest than the one of its case, to hold against."""

    def __init__(self, server, guest):
        self.server = server
        self.guest = guest
        self.name = server.name
        self.variant = f"{guest.name}, {server.variant}"

    def missing(self):
        if not self.guest.path.exists():
            return f"no {self.guest.path.name} in the build folder"
        return self.server.missing()

    def version(self):
        return self.server.version()

    def start(self, session, guest, cpus):
        return self.server.start(session, self.guest, cpus)


class OwnProgram(Server):
    """One of bench/'s own servers: prints its port and serves a constant answer without a guest."""

    def __init__(self, name, program, *flags, build=ROOT / "build"):
        self.name = name
        self.flags = flags
        self.variant = " ".join(flags).replace("--", "")
        self.program = pathlib.Path(build) / "bench" / program

    def missing(self):
        return None if self.program.exists() else "not built (NIMBUS_BENCH=ON)"

    def start(self, session, guest, cpus):
        folder = session.folder(self.program.name)
        child = Child([self.program, *self.flags], folder / "log", cpus)
        try:
            found = child.wait_for_output(r"listening on 127\.0\.0\.1:(\d+)")
        except StartFailed:
            child.stop()
            raise
        return Running(child, int(found[1]))


@functools.cache
def program_version(program):
    """The last word of the first line: "wasmtime 48.0.8", "workerd 2026-11-17"."""
    run = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    words = run.stdout.split("\n")[0].split(" (")[0].split()
    return words[-1] if words else "?"
