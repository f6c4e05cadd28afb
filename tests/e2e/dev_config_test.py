#!/usr/bin/env python3
"""`wash dev`: what `.wash/config.yaml` says, and that it is followed while it runs."""

import hashlib
import json
import pathlib
import socket
import ssl
import time

import certificates
import developing
import harness


class DevConfigTest(developing.TestCase):
    def environment_of(self, dev):
        return json.loads(self.text_of(dev, "/env"))

    def test_another_environment_is_served_without_a_build(self):
        self.project("http-misc", workload={"environment": {"config": {"A": "1"}}})
        dev = self.dev()
        self.assertEqual("1", self.environment_of(dev)["A"])
        clients = developing.Clients(dev, 2, "/env")
        self.configure({"build": {"command": "cp component.in app.wasm",
                                  "component_path": "app.wasm"},
                        "workload": {"environment": {"config": {"A": "2"}}}})
        dev.until("configured")
        dev.until("reloaded")
        self.assertEqual("2", self.environment_of(dev)["A"])
        self.assertGreater(clients.end(), 0)
        self.assertEqual(1, len(dev.events("building")))

    def test_another_environment_is_served_while_builds_fail(self):
        def configured(value, garble=""):
            return {"build": {"command": f"test ! -e broken || {{ {garble} exit 1; }}; "
                                         "cp component.in app.wasm",
                              "component_path": "app.wasm"},
                    "workload": {"environment": {"config": {"A": value}}}}

        self.project("http-misc", **configured("1"))
        dev = self.dev()
        self.source("broken", "")
        dev.until("build-failed")
        self.configure(configured("2"))
        dev.until("reloaded")
        self.assertEqual("2", self.environment_of(dev)["A"])
        # What such a build has left of another component is not served.
        self.configure(configured("3", "echo x > app.wasm;"))
        dev.until("build-failed")
        self.assertIn("until the project builds", dev.until("warning")["message"])
        self.assertEqual("2", self.environment_of(dev)["A"])
        (self.root / "broken").unlink()
        dev.until("reloaded")
        self.assertEqual("3", self.environment_of(dev)["A"])
        self.assertEqual(0, dev.interrupt())

    def test_a_volume_is_served_without_a_build(self):
        self.source("files/one", "1")
        self.project("http-misc")
        dev = self.dev()
        self.configure({"build": {"command": "cp component.in app.wasm",
                                  "component_path": "app.wasm"},
                        "dev": {"volumes": [{"host_path": "files", "guest_path": "/x"}]}})
        dev.until("reloaded")
        self.assertIn("/x", self.text_of(dev, "/fs?op=preopens"))
        self.assertEqual(1, len(dev.events("building")))
        self.source("files/two", "2")
        self.source("component.in", pathlib.Path(harness.guest("http-hello")).read_bytes())
        dev.until("reloaded")
        self.assertEqual(2, len(dev.events("building")))

    def test_secrets_and_values_of_files_are_followed(self):
        self.source("values.env", "A=1\n")
        self.source("secrets/TOKEN", "first")
        for path in (self.root / "secrets", self.root / "secrets/TOKEN"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        self.source(".gitignore", "secrets/\nvalues.env\n")
        self.project("http-misc", workload={"environment": {"configFrom": ["v"],
                                                            "secretFrom": ["s"]}},
                     configs={"v": {"file": "values.env"}}, secrets={"s": {"dir": "secrets"}})
        dev = self.dev()
        self.assertEqual(("1", "first"), tuple(self.environment_of(dev)[k] for k in ("A", "TOKEN")))
        self.source("values.env", "A=2\n")
        dev.until("reloaded")
        self.assertEqual("2", self.environment_of(dev)["A"])
        fresh = self.write("TOKEN", "second")  # replaced at once: it is never seen empty
        fresh.chmod(0o600)
        fresh.rename(self.root / "secrets" / "TOKEN")
        dev.until("reloaded")
        self.assertEqual("second", self.environment_of(dev)["TOKEN"])
        self.assertEqual(1, len(dev.events("building")))
        self.assertNotIn("second", "\n".join(dev.stdout.all + dev.stderr.all))

    def test_a_configuration_that_cannot_be_used_keeps_what_serves(self):
        self.project("http-misc")
        dev = self.dev()
        self.configure({"build": {"comand": "x"}})
        self.assertIn("command", dev.until("config-failed")["message"])
        self.assertEqual(200, dev.get("/env").status)

    def test_what_this_host_cannot_do_is_refused_by_name(self):
        for key, value in (("wasi_webgpu", True),
                           ("postgres_url", "postgres://x/y")):
            with self.subTest(key):
                self.project("http-misc", dev={key: value})
                done = self.run_wash("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0")
                self.assertEqual(1, done.returncode, done.stdout)
                self.assertIn(f"dev.{key} is not supported", done.stdout)

    def test_components_are_composed_and_each_is_followed(self):
        self.project("pair-web", dev={"components": [
            {"name": "back", "file": "back.wasm"}]})
        self.source("back.wasm", pathlib.Path(harness.guest("pair-back")).read_bytes())
        dev = self.dev()
        self.assertEqual(200, dev.get("/").status)
        self.source("back.wasm", "no component")
        self.assertIn("back.wasm", dev.until("load-failed")["message"])
        self.assertEqual(200, dev.get("/").status)
        self.source("back.wasm", pathlib.Path(harness.guest("pair-back")).read_bytes() +
                    b"\0\x02\x01x")  # a custom section more
        dev.until("reloaded")
        self.assertEqual(200, dev.get("/").status)

    def test_routes_lead_to_components_and_are_followed(self):
        build = {"command": "cp component.in app.wasm", "component_path": "app.wasm"}
        components = [{"name": "other", "file": "other.wasm"}]
        self.project("http-hello", build=build, dev={"components": components, "routes": [
            {"path": "/env", "component": "other"}, {"host": "own.test"}]})
        self.source("other.wasm", pathlib.Path(harness.guest("http-misc")).read_bytes())
        dev = self.dev()
        self.assertIsInstance(self.environment_of(dev), dict)
        self.assertEqual(404, dev.get("/elsewhere").status)
        own = {"host": "own.test"}
        self.assertIn("ello", dev.get("/elsewhere", headers=own).text)
        clients = developing.Clients(dev, 2, "/env")
        self.configure({"build": build, "dev": {"components": components, "routes": [
            {"path": "/env", "methods": ["GET"], "component": "other"}, {"path": "/elsewhere"}]}})
        dev.until("reloaded")
        self.assertIn("ello", dev.get("/elsewhere").text)
        self.assertEqual(404, dev.get("/other", headers=own).status)
        self.assertGreater(clients.end(), 0)
        self.assertEqual(1, len(dev.events("building")))

    def test_a_host_plugin_serves_the_others_and_is_what_it_was_said_to_be(self):
        back = pathlib.Path(harness.guest("pair-back")).read_bytes()
        digest = "sha256:" + hashlib.sha256(back).hexdigest()
        self.project("pair-web", dev={"host_plugins": [
            {"id": "back", "file": "back.wasm", "expectedDigest": digest}]})
        self.source("back.wasm", back)
        dev = self.dev()
        self.assertEqual(200, dev.get("/").status)
        self.source("back.wasm", back + b"\0\x02\x01x")  # a custom section more
        self.assertIn("has the digest", dev.until("load-failed")["message"])
        self.assertEqual(200, dev.get("/").status)

    def tally_with(self, **settings):
        """A component and, as a host plugin, the one that counts for it."""
        self.project("tally-web", dev={"host_plugins": [
            {"id": "back", "file": "back.wasm", **settings}]})
        self.source("back.wasm", pathlib.Path(harness.guest("tally-back")).read_bytes())
        return self.dev()

    def test_a_host_plugin_is_one_instance_for_all_and_outlives_edits(self):
        dev = self.tally_with(config={"greeting": "hello"})
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual("3 4\n", self.text_of(dev, "/calls"))
        self.assertEqual("41 42\n", self.text_of(dev, "/resource"))
        self.assertIn('Ok([("greeting", "hello")]) []', self.text_of(dev, "/settings"))
        self.assertEqual("1\n", self.text_of(dev, "/own/a"))
        self.assertEqual("1\n", self.text_of(dev, "/other/a"))
        self.source("component.in", self.with_section("tally-web"))
        dev.until("reloaded")
        self.assertEqual("5 6\n", self.text_of(dev, "/calls"))
        self.assertEqual(500, dev.get("/fail").status)
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.source("back.wasm", self.with_section("tally-back"))
        dev.until("reloaded")
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual("2\n", self.text_of(dev, "/other/a"))
        self.assertEqual(0, dev.interrupt())

    def test_a_host_plugin_that_no_longer_fits_leaves_what_serves_as_it_is(self):
        dev = self.tally_with()
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.source("back.wasm", pathlib.Path(harness.guest("pair-back")).read_bytes())
        self.assertIn("test:tally/tally", dev.until("load-failed")["message"])
        self.assertEqual("3 4\n", self.text_of(dev, "/calls"))
        self.source("back.wasm", pathlib.Path(harness.guest("tally-back")).read_bytes())
        self.source("component.in", self.with_section("tally-web"))
        dev.until("reloaded")
        self.assertEqual("5 6\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_it_is_said_who_could_serve_what_nothing_does(self):
        for guest, missing in (("tally-web", "test:tally/tally@0.1.0"),
                               ("http-blobs", "wasi:blobstore/types@0.2.0-draft")):
            self.project(guest)
            dev = self.start("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0")
            deadline = time.monotonic() + harness.PATIENCE_SECONDS
            failed = dev.stdout.wait_for(lambda line: '"load-failed"' in line, deadline)
            message = json.loads(failed)["message"]
            self.assertIn(missing, message)
            self.assertRegex(message, "nothing provides.* add to dev.host_interfaces: "
                                      ".*; or install a plugin that exports it")
            dev.send(harness.signal.SIGINT)
            self.assertEqual(0, dev.wait())

    def test_another_host_plugin_begins_anew(self):
        dev = self.tally_with()
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.source("other.wasm", pathlib.Path(harness.guest("tally-back")).read_bytes())
        self.configure({"build": {"command": "cp component.in app.wasm",
                                  "component_path": "app.wasm"},
                        "dev": {"host_plugins": [{"id": "other", "file": "other.wasm"}]}})
        dev.until("reloaded")
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_a_host_plugin_that_fails_too_often_is_given_up_until_it_changes(self):
        dev = self.tally_with(maxRestarts=1)
        self.assertEqual(500, dev.get("/fail").status)
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual(500, dev.get("/fail").status)
        dev.stderr.wait_for(lambda line: "component given up" in line,
                            time.monotonic() + harness.PATIENCE_SECONDS)
        self.assertEqual(500, dev.get("/calls").status)
        self.source("back.wasm", self.with_section("tally-back"))
        dev.until("reloaded")
        self.assertEqual("1 2\n", self.text_of(dev, "/calls"))
        self.assertEqual(0, dev.interrupt())

    def test_requests_that_a_component_passes_on_reach_a_host_plugin(self):
        self.project("http-relay", dev={"host_plugins": [{"id": "behind", "file": "behind.wasm"}]})
        self.source("behind.wasm", pathlib.Path(harness.guest("http-hello")).read_bytes())
        dev = self.dev()
        self.assertEqual("hello from rust /there\n", self.text_of(dev, "/there"))

    def test_a_second_project_is_built_and_followed(self):
        self.project("pair-web", dev={"components": [{"name": "back", "project": "../back"}]})
        back = "../back/"
        self.source(back + "in.wasm", pathlib.Path(harness.guest("pair-back")).read_bytes())
        self.source(back + ".wash/config.yaml", json.dumps(
            {"build": {"command": "cp in.wasm out.wasm", "component_path": "out.wasm"}}))
        dev = self.dev()
        self.assertEqual(200, dev.get("/").status)
        self.source(back + "in.wasm", pathlib.Path(harness.guest("pair-back")).read_bytes() +
                    b"\0\x02\x01x")
        self.assertEqual("back", dev.until("changed")["component"])
        dev.until("reloaded")
        self.assertEqual(200, dev.get("/").status)

    def project_below(self, **dev):
        """A new project without a configuration, below one that has one."""
        self.project("pair-web", dev=dev)
        self.source("new/component.in", pathlib.Path(harness.guest("http-hello")).read_bytes())
        self.source("new/Makefile", "all:\n\tcp component.in $(WASH_COMPONENT_PATH)\n")
        return self.root / "new"

    def dev_in(self, folder):
        return self._start(developing.Dev, ["-C", folder, "-o", "json", "dev",
                                            "--addr", "127.0.0.1:0"], None, {})

    def test_a_new_project_below_a_configured_one_is_served_itself(self):
        new = self.project_below()
        dev = self.dev_in(new)
        self.assertEqual("hello from rust /\n", self.text_of(dev, "/"))
        self.source("component.in", "another")  # of the one above
        self.source("new/component.in", self.with_section("http-hello"))
        dev.until("reloaded")
        self.assertEqual(["new", "new"], [event["component"] for event in dev.events("building")])

    def test_a_project_that_the_configuration_above_names_is_served_with_the_others(self):
        new = self.project_below(components=[{"name": "part", "project": "new"},
                                             {"name": "back", "file": "back.wasm"}])
        self.source("back.wasm", pathlib.Path(harness.guest("pair-back")).read_bytes())
        dev = self.dev_in(new)
        self.assertEqual(200, dev.get("/").status)
        self.assertIn("part", [event["component"] for event in dev.events("building")])
        self.assertEqual(2, len(dev.events("building")))

    def test_the_users_configuration_can_be_another(self):
        self.project("http-misc")
        user = self.write("user.json", json.dumps(
            {"workload": {"environment": {"config": {"A": "1"}}}}))
        dev = self._start(developing.Dev, ["-o", "json", "--user-config", user, "dev", self.root,
                                           "--addr", "127.0.0.1:0"], None, {})
        self.assertEqual("1", self.environment_of(dev)["A"])

    def test_key_value_is_in_memory_and_stays_over_edits(self):
        self.project("kv-counter")
        dev = self.dev()
        for count in (1, 2):
            self.assertIn(f'"count":{count}', self.text_of(dev, "/a"))
        self.source("component.in", pathlib.Path(harness.guest("kv-counter")).read_bytes() +
                    b"\0\x02\x01x")
        dev.until("reloaded")
        self.assertIn('"count":3', self.text_of(dev, "/a"))

    def test_key_value_with_a_path_outlives_the_command(self):
        self.project("kv-counter", dev={"wasi_keyvalue_path": ".wash/kv.db"})
        for count in (1, 2):
            dev = self.dev()
            self.assertIn(f'"count":{count}', self.text_of(dev, "/a"))
            self.assertEqual(0, dev.interrupt())

    def test_sockets_that_leave_the_workload_are_bounded(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(harness.PATIENCE_SECONDS)
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            self.project("http-misc", dev={"max_outbound_socket_connections_per_workload": 1},
                         workload={"allowedHostLoopbackPorts": [address.rpartition(":")[2]]})
            dev = self.dev()
            with dev.connect() as client:
                client.send(f"GET /tcp?addr={address}&send=x&close=1 HTTP/1.1\r\nhost: x\r\n\r\n")
                with listener.accept()[0] as connection:
                    refused = dev.get(f"/tcp?addr={address}&send=x")
                    self.assertEqual(500, refused.status)
                    self.assertIn("new-socket-limit", refused.text)
                    self.assertEqual(b"x", connection.recv(10))
                    self.assertEqual(b"", connection.recv(10))  # a reset were no end
                self.assertEqual(200, client.read_answer().status)

    def test_what_needs_a_restart_is_said(self):
        self.project("http-misc")
        dev = self.dev()
        self.configure({"build": {"command": "cp component.in app.wasm",
                                  "component_path": "app.wasm"},
                        "dev": {"wasi_keyvalue_path": "kv.db", "max_connections": 7}})
        self.assertEqual("warning: dev.wasi_keyvalue_path, dev.max_connections: another value "
                         "counts from the next start of wash dev; to use it now, end this one "
                         "(Ctrl-C) and start it again", dev.until("warning")["message"])

    def test_edits_are_served_while_a_key_waits_for_the_next_start(self):
        self.project("kv-counter")
        dev = self.dev()
        self.assertIn('"count":1', self.text_of(dev, "/a"))
        self.configure({"build": {"command": "cp component.in app.wasm",
                                  "component_path": "app.wasm"},
                        "dev": {"wasi_keyvalue_path": "kv.db"}})
        dev.until("warning")
        self.source("component.in", self.with_section("kv-counter"))
        dev.until("reloaded")
        self.assertIn('"count":2', self.text_of(dev, "/a"))
        self.assertEqual([], dev.events("load-failed"))

    def assert_only_edits_build(self, dev, guest):
        self.source("component.in", self.with_section(guest))
        dev.until("reloaded")
        self.assertEqual([["component.in"]], [event["paths"] for event in dev.events("changed")])

    def test_a_database_among_the_sources_starts_no_builds(self):
        self.project("kv-counter", dev={"wasi_keyvalue_path": "kv.db"})
        dev = self.dev()
        self.assertIn('"count":1', self.text_of(dev, "/a"))
        self.assertTrue((self.root / "kv.db-wal").exists())
        self.assert_only_edits_build(dev, "kv-counter")

    def test_a_database_that_waits_to_be_replaced_starts_no_builds(self):
        self.project("kv-counter", dev={"wasi_keyvalue_path": "kv.db"})
        dev = self.dev()
        self.assertIn('"count":1', self.text_of(dev, "/a"))
        self.configure({"build": {"command": "cp component.in app.wasm",
                                  "component_path": "app.wasm"},
                        "dev": {"wasi_keyvalue_path": "other.db"}})
        dev.until("warning")
        self.assertIn('"count":2', self.text_of(dev, "/a"))
        self.assert_only_edits_build(dev, "kv-counter")

    def test_what_components_write_to_volumes_starts_no_builds(self):
        self.source("data/there", "")
        self.project("http-misc", dev={"volumes": [{"host_path": "data", "guest_path": "/d"}]})
        dev = self.dev()
        self.text_of(dev, "/fs?op=write&path=/d/file&text=x")
        self.assertEqual("x", (self.root / "data" / "file").read_text())
        self.assert_only_edits_build(dev, "http-misc")

    def dev_with_tls(self, made, **more):
        self.project("http-hello", dev={"tls_cert_path": made["server.pem"],
                                        "tls_key_path": made["server.key"], **more})
        dev = self.dev()
        self.assertEqual("https", dev.scheme)
        return dev

    def test_tls(self):
        made = certificates.Certificates(self.folder)
        dev = self.dev_with_tls(made)
        context = ssl.create_default_context(cafile=made["ca.pem"])
        with dev.connect() as raw, \
                context.wrap_socket(raw.socket, server_hostname="localhost") as secure:
            for guest, says in (("http-hello", b"rust"), ("http-hello-c", b"hello from c")):
                if guest != "http-hello":
                    self.swap(guest)
                    dev.until("reloaded")
                secure.sendall(b"GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n")
                received = b""
                while says not in received:
                    more = secure.recv(1 << 16)
                    self.assertTrue(more, received)
                    received += more

    def ask_as(self, dev, made, client=None):
        """What a client gets that shows this certificate: (of which authority, its name)."""
        context = ssl.create_default_context(cafile=made["ca.pem"])
        if client:
            authority, name = client
            context.load_cert_chain(authority[f"{name}.pem"], authority[f"{name}.key"])
        with dev.connect() as raw, \
                context.wrap_socket(raw.socket, server_hostname="localhost") as secure:
            secure.sendall(b"GET /x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            return b"".join(iter(lambda: secure.recv(1 << 16), b""))

    def test_with_an_authority_of_clients_only_its_own_are_let_in(self):
        made = certificates.Certificates(self.folder)
        (self.folder / "other").mkdir()
        strangers = certificates.Certificates(self.folder / "other")
        dev = self.dev_with_tls(made, tls_ca_path=made["ca.pem"])
        for client in (None, (strangers, "client")):
            with self.assertRaises(OSError):
                self.ask_as(dev, made, client)
        self.assertIn(b"hello from rust /x", self.ask_as(dev, made, (made, "client")))


if __name__ == "__main__":
    harness.main()
