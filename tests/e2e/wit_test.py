#!/usr/bin/env python3
"""`wash wit` and builds that need packages: registries, archives, and servers that misbehave."""

import hashlib
import http.server
import io
import json
import os
import socket
import tarfile
import threading

import harness
import registries

LOG = "package acme:log@0.2.0;\ninterface sink { use acme:io/streams@0.1.0.{line}; " \
      "write: func(l: line); }\n"
IO = "package acme:io@0.1.0;\ninterface streams { type line = string; }\n"
APP = "package acme:app@1.0.0;\nworld app { import acme:log/sink@0.2.0; }\n"


class Answers:
    """A server on loopback that gives the same answer to every request, and remembers them."""

    def __init__(self, test, status, body=b"", *, announced=None):
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                self.send_response(status)
                self.send_header("content-length", str(announced or len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        test.addCleanup(thread.join)
        test.addCleanup(server.server_close)
        test.addCleanup(server.shutdown)
        self.authority = f"127.0.0.1:{server.server_port}"


class TestCase(harness.TestCase):
    def environment(self, **more):
        return super().environment(**{
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "DOCKER_CONFIG": str(self.folder / "docker"),
            "WKG_CONFIG_FILE": str(self.folder / "wkg.toml"), **more})

    def setUp(self):
        super().setUp()
        self.write("app/wit/world.wit", APP)

    def configure(self, wit):
        self.write("app/.wash/config.yaml", json.dumps({"wit": wit}))

    def wit(self, *arguments, **options):
        return self.wash_json("-C", self.folder / "app", "wit", *arguments, **options)["data"]

    def fails(self, *arguments, **options):
        done = self.run_wash("-C", self.folder / "app", *arguments, **options)
        self.assertEqual(1, done.returncode, done.stdout)
        return done.stderr

    def deps(self):
        return sorted(path.name for path in (self.folder / "app/wit/deps").glob("*"))

    def package(self, name, text, deps=()):
        """A binary of a package, made by `wash wit build`."""
        self.write(f"{name}/wit/main.wit", text)
        for number, dependency in enumerate(deps):
            self.write(f"{name}/wit/deps/dep{number}.wit", dependency)
        out = self.folder / f"{name}.wasm"
        self.wash_json("-C", self.folder / name, "wit", "build", "--output-file", out)
        return out


class Registry(TestCase):
    def setUp(self):
        super().setUp()
        self.registry = registries.start(self)
        self.log = self.package("log", LOG, [IO])
        self.push("wit/acme/log:0.2.0", self.log)
        self.write("wkg.toml", f"""
[namespace_registries]
acme = {{ registry = "acme.example", metadata = {{ preferredProtocol = "oci", \
oci = {{ registry = "{self.registry.authority}", namespacePrefix = "wit/" }} }} }}
[registry."{self.registry.authority}".oci]
protocol = "http"
""")

    def push(self, name, path):
        return self.wash_json("oci", "push", self.registry.reference(name), path, "--insecure")

    def test_what_is_pushed_is_fetched_and_locked(self):
        data = self.wit("fetch")
        self.assertTrue(data["changed"])
        self.assertEqual(["acme-io-0.1.0", "acme-log-0.2.0"], self.deps())
        digest = hashlib.sha256(self.log.read_bytes()).hexdigest()
        lock = (self.folder / "app/wkg.lock").read_text()
        self.assertIn('name = "acme:log"\nregistry = "acme.example"\n', lock)
        self.assertIn('requirement = "=0.2.0"\nversion = "0.2.0"\n', lock)
        self.assertIn(f'digest = "sha256:{digest}"', lock)

    def test_nothing_is_asked_when_all_is_there_or_in_the_cache(self):
        self.wit("fetch")
        self.registry.kill()
        self.assertFalse(self.wit("fetch")["changed"])
        for path in (self.folder / "app/wit/deps").rglob("*.wit"):
            path.unlink()
        self.assertTrue(self.wit("fetch")["changed"])
        self.assertEqual(["acme-io-0.1.0", "acme-log-0.2.0"], self.deps())

    def test_the_lock_file_holds_against_the_registry(self):
        self.wit("fetch")
        other = self.package("other", "package acme:log@0.2.0;\ninterface sink { x: func(); }\n")
        self.push("wit/acme/log:0.2.0", other)
        self.wit("clean")
        fresh = self.environment(XDG_CACHE_HOME=str(self.folder / "fresh"))
        message = self.fails("wit", "fetch", env=fresh)
        self.assertIn("cannot get acme:log@0.2.0, which acme:app@1.0.0 needs", message)
        self.assertIn("the lock file says sha256:", message)
        self.assertEqual([], self.deps())
        self.wit("update", env=fresh)
        self.assertEqual(["acme-log-0.2.0"], self.deps())

    def test_a_source_may_name_the_registry(self):
        self.write("wkg.toml", "")
        self.configure({"sources": {"acme": f"oci://{self.registry.authority}/wit/acme"},
                        "registries": [{"url": f"http://{self.registry.authority}"}]})
        self.wit("fetch")
        self.assertEqual(["acme-io-0.1.0", "acme-log-0.2.0"], self.deps())

    def test_a_build_fetches_first(self):
        guest = harness.guest("http-hello")
        self.write("app/.wash/config.yaml", json.dumps(
            {"build": {"command": f"cp {guest} $WASH_COMPONENT_PATH; ls wit/deps >&2"}}))
        done = self.run_wash("-C", self.folder / "app", "build")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("fetched acme:log@0.2.0 from", done.stderr)
        self.assertIn("acme-log-0.2.0", done.stderr)
        self.registry.kill()
        done = self.run_wash("-C", self.folder / "app", "build")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("fetched", done.stderr)

    def test_what_is_missing_is_named(self):
        self.write("app/wit/world.wit", APP.replace("0.2.0", "0.9.0"))
        message = self.fails("wit", "fetch")
        self.assertIn("cannot get acme:log@0.9.0, which acme:app@1.0.0 needs", message)
        self.assertIn("404", message)
        self.assertFalse((self.folder / "app/wkg.lock").exists())
        message = self.fails("build")
        self.assertIn("acme:log@0.9.0", message)
        self.assertIn("--skip-fetch", message)


class Login(TestCase):
    def test_a_registry_wants_to_know_who_asks(self):
        registry = registries.start(self, users=True)
        self.write("log.wit", LOG)
        self.run_wash("oci", "push", registry.reference("acme/log:0.2.0"),
                      self.package("log", LOG, [IO]), "--insecure", "-u", "ali",
                      "-p", "open sesame")
        source = {"acme": f"oci://{registry.authority}"}
        login = {"url": f"http://{registry.authority}", "username": "ali", "token": "open sesame"}
        self.configure({"sources": source, "registries": [{**login, "token": "wrong"}]})
        message = self.fails("wit", "fetch")
        self.assertIn("acme:log@0.2.0", message)
        self.assertIn("401", message)
        self.assertNotIn("wrong", message)
        self.configure({"sources": source, "registries": [login]})
        self.wit("fetch")
        self.assertEqual(["acme-io-0.1.0", "acme-log-0.2.0"], self.deps())


class WellKnown(TestCase):
    def answers(self, *arguments, **options):
        answers = Answers(self, *arguments, **options)
        self.write("wkg.toml", f"""
[namespace_registries]
acme = "{answers.authority}"
[registry."{answers.authority}".oci]
protocol = "http"
""")
        return answers

    def test_a_registry_says_where_its_packages_are(self):
        registry = registries.start(self)
        self.run_wash("oci", "push", registry.reference("deep/wit/acme/log:0.2.0"),
                      self.package("log", LOG, [IO]), "--insecure")
        answers = self.answers(200, json.dumps(
            {"preferredProtocol": "oci",
             "oci": {"registry": registry.authority, "namespacePrefix": "deep/wit/"}}).encode())
        self.wit("fetch", "--insecure")
        self.assertEqual(["/.well-known/wasm-pkg/registry.json"], answers.asked)
        self.assertIn(f'registry = "{answers.authority}"',
                      (self.folder / "app/wkg.lock").read_text())

    def test_answers_that_help_nobody_are_told(self):
        for status, body in ((500, b"oops"), (401, b""), (200, b"<html>"),
                             (200, b'{"warg": {"url": "https://x"}}')):
            answers = self.answers(status, body)
            message = self.fails("wit", "fetch")
            self.assertIn("cannot get acme:log@0.2.0", message)
            self.assertIn(answers.authority, message)
            if status != 200:
                self.assertIn(str(status), message)

    def test_a_registry_without_an_answer_is_told(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            authority = f"127.0.0.1:{closed.getsockname()[1]}"
            self.write("wkg.toml", f"""
[namespace_registries]
acme = "{authority}"
[registry."{authority}".oci]
protocol = "http"
""")
            self.assertIn(authority, self.fails("wit", "fetch"))


def archive(files, *, links=()):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type = tarfile.SYMTYPE
            info.linkname = target
            tar.addfile(info)
    return out.getvalue()


class Archives(TestCase):
    def source(self, body, *, digest=None, **options):
        digest = digest or hashlib.sha256(body).hexdigest()
        answers = Answers(self, 200, body, **options)
        self.configure({"sources": {
            "acme": f"http://{answers.authority}/log.tar.gz#sha256:{digest}"}})
        return answers

    def test_packages_are_found_in_an_archive(self):
        answers = self.source(archive({"log-1/wit/log.wit": LOG, "log-1/wit/deps/io/io.wit": IO,
                                       "log-1/README.md": "words"}))
        self.wit("fetch")
        self.assertEqual(["acme-io-0.1.0", "acme-log-0.2.0"], self.deps())
        self.assertIn("[[sources]]", (self.folder / "app/wkg.lock").read_text())
        self.wit("fetch")
        self.assertEqual(["/log.tar.gz"], answers.asked)

    def test_hostile_archives_are_refused(self):
        for body in (archive({"../../log.wit": LOG}), archive({"/tmp/log.wit": LOG}),
                     archive({"log.wit": LOG}, links=[("io.wit", "/etc/passwd")]),
                     archive({"log.wit": LOG})[:60], b"\x1f\x8b\xff", os.urandom(300)):
            self.source(body)
            self.assertIn("cannot get acme:log@0.2.0", self.fails("wit", "fetch"))
            self.assertEqual([], self.deps())
            self.assertEqual(["world.wit"], [p.name for p in (self.folder / "app/wit").iterdir()])

    def test_digests_are_checked(self):
        self.source(archive({"log.wit": LOG, "io.wit": IO}), digest="0" * 64)
        self.assertIn("has the digest sha256:", self.fails("wit", "fetch"))

    def test_a_download_that_breaks_off_is_told(self):
        body = archive({"log.wit": LOG, "io.wit": IO})
        self.source(body, announced=len(body) + 100)
        message = self.fails("wit", "fetch")
        self.assertIn("cannot get acme:log@0.2.0", message)
        self.assertEqual([], self.deps())


if __name__ == "__main__":
    harness.main()
