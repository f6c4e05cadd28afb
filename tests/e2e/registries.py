"""Real registries for tests: Debian's docker-registry on loopback, and skopeo to look into them.

    registry = registries.start(self)
    self.run_wash("oci", "push", registry.reference("acme/web:1"), path, "--insecure")
"""

import http.client
import http.server
import json
import os
import socket
import subprocess
import threading

import harness

# The password "open sesame" of the user "ali", as htpasswd writes it.
USERS = "ali:$2b$04$grJeeKbq5ndXlmWc72Mb0ehz3DhLaP.VDhEdM9RhkBOml0KCntqRa\n"


class Registry(harness.Process):
    """A docker-registry of a test that has said where it listens."""

    def __init__(self, configuration):
        self.authority = None
        super().__init__(["docker-registry", "serve", configuration],
                         env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"})
        listening = self.wait_for_stderr(r"listening on ([\d.]+:\d+)")
        self.authority = listening.group(1)

    def reference(self, name):
        return f"{self.authority}/{name}"


class SilentRegistry:
    """Accepts connections and says nothing: what wants an image from it waits."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(harness.PATIENCE_SECONDS)
        self.authority = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def reference(self, name):
        return f"{self.authority}/{name}"

    def wait_for_client(self):
        return self._listener.accept()[0]


class Fake(http.server.ThreadingHTTPServer):
    """Answers as a registry until the test ends, by a handler of ours."""

    daemon_threads = True

    def __init__(self, test, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.authority = f"127.0.0.1:{self.server_port}"
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        test.addCleanup(self.server_close)
        test.addCleanup(thread.join)
        test.addCleanup(self.shutdown)

    def reference(self, name):
        return f"{self.authority}/{name}"


class Halfway(Fake):
    """Stands in front of a registry: of each blob it gives the first half, and the rest when it is
    told to `go_on`."""

    def __init__(self, test, registry):
        self.registry = registry
        self.go_on = threading.Event()
        super().__init__(test, _HalfwayHandler)
        test.addCleanup(self.go_on.set)


class _HalfwayHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        upstream = http.client.HTTPConnection(self.server.registry.authority,
                                              timeout=harness.PATIENCE_SECONDS)
        headers = {"accept": self.headers.get("accept", "*/*")}
        upstream.request(self.command, self.path, headers=headers)
        answer = upstream.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name in ("content-type", "content-length", "docker-content-digest"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.end_headers()
        half = (len(body) + 1) // 2 if "/blobs/" in self.path else len(body)
        self.wfile.write(body[:half])
        self.wfile.flush()
        if half < len(body):
            self.server.go_on.wait(harness.PATIENCE_SECONDS)
            self.wfile.write(body[half:])
        upstream.close()
        self.close_connection = True

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def start(test, *, users=False, certificate=None):
    """Starts a registry that ends with the test. `users`: it wants ali's password. `certificate`:
    (certificate, key) of its TLS."""
    name = f"registry-{len(list(test.folder.glob('registry-*.json')))}"
    configuration = {
        "version": 0.1,
        "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(test.folder / name)}},
        "http": {"addr": "127.0.0.1:0", "secret": "of one test"},
    }
    if users:
        configuration["auth"] = {"htpasswd": {"realm": "test",
                                              "path": str(test.write("htpasswd", USERS))}}
    if certificate:
        configuration["http"]["tls"] = {"certificate": str(certificate[0]),
                                        "key": str(certificate[1])}
    path = test.write(f"{name}.json", json.dumps(configuration))  # JSON is YAML
    process = Registry.__new__(Registry)
    try:
        process.__init__(path)
    finally:
        if hasattr(process, "process"):
            test.own(process)
    return process


def skopeo(test, *arguments):
    """What a `skopeo` command prints."""
    done = subprocess.run(["skopeo", *arguments], text=True, capture_output=True, check=False,
                          timeout=harness.PATIENCE_SECONDS, env=test.environment())
    test.assertEqual(0, done.returncode, done.stderr)
    return done.stdout
