#!/usr/bin/env python3
"""What the commands that pull say of a registry that answers 500, and of one that breaks off in the
middle of a layer, each time."""

import hashlib
import http.server
import json
import pathlib

import harness
import registries


class Failing(registries.Fake):
    """A registry with one artifact, of which `answer` makes the answers."""

    def __init__(self, test, answer):
        self.answer = answer
        super().__init__(test, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/v2/":
            return self.give(200, b"{}")
        return self.server.answer(self)

    def give(self, status, content, sent=None, kind="application/json"):
        """The whole content is announced; `sent` of it comes."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:sent])
        self.close_connection = True

    def log_message(self, *_):
        pass


def breaks_off(component):
    """Gives the manifest of that component, and half of it."""
    config = b"{}"

    def described(kind, content):
        return {"mediaType": kind, "size": len(content),
                "digest": f"sha256:{hashlib.sha256(content).hexdigest()}"}

    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": described("application/vnd.wasm.config.v0+json", config),
                "layers": [described("application/wasm", component)]}

    def answer(request):
        if "/manifests/" in request.path:
            return request.give(200, json.dumps(manifest).encode(), kind=manifest["mediaType"])
        if request.path.endswith(manifest["config"]["digest"]):
            return request.give(200, config)
        return request.give(200, component, len(component) // 2, "application/wasm")

    return answer


class FailingRegistryTest(harness.TestCase):
    def environment(self, **more):
        return super().environment(**{"XDG_CACHE_HOME": str(self.folder / "cache"),
                                      "XDG_DATA_HOME": str(self.folder / "data"), **more})

    def check(self, answer, expected):
        reference = Failing(self, answer).reference("acme/web:1")
        out = self.folder / "out.wasm"
        for command, more in (("oci pull", [out]), ("run", []), ("inspect", []),
                              ("plugin install", [])):
            with self.subTest(command):
                done = self.run_wash(*command.split(), reference, *more, "--insecure")
                self.assertEqual((1, ""), (done.returncode, done.stdout))
                self.assertRegex(harness.without_progress(done.stderr), expected)
        self.assertFalse(out.exists())

    def test_one_that_has_a_problem(self):
        self.check(lambda request: request.give(500, b""),
                   r"\Aerror: cannot pull 127\.0\.0\.1:\d+/acme/web:1: .* answers 500; "
                   r"it has a problem: try again later\n\Z")

    def test_one_that_breaks_off(self):
        component = pathlib.Path(harness.guest("http-hello")).read_bytes()
        self.check(breaks_off(component),
                   r"error: cannot pull 127\.0\.0\.1:\d+/acme/web:1: the transfer broke off after "
                   rf"{len(component) // 2} of {len(component)} bytes: ")


if __name__ == "__main__":
    harness.main()
