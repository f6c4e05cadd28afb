#!/usr/bin/env python3
# ctest: timeout 1500
"""The templates whose tools every build of this project has: made, built, served or run."""

import harness
import template_projects


class Templates(template_projects.TestCase):
    def test_c_says_hello(self):
        component = self.build(self.make("http-hello", "c"))
        self.assert_says_hello(component, "Hello from C: ")

    def test_c_greets(self):
        self.assert_greets(self.build(self.make("command", "c")))

    def test_cpp_says_hello_also_when_built_for_debugging(self):
        project = self.make("http-hello", "cpp", "With-Capitals")
        self.assert_says_hello(self.build(project), "Hello from C++: ")
        self.assert_says_hello(self.build(project, "--debug"), "Hello from C++: ")

    def test_cpp_counts(self):
        self.assert_counts(self.build(self.make("http-kv-counter", "cpp")))

    def test_rust_says_hello(self):
        component = self.build(self.make("http-hello", "rust"))
        self.assert_says_hello(component, "Hello from Rust: ")

    def test_rust_greets(self):
        self.assert_greets(self.build(self.make("command", "rust")))

    def test_services_run(self):
        for language, first in (("rust", "tick 1, 1 in all"), ("c", "tick 1")):
            with self.subTest(language):
                project = self.make("service", language)
                self.assert_ticks(project, first=first)
                self.assert_hosted(project)

    def test_a_rust_plugin_greets_and_watches_builds(self):
        self.assert_plugin(self.make("plugin", "rust", "Greeter"))

    def test_a_cpp_plugin_greets_and_watches_builds(self):
        self.assert_plugin(self.make("plugin", "cpp", "Greeter"))

    def assert_plugin(self, project):
        tried = self.run_wash("plugin", "test", project, "--", "greeter", "you", env=self.tools(),
                              timeout_seconds=self.BUILD_SECONDS)
        self.assertEqual(0, tried.returncode, tried.stderr)
        self.assertIn("Hello, you!", tried.stdout)
        installed = self.run_wash("plugin", "install", project)
        self.assertEqual(0, installed.returncode, installed.stderr)
        self.assertIn("greeter", self.run_wash("--help").stdout)
        self.assertEqual("Hello, world!\n", self.run_wash("greeter").stdout)
        built = self.write("other/.wash/config.yaml", "build: {command: cp %s $WASH_COMPONENT_PATH}"
                           % harness.guest("http-hello"))
        done = self.run_wash("build", built.parent.parent)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("greeter has seen", done.stdout + done.stderr)

    def test_a_mistake_in_the_source_is_shown_as_the_compiler_shows_it(self):
        project = self.make("command", "c")
        source = project / "main.c"
        source.write_text(source.read_text() + "int broken = ;\n")
        done = self.run_wash("build", project, env=self.tools())
        self.assertEqual(1, done.returncode)
        self.assertIn("main.c:", done.stderr)
        self.assertIn("error: make failed with status", done.stderr)


if __name__ == "__main__":
    harness.main()
