"""What the tests of templates share: projects made by `wash new` and built by `wash build`."""

import contextlib
import os
import pathlib
import re
import textwrap

import harness

CACHE = pathlib.Path(os.environ.get("NIMBUS_CACHE") or pathlib.Path(
    os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "nimbus")


class TestCase(harness.TestCase):
    BUILD_SECONDS = 600

    def tools(self):
        """The environment for builds: the caller's own, as cargo and npm keep things in the home.
        Rust's standard library is built once, in the folder of the example guests."""
        return {**os.environ, "CARGO_TARGET_DIR": str(CACHE / "guest-target")}

    def make(self, template, language, name=None):
        """A new project; gives its folder."""
        name = name or f"{template}-{language}"
        made = self.run_wash("new", name, "--template", template, "--language", language,
                             env=self.tools(), cwd=self.folder)
        self.assertEqual(0, made.returncode, made.stderr)
        return self.folder / name

    def build(self, project, *arguments):
        """Builds it; gives the path of the component."""
        done = self.run_wash("-o", "json", "build", project, *arguments, env=self.tools(),
                             timeout_seconds=self.BUILD_SECONDS)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return harness.json.loads(done.stdout)["data"]["component_path"]

    @contextlib.contextmanager
    def serving(self, component):
        server = self.wash("run", component, "--addr", "127.0.0.1:0")
        yield server
        server.kill()

    def assert_says_hello(self, component, greeting):
        with self.serving(component) as server:
            answer = server.get("/some/path?a=b")
            self.assertEqual(200, answer.status)
            self.assertEqual(f"{greeting}/some/path?a=b\n", answer.text)

    def assert_counts(self, component):
        with self.serving(component) as server:
            self.assertEqual(["1\n", "2\n"], [server.get("/a").text for _ in range(2)])
            self.assertEqual("1\n", server.get("/b").text)
            self.assertEqual("0\n", server.request("DELETE", "/a").text)
            self.assertEqual("1\n", server.get("/a").text)

    def assert_ticks(self, project, *, first="tick 1"):
        """Builds it as `wash dev` does, which runs it as a service."""
        dev = self.start("-o", "json", "dev", project, "--addr", "127.0.0.1:0",
                         env=self.tools())
        dev.wait_for_stdout(first, self.BUILD_SECONDS)
        dev.wait_for_stdout("tick 2")
        self.assertEqual(0, dev.terminate())

    def assert_hosted(self, project):
        """Builds and hosts it as its README says."""
        self.build(project)
        readme = (project / "README.md").read_text(encoding="utf-8")
        manifest = re.search(r"^    name: .*\n(?:    .*\n)+", readme, re.MULTILINE).group(0)
        (project / "workload.yaml").write_text(textwrap.dedent(manifest), encoding="utf-8")
        [command] = re.findall(r"^    wash (host .*)$", readme, re.MULTILINE)
        host = self.start(*command.split(), "--http-addr", "127.0.0.1:0", "--admin-socket",
                          self.folder / "admin.sock", cwd=project)
        host.wait_for_stderr("tick 2")
        self.assertEqual(0, host.terminate())

    def assert_greets(self, component):
        for words, expected in (([], "Hello, world!\n"), (["you", "me"], "Hello, you, me!\n")):
            done = self.run_wash("run", component, "--", *words)
            self.assertEqual((0, expected), (done.returncode, done.stdout), done.stderr)
