#!/usr/bin/env python3
"""How a host starts, what it tells of itself, and how it ends while it is busy."""

import json
import pathlib
import resource
import signal
import socket
import threading
import time

import certificates
import harness
import hosting
from hosting import workload
from registries import SilentRegistry


class HostLifeTest(hosting.TestCase):
    def host_words(self, settings, *more):
        return ["-o", "json", "host", "--admin-socket", self.admin_socket, "--config",
                self.config(settings), *more]

    def host_of(self, settings, *more):
        """A ready host that has its listeners from its settings."""
        return self._start(hosting.Host, self.host_words(settings, *more), None,
                           {"admin_socket": self.admin_socket})

    def listeners(self, count):
        return {"http": {"listeners": [{"address": "127.0.0.1:0"}] * count}}

    def refuses(self, address):
        try:
            socket.create_connection(address, timeout=harness.PATIENCE_SECONDS).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # it had been taken when the listener closed: the next one is refused
        return False

    def test_all_listeners_stop_accepting_while_a_request_of_one_runs(self):
        host = self.host_of({**self.listeners(3), "drain": {"timeout": "600s"}})
        host.apply(workload("slow", routes=[{"path": "/"}]))
        running = self.enterContext(host.connect())
        running.send("GET /sleep?ms=500000 HTTP/1.1\r\nhost: slow.test\r\n\r\n")
        self.eventually(lambda: host.status("slow")["components"][0]["callsInFlight"] > 0,
                        "the request never began")
        host.send(signal.SIGTERM)
        for url in host.announced["addresses"]:
            _, name, port = harness.parse_address(url)
            self.eventually(lambda at=(name, port): self.refuses(at), f"{url} still accepts")
        self.assertTrue(host.running())
        self.assertFalse(running.readable(0), "the request that runs was not left alone")

    def restoring_host(self, registry, settings):
        """A host that cannot get beyond restoring."""
        self.put("late.json", hosting.image("late", registry.reference("shop/web:1")))
        return self.start(*self.host_words(
            {**settings, "registries": {"insecure": [registry.authority]}},
            "--workloads", self.workloads_folder))

    def test_sigterm_ends_a_host_that_restores(self):
        for drained in ("by a signal", "over the API"):
            with self.subTest(drained), SilentRegistry() as registry:
                host = self.restoring_host(registry, self.listeners(1))
                with registry.wait_for_client():
                    if drained == "by a signal":
                        host.send(signal.SIGTERM)
                    else:
                        hosting.ask_admin(self.admin_socket, "POST", "/v1/drain")
                    self.assertEqual(0, host.wait())
                self.assertEqual([], host.stdout.all, "it never was ready")
                self.assertFalse(self.admin_socket.exists())

    def test_a_listener_that_cannot_be_is_told_before_anything_is_restored(self):
        made = certificates.Certificates(self.folder)
        made.issue("first", "subjectAltName=DNS:first.test")
        taken = socket.create_server(("127.0.0.1", 0))
        self.enterContext(taken)
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        pair = {"certificate": made["first.pem"], "key": str(self.folder / "no.key")}
        cases = [({"http": {"listeners": [{"address": address}]}}, address),
                 ({"http": {"listeners": [{"address": "127.0.0.1:0",
                                           "tls": {"certificates": [pair]}}]}}, "no.key"),
                 ({**self.listeners(1), "accessLog": {"path": "/nowhere/at/all.log"}},
                  "/nowhere/at/all.log")]
        for settings, named in cases:
            with self.subTest(named), SilentRegistry() as registry:
                host = self.restoring_host(registry, settings)
                self.assertEqual(1, host.wait())
                self.assertIn(named, json.loads(host.stdout.all[0])["message"])

    def test_what_was_restored_ends_with_a_host_whose_start_fails(self):
        service = {"file": harness.guest("service-probe"),
                   "localResources": {"environment": {"DO": "tick 5 beats"}}}
        keyvalue = {"namespace": "wasi", "package": "keyvalue", "provider": "keyvalue-memory"}
        host = self.host(state=True)
        host.apply({"name": "clock", "service": service, "hostInterfaces": [keyvalue]})
        host.apply({**workload("web"), "service": service, "hostInterfaces": [keyvalue]})
        self.assertEqual(0, host.terminate())
        missing = self.folder / "missing"
        # Found out after the state has been restored, and its services run.
        failing = self.start(*self.host_arguments("--workloads", missing, state=True))
        self.assertEqual(1, failing.wait())
        self.assertIn(str(missing), json.loads(failing.stdout.all[0])["message"])
        for name in ("clock", "web"):
            self.assertRegex("\n".join(failing.stderr.all), f"workload serves.*default/{name}")
        self.assertFalse(self.admin_socket.exists(), "the socket is left over")
        host = self.host(state=True)
        for name in ("clock", "web"):
            self.eventually(lambda name=name: host.status(name)["service"]["state"] == "Running",
                            f"the service of {name} does not run")

    def test_sigterm_does_not_wait_for_the_compiler(self):
        host = self.host("--no-cache")
        with host.events() as events:
            self.assertEqual(202, host.try_apply(workload("big"), wait=False).status)
            events.until("starting")
        self.assertEqual(0, host.terminate())
        self.assertFalse(self.admin_socket.exists(), "the socket is left over")

    def test_clients_that_keep_asking_are_told_of_the_end_before_it_comes(self):
        host = self.host()
        host.apply(workload("web", routes=[{"path": "/"}]))
        ends = []

        def ask_on():
            with host.connect() as client:
                asked = [time.monotonic()]
                try:
                    while True:
                        client.send("GET /env HTTP/1.1\r\nhost: web.test\r\n\r\n")
                        asked.append(time.monotonic())
                        if client.read_answer().headers.get("connection") == "close":
                            return ends.append("told")
                except (EOFError, ConnectionError) as error:
                    # It is waited for half a second: who had to pause did not keep asking.
                    ends.append("paused" if asked[-1] - asked[-2] > 0.3 else repr(error))

        clients = [threading.Thread(target=ask_on) for _ in range(4)]
        for client in clients:
            client.start()
        self.eventually(lambda: host.metric("nimbus_http_requests_total") > 100, "nobody asks")
        self.assertEqual(0, host.terminate())
        for client in clients:
            client.join()
        self.assertEqual(4, len(ends))
        self.assertLessEqual(set(ends), {"told", "paused"})

    def test_a_system_without_another_thread_refuses_a_store_and_ends_in_good_order(self):
        stack = resource.getrlimit(resource.RLIMIT_STACK)
        resource.setrlimit(resource.RLIMIT_STACK, (256 << 20, stack[1]))  # of each thread
        try:
            host = self.host(state=True)
        finally:
            resource.setrlimit(resource.RLIMIT_STACK, stack)
        host.apply(workload("web"))
        keyvalue = {"namespace": "wasi", "package": "keyvalue", "provider": "keyvalue-sqlite"}
        counter = {**workload("counter", "kv-counter"), "hostInterfaces": [keyvalue]}
        before = resource.prlimit(host.pid, resource.RLIMIT_AS)
        room = host.virtual_bytes() + (128 << 20)  # for anything else
        resource.prlimit(host.pid, resource.RLIMIT_AS, (room, before[1]))
        self.assertIn("cannot start a thread", host.why_refused(counter, status=500))
        self.assertEqual(200, host.ask("web.test", "/env").status)
        self.assertEqual(0, host.terminate())

    def test_readers_of_events_see_the_end_of_the_stream(self):
        host = self.host()
        with harness.Raw(self.admin_socket) as reader:
            reader.send("GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
            reader.read_until("event: ready")
            host.send(signal.SIGTERM)
            reader.read_until("event: draining")
            self.assertTrue(reader.read_to_end().endswith(b"\r\n0\r\n\r\n"))
        self.assertEqual(0, host.wait())

    def test_a_unix_listener_has_the_mode_it_is_given(self):
        path = self.folder / "http.sock"
        host = self.start(*self.host_words({"http": {"listeners": [
            {"address": f"unix:{path}", "mode": "0660"}]}}))
        host.wait_for_stdout(f'[" ]unix:{path}')  # as an address, in no URL
        self.assertEqual(0o660, path.stat().st_mode & 0o777)
        self.assertEqual(0, host.terminate())
        self.assertFalse(path.exists())

    def test_list_shows_what_is_wrong_with_manifests(self):
        host = self.host(workloads=True)
        with host.events() as events:
            self.put("bad.json", "{}")
            events.until("problem")
        self.assertIn("problem: bad.json", self.manage("list", output="text").stdout)
        done = json.loads(self.manage("list").stdout)
        self.assertEqual(["bad.json"], [each["file"] for each in done["data"]["problems"]])

    def test_metrics_by_component_can_be_switched_off(self):
        for detail in (True, False):
            host = self.host(config={"metrics": {"byComponent": detail}})
            host.apply(workload("a", "http-hello"))
            host.ask("a.test")
            self.assertEqual(1 if detail else 0, host.metric(
                "nimbus_calls_total", workload="default/a", component="web"))
            self.assertIn("nimbus_build_info{", host.probe("/metrics").text)
            for name in ("nimbus_instances_limit", "nimbus_guest_memory_limit_bytes",
                         "nimbus_open_files"):
                self.assertGreater(host.metric(name), 0, name)

    def test_a_file_name_that_is_not_utf8_is_told_as_json(self):
        host = self.host(workloads=True)
        name = bytes(self.workloads_folder) + b"/bad-\xff.json"
        with host.events() as events:
            with open(name, "wb") as file:
                file.write(b"{}")
            self.assertIn("bad-\ufffd.json", events.until("problem")["data"]["message"])
        self.assertEqual(["bad-\ufffd.json"], list(host.problems()))

    def test_a_component_file_that_comes_later_is_waited_for(self):
        host = self.host(workloads=True, config={"registries": {"retryPause": "100ms"}})
        file = self.folder / "late.wasm"
        late, also = workload("late"), workload("also")
        for manifest in (late, also):
            manifest["components"][0]["file"] = str(file)
        with host.events() as events:
            self.assertEqual(422, host.try_apply(late).status)
            self.put("also.json", also)
            events.until("problem", "default/also")
            self.eventually(lambda: "retryAt" in host.status("late"), "it is not tried again")
            self.write(file.name, pathlib.Path(harness.guest("http-misc")).read_bytes())
            events.until("resolved", "default/also")
        self.wait_for_answer(host, "late.test", "/count", "1")
        self.assertEqual({}, host.problems())


class DescriptorsTest(hosting.TestCase):
    limit = ""

    def wash_words(self):
        return ["prlimit", f"--nofile={self.limit}", harness.WASH]

    def test_the_soft_limit_is_raised(self):
        self.limit = "256:"  # the soft one alone
        for process in (self.host(),
                        self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0")):
            soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
            self.assertEqual(min(hard, 1 << 20), soft)

    def test_want_of_descriptors_is_told_and_passes(self):
        self.limit = "128"
        host = self.host("--shards", "1")
        host.wait_for_stderr("limit of open files .* is lower")
        host.apply(workload("a", "http-hello"))
        many = []
        try:
            for _ in range(200):
                many.append(socket.create_connection((host.host, host.port)))
            host.wait_for_stderr("no file descriptor is left")
        finally:
            for connection in many:
                connection.close()
        self.assertEqual(200, host.ask("a.test").status)
        self.eventually(lambda: host.metric("nimbus_open_files_shortages_total") > 0,
                        "it was not counted")
        self.assertEqual(128, host.metric("nimbus_open_files_limit"))


if __name__ == "__main__":
    harness.main()
