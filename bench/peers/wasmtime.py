"""`wasmtime serve`, the server in Wasmtime's own command line."""

from harness.process import Child, StartFailed
from harness.servers import Running, Server, peers_folder, program_version

POOLED = ("core-instances", "component-instances", "memories", "tables", "stacks")


class WasmtimeServe(Server):
    """P2: a fresh instance per request unless a reuse count is given. P3: instances are reused 128
    times, 16 calls at once, unless it is 1."""

    name = "wasmtime serve"

    def __init__(self, reuse_count=None, slots=None):
        self.flags = ["--max-instance-reuse-count", str(reuse_count)] if reuse_count else []
        self.variant = f"reuse count {reuse_count}" if reuse_count else "defaults"
        if slots:  # more than the thousand of each kind that its pool has by default
            self.flags += [f"-Opooling-total-{kind}={slots}" for kind in POOLED]
            self.variant += f", {slots} slots"

    def missing(self):
        return None if self.program.exists() else "not installed"

    @property
    def program(self):
        return peers_folder() / "wasmtime/bin/wasmtime"

    def version(self):
        return program_version(self.program)

    def start(self, session, guest, cpus):
        folder = session.folder("wasmtime")
        p3 = ["-Scli,p3", "-Wcomponent-model-async"] if guest.is_p3 else ["-Scli"]
        child = Child([self.program, "serve", *p3, *self.flags, "--addr", "127.0.0.1:0",
                       guest.path], folder / "log", cpus, cwd=folder)
        try:
            found = child.wait_for_output(r"http://127\.0\.0\.1:(\d+)", 120)
        except StartFailed:
            child.stop()
            raise
        return Running(child, int(found[1]))
