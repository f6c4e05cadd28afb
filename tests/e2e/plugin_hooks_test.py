#!/usr/bin/env python3
"""Hooks of plugins stand around every command, and see what it was given and how it ended; those of
the older contracts add annotations to what is pushed."""

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import socket
import subprocess
import time

import harness
import installing
import plugin_variants
import registries

ANYWHERE = "127.0.0.1:0"
REFERENCE = "127.0.0.1:1/acme/web:1"


class TestCase(installing.TestCase):
    """With a plugin whose hooks are of all commands, and tell what they see."""

    def setUp(self):
        super().setUp()
        self.work = self.folder / "work"
        self.work.mkdir()
        all_of_them = plugin_variants.hostile(harness.GUESTS, name="all", hook="*", act="tell")
        self.says("plugin", "install", self.write("all.wasm", all_of_them))

    def environment(self, **more):
        variables = super().environment(**{"XDG_CACHE_HOME": str(self.folder / "cache"),
                                           "WASH_LOG_FORMAT": "json", **more})
        variables.pop("WASH_UPDATE_URL", None)
        return variables

    @staticmethod
    def told(lines):
        """What the hooks told, of lines of standard error."""
        records = [json.loads(line) for line in lines if line.startswith("{")]
        return [record["message"] for record in records if record.get("plugin") == "all"]

    def assert_told(self, lines, name, inputs, status):
        self.assertEqual(2, len(self.told(lines)), "\n".join(lines))
        before, after = self.told(lines)
        given = re.escape(", ".join(f"{key}={value}" for key, value in sorted(inputs.items())))
        success = "true" if status == 0 else "false"
        self.assertRegex(before, rf"\Abefore {name} \({given}\) \{{trail=all\}}\Z")
        self.assertRegex(after, rf"\Aafter {name} \({given}\) \{{(.*, )?trail=all all\}} "
                                rf"success {success}, status {status}\Z")


class EveryCommandTest(TestCase):
    SERVERS = {"dev", "host", "provider serve"}

    def commands(self):
        """All that the help knows."""
        names = re.findall(r"^## `wash (.+)`$", self.says("--help-markdown"), re.MULTILINE)
        return {name for name in names if not any(each.startswith(f"{name} ") for each in names)}

    def project(self):
        """The path of one that is built without any tool."""
        self.write("app/in.wasm", (harness.GUESTS / "http-hello.wasm").read_bytes())
        self.write("app/.wash/config.yaml",
                   "build:\n  command: cp in.wasm out.wasm\n  component_path: out.wasm\n")
        return str(self.folder / "app")

    @staticmethod
    def cases_of_plugins():
        source = harness.guest("plugin-old-2")
        installed = {"arguments.name": "old-2", "name": "old-2"}
        return [("plugin install", (source,), {"arguments.source": source, "source": source}),
                ("plugin list", (), {}),
                ("plugin info", ("old-2",), installed),
                ("plugin revoke", ("old-2",), installed),
                ("old-2 args", (), {"plugin": "old-2"}),
                ("plugin uninstall", ("old-2",), installed),
                ("plugin repair", (), {}),
                ("plugin test", (source, "--hook", "after-dev"),
                 {"arguments.plugin": source, "plugin": source})]

    @staticmethod
    def cases_of_wit():
        interface = "acme:log/sink@0.2.0"
        bindings = harness.SOURCE / "wit/keyvalue"
        return [("bindgen", ("Cpp", bindings, "--out", "gen"),
                 {"arguments.language": "Cpp", "arguments.wit": bindings}),
                ("wit fetch", (), {}),
                ("wit update", (), {}),
                ("wit add", (interface, "--skip-fetch"), {"arguments.interface": interface}),
                ("wit remove", (interface, "--skip-fetch"), {"arguments.package": interface}),
                ("wit clean", (), {}),
                ("wit build", (), {})]

    def cases_without_a_host(self):
        admin = ("--host", f"unix:{self.folder}/none.sock")
        return [("workload apply", (*admin, "none.yaml"), {"arguments.manifest": "none.yaml"}),
                ("workload list", admin, {}),
                ("workload get", (*admin, "shop"), {"arguments.name": "shop"}),
                ("workload delete", (*admin, "shop"), {"arguments.name": "shop"}),
                ("workload events", (*admin, "--no-follow"), {})]

    def cases(self):
        """(command, what is typed behind it, what its hooks are given)."""
        project, hello = self.project(), harness.guest("http-hello")
        command = harness.guest("command")
        pushed = {"arguments.reference": REFERENCE, "oci.reference": REFERENCE}
        return [("build", (project,), {"arguments.project": project, "build.project_path": project,
                                       "project.path": project}),
                ("completion", ("bash",), {"arguments.shell": "bash"}),
                ("config info", (), {}),
                ("config show", (), {}),
                ("config validate", (), {}),
                ("config cleanup", ("--cache", "--dry-run"), {}),
                ("config init", (), {}),
                ("doctor", (), {"project.path": self.work}),
                ("help", ("build",), {"arguments.command": "build"}),
                ("inspect", (hello,), {"arguments.component": hello}),
                ("new", ("made", "--template", "http-hello", "--language", "c"),
                 {"arguments.name": "made", "new.name": "made", "new.template": "http-hello",
                  "new.language": "c"}),
                ("oci pull", (REFERENCE, "."), {**pushed, "arguments.path": ".", "oci.path": "."}),
                ("oci push", (REFERENCE, "none"),
                 {**pushed, "arguments.path": "none", "oci.path": "none"}),
                ("run", (command, "--", "exit", "3"),
                 {"arguments.component": command, "arguments.arguments": "exit\n3"}),
                ("update", (), {}),
                *self.cases_of_plugins(), *self.cases_of_wit(), *self.cases_without_a_host()]

    def test_around_all_that_end(self):
        self.write("work/wit/world.wit",
                   "package acme:app@1.0.0;\n\nworld app {\n  export run: func();\n}\n")
        known, cases = self.commands(), self.cases()
        self.assertEqual(known | {"old-2 args"}, {name for name, _, _ in cases} | self.SERVERS)
        ends = {}
        for name, words, inputs in cases:
            with self.subTest(name):
                done = self.run_wash(*name.split(), *words, cwd=self.work)
                self.assert_told(done.stderr.splitlines(), name, inputs, done.returncode)
                ends[name] = done.returncode
        self.assertEqual((0, 0, 1, 3), tuple(ends.get(name) for name in
                                             ("build", "plugin install", "oci push", "run")))

    def test_around_those_that_serve(self):
        project, hello = self.project(), harness.guest("http-hello")
        servers = (("run", (hello,), "--addr", {"arguments.component": hello}),
                   ("host", ("--admin-socket", self.folder / "admin.sock"), "--http-addr", {}),
                   ("dev", (project,), "--addr",
                    {"arguments.project": project, "dev.address": ANYWHERE,
                     "project.path": project}))
        for name, words, where, inputs in servers:
            with self.subTest(name):
                server = self.wash("-o", "json", name, *words, where, ANYWHERE, cwd=self.work)
                self.assertEqual(0, server.terminate())
                self.assert_told(server.stderr.all, name, inputs, 0)

    def test_around_a_provider(self):
        provider = self.start("provider", "serve", "keyvalue-memory", "--listen",
                              f"unix:{self.folder}/kv.sock", cwd=self.work)
        provider.wait_for_stdout("Serving")
        self.assertEqual(0, provider.terminate())
        self.assert_told(provider.stderr.all, "provider serve",
                         {"arguments.name": "keyvalue-memory"}, 0)


class FailingTest(TestCase):
    def test_a_hook_behind_one_that_failed_sees_how_the_command_ended(self):
        fails = plugin_variants.hostile(harness.GUESTS, name="aa", hook="inspect", phase="after",
                                        act="fail")
        self.says("plugin", "install", self.write("fails.wasm", fails))
        done = self.run_wash("inspect", harness.guest("http-hello"))
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("no command is good enough", done.stderr)
        self.assertIn("success true, status 0", self.told(done.stderr.splitlines())[-1])


class InterruptedTest(TestCase):
    """After a signal, the hooks that come after see that."""

    def wait_for(self, process, text):
        deadline = time.monotonic() + harness.PATIENCE_SECONDS
        self.assertIsNotNone(process.stderr.wait_for(lambda line: text in line, deadline), text)

    def assert_interrupted(self, process, name, number):
        process.send(number)
        self.assertEqual(128 + number, process.wait())
        deadline = time.monotonic() + harness.PATIENCE_SECONDS
        after = process.stderr.wait_for(lambda line: f"after {name} " in line, deadline)
        self.assertIn(f"success false, status {128 + number}", after)

    @staticmethod
    def full_pipe():
        """Its ends: nothing can be written before something is read."""
        reads, writes = (open(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb")))
        os.set_blocking(writes.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writes.fileno(), bytes(select.PIPE_BUF))
        os.set_blocking(writes.fileno(), True)
        return reads, writes

    def test_a_command_of_a_plugin(self):
        self.says("plugin", "install", harness.guest("plugin-web"))
        process = self.start("--plugin-address", ANYWHERE, "web", "word")
        self.wait_for(process, "serves HTTP")
        self.assert_interrupted(process, "web", signal.SIGINT)

    def test_one_that_is_tried_leaves_nothing_behind(self):
        folder = self.folder / "temporary"
        folder.mkdir()
        process = self.start("-o", "json", "--plugin-address", ANYWHERE, "plugin", "test",
                             harness.guest("plugin-web"), "--", "web", "word",
                             env=self.environment(TMPDIR=str(folder)))
        self.wait_for(process, "serves HTTP")
        self.assertTrue(list(folder.iterdir()))
        self.assert_interrupted(process, "plugin test", signal.SIGTERM)
        self.assertEqual([], list(folder.iterdir()))
        told = [json.loads(line) for line in process.stdout.all]
        self.assertEqual(["interrupted"], [each["message"] for each in told])

    def test_a_hook_that_comes_before(self):
        spins = plugin_variants.hostile(harness.GUESTS, name="zz", hook="inspect", phase="before",
                                        act="spin")
        self.says("plugin", "install", self.write("spins.wasm", spins))
        process = self.start("inspect", harness.guest("http-hello"))
        self.wait_for(process, "before inspect")
        self.assert_interrupted(process, "inspect", signal.SIGINT)

    def test_a_hook_that_comes_after(self):
        """The signal ends that one alone."""
        spins = plugin_variants.hostile(harness.GUESTS, name="aa", hook="inspect", phase="after",
                                        act="say-and-spin")
        self.says("plugin", "install", self.write("spins.wasm", spins))
        process = self.start("inspect", harness.guest("http-hello"))
        self.wait_for(process, "it spins")
        self.assert_interrupted(process, "inspect", signal.SIGTERM)

    def test_a_command_that_waits_for_a_host(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            process = self.start("workload", "--host", "127.0.0.1:%d" % silent.getsockname()[1],
                                 "list")
            silent.settimeout(harness.PATIENCE_SECONDS)
            connection, _ = silent.accept()
            with connection:
                self.assert_interrupted(process, "workload list", signal.SIGINT)

    def test_wherever_the_signal_comes(self):
        """Also between the hooks and a command, and in one that does not heed it."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                reads, writes = self.full_pipe()
                with reads, writes:
                    process = subprocess.Popen(
                        [harness.WASH, "completion", "bash"], env=self.environment(),
                        stdin=subprocess.DEVNULL, stdout=writes, stderr=subprocess.PIPE)
                    self.addCleanup(process.kill)
                    told = harness.Lines(process.stderr)
                    deadline = time.monotonic() + harness.PATIENCE_SECONDS
                    self.assertTrue(told.wait_for(lambda line: "before completion " in line,
                                                  deadline))
                    process.send_signal(number)
                    writes.close()
                    reads.read()
                self.assertEqual(128 + number, process.wait(timeout=harness.PATIENCE_SECONDS))
                told.join()
                after = [line for line in told.all if "after completion " in line]
                self.assertEqual(1, len(after), told.all)
                self.assertIn(f"success false, status {128 + number}", after[0])

    def test_a_command_that_runs(self):
        process = self.start("run", harness.guest("command"), "--", "stdin", stdin=subprocess.PIPE)
        self.addCleanup(process.process.stdin.close)
        process.process.stdin.write(b"it runs\n")
        process.process.stdin.flush()
        deadline = time.monotonic() + harness.PATIENCE_SECONDS
        self.assertEqual("it runs", process.stdout.wait_for(bool, deadline))
        self.assert_interrupted(process, "run", signal.SIGINT)


    def test_a_command_whose_output_nobody_takes_ends_all_the_same(self):
        reads, writes = os.pipe()
        self.addCleanup(os.close, reads)
        with open("/dev/zero", "rb") as zeros, open(writes, "wb") as full:
            process = subprocess.Popen(
                [harness.WASH, "run", harness.guest("command"), "--", "stdin"],
                env=self.environment(), stdin=zeros, stdout=full, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        self.assertIn(b"before run", process.stderr.readline())
        self.assertTrue(select.select([reads], [], [], harness.PATIENCE_SECONDS)[0])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(128 + signal.SIGTERM, process.wait(timeout=harness.PATIENCE_SECONDS))

    def test_also_one_that_waits_for_no_signal(self):
        self.write("work/.wash/config.yaml", f"build:\n  command: {'x' * 20_000}\n")
        reads, writes = os.pipe()
        self.addCleanup(os.close, reads)
        fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, select.PIPE_BUF)  # less than is to be shown
        with open(writes, "wb") as full:
            process = subprocess.Popen(
                [harness.WASH, "config", "show"], cwd=self.work, env=self.environment(),
                stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        self.assertIn(b"before config show", process.stderr.readline())
        self.assertTrue(select.select([reads], [], [], harness.PATIENCE_SECONDS)[0])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(128 + signal.SIGTERM, process.wait(timeout=harness.PATIENCE_SECONDS))


class RegistryTest(TestCase):
    def setUp(self):
        super().setUp()
        self.reference = registries.start(self).reference("acme/web:1")

    def push(self, *flags):
        """What the hooks told of a push."""
        done = self.run_wash("oci", "push", self.reference, harness.guest("http-hello"),
                             "--insecure", *flags)
        self.assertEqual(0, done.returncode, done.stderr)
        return self.told(done.stderr.splitlines())

    def annotations(self):
        """Of what was pushed, as another program reads them."""
        return json.loads(registries.skopeo(self, "inspect", "--raw", "--tls-verify=false",
                                            f"docker://{self.reference}"))["annotations"]

    def test_a_hook_of_the_older_contract_adds_annotations(self):
        self.push()
        self.assertNotIn("old", self.annotations())
        self.install("old-2")
        before, after = self.push()
        self.assertEqual("yes", self.annotations()["old"])
        self.assertNotIn("oci.annotations", before)
        self.assertIn("oci.annotations=old=yes, ", after)

    def test_the_command_line_wins_over_hooks(self):
        self.install("old-2")
        self.push("--annotation", "old=no", "--annotation", "new=too")
        self.assertEqual(("no", "too"), tuple(self.annotations()[key] for key in ("old", "new")))

    def test_the_digest_is_told_of_what_was_pushed_and_pulled(self):
        digest = re.search(r"oci\.digest=(sha256:[0-9a-f]{64}), ", self.push()[1]).group(1)
        pulled = self.run_wash("oci", "pull", self.reference, self.folder / "pulled.wasm",
                               "--insecure")
        self.assertEqual(0, pulled.returncode, pulled.stderr)
        _, after = self.told(pulled.stderr.splitlines())
        self.assertIn(f"{{oci.digest={digest}, ", after)


if __name__ == "__main__":
    harness.main()
