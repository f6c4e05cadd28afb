#!/usr/bin/env python3
"""Plugins from wherever they come: addresses, registries, projects; what the lock file says, and
what is left when they go."""

import hashlib
import http.server
import json
import pathlib
import threading

import harness
import plugin_variants
import registries


class Files(http.server.BaseHTTPRequestHandler):
    """Serves the files of the server's table: path -> (status, headers, body)."""

    def do_GET(self):
        status, headers, body = self.server.table.get(self.path, (404, {}, b"nothing"))
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


class TestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.binary = pathlib.Path(harness.guest("plugin-old-2")).read_bytes()
        self.plugins = self.folder / ".local/share/wash/plugins"

    @staticmethod
    def digest(binary):
        return "sha256:" + hashlib.sha256(binary).hexdigest()

    def lock(self):
        return json.loads((self.plugins / "plugins.lock").read_text())["plugins"]

    def fails(self, *arguments, status=1):
        done = self.run_wash(*arguments)
        self.assertEqual(status, done.returncode, done.stdout)
        return done.stderr

    def installed(self, *arguments):
        done = self.run_wash("plugin", "install", *arguments)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout


class FromAnAddress(TestCase):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
        self.server.table = {
            "/old-2.wasm": (200, {}, self.binary),
            "/moved": (302, {"location": "/old-2.wasm"}, b""),
            "/circle": (302, {"location": "/circle"}, b""),
            "/broken": (500, {}, b"no"),
            "/cut.wasm": (200, {"content-length": str(len(self.binary) + 1)}, self.binary),
        }
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def test_with_the_digest_that_it_has(self):
        url = self.url("/old-2.wasm")
        said = self.installed(url, "--digest", self.digest(self.binary))
        self.assertEqual("Installed plugin old-2 0.0.2\n", said)
        self.assertEqual([{"name": "old-2", "digest": self.digest(self.binary), "source": url,
                           "bytes": len(self.binary)}], self.lock())
        self.assertEqual(0, self.run_wash("old-2", "args").returncode)

    def test_by_a_redirection(self):
        self.installed(self.url("/moved"), "--digest", self.digest(self.binary))

    def test_another_digest_is_refused_and_nothing_stays(self):
        message = self.fails("plugin", "install", self.url("/old-2.wasm"), "--digest",
                             self.digest(b"else"))
        self.assertIn(f"has digest {self.digest(self.binary)}, not {self.digest(b'else')}", message)
        self.assertFalse((self.plugins / "plugins.lock").exists())

    def test_without_a_digest_nothing_is_fetched(self):
        self.assertIn("needs --digest",
                      self.fails("plugin", "install", self.url("/old-2.wasm"), status=2))

    def test_what_is_no_digest(self):
        for text in ("abc", "sha256:", "sha256:" + "G" * 64, "md5:" + "0" * 64):
            self.assertIn("expected sha256:", self.fails(
                "plugin", "install", self.url("/old-2.wasm"), "--digest", text, status=2))

    def test_servers_that_do_not_deliver(self):
        for path, message in (("/none", "the server answers 404"),
                              ("/broken", "the server answers 500"),
                              ("/circle", "too many redirections"), ("/cut.wasm", "")):
            said = self.fails("plugin", "install", self.url(path), "--digest",
                              self.digest(self.binary))
            self.assertIn(message, said)
        self.assertFalse((self.plugins / "plugins.lock").exists())


class FromARegistry(TestCase):
    def setUp(self):
        super().setUp()
        self.registry = registries.start(self)
        self.reference = self.registry.reference("acme/old-2:1")
        pushed = self.wash_json("oci", "push", self.reference, harness.guest("plugin-old-2"),
                                "--insecure")
        self.manifest = pushed["data"]["digest"]

    def environment(self, **more):
        return super().environment(**{"XDG_CACHE_HOME": str(self.folder / "cache"), **more})

    def test_by_tag_and_by_digest(self):
        self.installed(self.reference, "--insecure")
        [entry] = self.lock()
        self.assertEqual((self.reference, self.digest(self.binary)),
                         (entry["source"], entry["digest"]))
        exact = f"{self.registry.authority}/acme/old-2@{self.manifest}"
        self.installed(exact, "--insecure", "--force")
        self.assertEqual([{**entry, "source": exact}], self.lock())
        self.assertEqual(0, self.run_wash("old-2", "args").returncode)

    def test_a_file_of_the_name_of_a_reference_is_not_taken_for_it(self):
        exact = f"{self.registry.authority}/acme/old-2@{self.manifest}"
        forged = pathlib.Path(harness.guest("plugin-old-1")).read_bytes()
        self.write(exact, forged)
        self.installed(exact, "--insecure")
        self.assertEqual([(exact, self.digest(self.binary))],
                         [(entry["source"], entry["digest"]) for entry in self.lock()])
        self.write(f"acme/old-2@{self.manifest}", forged)
        self.assertEqual(1, self.run_wash("plugin", "install", "--force", "--non-interactive",
                                          "--pull-policy", "never",
                                          f"acme/old-2@{self.manifest}").returncode)

    def test_a_tag_is_asked_for_again(self):
        self.installed(self.reference, "--insecure")
        self.wash_json("oci", "push", self.reference, harness.guest("plugin-old-1"), "--insecure")
        self.installed(self.reference, "--insecure")
        self.assertEqual({"old-1", "old-2"}, {entry["name"] for entry in self.lock()})

    def test_with_a_digest_that_it_has_not(self):
        self.assertIn("has digest", self.fails("plugin", "install", self.reference, "--insecure",
                                               "--digest", self.digest(b"else")))

    def test_what_is_not_there(self):
        self.assertIn("404", self.fails("plugin", "install",
                                        self.registry.reference("acme/none:1"), "--insecure"))

    def test_what_is_no_plugin(self):
        reference = self.registry.reference("acme/web:1")
        self.wash_json("oci", "push", reference, harness.guest("http-hello"), "--insecure")
        self.assertIn("plugin", self.fails("plugin", "install", reference, "--insecure"))


class FromAProject(TestCase):
    def test_the_component_that_it_was_built_into(self):
        self.write("project/.wash/config.yaml",
                   "build:\n  command: cp ../old.wasm out.wasm\n  component_path: out.wasm\n")
        self.write("old.wasm", self.binary)
        self.assertIn("build it first", self.fails("plugin", "install",
                                                       self.folder / "project"))
        done = self.run_wash("build", cwd=self.folder / "project")
        self.assertEqual(0, done.returncode, done.stderr)
        self.installed(self.folder / "project")
        [entry] = self.lock()
        self.assertEqual(str(self.folder / "project/out.wasm"), entry["source"])


class Listing(TestCase):
    def test_as_json_it_says_what_scripts_go_by(self):
        """action/setup.py reads it; the wash of tests/dist/action_test.py prints the same."""
        source = self.write("old.wasm", self.binary)
        self.installed(source)
        data = self.wash_json("plugin", "list")["data"]
        self.assertEqual(1, data["count"])
        [plugin] = data["plugins"]
        self.assertEqual({"name", "digest", "source", "path", "size", "metadata"}, set(plugin))
        self.assertEqual(("old-2", self.digest(self.binary), str(source), len(self.binary)),
                         tuple(plugin[key] for key in ("name", "digest", "source", "size")))
        self.assertEqual(self.binary, pathlib.Path(plugin["path"]).read_bytes())
        self.assertEqual("0.0.2", plugin["metadata"]["version"])


class OfAProject(TestCase):
    """`plugin test` of a folder."""

    def try_project(self, *flags):
        return self.run_wash("plugin", "test", *flags, self.folder / "project", "--", "old-2",
                             "args")

    def test_it_is_built_first(self):
        self.write("project/.wash/config.yaml",
                   "build:\n  command: cp ../old.wasm out.wasm\n  component_path: out.wasm\n")
        self.write("old.wasm", self.binary)
        for arguments, status in ((["--no-build"], 1), ([], 0), (["--no-build"], 0)):
            done = self.try_project(*arguments)
            self.assertEqual(status, done.returncode, done.stderr)
        self.write("old.wasm", b"broken")
        broken = self.try_project()
        self.assertEqual(1, broken.returncode)
        self.assertIn("out.wasm", broken.stderr)
        self.write("project/.wash/config.yaml", "build: {command: exit 3}\n")
        self.assertIn("status 3", self.fails("plugin", "test", self.folder / "project"))

    def test_a_folder_with_nothing_to_build_but_a_component(self):
        self.write("project/out.wasm", self.binary)
        done = self.try_project()
        self.assertEqual(0, done.returncode, done.stderr)


class Replacing(TestCase):
    def test_only_by_force_and_with_no_trace_of_the_old_one(self):
        self.installed(harness.guest("plugin-old-2"))
        newer = self.write("newer.wasm", plugin_variants.salted(self.binary, "newer"))
        self.assertIn("is installed already: --force replaces it",
                      self.fails("plugin", "install", newer))
        self.installed("--force", newer)
        [entry] = self.lock()
        self.assertEqual(self.digest(newer.read_bytes()), entry["digest"])
        self.assertEqual(1, len(list(self.plugins.glob("*.wasm"))))
        self.assertEqual(1, len(list(self.plugins.glob("*.json"))))

    def test_removing_takes_what_it_wrote_and_what_it_may_do(self):
        self.installed(harness.guest("plugin-probe"))
        self.assertEqual(0, self.run_wash("probe", "write", "/tmp", "file", "x").returncode)
        self.assertEqual(0, self.run_wash("probe", "count").returncode)
        self.write(".local/share/wash/plugins/grants.json", json.dumps({"version": 1, "grants": [
            {"plugin": "probe", "digest": self.lock()[0]["digest"], "kind": "host",
             "subject": "example.com", "arguments": []}]}))
        self.assertEqual(1, len(self.wash_json("plugin", "info", "probe")["data"]["grants"]))
        self.assertEqual(0, self.run_wash("plugin", "uninstall", "probe").returncode)
        self.assertEqual({".lock", "plugins.lock", "grants.json", "fs"},
                         {path.name for path in self.plugins.iterdir()})
        self.assertEqual([], list((self.plugins / "fs").iterdir()))
        self.assertEqual([], json.loads((self.plugins / "grants.json").read_text())["grants"])

    def test_what_cannot_be_deleted_leaves_no_permissions_behind(self):
        self.installed(harness.guest("plugin-probe"))
        self.write(".local/share/wash/plugins/grants.json", json.dumps({"version": 1, "grants": [
            {"plugin": "probe", "digest": self.lock()[0]["digest"], "kind": "host",
             "subject": "example.com", "arguments": []}]}))
        self.write(".local/share/wash/plugins/probe.config.json/not-a-file", "")
        self.fails("plugin", "uninstall", "probe")
        self.assertEqual([], json.loads((self.plugins / "grants.json").read_text())["grants"])

    def test_permissions_of_one_that_is_gone_are_none_of_one_that_comes(self):
        self.write(".local/share/wash/plugins/grants.json", json.dumps({"version": 1, "grants": [
            {"plugin": "old-2", "digest": self.digest(self.binary), "kind": "host",
             "subject": "example.com", "arguments": []}]}))
        self.plugins.chmod(0o700)
        self.installed(harness.guest("plugin-old-2"))
        self.assertEqual([], self.wash_json("plugin", "info", "old-2")["data"]["grants"])

    def test_what_a_killed_installation_has_left_goes_with_the_next_change(self):
        self.installed(harness.guest("plugin-old-2"))
        before = {path.name for path in self.plugins.iterdir()}
        for name in ("left-0123456789abcdef.wasm", "left-0123456789abcdef.json", "grants.json.tmp",
                     "left-0123456789abcdef.wasm.tmp"):
            self.write(f".local/share/wash/plugins/{name}", "left")
        self.installed("--force", harness.guest("plugin-old-2"))
        self.assertEqual(before, {path.name for path in self.plugins.iterdir()})

    def test_data_can_be_kept(self):
        self.installed(harness.guest("plugin-probe"))
        self.assertEqual("1\n", self.run_wash("probe", "count").stdout)
        self.assertEqual(0, self.run_wash("plugin", "uninstall", "probe", "--keep-data").returncode)
        self.installed(harness.guest("plugin-probe"))
        self.assertEqual("2\n", self.run_wash("probe", "count").stdout)

    def test_the_lock_file_is_the_same_for_the_same_plugins(self):
        for name in ("plugin-old-2", "plugin-probe"):
            self.installed(harness.guest(name))
        first = (self.plugins / "plugins.lock").read_bytes()
        for name in ("old-2", "probe"):
            self.assertEqual(0, self.run_wash("plugin", "uninstall", name).returncode)
        for name in ("plugin-probe", "plugin-old-2"):
            self.installed(harness.guest(name))
        self.assertEqual(first, (self.plugins / "plugins.lock").read_bytes())
        self.assertEqual(0o700, self.plugins.stat().st_mode & 0o777)


if __name__ == "__main__":
    harness.main()
