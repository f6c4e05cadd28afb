#!/usr/bin/env python3
"""scripts/build-rust.sh: who has built these sources once on a machine, in whatever clone, does not
build them again, and any change of them is built. A program stands in for cargo."""

import os
import shutil
import subprocess

import releases  # first: it finds the others
import harness

# Its library says which build it is of, and what it was built from.
CARGO = """#!/bin/sh
case "$1" in
--version) echo "cargo 1.99.0"; exit ;;
build) ;;
*) exit 2 ;;
esac
echo built >> "$BUILDS"
[ -z "$CHANGES_MEANWHILE" ] || echo "// more" >> src/lib.rs
mkdir -p "$CARGO_TARGET_DIR/release"
cat src/lib.rs > "$CARGO_TARGET_DIR/release/libnimbus_engine.a"
echo "$CARGO_PROFILE_RELEASE_LTO" >> "$CARGO_TARGET_DIR/release/libnimbus_engine.a"
"""
RUSTC = """#!/bin/sh
echo "rustc $VERSION_OF_RUSTC"
"""


class RustCacheTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        programs = self.folder / "bin"
        programs.mkdir()
        for name, text in (("cargo", CARGO), ("rustc", RUSTC)):
            (programs / name).write_text(text, encoding="ascii")
            (programs / name).chmod(0o755)
        self.environ = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(self.folder),
                        "NIMBUS_CACHE": str(self.folder / "cache"), "VERSION_OF_RUSTC": "1.99.0",
                        "BUILDS": str(self.folder / "builds")}
        self.first = self.clone("first")

    def clone(self, name):
        """What the script needs of a checkout."""
        root = self.folder / name
        (root / "scripts").mkdir(parents=True)
        for script in ("build-rust.sh", "toolchain.sh"):
            shutil.copy(releases.SOURCE / "scripts" / script, root / "scripts")
        (root / "src/rust/src").mkdir(parents=True)
        for file in ("src/lib.rs", "build.rs", "Cargo.toml", "Cargo.lock"):
            (root / "src/rust" / file).write_text(f"// {file}\n", encoding="ascii")
        return root

    def run_script(self, root, **variables):
        return subprocess.run(["bash", root / "scripts/build-rust.sh", root / "out/library.a"],
                              env=self.environ | variables, text=True, capture_output=True,
                              timeout=harness.PATIENCE_SECONDS, check=False)

    def build(self, root, **variables):
        """The library that comes of it, and how many builds there have been."""
        done = self.run_script(root, **variables)
        self.assertEqual(0, done.returncode, done.stderr)
        builds = (self.folder / "builds").read_text(encoding="ascii")
        return (root / "out/library.a").read_text(encoding="ascii"), builds.count("built")

    def test_the_same_sources_are_built_once_whatever_clone_they_are_in(self):
        built = self.build(self.first)
        self.assertEqual(("// src/lib.rs\n\n", 1), built)
        self.assertEqual(built, self.build(self.first))
        self.assertEqual(built, self.build(self.clone("second")))

    def test_every_byte_counts_and_what_was_there_before_is_still_kept(self):
        before, count = self.build(self.first)
        for file in ("src/lib.rs", "build.rs", "Cargo.toml", "Cargo.lock"):
            with self.subTest(file):
                path = self.first / "src/rust" / file
                original = path.read_text(encoding="ascii")
                path.write_text(original + "\n", encoding="ascii")
                count += 1
                self.assertEqual(count, self.build(self.first)[1])
                path.write_text(original, encoding="ascii")
                self.assertEqual((before, count), self.build(self.first))

    def test_another_compiler_and_another_kind_of_build_are_built_anew(self):
        self.assertEqual(1, self.build(self.first)[1])
        self.assertEqual(2, self.build(self.first, VERSION_OF_RUSTC="1.99.1")[1])
        whole = self.build(self.first, NIMBUS_RUST_LTO="ON")
        self.assertEqual(("// src/lib.rs\nfat\n", 3), whole)
        self.assertEqual(whole, self.build(self.first, NIMBUS_RUST_LTO="ON"))
        self.assertEqual(3, self.build(self.first)[1])

    def test_what_changed_while_it_was_built_is_not_kept(self):
        done = self.run_script(self.first, CHANGES_MEANWHILE="1")
        self.assertEqual(1, done.returncode)
        self.assertIn("the sources changed while they were built", done.stderr)
        self.assertEqual([], list((self.folder / "cache/rust").glob("*.a")))
        self.assertEqual(2, self.build(self.first)[1])

    def test_the_eight_newest_are_kept(self):
        for number in range(10):
            self.build(self.first, VERSION_OF_RUSTC=f"1.99.{number}")
        self.assertEqual(8, len(list((self.folder / "cache/rust").glob("*.a"))))
        self.assertEqual(10, self.build(self.first, VERSION_OF_RUSTC="1.99.9")[1])
        self.assertEqual(11, self.build(self.first, VERSION_OF_RUSTC="1.99.0")[1])


if __name__ == "__main__":
    harness.main()
