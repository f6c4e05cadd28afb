#!/usr/bin/env python3
"""What plugins want to do is asked on a terminal: shown in full, refused unless the user says yes,
remembered only if he says so, and only of this very binary."""

import os
import pathlib
import select
import signal
import subprocess

import harness
import plugin_variants
import terminals

QUESTION = "Allow? "


class TestCase(terminals.TestCase):
    def install(self, guest):
        done = self.run_wash("plugin", "install", harness.guest(guest))
        self.assertEqual(0, done.returncode, done.stderr)

    def answer(self, terminal, *answers):
        """Gives each answer when it is asked for; returns all of the terminal and the status."""
        for answer in answers:
            terminal.read_until(QUESTION)
            self.said += terminal.take()
            terminal.type(answer)
        self.said += terminal.read_to_end()
        return self.said, terminal.wait()

    def setUp(self):
        super().setUp()
        self.said = ""

    def grants(self, name):
        return self.wash_json("plugin", "info", name)["data"]["grants"]


class OfOlderContracts(TestCase):
    """These declare nothing: they are asked about when they want something."""

    def setUp(self):
        super().setUp()
        self.install("plugin-old-2")

    def exec(self, words, *flags, **options):
        return self.terminal(*flags, "old-2", "exec", words, **options)

    def test_yes_is_for_this_time(self):
        said, status = self.answer(self.exec("echo one two"), "y\n")
        self.assertRegex(said, r"Plugin old-2 wants to run /\S*/echo one two\r\n")
        self.assertIn("one two\r\n\r\n", said)
        self.assertEqual(0, status)
        self.assertEqual([], self.grants("old-2"))
        _, status = self.answer(self.exec("echo one two"), "yes\n")
        self.assertEqual(0, status)

    def test_everything_else_is_no_and_the_plugin_sees_it(self):
        for answer in ("n\n", "\n", "yess\n", "\x04"):
            self.said = ""
            said, status = self.answer(self.exec("echo one"), answer)
            self.assertIn("error: plugin old-2: it may not run", said)
            self.assertIn("nobody has agreed to it", said)
            self.assertEqual(1, status)
        self.assertEqual([], self.grants("old-2"))

    def test_always_is_remembered_shown_and_taken_back(self):
        _, status = self.answer(self.exec("echo one two"), "a\n")
        self.assertEqual(0, status)
        [grant] = self.grants("old-2")
        self.assertEqual("program", grant["kind"])
        self.assertTrue(grant["subject"].endswith("/echo"))
        self.assertEqual(["one", "two"], grant["arguments"])
        self.assertRegex(self.run_wash("plugin", "info", "old-2").stdout,
                         r"may, as you agreed to,\n  run /\S*/echo one two\n")
        # Neither a question nor a terminal is needed now, but for this argument vector only.
        self.assertEqual(0, self.run_wash("old-2", "exec", "echo one two").returncode)
        self.assertEqual(1, self.run_wash("old-2", "exec", "echo one two three").returncode)
        self.assertEqual(1, self.wash_json("plugin", "revoke", "old-2")["data"]["revoked"])
        self.assertEqual(1, self.run_wash("old-2", "exec", "echo one two").returncode)

    def test_another_binary_of_the_plugin_asks_again(self):
        self.answer(self.exec("echo one"), "a\n")
        other = plugin_variants.salted(pathlib.Path(harness.guest("plugin-old-2")).read_bytes(),
                                       "another")
        done = self.run_wash("plugin", "install", "--force", self.write("other.wasm", other))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual([], self.grants("old-2"))
        self.said = ""
        said, status = self.answer(self.exec("echo one"), "n\n")
        self.assertIn("wants to run", said)
        self.assertEqual(1, status)

    def test_patterns_in_what_is_asked_are_no_patterns(self):
        self.answer(self.exec("echo *"), "a\n")
        self.assertEqual(0, self.run_wash("old-2", "exec", "echo *").returncode)
        self.assertEqual(1, self.run_wash("old-2", "exec", "echo anything").returncode)

    def test_the_question_shows_everything_and_no_control_character(self):
        many = [f"argument-{i}" for i in range(300)]
        words = " ".join(["echo", *many, "\x1b[2J\x1b]0;title\x07", "\u202egnp.exe", "a\rb"])
        said, _ = self.answer(self.exec(words), "n\n")
        question = said[:said.index(QUESTION)]
        flat = question.replace("\r\n", "")
        for each in many:
            self.assertIn(f" {each} ", flat)
        self.assertNotIn("\x1b[2J", said)
        self.assertNotIn("\x1b]0", said)
        self.assertNotIn("\u202e", said)
        self.assertNotIn("\x07", said)
        self.assertIn(r"\u{1b}[2J", flat)

    def test_shells_are_not_even_asked_about_without_a_flag(self):
        for words in ("sh -c id", "env echo x", "/bin/sh -c id"):
            terminal = self.exec(words)
            said = terminal.read_to_end()
            self.assertEqual(1, terminal.wait())
            self.assertNotIn(QUESTION, said)
            self.assertIn("--allow-shell", said)

    def test_with_the_flag_shells_are_asked_about(self):
        said, status = self.answer(self.exec("sh -c true", "--allow-shell"), "y\n")
        self.assertRegex(said, r"wants to run /\S*/sh -c true\r\n")
        self.assertEqual(0, status)
        self.said = ""
        said, status = self.answer(self.exec("sh -c true", "--allow-shell"), "n\n")
        self.assertEqual(1, status)

    def test_nothing_is_asked_where_nobody_answers(self):
        piped = self.run_wash("old-2", "exec", "echo x", stdin=subprocess.DEVNULL)
        told = self.exec("echo x", "--non-interactive")
        for said, status in ((piped.stderr, piped.returncode), (told.read_to_end(), told.wait())):
            self.assertNotIn(QUESTION, said)
            self.assertIn("nobody has agreed to it", said)
            self.assertEqual(1, status)

    def test_rules_allow_where_nobody_answers(self):
        allowed = self.run_wash("--allow", "old-2:program echo x", "old-2", "exec", "echo x")
        self.assertEqual(0, allowed.returncode, allowed.stderr)
        self.write(".config/wash/config.yaml",
                   "plugins:\n  allow:\n    - \"old-2:program echo *\"\n")
        self.assertEqual(0, self.run_wash("old-2", "exec", "echo y").returncode)
        self.assertEqual(1, self.run_wash("old-2", "exec", "echo y z").returncode)
        # A rule for a shell is no leave for shells.
        self.assertEqual(1, self.run_wash("--allow", "old-2:program sh **", "old-2", "exec",
                                          "sh -c true").returncode)
        self.assertEqual(0, self.run_wash("--allow", "old-2:program sh **", "--allow-shell",
                                          "old-2", "exec", "sh -c true").returncode)

    def test_a_project_cannot_allow_anything(self):
        self.write("project/.wash/config.yaml",
                   "plugins:\n  allow:\n    - \"old-2:program echo **\"\n")
        done = self.run_wash("old-2", "exec", "echo y", cwd=self.folder / "project")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("plugins.allow", done.stderr)


class Colours(TestCase):
    """A command may print what hides the question behind it: that ends before the question."""

    def said_at(self, *command, **variables):
        self.said = ""
        env = self.environment(**{"TERM": "xterm", "NO_COLOR": "", **variables})
        said, _ = self.answer(self.terminal(*command, env=env), "n\n")
        return said

    def test_end_before_a_question(self):
        self.install("plugin-old-2")
        self.assertIn("\x1b[0m\r\nPlugin old-2 wants", self.said_at("old-2", "exec", "echo x"))

    def test_where_none_are_wanted_others_may_have_left_some(self):
        self.install("plugin-old-2")
        said = self.said_at("old-2", "exec", "echo x", NO_COLOR="1")
        self.assertIn("\x1b[0m\r\nPlugin old-2 wants", said)
        self.assertNotRegex(said, r"\x1b\[[1-9]")

    def test_a_terminal_without_control_sequences_gets_none(self):
        self.install("plugin-old-2")
        self.assertNotIn("\x1b", self.said_at("old-2", "exec", "echo x", TERM="dumb"))


class Interrupted(TestCase):
    """Programs have process groups of their own, so that Ctrl-C does not reach them by itself."""

    def test_programs_of_plugins_end_with_wash(self):
        self.install("plugin-old-2")
        os.mkfifo(self.folder / "alive")
        alive = os.open(self.folder / "alive", os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, alive)
        program = self.write("bin/lasting", f"#!/bin/sh\nexec 3>{self.folder}/alive\n"
                                            "echo running >&3\nsleep 1000\n")
        program.chmod(0o755)
        process = subprocess.Popen(
            [harness.WASH, "--allow", f"old-2:program {program} **", "old-2", "exec", program],
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        self.assertEqual(b"running\n", self.next_of(alive))
        process.send_signal(signal.SIGINT)
        self.assertEqual(130, process.wait(timeout=harness.PATIENCE_SECONDS))
        # Its end: nobody has the other side open any more, the program's child neither.
        self.assertEqual(b"", self.next_of(alive))

    def next_of(self, descriptor):
        ready, _, _ = select.select([descriptor], [], [], harness.PATIENCE_SECONDS)
        self.assertTrue(ready, "nothing came")
        return os.read(descriptor, 100)


class AtTheInstallation(TestCase):
    """What a plugin of the newest contract declares is asked for when it is installed."""

    def test_yes_is_for_good_as_the_question_says(self):
        terminal = self.terminal("plugin", "install", harness.guest("plugin-probe"))
        # "a" is not among the answers, and so none.
        said, status = self.answer(terminal, "y\n", "a\n", *["n\n"] * 4)
        self.assertEqual(0, status)
        self.assertIn("Allow? [y]es, until it is replaced or you revoke it, [N]o: ", said)
        self.assertNotIn("this time", said)
        [grant] = self.grants("probe")
        self.assertRegex(grant["subject"], "^/.*/echo$")
        self.assertEqual(("program", ["hello", "*"]), (grant["kind"], grant["arguments"]))
        self.assertIn("may, as you agreed to,", self.run_wash("plugin", "info", "probe").stdout)
        self.assertEqual("status 0, \"hello you\"\n",
                         self.run_wash("probe", "exec", "echo", "hello", "you").stdout)
        other = plugin_variants.salted(pathlib.Path(harness.guest("plugin-probe")).read_bytes(),
                                       "another")
        self.run_wash("plugin", "install", "--force", self.write("other.wasm", other))
        self.assertEqual([], self.grants("probe"))

    def test_each_of_it_is_asked_for_and_remembered(self):
        terminal = self.terminal("plugin", "install", harness.guest("plugin-probe"))
        # echo, false and sleep, the project's folder, a host, a variable; the shell is not asked
        # about.
        said, status = self.answer(terminal, "y\n", "n\n", "\n", "y\n", "no\n", "yes\n")
        self.assertEqual(0, status)
        self.assertIn("Plugin probe declares that it wants to\r\n", said)
        self.assertIn("read files in the project's folder  (to look around)", said)
        self.assertIn("because: to probe", said)
        self.assertIn("4 of what it declares is not allowed yet", said)
        grants = {grant["kind"]: grant for grant in self.grants("probe")}
        self.assertEqual({"program", "read", "env"}, set(grants))
        self.assertEqual("PROBE_COUNT", grants["env"]["subject"])
        self.assertEqual(["hello", "*"], grants["program"]["arguments"])
        self.write("project/file.txt", "seen")
        seen = self.run_wash("probe", "read", "/project", "file.txt", cwd=self.folder / "project")
        self.assertEqual("seen\n", seen.stdout, seen.stderr)
        denied = self.run_wash("probe", "write", "/project", "file.txt", "x",
                               cwd=self.folder / "project")
        self.assertEqual(1, denied.returncode)
        self.assertEqual("status 0, \"hello you\"\n",
                         self.run_wash("probe", "exec", "echo", "hello", "you").stdout)

    def test_more_than_it_declares_is_never_asked_for(self):
        self.install("plugin-probe")
        terminal = self.terminal("probe", "exec", "echo", "bye")
        said = terminal.read_to_end()
        self.assertEqual(1, terminal.wait())
        self.assertNotIn(QUESTION, said)
        self.assertIn("it does not declare it", said)

    def test_hosts_are_asked_about_when_they_are_used(self):
        self.install("plugin-probe")
        terminal = self.terminal("probe", "get", "127.0.0.1:1")
        said, status = self.answer(terminal, "y\n")
        self.assertIn("wants to connect to http://127.0.0.1:1", said)
        self.assertIn("ConnectionRefused", said)
        self.assertEqual(1, status)


if __name__ == "__main__":
    harness.main()
