#!/usr/bin/env python3
"""The plugins in examples/plugins whose tools are large do what their pages say; what `make check`
builds is shown by e2e/plugin_examples_test.py."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402
import installing  # noqa: E402


class TextCpp(installing.TestCase):
    def setUp(self):
        super().setUp()
        self.install("text-cpp")

    def test_its_sub_commands(self):
        self.assertEqual("ONE TWO\n", self.says("text", "upper", "one", "two"))
        self.assertEqual("2 words\n", self.says("text", "count", "one", "two"))
        self.assertEqual("6 bytes\n", self.says("text", "count", "-b", "one", "two"))
        data = self.wash_json("text", "count", "one")["data"]
        self.assertEqual({"command": "text count", "plugin": "text", "output": "1 words",
                          "success": True}, data)

    def test_wrong_use(self):
        for words in ((), ("upper",), ("lower", "x"), ("count", "--words", "x")):
            self.assertEqual(2, self.run_wash("text", *words).returncode, words)

    def test_help_knows_them(self):
        self.assertIn("(plugin text)", self.says("--help"))
        self.assertIn("Prints words in capitals", self.says("text", "--help"))
        self.assertIn("wash text count --bytes one two", self.says("help", "text", "count"))


class Inspect(installing.TestCase):
    def setUp(self):
        super().setUp()
        self.install("inspect")
        self.path = self.folder / "app.wasm"
        shutil.copy(harness.guest("http-hello-c"), self.path)

    def inspect(self, *arguments, allow=True):
        flags = ["--allow", "inspect-sections:declared"] if allow else []
        return self.run_wash(*flags, "inspect-sections", *arguments, cwd=self.folder)

    def test_it_shows_what_a_component_consists_of(self):
        lines = self.inspect("app.wasm").stdout.splitlines()
        self.assertEqual(f"{self.path.stat().st_size:9}  bytes", lines[0])
        self.assertIn("  module", "\n".join(lines))
        self.assertNotIn("    code", "\n".join(lines))
        self.assertIn("    code", self.inspect("--deep", "app.wasm").stdout)

    def test_files_that_are_none(self):
        self.write("text.wasm", "text")
        self.write("cut.wasm", self.path.read_bytes()[:100])
        for name, message in (("text.wasm", "it is not WebAssembly"),
                              ("cut.wasm", "it ends within a section"),
                              ("none.wasm", "No such file")):
            done = self.inspect(name)
            self.assertEqual(1, done.returncode)
            self.assertIn(message, done.stderr)

    def test_it_reads_nothing_that_nobody_has_agreed_to(self):
        done = self.inspect("app.wasm", allow=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("nobody has agreed", done.stderr)

    def test_it_says_after_a_build_how_large_the_component_is(self):
        self.write(".wash/config.yaml",
                   "build:\n  command: cp app.wasm out.wasm\n  component_path: out.wasm\n")
        done = self.run_wash("--allow", "inspect-sections:declared", "build", cwd=self.folder)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stderr, rf"{self.path.stat().st_size} bytes, \d+ of them in custom")


if __name__ == "__main__":
    harness.main()
