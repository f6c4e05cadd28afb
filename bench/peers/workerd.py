"""workerd with a worker in JavaScript: another kind of guest, shown for orientation only."""

from harness.process import Child, StartFailed, free_port
from harness.servers import Running, Server, peers_folder, program_version

WORKER = """export default {
  async fetch() { return new Response("Hello from a worker!\\n"); },
};
"""
CONFIG = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker.js", esModule = embed "worker.js")],
    compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:PORT", http = (), service = "main")],
);
"""


class Workerd(Server):
    name = "workerd"
    variant = "JavaScript worker, one isolate"

    @property
    def program(self):
        # The program itself: the package's launcher would be what is pinned and measured.
        packages = peers_folder() / "workerd/node_modules/@cloudflare"
        return next(packages.glob("workerd-linux-*/bin/workerd"), packages / "workerd")

    def missing(self):
        return None if self.program.exists() else "not installed"

    def version(self):
        return program_version(self.program)

    def start(self, session, guest, cpus):
        folder = session.folder("workerd")
        port = free_port()
        (folder / "worker.js").write_text(WORKER)
        (folder / "config.capnp").write_text(CONFIG.replace("PORT", str(port)))
        child = Child([self.program, "serve", folder / "config.capnp"], folder / "log",
                      cpus)
        try:
            child.check_alive()
        except StartFailed:
            child.stop()
            raise
        return Running(child, port)
