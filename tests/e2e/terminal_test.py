#!/usr/bin/env python3
"""What takes over half a second is shown: on a terminal by a line that goes again, elsewhere by a
plain line."""

import hashlib
import http.server
import os
import json
import pathlib
import re
import shutil
import subprocess
import threading
import time

import developing
import harness
import registries
import terminals
from run_large_component_test import leb, section

ERASE = "\r\x1b[K"
COLOUR = re.compile(r"\x1b\[\d*m")


class TestCase(terminals.TestCase):
    def environment(self, **more):
        return super().environment(**{"TERM": "xterm", "NO_COLOR": "", **more})

    def gate(self, name="gate"):
        """What sh has to do to wait until open(name): half a minute at most, and not when the test
        has ended. NAME-waited is there once it has waited for a second."""
        path = self.folder / name
        return (f"i=0; while [ -d {self.folder} ] && [ ! -e {path} ] && [ $i -lt 600 ]; do "
                f"sleep 0.05; i=$((i+1)); [ $i -ne 20 ] || : > {path}-waited; done")

    def open(self, name="gate"):
        self.write(name, "")

    def frames(self, text):
        """What stood on the line, each time it was rewritten, without colours."""
        lines = [part.split("\r\n")[0] for part in text.split(ERASE)[1:]]
        return [COLOUR.sub("", line) for line in lines]

    def screen(self, text):
        """What is left of it when all has been erased that was."""
        lines = []
        for line in text.split("\r\n"):
            lines.append(line.rsplit(ERASE, 1)[-1])
        return "\n".join(lines)


class Builds(TestCase):
    """Of a project whose build waits until the test lets it go on."""

    def setUp(self):
        super().setUp()
        self.write("project/in.wasm", pathlib.Path(harness.guest("http-hello")).read_bytes())
        self.write("project/.wash/config.yaml", json.dumps({"build": {
            "command": f"echo begun >&2; {self.gate()}; echo half >&2; cp in.wasm out.wasm",
            "component_path": "out.wasm"}}))

    def build(self, **options):
        return self.terminal("build", cwd=self.folder / "project", **options)

    def test_a_line_turns_while_it_goes_on(self):
        terminal = self.build()
        terminal.read_until("/\x1b[0m Building")
        terminal.read_until("-\x1b[0m Building")
        self.open()
        text = terminal.read_to_end()
        self.assertEqual(0, terminal.wait())
        self.assertIn(ERASE + "\x1b[36m|\x1b[0m Building  ", text)
        left = self.screen(text)
        self.assertNotIn("Building", left)
        self.assertRegex(left, r"(?s)running sh -c .*\nbegun\nhalf\nbuilt .*out\.wasm")

    def test_no_colour_where_none_is_wanted(self):
        terminal = self.build(env=self.environment(NO_COLOR="1"))
        terminal.read_until("/ Building")
        self.open()
        self.assertNotRegex(terminal.read_to_end(), COLOUR)

    def test_a_narrow_terminal_is_not_overrun(self):
        terminal = self.build(columns=12)
        terminal.read_until("/\x1b[0m Buil")
        self.open()
        frames = [frame for frame in self.frames(terminal.read_to_end()) if frame[1:2] == " "]
        turning = [frame for frame in frames if frame[0] in "|/-\\"]
        self.assertTrue(turning)
        for frame in turning:
            self.assertLessEqual(len(frame), 11, frame)

    def test_a_terminal_that_knows_nothing_gets_plain_lines(self):
        terminal = self.build(env=self.environment(TERM="dumb"))
        terminal.read_until("begun")
        self.open()
        text = terminal.read_to_end()
        self.assertNotIn("\x1b", text)
        self.assertRegex(text, r"(?s)running sh -c .*\r\nbegun\r\nhalf\r\nbuilt ")

    def test_a_pipe_gets_plain_lines(self):
        child = self.start("build", cwd=self.folder / "project")
        child.wait_for_stderr("begun")
        self.open()
        self.assertEqual(0, child.wait())
        self.assertNotIn("\x1b", child.describe())
        self.assertNotIn("Building", child.describe())


class Halfway(http.server.BaseHTTPRequestHandler):
    """Sends the first half of the server's file, and the rest when it is told to."""

    def do_GET(self):
        content = self.server.content
        half = (len(content) + 1) // 2
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:half])
        self.wfile.flush()
        self.server.go_on.wait(harness.PATIENCE_SECONDS)
        self.wfile.write(content[half:])
        self.close_connection = True

    def log_message(self, *_):
        pass


class Downloads(TestCase):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Halfway)
        self.server.content = pathlib.Path(harness.guest("plugin-old-2")).read_bytes()
        self.server.go_on = threading.Event()
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.server.go_on.set)
        digest = hashlib.sha256(self.server.content).hexdigest()
        self.url = f"http://127.0.0.1:{self.server.server_port}/old-2.wasm"
        self.words = ["plugin", "install", self.url, "--digest", f"sha256:{digest}"]

    def half(self):
        size = len(self.server.content) / 1024
        return f"{size / 2:.1f} KiB of {size:.1f} KiB"

    def test_bytes_and_rate_are_shown(self):
        terminal = self.terminal(*self.words, columns=120)
        terminal.read_until(f"[##########----------]  {self.half()}  ")
        terminal.read_until("/s")
        self.server.go_on.set()
        left = self.screen(terminal.read_to_end())
        self.assertEqual(0, terminal.wait())
        self.assertNotIn("Pulling", left)
        self.assertIn("Installed plugin old-2", left)

    def test_on_a_narrow_terminal_without_a_bar(self):
        terminal = self.terminal(*self.words, columns=60)
        terminal.read_until(f" Pulling http://127.")
        terminal.read_until(f"  {self.half()}  ")
        self.assertNotIn("[#", terminal.text)
        self.server.go_on.set()
        self.assertEqual(0, terminal.wait() or not terminal.read_to_end())

    def test_elsewhere_by_one_plain_line(self):
        child = self.start(*self.words, stdin=subprocess.DEVNULL)
        child.wait_for_stderr(f"^Pulling {re.escape(self.url)}$")
        self.server.go_on.set()
        self.assertEqual(0, child.wait())
        self.assertNotIn("\x1b", child.describe())


class Packages(TestCase):
    """`wash wit`: from a registry, and by git."""

    LOG = "package acme:log@0.2.0;\ninterface sink { write: func(line: string); }\n"

    def setUp(self):
        super().setUp()
        self.write("app/wit/world.wit",
                   "package acme:app;\nworld app { import acme:log/sink@0.2.0; }\n")
        self.words = ["-C", self.folder / "app", "wit"]

    def environment(self, **more):
        return super().environment(XDG_CACHE_HOME=str(self.folder / "cache"),
                                   DOCKER_CONFIG=str(self.folder / "docker"),
                                   WKG_CONFIG_FILE=str(self.folder / "wkg.toml"), **more)

    def registry(self):
        """Has the package, and gives half of it."""
        registry = registries.start(self)
        self.write("log/wit/log.wit", self.LOG)
        made = self.folder / "log.wasm"
        self.wash_json("-C", self.folder / "log", "wit", "build", "--output-file", made)
        self.wash_json("oci", "push", registry.reference("acme/log:0.2.0"), made, "--insecure")
        halfway = registries.Halfway(self, registry)
        self.write("app/.wash/config.yaml", json.dumps(
            {"wit": {"sources": {"acme": f"oci://{halfway.authority}/acme"}}}))
        return halfway

    def test_bytes_and_rate_of_a_registry_are_shown(self):
        halfway = self.registry()
        for word in ("fetch", "update"):
            halfway.go_on.clear()
            shutil.rmtree(self.folder / "cache")
            terminal = self.terminal(*self.words, word, "--insecure", columns=120)
            terminal.read_until(f" Pulling {halfway.reference('acme/log:0.2.0')} "
                                "[##########----------]  ")
            terminal.read_until("/s")
            halfway.go_on.set()
            left = self.screen(terminal.read_to_end())
            self.assertEqual(0, terminal.wait(), left)
            self.assertNotIn("Pulling", left)
            self.assertIn("1 fetched package in ", left)

    def test_elsewhere_by_one_plain_line(self):
        halfway = self.registry()
        self.write("app/wit/world.wit", "package acme:app;\nworld app {\n}\n")
        child = self.start(*self.words, "add", "acme:log/sink@0.2.0", "--insecure")
        child.wait_for_stderr(f"^Pulling {halfway.reference('acme/log:0.2.0')}$")
        halfway.go_on.set()
        self.assertEqual(0, child.wait())
        self.assertNotIn("\x1b", child.describe())

    def copying(self, before=""):
        """How a project is built that has its component already."""
        self.write("app/in.wasm", pathlib.Path(harness.guest("http-hello")).read_bytes())
        return {"command": f"{before}cp in.wasm out.wasm", "component_path": "out.wasm"}

    def test_before_a_build_it_stands_in_the_place_of_the_builds_line(self):
        halfway = self.registry()
        self.write("app/.wash/config.yaml", json.dumps({
            "build": self.copying(f"{self.gate()}; "),
            "wit": {"sources": {"acme": f"oci://{halfway.authority}/acme"},
                    "registries": [{"url": f"http://{halfway.authority}"}]}}))
        terminal = self.terminal("-C", self.folder / "app", "build", columns=120)
        terminal.read_until(f" Pulling {halfway.reference('acme/log:0.2.0')} [####")
        terminal.take()
        halfway.go_on.set()
        terminal.read_until(" Building  ")
        self.assertNotIn("Pulling", self.screen(terminal.take()).split("\n")[-1])
        self.open()
        terminal.read_to_end()
        self.assertEqual(0, terminal.wait())

    def clone_waits(self):
        """A git that waits for the gate before it does anything; gives the repository's address."""
        repository = self.write("repository/wit/log.wit", self.LOG).parents[1]
        git = shutil.which("git")
        for words in (["init", "-q", "-b", "main"], ["add", "."],
                      ["-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-q",
                       "-m", "x"]):
            subprocess.run([git, "-C", repository, *words], check=True, env=self.environment())
        program = self.write("bin/git", f"#!/bin/sh\n{self.gate()}\nexec {git} \"$@\"\n")
        program.chmod(0o755)
        url = f"file://{repository}"
        self.write("app/.wash/config.yaml", json.dumps(
            {"build": self.copying(), "wit": {"sources": {"acme": f"git+{url}#main:wit"}}}))
        return url, self.environment(PATH=f"{program.parent}:{os.environ['PATH']}")

    def has_waited(self):
        self.eventually((self.folder / "gate-waited").exists, "git does not wait")

    def test_a_clone_that_asks_nothing_is_shown(self):
        url, env = self.clone_waits()
        terminal = self.terminal("-C", self.folder / "app", "build", columns=200, env=env)
        terminal.read_until(f" Cloning {url}  ")
        self.open()
        left = self.screen(terminal.read_to_end())
        self.assertEqual(0, terminal.wait(), left)
        self.assertNotIn("Cloning", left)

    def test_no_line_goes_over_what_git_may_ask(self):
        url, env = self.clone_waits()
        terminal = self.terminal(*self.words, "fetch", columns=200, env=env)
        terminal.read_until(f"Cloning {url}\r\n")
        self.has_waited()
        self.open()
        text = terminal.read_to_end()
        self.assertEqual(0, terminal.wait(), text)
        self.assertNotIn(ERASE, text)
        self.assertEqual(1, text.count("Cloning"), text)

    def test_no_line_goes_over_what_git_may_ask_about_a_template(self):
        url, env = self.clone_waits()
        terminal = self.terminal("new", "made", "--git", url, "--subfolder", "none", columns=200,
                                 env=env, cwd=self.folder)
        terminal.read_until(f"Cloning {url}\r\n")
        self.has_waited()
        self.open()
        text = terminal.read_to_end()
        self.assertEqual(1, terminal.wait(), text)  # there is no such folder in it
        self.assertNotIn(ERASE, text)

    def test_a_clone_elsewhere_is_one_plain_line(self):
        url, env = self.clone_waits()
        child = self.start(*self.words, "fetch", env=env)
        child.wait_for_stderr(f"^Cloning {url}$")
        self.open()
        self.assertEqual(0, child.wait())
        self.assertNotIn("\x1b", child.describe())


LEAST_FUNCTIONS = 8_000
MOST_FUNCTIONS = 128_000
SLOW_SECONDS = 1.5  # three times what it takes for anything to be shown


def slow_module(functions):
    """A core module of functions of which no two are the same."""
    bodies = bytearray()
    for number in range(functions):
        # No locals; local.get 0, then: i32.const, i32.mul, local.get 0, i32.add; end.
        body = b"\x00\x20\x00"
        for step in range(16):
            factor = 16 * number + step
            body += b"\x41" + bytes(factor >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21))
            body += b"\x00\x6c\x20\x00\x6a"
        body += b"\x0b"
        bodies += leb(len(body)) + body
    return (b"\0asm\x01\0\0\0" + section(1, b"\x01\x60\x01\x7f\x01\x7f") +
            section(3, leb(functions) + b"\x00" * functions) +
            section(10, leb(functions) + bytes(bodies)))


class Compilations(developing.TestCase, TestCase):
    """Of components that it takes seconds to compile, with one processor on any machine."""

    module = None  # that takes so long, once it is known

    def setUp(self):
        super().setUp()
        self.env = self.environment(XDG_CACHE_HOME=str(self.folder / "cache"))
        if Compilations.module is None:
            Compilations.module = self.slow_enough()

    def slow_enough(self):
        functions = LEAST_FUNCTIONS
        while functions < MOST_FUNCTIONS:
            module = slow_module(functions)
            if min(self.seconds("run", module), self.seconds("dev", module)) > SLOW_SECONDS:
                return module
            functions *= 2
        return slow_module(functions)

    def seconds(self, command, module):
        """From the start until it serves, without a cache."""
        folder = self.folder / f"{command}-{len(module)}"
        component = self.slow("http-hello", module)
        project = self.write(f"{folder.name}/app.wasm", component).parent
        self.write(f"{folder.name}/.wash/config.yaml",
                   "build: {command: 'true', component_path: app.wasm}\n")
        env = self.environment(XDG_CACHE_HOME=str(folder / "cache"))
        begun = time.monotonic()
        server = self.wash(command, project, "--addr", "127.0.0.1:0", env=env)
        seconds = time.monotonic() - begun
        server.terminate()
        return seconds

    def wash_words(self):
        processor = min(os.sched_getaffinity(0))
        return ["taskset", "--cpu-list", str(processor), *super().wash_words()]

    def slow(self, guest, module=None):
        """That guest with one core module more, which it makes no use of."""
        return pathlib.Path(harness.guest(guest)).read_bytes() + section(1, module or self.module)

    def slowly(self, *words):
        return self.terminal(*words, columns=200, env=self.env)

    def interrupt(self, terminal):
        """Ends it; gives what is left on the screen."""
        terminal.process.send_signal(harness.signal.SIGINT)
        left = self.screen(terminal.read_to_end())
        self.assertEqual(0, terminal.wait(), left)
        return left

    def test_of_a_component_that_is_run(self):
        path = self.write("slow.wasm", self.slow("http-hello"))
        terminal = self.slowly("run", path, "--addr", "127.0.0.1:0")
        terminal.read_until(f" Compiling {path}  ")
        terminal.read_until("at http://127.0.0.1:")
        self.assertNotIn("Compiling", self.interrupt(terminal))

    def test_of_a_plugin_that_is_tried(self):
        path = self.write("slow.wasm", self.slow("plugin-old-2"))
        terminal = self.slowly("plugin", "test", path)
        terminal.read_until(f" Compiling {path}  ")
        left = self.screen(terminal.read_to_end())
        self.assertEqual(0, terminal.wait(), left)
        self.assertNotIn("Compiling", left)
        self.assertIn("old-2", left)

    def test_of_a_plugin_that_the_cache_has_no_more(self):
        path = self.write("slow.wasm", self.slow("plugin-old-2"))
        done = self.run_wash("plugin", "install", path, env=self.env)
        self.assertEqual(0, done.returncode, done.stderr)
        shutil.rmtree(self.folder / "cache")
        terminal = self.slowly("old-2", "exec", "echo x")
        terminal.read_until(" Compiling plugin old-2  ")
        terminal.read_until("Allow? ")
        self.assertNotIn("Compiling", self.screen(terminal.text))
        terminal.type("n\n")
        self.assertIn("nobody has agreed to it", terminal.read_to_end())

    def test_elsewhere_by_one_plain_line(self):
        path = self.write("slow.wasm", self.slow("plugin-old-2"))
        child = self.start("plugin", "test", path, env=self.env)
        child.wait_for_stderr(f"^Compiling {re.escape(str(path))}$")
        self.assertEqual(0, child.wait())
        self.assertNotIn("\x1b", child.describe())

    def test_of_the_first_generation_of_a_project(self):
        self.project("http-hello")
        self.source("component.in", self.slow("http-hello"))
        terminal = self.slowly("dev", self.root, "--addr", "127.0.0.1:0")
        terminal.read_until("built project in ")
        terminal.read_until(" Compiling project  ")
        terminal.read_until("Serving at http://127.0.0.1:")
        left = self.interrupt(terminal)
        self.assertNotIn("Compiling", left)
        self.assertRegex(left, r"(?s)building project\n.*built project in .*\nServing at http://")

    def test_of_a_project_elsewhere_by_a_plain_line(self):
        self.project("http-hello")
        self.source("component.in", self.slow("http-hello"))
        child = self.start("dev", self.root, "--addr", "127.0.0.1:0", env=self.env)
        child.wait_for_stderr("^Compiling project$")
        child.wait_for_stdout("^Serving at http://")
        child.send(harness.signal.SIGINT)
        self.assertEqual(0, child.wait())
        self.assertNotIn("\x1b", child.describe())


class Development(developing.TestCase, TestCase):
    """`wash dev`: one line, whatever goes on above it."""

    def setUp(self):
        super().setUp()
        self.words = ["dev", self.root, "--addr", "127.0.0.1:0"]

    def begin(self, env=None):
        return self.terminal(*self.words, columns=120, env=env or self.environment())

    def end(self, terminal):
        terminal.read_until("Serving at http://127.0.0.1:")
        terminal.process.send_signal(harness.signal.SIGINT)
        left = self.screen(terminal.read_to_end())
        self.assertEqual(0, terminal.wait(), left)
        return left

    def test_what_tools_print_stands_above_it(self):
        self.project("http-hello", build={
            "command": f"echo begun >&2; {self.gate('one')}; echo half >&2; printf done: >&2; "
                       f"{self.gate('two')}; echo all >&2; cp component.in app.wasm"})
        terminal = self.begin()
        terminal.read_until("\x1b[0m Building project  ")
        terminal.take()
        self.open("one")
        terminal.read_until("half\r\ndone:")
        self.open("two")
        left = self.end(terminal)
        self.assertIn("half\ndone:all\nbuilt project in ", left)
        self.assertNotIn("Building", left)

    def image(self):
        """A project that is composed with an image of which half is given; the image's name."""
        registry = registries.start(self)
        self.env = self.environment(XDG_CACHE_HOME=str(self.folder / "cache"),
                                    DOCKER_CONFIG=str(self.folder / "docker"))
        self.wash_json("oci", "push", registry.reference("acme/back:1"),
                       harness.guest("pair-back"), "--insecure", env=self.env)
        shutil.rmtree(self.folder / "cache", ignore_errors=True)
        self.halfway = registries.Halfway(self, registry)
        reference = self.halfway.reference("acme/back:1")
        self.project("pair-web", dev={"allow_insecure_registries": True,
                                      "components": [{"name": "back", "image": reference}]})
        return reference

    def test_bytes_and_rate_of_an_image_are_shown(self):
        reference = self.image()
        terminal = self.begin(self.env)
        terminal.read_until(f" Pulling {reference} [##########----------]  ")
        terminal.read_until("/s")
        self.halfway.go_on.set()
        self.assertNotIn("Pulling", self.end(terminal))

    def test_an_image_elsewhere_is_one_plain_line(self):
        reference = self.image()
        child = self.start(*self.words, env=self.env)
        child.wait_for_stderr(f"^Pulling {reference}$")
        self.halfway.go_on.set()
        child.wait_for_stdout("^Serving at http://")
        child.send(harness.signal.SIGINT)
        self.assertEqual(0, child.wait())
        self.assertEqual(1, child.describe().count("Pulling"))
        self.assertNotIn("\x1b", child.describe())


class Consent(TestCase):
    def test_what_was_typed_before_the_question_is_no_answer(self):
        done = self.run_wash("plugin", "install", harness.guest("plugin-old-2"))
        self.assertEqual(0, done.returncode, done.stderr)
        terminal = self.terminal("old-2", "exec", "echo x")
        terminal.read_until("\x1b[0m\r\nPlugin old-2 wants")
        terminal.read_until("Allow? ")
        terminal.type("n\n")
        self.assertIn("nobody has agreed to it", terminal.read_to_end())

    def test_ctrl_c_at_a_question_of_a_check_ends_it(self):
        done = self.run_wash("plugin", "install", harness.guest("plugin-otel"))
        self.assertEqual(0, done.returncode, done.stderr)
        program = self.write("bin/docker", "#!/bin/sh\necho ran\n")
        program.chmod(0o755)
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        terminal = self.terminal("doctor", env=self.environment(PATH=path))
        terminal.read_until("Allow? ")
        terminal.process.send_signal(harness.signal.SIGINT)
        text = terminal.read_to_end()
        self.assertEqual(130, terminal.wait(), text)


if __name__ == "__main__":
    harness.main()
