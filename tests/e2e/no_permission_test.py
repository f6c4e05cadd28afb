#!/usr/bin/env python3
"""Commands of a user who may not read or write what they are about: one line that names the file
and says so, exit status 1, and nothing half written is left behind."""

import os
import pathlib
import shutil

import harness
import registries

NOBODY = 65534


class NoPermission(harness.TestCase):
    """`mine` is the user's, `closed` and what is in it are not."""

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.mine, self.closed = self.folder / "mine", self.folder / "closed"
        self.closed.mkdir()
        self.mine.mkdir()
        self.mine.chmod(0o777)
        self.guest = pathlib.Path(harness.guest("http-hello"))
        self.secret = self.closed / "secret.wasm"
        shutil.copy(self.guest, self.secret)
        self.secret.chmod(0)
        self.closed.chmod(0o555)

    def tearDown(self):
        self.closed.chmod(0o755)
        super().tearDown()

    def environment(self, **more):
        home = str(self.mine)
        return super().environment(**{"HOME": home, "XDG_CACHE_HOME": home + "/cache", **more})

    def run_wash(self, *arguments, **options):
        """As a user who has no privilege."""
        user = NOBODY if os.geteuid() == 0 else None
        return super().run_wash(*arguments, cwd=self.mine, user=user, **options)

    def fails(self, path, *arguments, env=None):
        """It says what it may not use, and leaves it alone."""
        before = sorted(self.closed.rglob("*"))
        done = self.run_wash(*arguments, env=env)
        self.assertEqual((1, ""), (done.returncode, done.stdout), done.stderr)
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(1, len(errors), done.stderr)
        self.assertIn(str(path), errors[0])
        self.assertIn("Permission denied", errors[0])
        self.assertEqual(before, sorted(self.closed.rglob("*")))

    def test_files_that_may_not_be_read(self):
        for words in (("run",), ("inspect",), ("plugin", "install"),
                      ("oci", "push", "localhost:1/a:1")):
            with self.subTest(words):
                self.fails(self.secret, *words, self.secret)

    def test_folders_that_may_not_be_written(self):
        self.fails(self.closed, "-C", self.closed, "config", "init")
        self.fails(self.closed, "new", self.closed / "hello", "--template", "command",
                   "--language", "c")

    def test_where_plugins_are_kept(self):
        env = self.environment(XDG_DATA_HOME=str(self.closed))
        self.fails(self.closed, "plugin", "install", harness.guest("plugin-old-2"), env=env)

    def test_a_configuration_that_may_not_be_read(self):
        settings = self.mine / ".wash" / "config.yaml"
        settings.parent.mkdir()
        settings.write_text("build: {command: 'true'}\n")
        settings.chmod(0)
        for words in (("build",), ("config", "show"), ("dev", "--addr", "127.0.0.1:0")):
            with self.subTest(words):
                self.fails(settings, *words)

    def test_a_component_that_may_not_be_written(self):
        registry = registries.start(self)
        reference = registry.reference("acme/web:1")
        done = self.run_wash("oci", "push", reference, self.guest, "--insecure")
        self.assertEqual(0, done.returncode, done.stderr)
        self.fails(self.closed, "oci", "pull", reference, self.closed / "web.wasm", "--insecure")

    def test_a_cache_that_may_not_be_used_is_done_without(self):
        component = self.mine / "hello.wasm"
        shutil.copy(self.guest, component)
        component.chmod(0o644)
        env = self.environment(XDG_CACHE_HOME=str(self.closed))
        done = self.run_wash("inspect", component, env=env)
        self.assertEqual(0, done.returncode, done.stderr)


if __name__ == "__main__":
    harness.main()
