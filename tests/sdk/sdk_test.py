#!/usr/bin/env python3
# ctest: timeout 1200
"""What the author of a provider in C++ does: installs, follows the page, builds, runs, calls."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))

import interop  # noqa: E402
from interop import harness  # noqa: E402

PAGE = harness.SOURCE / "docs" / "providers" / "cpp.md"
WARNINGS = "-Wall -Wextra -Wpedantic -Werror"
COMPILER = os.environ.get("NIMBUS_CXX", "clang++-22")

FINISH_WORLD = """package local:finish;
world finish { import local:tasks/tasks@0.1.0; }
"""
FINISH_MAKEFILE = """$(WASH_COMPONENT_PATH): main.c
\t$(WASH) bindgen c wit --out gen
\t$(CC) -Igen main.c gen/finish.c gen/finish_component_type.o -o $@
"""
FINISH_SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include "finish.h"

int main(int count, char** words) {
  if (count != 2) return EXIT_FAILURE;
  local_tasks_tasks_task_t task;
  finish_string_t error;
  const bool done = local_tasks_tasks_finish(strtoul(words[1], NULL, 10), &task, &error);
  const finish_string_t text = done ? task.text : error;
  printf("%s%.*s\n", done ? "done: " : "", (int)text.len, (const char*)text.ptr);
  return EXIT_SUCCESS;
}
"""


def files_of(page):
    """What the page shows as files: a line with the name alone, then the text."""
    shown = re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return dict(shown)


class SdkTest(interop.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prefix = pathlib.Path(tempfile.mkdtemp(prefix="nimbus-sdk-"))
        cls.addClassCleanup(shutil.rmtree, cls.prefix)
        subprocess.run(["cmake", "--install", harness.WASH.parent, "--component", "sdk",
                        "--prefix", cls.prefix], check=True, stdout=subprocess.DEVNULL)

    def build(self, project, *options):
        configured = self.configure(project, "-DCMAKE_CXX_COMPILER=" + COMPILER,
                                    "-DCMAKE_CXX_FLAGS=" + WARNINGS, *options)
        self.assertEqual(0, configured.returncode, configured.stdout)
        built = subprocess.run(["cmake", "--build", project / "build"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(0, built.returncode, built.stdout)
        return project / "build"

    def configure(self, project, *options):
        return subprocess.run(
            ["cmake", "-G", "Ninja", "-S", project, "-B", project / "build",
             f"-DCMAKE_PREFIX_PATH={self.prefix}", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def project_of_the_page(self):
        project = self.folder / "prices"
        for name, text in files_of(PAGE.read_text(encoding="utf-8")).items():
            file = project / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return project

    def asking(self, ask, address):
        """Calls the provider with the page's own client."""
        def asked(*words):
            done = subprocess.run([ask, address, *words], capture_output=True, text=True,
                                  check=False)
            return done.returncode, done.stdout + done.stderr
        return asked

    def test_the_providers_of_the_pages(self):
        build = self.build(self.project_of_the_page())
        socket = f"{self.folder}/prices.sock"
        for listen in (f"unix:{socket}", "tcp:127.0.0.1:0"):
            provider = self.start(build / "prices", listen)
            ask = self.asking(build / "ask", provider.announced)
            self.assertEqual((0, "750\n"), ask("tea", "3"))
            self.assertEqual((0, "no such article: gold\n"), ask("gold", "1"))
            self.assertEqual(0, provider.terminate())
            self.assertEqual(1, ask("tea", "3")[0])
        self.start(interop.peer("prices-go"), "unix", socket)
        ask = self.asking(build / "ask", f"unix:{socket}")
        self.assertEqual((0, "750\n"), ask("tea", "3"))
        self.assertEqual((0, "no such article: gold\n"), ask("gold", "1"))

    def test_the_template_serves_a_component(self):
        # A name that the folder of its bindings must not have.
        made = self.of_the_sdk("new", "bindings", "--template", "provider", "--language", "cpp")
        self.assertNotIn("note:", made.stdout)
        built = self.of_the_sdk("-o", "json", "build", "bindings", "--", "-G", "Ninja",
                                "-DCMAKE_CXX_FLAGS=" + WARNINGS)
        data = harness.json.loads(built.stdout)["data"]
        self.assertEqual(("cpp-provider", None), (data["language"], data["component_path"]))
        address = self.start(data["program_path"], f"unix:{self.folder}/todo.sock").announced
        ask = self.asking(self.folder / "bindings" / "build" / "ask-tasks", address)
        self.assertEqual((0, "1 [ ] buy milk\n"), ask("add", "buy milk"))
        self.assertEqual((1, "ask-tasks: there is no task 2\n"), ask("finish", "2"))
        component = self.component_that_finishes(self.folder / "bindings" / "wit")
        for asked, answer in (("1", "done: buy milk\n"), ("7", "there is no task 7\n")):
            done = self.run_wash("run", component, "--provider", f"local:tasks={address}", "--",
                                 asked)
            self.assertEqual((0, answer), (done.returncode, done.stdout), done.stderr)
        self.assertEqual((0, "1 [x] buy milk\n"), ask("all"))
        for words in (("run",), ("plugin", "test"), ("dev", "--addr", "127.0.0.1:0")):
            refused = self.run_wash(*words, self.folder / "bindings")
            self.assertEqual(1, refused.returncode)
            self.assertIn("makes a provider, which is a program and no component", refused.stderr)

    def test_the_template_takes_the_sdk_that_is_named(self):
        self.of_the_sdk("new", "todo", "--template", "provider", "--language", "cpp")
        built = self.run_wash("build", "todo", "--", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                              f"-DCMAKE_CXX_COMPILER={COMPILER}", cwd=self.folder,
                              env={**self.environment(), "PATH": os.environ["PATH"]},
                              timeout_seconds=600)
        self.assertEqual(0, built.returncode, built.stdout + built.stderr)
        self.assertTrue((self.folder / "todo" / "build" / "todo").is_file())

    def of_the_sdk(self, *words):
        """Runs the `wash` that is installed."""
        done = subprocess.run([self.prefix / "bin" / "wash", *words], cwd=self.folder,
                              env={**self.environment(), "PATH": os.environ["PATH"],
                                   "CXX": COMPILER}, capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done

    def component_that_finishes(self, wit):
        """A command in C that marks the task of its argument as done."""
        project = self.folder / "finish"
        shutil.copytree(wit, project / "wit" / "deps" / "tasks")
        self.write("finish/wit/world.wit", FINISH_WORLD)
        self.write("finish/main.c", FINISH_SOURCE)
        self.write("finish/Makefile", FINISH_MAKEFILE)
        built = self.of_the_sdk("-o", "json", "build", project)
        return harness.json.loads(built.stdout)["data"]["component_path"]

    def test_the_example_serves_a_component(self):
        project = self.folder / "greeter"
        shutil.copytree(harness.SOURCE / "examples" / "providers" / "greeter-cpp", project)
        build = self.build(project)
        greeter = self.start(build / "greeter", f"unix:{self.folder}/greeter.sock")
        server = self.wash("run", harness.guest("greeter-web"), "--addr", "127.0.0.1:0",
                           "--provider", f"example:greeter={greeter.announced}")
        self.assertEqual("Hello Ada\nHello Max", server.get("/greet-all?names=Ada,Max").text)
        self.assertEqual("2: Guests Ada Max", server.get("/book?title=Guests&names=Ada,Max").text)

    def test_what_is_wrong_is_said(self):
        script = self.folder / "find.cmake"
        script.write_text("""set(CMAKE_CXX_COMPILER_ID GNU)
set(CMAKE_CXX_COMPILER_VERSION 12.2)
find_package(nimbus REQUIRED)
""", encoding="utf-8")
        other = subprocess.run(["cmake", f"-DCMAKE_PREFIX_PATH={self.prefix}", "-P", script],
                               capture_output=True, text=True, check=False)
        self.assertNotEqual(0, other.returncode)
        self.assertIn("Nimbus needs clang 22 or newer", other.stderr)
        self.assertIn("found GNU 12.2", " ".join(other.stderr.split()))

        project = self.project_of_the_page()
        (project / "wit" / "shop.wit").write_text("package acme:shop;\ninterface prices {",
                                                  encoding="utf-8")
        wrong = self.configure(project, "-DCMAKE_CXX_COMPILER=" + COMPILER)
        self.assertNotEqual(0, wrong.returncode)
        self.assertIn("shop.wit", wrong.stdout)


if __name__ == "__main__":
    harness.main()
