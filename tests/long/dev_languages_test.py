#!/usr/bin/env python3
"""`wash dev` in the languages whose tools are large or slow: edits in a row, each served without a
request that fails. The tools are those that scripts/build-guests.sh --all installs into the cache;
where that cannot be done, the language is skipped."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import dev_languages  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
import template_projects  # pylint: disable=wrong-import-position

harness.PATIENCE_SECONDS = 900  # of one build

INSTALL = """
set -euo pipefail
root=$1 cache=$2
source "$root/scripts/guest-tools.sh"
"$3"
"""


class DevLanguagesTest(dev_languages.TestCase):
    def need(self, tool, language):
        done = subprocess.run(["bash", "-c", INSTALL, "-", harness.SOURCE, template_projects.CACHE,
                               tool], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"{language}: its tools are missing: {done.stderr.strip()}")

    def tools(self):
        environment = super().tools()
        environment["PATH"] = f"{template_projects.CACHE}/venv/bin:{environment['PATH']}"
        return environment

    def test_go(self):
        self.need("need_go", "Go")
        self.make("http-hello", "go", "project")
        self.edit_under_load("Go", 10)

    def test_javascript(self):
        self.need("need_jco", "JavaScript")
        project = self.make("http-hello", "javascript", "project")
        modules = next(template_projects.CACHE.glob("jco-*/node_modules"))
        (project / "node_modules").symlink_to(modules)
        self.edit_under_load("JavaScript", 10)

    def test_python(self):
        self.need("need_componentize_py", "Python")
        self.make("http-hello", "python", "project")
        self.edit_under_load("Python", 10)


if __name__ == "__main__":
    harness.main()
