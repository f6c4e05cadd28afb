#!/usr/bin/env python3
"""`wash update` with the real program, and releases of small ones on loopback."""

import hashlib
import json
import os
import re
import shutil
import subprocess

import releases  # first: it finds the others
import harness

NOBODY = 65534


class TestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        said = subprocess.run([harness.WASH, "--version"], check=True, text=True,
                              capture_output=True).stdout
        self.current = re.match(r"wash (\S+)", said).group(1)
        self.releases = releases.Folder(self.folder / "releases")
        self.releases.add(self.current)
        self.server = releases.serve(self, self.releases.path)
        self.prefix = self.folder / "prefix"
        self.program = self.prefix / "bin/wash"
        self.program.parent.mkdir(parents=True)
        (self.prefix / f"lib/wash-{self.current}").mkdir(parents=True)
        try:
            os.link(harness.WASH, self.program)
        except OSError:  # another file system
            shutil.copy2(harness.WASH, self.program)
        self.cache = self.folder / "cache"

    def run_update(self, *arguments, base=None, user=None, **environment):
        command = [self.program, "update", *arguments]
        if base != "":
            command += ["--base-url", base or self.server.url]
        return subprocess.run([str(word) for word in command], text=True, capture_output=True,
                              check=False, timeout=harness.PATIENCE_SECONDS, user=user,
                              env=self.environment(XDG_CACHE_HOME=str(self.cache), **environment))

    def update(self, *arguments, **options):
        """`data` of an update that succeeds."""
        done = self.run_update(*arguments, "-o", "json", **options)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)["data"]

    def refuses(self, message, *arguments, status=1, **options):
        """It fails with the message, and all is as it was."""
        before = self.program.stat().st_ino
        done = self.run_update(*arguments, **options)
        self.assertEqual(status, done.returncode, done.stdout)
        self.assertIn(message, done.stderr)
        self.assertEqual(before, self.program.stat().st_ino)
        self.assertEqual(["bin", "lib"], sorted(os.listdir(self.prefix)))
        self.assertEqual([f"wash-{self.current}"], os.listdir(self.prefix / "lib"))

    def version(self, program):
        said = subprocess.run([program, "--version"], check=True, text=True, capture_output=True)
        return said.stdout.split("\n")[0]


class Updates(TestCase):
    def test_to_the_newest_release(self):
        self.releases.add("8.0.0")
        self.releases.add("9.1.0")
        self.releases.add("9.2.0-rc.1")
        data = self.update()
        backup = self.cache / "wash/update/wash_backup"
        self.assertEqual(
            {"current_version": self.current, "target_version": "9.1.0", "update_available": True,
             "updated": True, "dry_run": False, "backup_path": str(backup),
             "install_path": str(self.program)}, data)
        self.assertEqual("wash 9.1.0", self.version(self.program))
        self.assertEqual(f"wash {self.current}", self.version(backup))
        library = self.prefix / "lib/wash-9.1.0/libexample.so.1"
        self.assertEqual("library of 9.1.0", library.read_text("utf-8"))
        self.assertEqual(["bin", "lib"], sorted(os.listdir(self.prefix)))
        self.assertEqual(["/releases.json", f"/9.1.0/{releases.archive_name('9.1.0')}"],
                         self.server.requests)

    def test_only_looking_changes_nothing(self):
        self.releases.add("9.1.0")
        data = self.update("--dry-run")
        self.assertEqual((True, False, None), (data["update_available"], data["updated"],
                                               data["backup_path"]))
        self.assertEqual(f"wash {self.current}", self.version(self.program))
        self.assertEqual(["/releases.json"], self.server.requests)
        self.assertFalse(self.cache.exists())

    def test_only_to_the_archive_whose_digest_is_given(self):
        self.releases.add("9.1.0")
        archive = self.releases.path / "9.1.0" / releases.archive_name("9.1.0")
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        for flags in ((), ("--dry-run",)):
            self.refuses(f"has the SHA-256 {digest}, and not {'0' * 64}, which was given",
                         "--sha256", "0" * 64, *flags)
        self.assertEqual({"/releases.json"}, set(self.server.requests))
        self.assertTrue(self.update("--sha256", digest.upper())["updated"])
        self.assertEqual("wash 9.1.0", self.version(self.program))

    def test_nothing_where_there_is_nothing_newer(self):
        data = self.update()
        self.assertEqual((self.current, False, False),
                         (data["target_version"], data["update_available"], data["updated"]))
        self.assertEqual(["/releases.json"], self.server.requests)

    def test_the_same_version_again_if_forced(self):
        self.assertEqual(f"wash {self.current} would be installed; this is {self.current}\n",
                         self.run_update("--force", "--dry-run").stdout)
        data = self.update("--force")
        self.assertEqual((False, True), (data["update_available"], data["updated"]))
        library = self.prefix / f"lib/wash-{self.current}/libexample.so.1"
        self.assertEqual(f"library of {self.current}", library.read_text("utf-8"))

    def test_within_the_minor_or_major_version(self):
        major, minor, patch = map(int, self.current.split("."))
        for version in (f"{major}.{minor}.{patch + 7}", f"{major}.{minor + 1}.0", "9.0.0"):
            self.releases.add(version)
        for flag, wanted in (("--patch", f"{major}.{minor}.{patch + 7}"),
                             ("--minor", f"{major}.{minor + 1}.0"), ("--major", "9.0.0")):
            self.assertEqual(wanted, self.update("--dry-run", flag)["target_version"])

    def test_where_variable_and_configuration_say(self):
        self.releases.add("9.1.0")
        data = self.update("--dry-run", base="", WASH_UPDATE_URL=self.server.url)
        self.assertEqual("9.1.0", data["target_version"])
        self.write(".config/wash/config.yaml", f"update:\n  url: {self.server.url}\n")
        data = self.update("--dry-run", base="", XDG_CONFIG_HOME=str(self.folder / ".config"))
        self.assertEqual("9.1.0", data["target_version"])

    def test_along_redirections(self):
        self.releases.add("9.1.0")
        self.server.redirects["/there/releases.json"] = "/releases.json"
        name = f"/9.1.0/{releases.archive_name('9.1.0')}"
        self.server.redirects["/there" + name] = self.server.url + name
        self.assertTrue(self.update(base=self.server.url + "/there/")["updated"])


class Refuses(TestCase):
    def test_to_ask_anybody_unasked(self):
        self.refuses("nothing says where releases are", base="")
        self.assertEqual([], self.server.requests)

    def test_a_project_that_says_where_releases_are(self):
        project = self.write("project/.wash/config.yaml", f"update:\n  url: {self.server.url}\n")
        self.refuses("nothing says where releases are", "-C", project.parents[1], base="")
        self.assertEqual([], self.server.requests)

    def test_an_archive_with_another_digest(self):
        self.releases.add("9.1.0")
        self.releases.damage("9.1.0")
        self.refuses("is damaged or forged")

    def test_a_truncated_archive(self):
        self.releases.add("9.1.0")
        self.releases.truncate("9.1.0")
        self.refuses("less than the")

    def test_what_is_not_there(self):
        self.refuses("answers 404", base=self.server.url + "/elsewhere")
        self.releases.add("9.1.0")
        self.releases.archive("9.1.0").unlink()
        self.refuses("answers 404")

    def test_an_index_that_is_none(self):
        (self.releases.path / "releases.json").write_text("<html>", encoding="utf-8")
        self.refuses("the index of releases is not valid")

    def test_an_archive_that_is_none_or_leads_elsewhere(self):
        self.releases.add_archive("9.1.0", b"no archive")
        self.refuses("is not valid")
        outside = releases.archive.Entry("wash-9.2.0-x86_64-linux/../../evil", data=b"")
        self.releases.add("9.2.0", extra=[outside])
        self.refuses("is not valid")

    def test_a_program_that_does_not_run_or_is_another(self):
        self.releases.add("9.1.0", program=b"#!/bin/sh\necho broken >&2\nexit 1\n")
        self.refuses("broken")
        self.releases.add("9.2.0", program=releases.script("9.1.0"))
        self.refuses("does not run here, or is another")

    def test_endless_redirections(self):
        self.server.redirects["/releases.json"] = "/releases.json"
        self.refuses("redirected more than 5 times")

    def test_addresses_that_others_can_change(self):
        self.refuses("https only", base="http://downloads.example/wash", status=2)

    def test_a_program_from_elsewhere(self):
        self.releases.add("9.1.0")
        (self.prefix / f"lib/wash-{self.current}").rmdir()
        done = self.run_update()
        self.assertEqual(1, done.returncode)
        self.assertIn("was not installed from a release", done.stderr)

    def test_a_folder_that_this_user_may_not_write(self):
        self.releases.add("9.1.0")
        self.cache.mkdir(mode=0o777)
        self.cache.chmod(0o777)
        (self.prefix / "bin").chmod(0o555)
        user = NOBODY if os.geteuid() == 0 else None
        try:
            self.refuses("cannot write to", user=user)
        finally:
            (self.prefix / "bin").chmod(0o755)

    def test_flags_that_contradict_each_other(self):
        done = self.run_update("--major", "--patch")
        self.assertEqual(2, done.returncode)
        self.assertEqual([], self.server.requests)


if __name__ == "__main__":
    harness.main()
