#!/usr/bin/env python3
"""The examples whose tools are large or slow are served and say hello; what `make check` builds is
served by e2e/run_http_test.py."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402

GREETINGS = {"cpp": "c++", "go": "go", "js": "javascript", "py": "python", "ts": "typescript"}


class Examples(harness.TestCase):
    def check(self, name):
        server = self.wash("run", harness.guest(f"http-hello-{name}"), "--addr", "127.0.0.1:0")
        # Twice: what holds of the first request need not hold of the next.
        for path in ("/", "/some/path?a=b"):
            answer = server.get(path)
            self.assertEqual((200, f"hello from {GREETINGS[name]} {path}\n"),
                             (answer.status, answer.text))
        self.assertEqual(0, server.terminate())

    def test_cpp(self):
        self.check("cpp")

    def test_go(self):
        self.check("go")

    def test_javascript(self):
        self.check("js")

    def test_python(self):
        self.check("py")

    def test_typescript(self):
        self.check("ts")


if __name__ == "__main__":
    harness.main()
