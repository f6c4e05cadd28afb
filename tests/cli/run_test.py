#!/usr/bin/env python3
"""The runner of the command-line cases passes what is right and fails what is wrong."""

import os
import pathlib
import select
import tempfile
import unittest

import run


def ends_soon(pid):
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with open(process):  # readable once the process has ended
        return bool(select.select([process], [], [], 10)[0])


class RunnerTest(unittest.TestCase):
    def outcome(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "case.test"
            path.write_text(text, encoding="utf-8")
            return run.run_file(path, dict(os.environ))

    def test_output_and_status(self):
        self.assertIsNone(self.outcome("# why\n\n$ echo a; echo b; exit 3\na\nb\n? 3\n"))

    def test_wrong_output(self):
        self.assertIn("-a\n+b", self.outcome("$ echo b\na\n? 0\n"))

    def test_wrong_status(self):
        self.assertIn("-? 0\n+? 3", self.outcome("$ exit 3\n? 0\n"))

    def test_missing_and_surplus_lines(self):
        self.assertIsNotNone(self.outcome("$ echo a\na\nb\n? 0\n"))
        self.assertIsNotNone(self.outcome("$ echo a; echo b\na\n? 0\n"))

    def test_what_is_only_said_where_it_takes_long(self):
        for line in ("Compiling a.wasm", "Compiling plugin a", "Cloning file:///a/b",
                     "Looking at tools"):
            self.assertIsNone(self.outcome(f"$ echo {line}; echo a\na\n? 0\n"))
        self.assertIsNotNone(self.outcome("$ echo Compiling is hard; echo a\na\n? 0\n"))

    def test_wildcards(self):
        self.assertIsNone(self.outcome("$ echo port 8123 open\nport ... open\n? 0\n"))
        self.assertIsNone(self.outcome("$ seq 5\n1\n...\n5\n? 0\n"))
        self.assertIsNone(self.outcome("$ seq 2\n1\n...\n2\n...\n? 0\n"))
        self.assertIsNotNone(self.outcome("$ seq 5\n1\n...\n6\n? 0\n"))

    def test_dots_are_the_only_special_characters(self):
        self.assertIsNotNone(self.outcome("$ echo axb...\na.b...\n? 0\n"))

    def test_continued_commands_share_a_folder(self):
        self.assertIsNone(self.outcome(
            "$ cat >f <<END\n> one\n>   two\n> END\n? 0\n$ cat f\none\n  two\n? 0\n"))

    def test_standard_error_is_apart(self):
        self.assertIsNone(self.outcome("$ echo a >&2\n? 0\n"))
        self.assertIsNone(self.outcome("$ sh -c 'echo a >&2' 2>&1\na\n? 0\n"))

    def test_what_a_case_leaves_running_ends(self):
        with tempfile.TemporaryDirectory() as folder:
            note = pathlib.Path(folder) / "pid"
            command = f"tail -f /dev/null >{note}.out 2>&1 & echo $! >{note}"
            self.assertIsNone(self.outcome(f"$ {command}\n? 0\n"))
            self.assertTrue(ends_soon(int(note.read_text())))

    def test_bad_files(self):
        for text in ("", "$ echo a\na\n", "echo a\n", "$ a\n$ b\n? 0\n"):
            with self.assertRaises(run.BadCase):
                self.outcome(text)


if __name__ == "__main__":
    unittest.main()
