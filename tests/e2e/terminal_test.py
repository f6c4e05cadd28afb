#!/usr/bin/env python3
"""What takes over half a second is shown: on a terminal by a line that goes again, elsewhere by a
plain line."""

import hashlib
import http.server
import os
import pathlib
import re
import subprocess
import threading

import harness
import terminals

ERASE = "\r\x1b[K"
COLOUR = re.compile(r"\x1b\[\d*m")


class TestCase(terminals.TestCase):
    def environment(self, **more):
        return super().environment(**{"TERM": "xterm", "NO_COLOR": "", **more})

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
        self.gate = self.folder / "gate"
        os.mkfifo(self.gate)
        self.write("project/in.wasm", pathlib.Path(harness.guest("http-hello")).read_bytes())
        self.write("project/.wash/config.yaml",
                   "build:\n  command: echo begun >&2; read line < ../gate; echo half >&2; "
                   "cp in.wasm out.wasm\n  component_path: out.wasm\n")

    def release(self):
        self.gate.write_text("go\n")

    def build(self, **options):
        return self.terminal("build", cwd=self.folder / "project", **options)

    def test_a_line_turns_while_it_goes_on(self):
        terminal = self.build()
        terminal.read_until("/\x1b[0m Building")
        terminal.read_until("-\x1b[0m Building")
        self.release()
        text = terminal.read_to_end()
        self.assertEqual(0, terminal.wait())
        self.assertIn(ERASE + "\x1b[36m|\x1b[0m Building  ", text)
        left = self.screen(text)
        self.assertNotIn("Building", left)
        self.assertRegex(left, r"(?s)running sh -c .*\nbegun\nhalf\nbuilt .*out\.wasm")

    def test_no_colour_where_none_is_wanted(self):
        terminal = self.build(env=self.environment(NO_COLOR="1"))
        terminal.read_until("/ Building")
        self.release()
        self.assertNotRegex(terminal.read_to_end(), COLOUR)

    def test_a_narrow_terminal_is_not_overrun(self):
        terminal = self.build(columns=12)
        terminal.read_until("/\x1b[0m Buil")
        self.release()
        frames = [frame for frame in self.frames(terminal.read_to_end()) if frame[1:2] == " "]
        turning = [frame for frame in frames if frame[0] in "|/-\\"]
        self.assertTrue(turning)
        for frame in turning:
            self.assertLessEqual(len(frame), 11, frame)

    def test_a_terminal_that_knows_nothing_gets_plain_lines(self):
        terminal = self.build(env=self.environment(TERM="dumb"))
        terminal.read_until("begun")
        self.release()
        text = terminal.read_to_end()
        self.assertNotIn("\x1b", text)
        self.assertRegex(text, r"(?s)running sh -c .*\r\nbegun\r\nhalf\r\nbuilt ")

    def test_a_pipe_gets_plain_lines(self):
        child = self.start("build", cwd=self.folder / "project")
        child.wait_for_stderr("begun")
        self.release()
        self.assertEqual(0, child.wait())
        self.assertNotIn("\x1b", child.describe())
        self.assertNotIn("Building", child.describe())


class Halfway(http.server.BaseHTTPRequestHandler):
    """Sends the first half of the server's file, and the rest when it is told to."""

    def do_GET(self):
        content = self.server.content
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:len(content) // 2])
        self.wfile.flush()
        self.server.go_on.wait(harness.PATIENCE_SECONDS)
        self.wfile.write(content[len(content) // 2:])
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
