#!/usr/bin/env python3
"""The house rules notice what they are there to notice."""

import unittest

import functions
import tidy


def problems(name, text, places=()):
    return [problem for _, problem in tidy.check_text(name, text, places)]


class LineRules(unittest.TestCase):
    def test_clean_text_passes(self):
        self.assertEqual([], problems("src/base/a.cc", "int a;\n"))

    def test_long_lines(self):
        self.assertIn("columns", problems("src/base/a.cc", "x" * 101 + "\n")[0])
        self.assertEqual([], problems("src/base/a.cc", "x" * 100 + "\n"))
        self.assertEqual([], problems("docs/a.md", "x" * 300 + "\n"))

    def test_white_space(self):
        self.assertIn("space at the end", problems("a.py", "x \n")[0])
        self.assertIn("tab", problems("a.py", "\tx\n")[0])
        self.assertEqual([], problems("Makefile", "\tx\n"))
        self.assertIn("no line break", problems("a.py", "x")[0])

    def test_control_characters(self):
        self.assertIn("space at the end", problems("a.py", "x\r\n")[0])
        self.assertIn("control", problems("a.py", "x\x1by\n")[0])

    def test_merges_that_were_not_finished(self):
        for line in ("<" * 7 + " HEAD", "=" * 7, ">" * 7 + " 59c0d01"):
            self.assertIn("merge", problems("a.md", f"{line}\n")[0])
        self.assertEqual([], problems("a.md", "=" * 8 + "\n"))

    def test_machine_paths(self):
        self.assertIn("/some/where", problems("a.md", "see /some/where/x\n", ["/some/where"])[0])


class WordRules(unittest.TestCase):
    def test_unfinished_work(self):
        for word in ("TODO", "FIXME", "XXX"):
            self.assertIn(word, problems("src/base/a.cc", f"// {word}: later\n")[0])

    def test_standard_output_outside_the_command_line(self):
        self.assertTrue(problems("src/base/a.cc", "std::cout << 1;\n"))
        self.assertEqual([], problems("src/wash/a.cc", "std::cout << 1;\n"))

    def test_sleeping_tests(self):
        self.assertTrue(problems("src/net/a_test.cc", "std::this_thread::sleep_for(1ms);\n"))
        self.assertTrue(problems("tests/e2e/a_test.py", "time.sleep(1)\n"))
        self.assertEqual([], problems("src/net/a.cc", "void sleep(int ms);\n"))

    def test_excuses(self):
        self.assertEqual([], problems("tests/a.py", "time.sleep(1)  # tidy: allow sleep, a load\n"))
        self.assertEqual([], problems("tests/a.py", "# tidy: allow sleep, a load\ntime.sleep(1)\n"))
        self.assertTrue(problems("tests/a.py", "time.sleep(1)  # tidy: allow rand\n"))

    def test_unseeded_random_numbers(self):
        self.assertTrue(problems("src/net/a.cc", "int a = rand() % 2;\n"))
        self.assertEqual([], problems("src/net/a.cc", "int a = operand(2);\n"))


class SizeRules(unittest.TestCase):
    def test_long_files(self):
        self.assertIn("601 lines", problems("src/net/a.cc", "int a;\n" * 601)[0])
        self.assertEqual([], problems("src/net/a.cc", "int a;\n" * 600))

    def test_long_function(self):
        body = "  f();\n" * 69
        self.assertEqual([(1, 71)], functions.long_functions(f"void a() {{\n{body}}}\n", ".cc", 70))
        self.assertEqual([], functions.long_functions(f"void a() {{\n{body}}}\n", ".cc", 71))

    def test_function_in_namespace_and_class(self):
        text = "namespace a {\nclass B {\n  void c() {\n" + "    x();\n" * 70 + "  }\n};\n}\n"
        self.assertEqual([(3, 72)], functions.long_functions(text, ".cc", 70))

    def test_signature_counts(self):
        text = "void a(int b,\n       int c) {\n" + "  x();\n" * 68 + "}\n"
        self.assertEqual([(1, 71)], functions.long_functions(text, ".cc", 70))

    def test_classes_and_tables_are_not_functions(self):
        rows = "  {1, f(2)},\n" * 80
        self.assertEqual([], functions.long_functions("class A {\n" + "int b();\n" * 80 + "};\n",
                                                      ".cc", 70))
        self.assertEqual([], functions.long_functions("int kA[] = {\n" + rows + "};\n", ".cc", 70))

    def test_braces_in_literals_and_comments_do_not_count(self):
        text = 'void a() {\n  b("}", \'}\', R"x(}})x", 1\'000);  // }\n' + "  c();\n" * 70 + "}\n"
        self.assertEqual([(1, 73)], functions.long_functions(text, ".cc", 70)[:1])

    def test_rust(self):
        body = "    f::<'a>('{');\n" * 70
        self.assertEqual([(2, 72)], functions.long_functions(
            f"impl A {{\n  pub fn b<'a>(c: &'a str) -> u8 {{\n{body}  }}\n}}\n", ".rs", 70))
        self.assertEqual([], functions.long_functions(f"mod a {{\n{body}}}\n", ".rs", 70))


class FolderRules(unittest.TestCase):
    def test_each_folder_has_a_readme(self):
        names = ["src/base/a.cc", "src/net/b.h", "src/net/README.md"]
        self.assertEqual(["src/base: no README.md"], list(tidy.check_readmes(names)))


if __name__ == "__main__":
    unittest.main()
