#!/usr/bin/env python3
# ctest: timeout 1500
"""`wash dev` with the tools that every build of this project has: ten edits in a row, each served
without a request that fails."""

import dev_languages
import harness

harness.PATIENCE_SECONDS = 600  # Rust's standard library may have to be built first


class DevLanguagesTest(dev_languages.TestCase):
    def test_rust(self):
        self.make("http-hello", "rust", "project")
        self.edit_under_load("Rust", 10)

    def test_cpp(self):
        self.make("http-hello", "cpp", "project")
        self.edit_under_load("C++", 10)


if __name__ == "__main__":
    harness.main()
