#!/usr/bin/env python3
"""The install script against a folder of releases on loopback."""

import hashlib
import os
import subprocess

import releases  # first: it finds the others
import harness


class TestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.releases = releases.Folder(self.folder / "releases")
        self.releases.add("0.1.0")
        self.releases.add("0.2.0")
        self.server = releases.serve(self, self.releases.path)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.bin = self.home / ".wash/bin"

    def install(self, *arguments, base=None, **environment):
        command = ["sh", self.releases.path / "install.sh", *arguments]
        if base != "":
            command += ["--base-url", base or self.server.url]
        return subprocess.run(command, text=True, capture_output=True, check=False,
                              timeout=harness.PATIENCE_SECONDS,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.home),
                                   **environment})

    def installs(self, *arguments, **options):
        done = self.install(*arguments, **options)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def refuses(self, message, *arguments, **options):
        """It fails with the message, and nothing has been installed."""
        done = self.install(*arguments, **options)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn(message, done.stderr)
        self.assertFalse((self.bin / "wash").exists())
        self.assertEqual([], list((self.home / ".wash/lib").glob("*")))

    def version(self, folder=None):
        said = subprocess.run([(folder or self.bin) / "wash", "--version"], text=True,
                              capture_output=True, check=True)
        return said.stdout.split("\n")[0]


class Installs(TestCase):
    def test_the_newest_release_with_its_libraries(self):
        self.assertIn(f"wash 0.2.0 is {self.bin}/wash", self.installs())
        self.assertEqual("wash 0.2.0", self.version())
        library = self.home / ".wash/lib/wash-0.2.0/libexample.so.1"
        self.assertEqual("library of 0.2.0", library.read_text("utf-8"))
        self.assertEqual(["wash-0.2.0"], os.listdir(self.home / ".wash/lib"))

    def test_the_version_asked_for(self):
        self.installs("--version", "v0.1.0")
        self.assertEqual("wash 0.1.0", self.version())
        self.installs(WASH_VERSION="0.2.0")
        self.assertEqual("wash 0.2.0", self.version())
        self.installs(WASH_VERSION="0.1.0", WASH_BASE_URL=self.server.url, base="")
        self.assertEqual("wash 0.1.0", self.version())

    def test_to_the_folder_asked_for(self):
        folder = self.folder / "opt/bin"
        self.installs(INSTALL_DIR=str(folder))
        self.assertEqual("wash 0.2.0", self.version(folder))
        self.assertTrue((self.folder / "opt/lib/wash-0.2.0").is_dir())
        self.assertFalse(self.bin.exists())

    def test_the_profile_gets_one_line(self):
        self.installs()
        self.installs()
        profile = (self.home / ".profile").read_text("utf-8")
        self.assertEqual(1, profile.count(f'export PATH="{self.bin}:$PATH"'))

    def test_the_profile_stays_as_it_is(self):
        self.assertIn("is not on PATH", self.installs("--no-modify-path"))
        self.installs(PATH=f"{self.bin}:{os.environ['PATH']}")
        self.assertFalse((self.home / ".profile").exists())

    def test_with_the_digest_that_the_user_knows(self):
        digest = hashlib.sha256(self.releases.archive("0.2.0").read_bytes()).hexdigest()
        self.installs(WASH_SHA256=digest)
        self.assertEqual("wash 0.2.0", self.version())


class Refuses(TestCase):
    def test_a_damaged_archive(self):
        self.releases.damage("0.2.0")
        self.refuses("is damaged or forged")

    def test_a_truncated_archive(self):
        self.releases.truncate("0.2.0")
        self.refuses("is damaged or forged")

    def test_another_digest_than_the_user_knows(self):
        self.refuses("as WASH_SHA256 wants", WASH_SHA256="0" * 64)

    def test_a_version_that_is_not_there(self):
        self.refuses("cannot download", "--version", "3.0.0")

    def test_what_is_no_version(self):
        self.refuses("is not a version", "--version", "../0.2.0")
        self.refuses("is not a version", "--version", "newest")

    def test_no_address(self):
        self.refuses("say where releases are", base="")

    def test_an_address_that_others_can_change(self):
        self.refuses("must begin with https://", base="http://downloads.example/wash")
        self.refuses("must begin with https://", base="http://localhost.example")
        self.assertEqual([], self.server.requests)

    def test_a_program_that_does_not_run(self):
        self.releases.add("0.3.0", program=b"#!/bin/sh\necho broken >&2\nexit 3\n")
        self.refuses("does not run here: broken")

    def test_unknown_arguments(self):
        self.refuses('unknown argument "--fast"', "--fast")


if __name__ == "__main__":
    harness.main()
