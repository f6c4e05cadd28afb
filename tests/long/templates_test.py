#!/usr/bin/env python3
"""The templates whose tools are large or slow: made, built, served or run. The tools are those that
scripts/build-guests.sh --all installs into the cache."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # pylint: disable=wrong-import-position
import template_projects  # pylint: disable=wrong-import-position

harness.PATIENCE_SECONDS = 300  # of one start, which compiles an interpreter

INSTALL = """
set -euo pipefail
root=$1 cache=$2
source "$root/scripts/guest-tools.sh"
need_go && need_componentize_py && need_jco
"""


class Templates(template_projects.TestCase):
    BUILD_SECONDS = 1800

    @classmethod
    def setUpClass(cls):
        subprocess.run(["bash", "-c", INSTALL, "-", harness.SOURCE, template_projects.CACHE],
                       check=True)

    def tools(self):
        environment = super().tools()
        environment["PATH"] = f"{template_projects.CACHE}/venv/bin:{environment['PATH']}"
        return environment

    def test_go_says_hello(self):
        component = self.build(self.make("http-hello", "go"))
        self.assert_says_hello(component, "Hello from Go: ")

    def test_go_counts(self):
        self.assert_counts(self.build(self.make("http-kv-counter", "go")))

    def test_go_greets(self):
        self.assert_greets(self.build(self.make("command", "go")))

    def test_a_go_service_runs(self):
        project = self.make("service", "go")
        self.assert_ticks(project)
        self.assert_hosted(project)

    def test_rust_counts(self):
        self.assert_counts(self.build(self.make("http-kv-counter", "rust")))

    def test_python_says_hello(self):
        component = self.build(self.make("http-hello", "python"))
        self.assert_says_hello(component, "Hello from Python: ")

    def test_python_counts(self):
        self.assert_counts(self.build(self.make("http-kv-counter", "python")))

    def test_typescript_counts(self):
        self.assert_counts(self.build(self.make("http-kv-counter", "typescript")))

    def test_javascript_says_hello(self):
        project = self.make("http-hello", "javascript")
        # What `npm install` would bring, from the cache.
        modules = next(template_projects.CACHE.glob("jco-*/node_modules"))
        (project / "node_modules").symlink_to(modules)
        self.assert_says_hello(self.build(project), "Hello from JavaScript: ")

    def test_typescript_says_hello_after_its_packages_are_installed(self):
        component = self.build(self.make("http-hello", "typescript"))
        self.assert_says_hello(component, "Hello from TypeScript: ")


if __name__ == "__main__":
    harness.main()
