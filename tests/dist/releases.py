"""Release folders for tests: made of small programs, and served from loopback.

    releases = releases.Folder(self.folder / "releases")
    releases.add("0.2.0")
    server = releases.serve(self, releases.path)      # server.url, server.requests
"""

import functools
import http.server
import pathlib
import sys
import threading
import types

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests" / "e2e"), str(SOURCE / "dist")]

import archive  # noqa: E402
import build  # noqa: E402

PLATFORM = "x86_64-linux"

# What a release of tests has for a program. `{answers}` are further commands of it.
SCRIPT = """#!/bin/sh
case "$*" in
--version) echo "wash {version}"; echo "commit: 0123456789ab" ;;
{answers}
*) exit 2 ;;
esac
"""


def script(version, answers=""):
    return SCRIPT.replace("{version}", version).replace("{answers}", answers).encode()


def archive_name(version):
    return f"wash-{version}-{PLATFORM}.tar.gz"


class Folder:
    """A folder of releases as `make dist` writes it."""

    def __init__(self, path):
        self.path = path
        path.mkdir(parents=True)

    def add(self, version, *, program=None, extra=()):
        """A release whose program is a script; `extra` entries go into its archive."""
        root = f"wash-{version}-{PLATFORM}"
        entries = [
            archive.Entry(f"{root}/bin/wash", data=program or script(version), mode=0o755),
            archive.Entry(f"{root}/lib/wash-{version}/libexample.so.1",
                          data=f"library of {version}".encode(), mode=0o755),
            archive.Entry(f"{root}/lib/wash-{version}/licences/example", data=b"free"),
            archive.Entry(f"{root}/share/doc/wash/README.md", data=b"# wash\n"),
            *extra,
        ]
        self.add_archive(version, archive.compress(archive.tar(archive.with_folders(entries), 1)))

    def add_archive(self, version, data):
        release = types.SimpleNamespace(version=version, commit="0123456789ab", platform=PLATFORM,
                                        name=f"wash-{version}-{PLATFORM}")
        build.publish(self.path, release, {archive_name(version): data})

    def archive(self, version):
        return self.path / version / archive_name(version)

    def damage(self, version):
        """Changes a byte of the archive behind the index's back."""
        data = bytearray(self.archive(version).read_bytes())
        data[len(data) // 2] ^= 1
        self.archive(version).write_bytes(bytes(data))

    def truncate(self, version):
        data = self.archive(version).read_bytes()
        self.archive(version).write_bytes(data[:len(data) // 2])


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; `redirects` of the server send a path elsewhere."""

    def do_GET(self):
        self.server.requests.append(self.path)
        target = self.server.redirects.get(self.path)
        if target is None:
            super().do_GET()
            return
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(test, folder):
    """A server on loopback that ends with the test."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    server.requests, server.redirects = [], {}
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02},
                              daemon=True)
    thread.start()

    def end():
        server.shutdown()
        server.server_close()
        thread.join()

    test.addCleanup(end)
    return server
