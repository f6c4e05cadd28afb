#!/usr/bin/env python3
"""Commands on a disk that is full: one line that says so, exit status 1, what was there is as it
was, and nothing half written is left behind."""

import json
import os
import pathlib
import subprocess

import harness
import hosting
import registries
import small_disks

LOG = "package acme:log@0.2.0;\n{about}interface sink {{ write: func(line: string); }}\n"
APP = "package acme:app@1.0.0;\nworld app { import acme:log/sink@0.2.0; }\n"
LONG = "/// " + "x" * 20_000 + "\n"  # more than the tests leave room for


class TestCase(small_disks.TestCase):
    def environment(self, **more):
        """The home is on the disk; compiled code is kept elsewhere, where there is room."""
        return super().environment(**{"HOME": str(self.disk.folder),
                                      "DOCKER_CONFIG": str(self.folder / "docker"),
                                      "WKG_CONFIG_FILE": str(self.folder / "wkg.toml"), **more})

    def fails(self, *arguments, **options):
        """Its message: one line that names the reason. Nothing on the disk has changed."""
        before = self.files()
        done = self.run_wash(*arguments, **options)
        self.assertEqual((1, ""), (done.returncode, done.stdout), done.stderr)
        after = self.files()
        self.assertEqual(before.keys(), after.keys())
        self.assertEqual(before, after)
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(1, len(errors), done.stderr)
        self.assertTrue(done.stderr.endswith(errors[0] + "\n"), done.stderr)
        self.assertIn(self.disk.REASON, errors[0])
        return errors[0]

    def works(self, *arguments, **options):
        done = self.run_wash(*arguments, **options)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout


class Projects(TestCase):
    def test_a_configuration(self):
        self.disk.leave(0)
        message = self.fails("-C", self.disk.folder, "config", "init")
        self.assertIn(f"{self.disk.folder}/.wash/config.yaml", message)
        self.disk.leave(4096)
        self.works("-C", self.disk.folder, "config", "init")

    def test_a_configuration_that_is_replaced(self):
        self.place(".wash/config.yaml", "name: before\n")
        self.disk.leave(0)
        self.fails("-C", self.disk.folder, "config", "init", "--force")

    def test_a_new_project(self):
        words = ["-C", self.disk.folder, "new", "hello", "--template", "http-hello", "--language",
                 "rust"]
        self.disk.leave(100)
        self.assertIn("hello", self.fails(*words))
        self.assertFalse((self.disk.view / "hello").exists())
        self.disk.leave(1 << 20)
        self.works(*words)

    def project(self, command):
        self.place("app/.wash/config.yaml", json.dumps({"build": {"command": command}}))
        return self.disk.folder / "app"

    def test_a_component_made_of_a_module(self):
        module = pathlib.Path(harness.guest("command-p1"))
        self.place("app/app.wasm", module.read_bytes())
        project = self.project("true")
        self.disk.leave(8192)
        self.assertIn("app.wasm", self.fails("build", project))

    def test_bindings(self):
        self.place("wit/world.wit", APP)
        self.place("wit/deps/log/log.wit", LOG.format(about=""))
        self.place("go.mod", "module example.com/app\n")
        for language in ("c", "cpp", "go"):
            with self.subTest(language):
                self.disk.leave(0)
                self.fails("-C", self.disk.folder, "bindgen", language, "wit", "--out", "gen")
                self.disk.leave(1 << 20)
                self.works("-C", self.disk.folder, "bindgen", language, "wit", "--out",
                           f"gen-{language}")


class Packages(TestCase):
    def setUp(self):
        super().setUp()
        log = self.folder / "log"
        self.write("log/log.wit", LOG.format(about=LONG))
        self.app = self.place("app/wit/world.wit", APP).parent.parent
        sources = {"acme:log": str(log)}
        self.place("app/.wash/config.yaml", json.dumps({"wit": {"sources": sources}}))

    def test_fetched_for_the_first_time(self):
        self.disk.leave(4096)
        self.assertIn("acme-log-0.2.0", self.fails("-C", self.app, "wit", "fetch"))
        self.disk.leave(1 << 20)
        self.works("-C", self.app, "wit", "fetch")
        self.assertIn("app/wit/deps/acme-log-0.2.0/package.wit", self.files())

    def test_fetched_anew(self):
        self.works("-C", self.app, "wit", "fetch")
        self.write("log/log.wit", LOG.format(about=LONG.replace("x", "y")))
        self.disk.leave(4096)
        self.fails("-C", self.app, "wit", "update")


class Artifacts(TestCase):
    def setUp(self):
        super().setUp()
        self.registry = registries.start(self)
        self.reference = self.registry.reference("acme/web:1.0")
        self.guest = pathlib.Path(harness.guest("http-hello"))

    def environment(self, **more):
        return super().environment(**{"XDG_CACHE_HOME": str(self.disk.folder / "cache"), **more})

    def push(self):
        return self.works("oci", "push", self.reference, self.guest, "--insecure")

    def pull(self):
        return ("oci", "pull", self.reference, self.disk.folder / "out.wasm", "--insecure")

    def test_a_push_needs_no_disk(self):
        self.disk.leave(0)
        self.push()

    def test_a_cache_without_room(self):
        self.push()
        self.disk.leave(8192)
        self.assertIn(f"cannot pull {self.reference}", self.fails(*self.pull()))
        self.disk.leave(1 << 20)
        self.works(*self.pull())
        self.assertEqual(self.guest.read_bytes(), self.files()["out.wasm"])

    def test_no_room_for_the_file(self):
        self.push()
        elsewhere = self.environment(XDG_CACHE_HOME=str(self.folder / "cache"))
        self.works("oci", "pull", self.reference, self.folder / "first.wasm", "--insecure",
                   env=elsewhere)
        self.place("out.wasm", "what was there")
        self.disk.leave(8192)
        self.assertIn("out.wasm", self.fails(*self.pull(), "--pull-policy", "ifNotPresent",
                                             env=elsewhere))


class Plugins(TestCase):
    def setUp(self):
        super().setUp()
        self.wasm = harness.guest("plugin-old-2")
        # The folders and the lock file stay.
        self.works("plugin", "install", self.wasm)
        self.works("plugin", "uninstall", "old-2")

    def test_the_binary(self):
        self.disk.leave(8192)
        self.assertIn(".wasm", self.fails("plugin", "install", self.wasm))
        self.assertNotIn("old-2", self.works("plugin", "list"))
        self.disk.leave(4 << 20)
        self.works("plugin", "install", self.wasm)

    def test_one_is_removed_all_the_same_and_makes_room(self):
        self.works("plugin", "install", "--yes", harness.guest("plugin-probe"))
        grants = ".local/share/wash/plugins/grants.json"
        self.assertEqual(6, len(json.loads(self.files()[grants])["grants"]))
        self.disk.leave(0)
        if self.disk.REASON == "File too large":  # which nothing makes room for
            self.assertEqual(1, self.run_wash("plugin", "uninstall", "probe").returncode)
            self.disk.leave(1 << 20)
        self.works("plugin", "uninstall", "probe")
        self.assertIn("No plugins", self.works("plugin", "list"))
        self.assertEqual([], json.loads(self.files()[grants])["grants"])
        self.disk.leave(4 << 20)
        self.works("plugin", "install", harness.guest("plugin-probe"))

    def test_what_is_written_after_the_binary(self):
        self.disk.leave(os.path.getsize(self.wasm))
        if self.disk.REASON == "File too large":  # which none of the rest is
            self.works("plugin", "install", self.wasm)
        else:
            self.fails("plugin", "install", self.wasm)


class Hosts(TestCase, hosting.TestCase):
    @property
    def state_folder(self):
        return self.disk.folder / "state"

    def test_a_workload_that_cannot_be_kept_is_refused_and_the_rest_goes_on(self):
        host = self.host(state=True)
        host.apply(hosting.workload("a", environment={"V": "1"}))
        self.disk.leave(0, host)
        too_much = hosting.workload("a", environment={"V": "2" * 8192})
        answer = host.try_apply(too_much)
        self.assertEqual(500, answer.status, answer.text)
        self.assertIn(self.disk.REASON, answer.text)
        done = self.manage("apply", self.write("a.json", json.dumps(too_much)),
                           output="text")
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn(self.disk.REASON, done.stderr)
        self.assertIn('"1"', host.text_of("a.test", "/env"))
        self.disk.leave(4 << 20, host)
        host.apply(hosting.workload("a", environment={"V": "3"}))
        self.assertIn('"3"', host.text_of("a.test", "/env"))
        self.assertEqual(0, host.terminate())
        self.assertIn('"3"', self.host(state=True).text_of("a.test", "/env"))

    def test_a_host_that_starts_again_serves_what_it_has(self):
        host = self.host(state=True)
        host.apply(hosting.workload("a"))
        host.kill()
        self.disk.leave(0)
        host = self.host(state=True)
        self.assertEqual(200, host.ask("a.test", "/env").status)
        self.assertIn(self.disk.REASON, host.why_refused(hosting.workload("b"), status=500))
        self.disk.leave(4 << 20, host)
        host.apply(hosting.workload("b"))

    def test_a_host_whose_state_finds_no_room_does_not_start(self):
        self.disk.leave(0)
        done = self.run_wash(*self.host_arguments(state=True)[2:])
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertIn(self.disk.REASON, done.stderr)


class Results(harness.TestCase):
    """What a command prints is written to a file that takes nothing."""

    def printed_to(self, file, *words):
        """The end of a `wash` that prints into that file."""
        return subprocess.run([str(word) for word in (*self.wash_words(), *words)], check=False,
                              stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE,
                              text=True, env=self.environment(), timeout=harness.PATIENCE_SECONDS)

    def test_a_result_that_is_lost_is_no_success(self):
        for words in (["--version"], ["--help"], ["config", "info"], ["completion", "bash"],
                      ["-o", "json", "config", "show"], ["new", "--list"],
                      ["inspect", harness.guest("http-hello")]):
            with self.subTest(" ".join(words)), open("/dev/full", "wb") as full:
                done = self.printed_to(full, *words)
                self.assertEqual(1, done.returncode, done.stderr)
                self.assertEqual("error: cannot write to standard output: "
                                 "No space left on device\n", done.stderr)

    def test_a_reader_that_has_seen_enough_is_no_failure(self):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as pipe:
            done = self.printed_to(pipe, "completion", "bash")
        self.assertEqual((0, ""), (done.returncode, done.stderr))


def on_small_file_systems(*cases):
    """The same once more, where the machine allows it."""
    for case in cases:
        name = f"{case.__name__}OnASmallFileSystem"
        globals()[name] = type(name, (case,), {"DISK": small_disks.SmallFileSystem})


on_small_file_systems(Projects, Packages, Artifacts, Plugins, Hosts)

if __name__ == "__main__":
    harness.main()
