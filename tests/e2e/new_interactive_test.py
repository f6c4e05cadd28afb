#!/usr/bin/env python3
"""`wash new` on a terminal: what was not said is asked for, and nothing runs without consent."""

import signal
import subprocess

import terminals


class NewOnATerminal(terminals.TestCase):
    def new(self, *arguments):
        return self.terminal("new", *arguments, cwd=self.folder)

    def template(self):
        self.write("mine/a.txt", "a")
        self.write("mine/.wash/config.yaml", "new:\n  command: touch ran\n")
        return str(self.folder / "mine")

    def test_the_template_is_picked_by_its_number(self):
        terminal = self.new("made", "--template", "command")
        terminal.read_until("1 to 3: ")
        self.assertIn("1  command (c): ", terminal.text)
        terminal.type("9\n")
        terminal.read_until("1 to 3: 9\r\n1 to 3: ")
        terminal.type("1\n")
        terminal.read_until("made made from command (c)")
        self.assertEqual(0, terminal.wait())
        self.assertTrue((self.folder / "made/main.c").is_file())

    def test_the_command_of_a_template_is_shown_and_run_after_a_yes(self):
        terminal = self.new("made", "--local", self.template())
        terminal.read_until("The template wants to run: touch ran")
        terminal.read_until("[y/N] ")
        self.assertFalse((self.folder / "made/ran").exists())
        terminal.type("y\n")
        self.assertEqual(0, terminal.wait())
        self.assertTrue((self.folder / "made/ran").exists())

    def test_the_command_of_a_repository_is_shown_as_it_is_and_asked_about(self):
        self.write("theirs/a.txt", "a")
        self.write("theirs/.wash/config.yaml", 'new: {command: "touch ran # \\e[1A\\e[2Kecho"}\n')
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
            subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *words],
                           cwd=self.folder / "theirs", check=True)
        terminal = self.new("made", "--git", f"file://{self.folder}/theirs")
        terminal.read_until("wants to run: touch ran # \\u{1b}[1A\\u{1b}[2Kecho")
        terminal.read_until("[y/N] ")
        terminal.type("yesterday\n")
        terminal.read_until("its new.command was not run")
        self.assertEqual(0, terminal.wait())
        self.assertTrue((self.folder / "made/a.txt").exists())
        self.assertFalse((self.folder / "made/ran").exists())
        self.assertNotIn("\x1b[1A", terminal.text)

    def test_no_answer_is_a_no(self):
        terminal = self.new("made", "--local", self.template())
        terminal.read_until("[y/N] ")
        terminal.type("\n")
        terminal.read_until("its new.command was not run")
        self.assertEqual(0, terminal.wait())
        self.assertFalse((self.folder / "made/ran").exists())

    def test_ctrl_c_at_a_question_ends_it(self):
        terminal = self.new("made")
        terminal.read_until("Which template?")
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(130, terminal.wait())
        self.assertFalse((self.folder / "made").exists())

    def test_nothing_is_asked_when_told_not_to(self):
        terminal = self.new("made", "--non-interactive")
        terminal.read_until("which template? Say it with --template and --language")
        self.assertEqual(1, terminal.wait())


if __name__ == "__main__":
    terminals.harness.main()
