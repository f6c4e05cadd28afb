#!/usr/bin/env python3
"""What one workload does, and what it has, is no other workload's."""

import concurrent.futures
import contextlib
import json
import resource
import threading
import urllib.parse

import harness
import hosting
from hosting import component, workload
from streaming import MIB, Sender, bounded_growth


# Ended by the host at the next tick, or before by the next field that it wants and does not get:
# WASI 0.2 traps then, and the guest of 0.3 panics.
KEEPS_TOO_MUCH = ("after it hit the instance's memory limit: .*"
                  "(it keeps too much of HTTP|total size of fields|wasm `unreachable`)")


def files(operation, path, text=""):
    return "/fs?" + urllib.parse.urlencode({"op": operation, "path": path, "text": text},
                                             quote_via=urllib.parse.quote)


class Healthy:
    """Asks a healthy workload without a pause, for as long as it is entered."""

    def __init__(self, test, host, name="healthy.test"):
        self._test, self._host, self._name = test, host, name
        self._stop = threading.Event()
        self._heard = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]
        self.answers = []

    def _ask(self):
        with self._host.connect() as connection:
            while not self._stop.is_set():
                connection.send(f"GET /x HTTP/1.1\r\nhost: {self._name}\r\n\r\n")
                answer = connection.read_answer()
                self.answers.append((answer.status, answer.text))
                if len(self.answers) > 2:
                    self._heard.set()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        # What went on inside may have been quicker than the first answers.
        heard = self._heard.wait(harness.PATIENCE_SECONDS)
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._test.assertTrue(heard, self.answers)
        self._test.assertEqual({(200, "hello from rust /x\n")}, set(self.answers))


class FaultsTest(hosting.TestCase):
    def beside_healthy(self, *manifests, config=None):
        host = self.host("--shards", "2", config=config)
        host.apply(workload("healthy", "http-hello"))
        for manifest in manifests:
            host.apply(manifest)
        return host

    def together(self, host, name, path, count):
        """The statuses of as many requests at once."""
        with concurrent.futures.ThreadPoolExecutor(count) as threads:
            return [answer.status for answer in
                    threads.map(lambda _: host.ask(name, path), range(count))]

    @contextlib.contextmanager
    def staying(self, host, name, milliseconds):
        """A call whose head has come, and whose content comes after that time."""
        with host.connect() as client:
            client.send(f"GET /late?ms={milliseconds} HTTP/1.1\r\nhost: {name}\r\n"
                        "connection: close\r\n\r\n")
            client.read_until("\r\n\r\n")
            yield client

    def test_a_spinning_guest_is_ended_and_a_healthy_one_beside_it_goes_on(self):
        for guest in ("http-misc", "http-misc-p3"):
            with self.subTest(guest):
                limits = {"cpuLimit": 100}
                host = self.beside_healthy(workload("bad", guest, resources=limits))
                with Healthy(self, host) as healthy:
                    answered = len(healthy.answers)
                    self.assertEqual({504}, set(self.together(host, "bad.test", "/spin", 4)))
                    self.assertGreater(len(healthy.answers), answered)
                self.assertEqual(200, host.ask("bad.test", "/count").status)
                line = host.wait_for_stderr("a call failed.*default/bad").string
                self.assertIn("component=web", line)
                self.assertEqual(0, host.terminate())

    def test_calls_on_the_instance_of_a_spinning_one_end_with_it_and_the_log_says_why(self):
        host = self.host(config={"shards": 1})
        host.apply(workload("bad", "http-misc-p3", poolSize=1, maxConcurrency=4,
                            resources={"cpuLimit": 200}))
        with self.staying(host, "bad.test", 60_000):
            self.assertEqual(502, host.ask("bad.test", "/spin").status)
        host.wait_for_stderr("a call failed.*default/bad.*collateral.*one of the 2 calls on it "
                             "used up its CPU time")
        self.assertEqual(200, host.ask("bad.test", "/count").status)
        self.assertEqual(0, host.terminate())

    def test_a_call_that_stays_is_not_ended_for_what_comes_and_goes_beside_it(self):
        host = self.host(config={"shards": 1})
        host.apply(workload("busy", "http-misc-p3", poolSize=1, maxConcurrency=4,
                            resources={"cpuLimit": 200}))
        with self.staying(host, "busy.test", 5000) as staying:
            before = host.cpu_seconds()
            while host.cpu_seconds() < before + 1:
                self.assertEqual(200, host.ask("busy.test", "/cpu?ms=50").status)
            self.assertTrue(staying.read_to_end().endswith(b"0\r\n\r\n"))
        self.assertEqual(0, host.status("busy")["components"][0]["failuresTotal"])
        self.assertEqual(0, host.terminate())

    def test_a_call_that_stays_keeps_nobody_from_the_only_instance_that_there_may_be(self):
        host = self.host(config={"shards": 1})
        host.apply(workload("busy", "http-misc-p3", poolSize=1, maxConcurrency=4, maxInstances=1,
                            resources={"cpuLimit": 200}))
        with self.staying(host, "busy.test", 60_000) as staying:
            while not staying.readable(0):
                self.assertIn(host.ask("busy.test", "/cpu?ms=50").status, (200, 502))
            self.assertFalse(staying.read_to_end().endswith(b"0\r\n\r\n"))
        self.assertEqual(200, host.ask("busy.test", "/count").status)
        self.assertEqual(0, host.terminate())

    def test_a_call_whose_client_is_gone_holds_its_instance_only_as_long_as_others_are_on_it(self):
        host = self.host(config={"shards": 1, "defaults": {"collateralGrace": "100ms"}})
        host.apply(workload("busy", "http-misc-p3", poolSize=1, maxConcurrency=2, maxInstances=2))
        with self.staying(host, "busy.test", 3000) as staying:
            with host.connect() as client:
                client.send("GET /sleep?ms=600000 HTTP/1.1\r\nhost: busy.test\r\n\r\n")
                self.eventually(lambda: host.metric("nimbus_calls_in_flight") == 2, "none began")
                client.reset()
            # New calls have another instance, and the call that stays goes on.
            self.eventually(lambda: host.ask("busy.test", "/count").text == "1\n"
                            and host.metric("nimbus_instances") == 2, "there is no other instance")
            self.assertTrue(staying.read_to_end().endswith(b"0\r\n\r\n"))
        self.eventually(lambda: host.metric("nimbus_instances") == 1, "the first one stays")
        self.assertEqual(0, host.status("busy")["components"][0]["failuresTotal"])
        self.assertEqual(0, host.terminate())

    def test_calls_that_stay_end_where_one_of_them_computes_again_and_again(self):
        host = self.host(config={"shards": 1})
        host.apply(workload("bad", "http-misc-p3", poolSize=1, maxConcurrency=4,
                            resources={"cpuLimit": 50}))
        with self.staying(host, "bad.test", 60_000) as staying, host.connect() as writing:
            writing.send("GET /small-writes?n=100000000 HTTP/1.1\r\nhost: bad.test\r\n\r\n")
            self.assertFalse(writing.read_to_end().endswith(b"0\r\n\r\n"))
            self.assertFalse(staying.read_to_end().endswith(b"0\r\n\r\n"))
        host.wait_for_stderr("a call failed.*one of the 2 calls on it used up its CPU time")
        self.assertEqual(200, host.ask("bad.test", "/count").status)
        self.assertEqual(0, host.terminate())

    def test_a_response_with_an_informational_status_is_a_failure_that_the_log_explains(self):
        for guest in ("http-misc", "http-misc-p3"):
            for policy in ({}, {"poolSize": 1}):
                with self.subTest(guest, **policy):
                    host = self.host(config={"shards": 1})
                    host.apply(workload("odd", guest, **policy))
                    for code in (103, 101):
                        self.assertEqual(500, host.ask("odd.test", f"/status?code={code}").status)
                        host.wait_for_stderr(
                            "a call failed.*default/odd.*component=web.*outcome=no-response.*"
                            f"the only status that came is informational: {code}")
                    self.assertEqual(200, host.ask("odd.test", "/status").status)
                    self.assertEqual(2, host.status("odd")["components"][0]["failuresTotal"])
                    self.assertEqual(0, host.terminate())

    def test_what_the_log_holds_back_is_told_without_another_record(self):
        host = self.host(config={"shards": 1})
        host.apply(workload("loud"))
        self.assertEqual(200, host.ask("loud.test", "/print?lines=1000").status)
        line = host.wait_for_stderr("guest output was dropped: too many lines a second").string
        self.assertIn("workload=default/loud component=web", line)
        self.eventually(lambda: self.together(host, "loud.test", "/trap", 50)
                        and "failures were not logged: too many a second" in host.describe(),
                        "nothing is said of what is held back")
        self.assertEqual(0, host.terminate())

    def test_a_memory_bomb_is_held_at_its_limit(self):
        limits = {"memoryLimitMb": 16}
        host = self.beside_healthy(workload("bad", resources=limits),
                                   workload("bad3", "http-misc-p3", resources=limits),
                                   workload("bomb", "wat-memory-bomb", resources=limits))
        resident = host.resident_bytes()
        with Healthy(self, host):
            self.assertEqual({507}, set(self.together(host, "bad.test", "/memory?mb=64", 8)))
            self.assertEqual({507}, set(self.together(host, "bad3.test", "/memory?mb=64", 8)))
            self.assertEqual({500}, set(self.together(host, "bomb.test", "/", 8)))
        self.assertEqual("8 MiB\n", host.text_of("bad.test", "/memory?mb=8"))
        self.assertLess(host.resident_bytes() - resident, 256 << 20)

    def test_traps_recursion_and_silence_end_their_own_request_alone(self):
        host = self.beside_healthy(workload("bad"), workload("bad3", "http-misc-p3"),
                                   workload("late", "http-misc-p3", timeout="500ms"))
        with Healthy(self, host):
            for name in ("bad.test", "bad3.test"):
                for path in ("/trap", "/trap?how=panic", "/recurse", "/exit?code=3"):
                    with self.subTest(f"{name}{path}"):
                        self.assertEqual({500}, set(self.together(host, name, path, 3)))
            self.assertIn(host.ask("bad.test", "/no-response").status, (500, 502))
            self.assertEqual(504, host.ask("late.test", "/sleep?ms=60000").status)
        self.assertEqual("1\n", host.text_of("bad.test", "/count"))

    def test_components_that_exit_end_their_own_request_alone_and_the_log_says_so(self):
        for policy in ({}, {"poolSize": 1}):
            with self.subTest(**policy):
                host = self.beside_healthy(workload("bad", "wat-exits", **policy),
                                           workload("bad3", "wat-exits-p3", **policy))
                with Healthy(self, host):
                    for name in ("bad", "bad3"):
                        self.assertEqual([500] * 4, self.together(host, f"{name}.test", "/", 4))
                        host.wait_for_stderr(f"a call failed.*default/{name} component=web.*"
                                             "outcome=exit .*the guest called exit with status 0")
                        self.assertEqual(4, host.status(name)["components"][0]["failuresTotal"])
                self.assertEqual(0, host.terminate())

    def test_uploads_that_nobody_reads_are_answered_and_hold_nobody_up(self):
        for policy in ({}, {"poolSize": 1}):
            with self.subTest(**policy):
                host = self.beside_healthy(workload("bad", "wat-never-reads",
                                                    routes=[{"host": "h"}], **policy))
                self.assertEqual(200, host.ask("h").status)
                with bounded_growth(self, host, 128 * MIB), Healthy(self, host):
                    self.check_uploads(host, 16)
                self.assertEqual(0, host.status("bad")["components"][0]["failuresTotal"])
                self.assertEqual(0, host.terminate())

    def check_uploads(self, host, count):
        """So many long ones at once are answered, and end their connection."""
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(host.connect()) for _ in range(count)]
            senders = [Sender(client, "/", 64 * MIB) for client in clients]
            for client in clients:
                self.assertEqual(200, client.read_answer().status)
                self.assertEqual(200, host.ask("h").status)
                self.assertEqual(b"", client.read_to_end())
            for sender in senders:
                sender.join()

    def test_the_memory_of_all_workloads_together_has_a_limit(self):
        # Those of WASI 0.2 run on one engine, those of 0.3 on another: it is one sum over both.
        for guests in (("http-misc", "http-misc"), ("http-misc", "http-misc-p3"),
                       ("http-misc-p3", "http-misc")):
            with self.subTest(guests):
                self.check_one_sum_of_memory(*guests)

    def check_one_sum_of_memory(self, first, second):
        manifests = [workload("one", first, poolSize=1), workload("two", second, poolSize=1)]
        host = self.beside_healthy(*manifests, config={"limits": {"memoryMb": 64}})
        self.assertEqual("40 MiB\n", host.text_of("one.test", "/leak?mb=40"))
        with Healthy(self, host):
            self.assertEqual(507, host.ask("two.test", "/leak?mb=40").status)
        host.delete("one")
        self.eventually(lambda: host.ask("two.test", "/leak?mb=40").status == 200,
                        "the memory of a deleted workload is not given back")

    def test_heads_of_messages_that_a_guest_keeps_count_as_its_memory(self):
        for guest in ("http-misc", "http-misc-p3"):
            with self.subTest(guest):
                self.check_kept_heads(guest)

    def check_kept_heads(self, guest):
        host = self.beside_healthy(workload("bad", guest, poolSize=1,
                                            resources={"memoryLimitMb": 32}))

        def counts(least_mib, most_mib):
            """Whether so much counts; that is looked at now and then."""
            host.ask("bad.test", "/count")
            counted = host.metric("nimbus_guest_memory_bytes") / (1 << 20)
            return least_mib <= counted <= most_mib

        self.assertEqual("200\n", host.text_of("bad.test", "/keep-heads?sets=200"))
        self.eventually(lambda: counts(15, 40), "what it keeps does not count")
        self.assertEqual("none\n", host.text_of("bad.test", "/let-heads-go"))
        self.eventually(lambda: counts(0, 10), "what was let go of counts")
        with Healthy(self, host):
            self.eventually(lambda: host.ask("bad.test", "/keep-heads?sets=200").status == 500,
                            "it keeps as much as it likes")
        host.wait_for_stderr(KEEPS_TOO_MUCH)
        self.eventually(lambda: counts(0, 10), "its memory is not given back")

    def test_content_of_requests_that_are_never_sent_counts_too(self):
        host = self.beside_healthy(workload("bad", resources={"memoryLimitMb": 32}))
        with Healthy(self, host):
            self.assertEqual("kept\n", host.text_of("bad.test", "/keep-bodies?count=100"))
            self.eventually(lambda: host.ask("bad.test", "/keep-bodies?count=1000").status == 500,
                            "it keeps as much as it likes")
        host.wait_for_stderr(KEEPS_TOO_MUCH)

    def test_requests_that_a_guest_keeps_are_kept_without_their_content(self):
        host = self.beside_healthy(workload("bad", "wat-never-reads", poolSize=1))
        headers = {"Host": "bad.test"}
        with bounded_growth(self, host, 48 * MIB):
            for _ in range(1500):
                answer = host.request("POST", "/", headers=headers, body=b"x" * 60_000)
                self.assertEqual(200, answer.status)
        self.assertEqual(0, host.status("bad")["components"][0]["failuresTotal"])

    def test_heads_of_requests_that_a_guest_keeps_count_as_its_memory(self):
        for path, field, count in (("/", "x" * 30_000, 800), ("/?" + "x" * 15_000, "", 1600)):
            with self.subTest(path[:2]):
                host = self.beside_healthy(workload("bad", "wat-never-reads", poolSize=1))
                headers = {"Host": "bad.test", "x-long": field}
                for _ in range(count):
                    self.assertEqual(200, host.request("GET", path, headers=headers).status)
                self.eventually(
                    lambda host=host: 20 < host.metric("nimbus_guest_memory_bytes") / MIB < 32,
                    "what it keeps does not count")

    def test_lists_to_poll_have_an_end(self):
        host = self.beside_healthy(workload("bad", "wat-long-poll"))
        self.assertEqual(500, host.ask("bad.test").status)
        host.wait_for_stderr("default/bad.*store handle limit exceeded")

    def test_texts_that_say_what_became_of_messages_are_short(self):
        host = self.beside_healthy(workload("bad", "http-misc-p3", poolSize=1))
        before = host.resident_bytes()
        self.assertEqual("1024\n",
                         host.text_of("bad.test", "/keep-results?count=200&bytes=1000000"))
        self.assertLess(host.resident_bytes() - before, 100 << 20)

    def test_methods_and_authorities_have_an_end(self):
        host = self.beside_healthy(workload("p2"), workload("p3", "http-misc-p3"))
        for name in ("p2.test", "p3.test"):
            with self.subTest(name):
                self.assertEqual("method true, authority true\n",
                                 host.text_of(name, "/long-texts?bytes=8192"))
                self.assertEqual("method false, authority false\n",
                                 host.text_of(name, "/long-texts?bytes=8193"))

    def test_calls_beyond_the_instances_and_the_queue_are_turned_away(self):
        host = self.beside_healthy(workload("narrow", maxInstances=1, maxQueue=1))
        with Healthy(self, host):
            statuses = self.together(host, "narrow.test", "/sleep?ms=1500", 6)
        self.assertEqual({200, 503}, set(statuses))
        self.assertGreaterEqual(statuses.count(503), 2)
        self.assertEqual(200, host.ask("narrow.test", "/sleep?ms=1").status)


class PossessionsTest(hosting.TestCase):
    def two_components(self, guest, key, first, second):
        return {"name": "one",
                "components": [component("a", guest, localResources={key: first}),
                               component("b", guest, localResources={key: second})],
                "http": {"routes": [{"host": f"{name}.test", "component": name}
                                    for name in "ab"]}}

    def test_the_environment_is_a_components_own(self):
        host = self.host()
        host.apply(self.two_components("http-misc", "environment", {"SECRET": "of a"},
                                       {"OTHER": "of b"}))
        host.apply(workload("e"))
        self.assertEqual({"SECRET": "of a"}, json.loads(host.text_of("a.test", "/env")))
        self.assertEqual({"OTHER": "of b"}, json.loads(host.text_of("b.test", "/env")))
        self.assertEqual({}, json.loads(host.text_of("e.test", "/env")))

    def test_configuration_does_not_leak_into_the_environment(self):
        host = self.host()
        host.apply(self.two_components("http-misc", "config", {"k": "of a"}, {"k": "of b"}))
        self.assertEqual({}, json.loads(host.text_of("a.test", "/env")))
        self.assertEqual({}, json.loads(host.text_of("b.test", "/env")))

    def mounting(self, name, volume, *, guest="http-misc", **mount):
        return workload(name, guest, volumes=[volume],
                        resources={"volumeMounts": [{"name": "data", "mountPath": "/data",
                                                     **mount}]})

    def test_the_hosts_own_ports_are_nobodys_to_reach(self):
        host = self.host(config={"egress": {"allowHostLoopback": True}})
        host.apply(workload("other", "http-hello"))
        port = host.url.rsplit(":", 1)[1]
        allowed = {"allowedHosts": ["*"], "allowedHostLoopbackPorts": [port]}
        for guest in ("http-outbound", "http-outbound-p3"):
            with self.subTest(guest):
                host.apply(workload("curious", guest, resources=allowed))
                path = "/proxy?" + urllib.parse.urlencode({"url": host.url + "/x"})
                self.assertEqual(502, host.ask("curious.test", path).status)
                host.wait_for_stderr("default/curious.*host_owned_port")
        self.assertEqual(0, host.terminate())

    def test_a_volume_is_seen_by_its_workload_alone(self):
        host = self.host()
        for name in ("one", "two"):
            host.apply(self.mounting(name, {"name": "data", "ephemeral": {}}))
        host.apply(workload("none"))
        host.text_of("one.test", files("write", "/data/f", "of one"))
        self.assertEqual("of one", host.text_of("one.test", files("read", "/data/f")))
        self.assertEqual(500, host.ask("two.test", files("read", "/data/f")).status)
        self.assertEqual("[]", host.text_of("none.test", files("preopens", "")).strip())

    def test_nothing_beyond_a_volume_can_be_reached(self):
        inside = self.folder / "volume"
        inside.mkdir()
        self.write("secret", "not for guests")
        (inside / "link").symlink_to(self.folder / "secret")
        (inside / "up").symlink_to("..")
        host = self.host()
        for guest, name in (("http-misc", "p2"), ("http-misc-p3", "p3")):
            host.apply(self.mounting(name, {"name": "data", "hostPath": {"path": str(inside)}},
                                     guest=guest))
            for path in ("/data/link", "/data/up/secret", "/data/../secret",
                         f"/data/{self.folder}/secret"):
                with self.subTest(f"{guest} {path}"):
                    answer = host.ask(f"{name}.test", files("read", path))
                    self.assertEqual(500, answer.status)
                    self.assertNotIn("not for guests", answer.text)

    def test_a_read_only_mount_is_read_only(self):
        inside = self.folder / "volume"
        inside.mkdir()
        (inside / "f").write_text("as it was", encoding="ascii")
        host = self.host()
        for guest, name in (("http-misc", "p2"), ("http-misc-p3", "p3")):
            host.apply(self.mounting(name, {"name": "data", "hostPath": {"path": str(inside)}},
                                     guest=guest, readOnly=True))
            self.assertEqual("as it was", host.text_of(f"{name}.test", files("read", "/data/f")))
            for operation, path in (("write", "/data/f"), ("write", "/data/new"),
                                    ("append", "/data/f"), ("mkdir", "/data/folder"),
                                    ("unlink", "/data/f")):
                with self.subTest(f"{guest} {operation} {path}"):
                    answer = host.ask(f"{name}.test", files(operation, path, "changed"))
                    self.assertEqual(500, answer.status)
            self.assertEqual(["f"], [path.name for path in inside.iterdir()])
            self.assertEqual("as it was", (inside / "f").read_text(encoding="ascii"))

    def test_a_folder_of_the_host_is_written_and_kept(self):
        inside = self.folder / "volume"
        inside.mkdir()
        host = self.host()
        host.apply(self.mounting("a", {"name": "data", "hostPath": {"path": str(inside)}}))
        host.text_of("a.test", files("write", "/data/f", "kept"))
        host.delete("a")
        self.assertEqual("kept", (inside / "f").read_text(encoding="ascii"))

    def test_an_ephemeral_volume_stays_with_updates_and_goes_with_the_workload(self):
        volumes = self.folder / "volumes"
        host = self.host(config={"volumes": str(volumes)})
        manifest = self.mounting("a", {"name": "data", "ephemeral": {}})
        host.apply(manifest)
        host.text_of("a.test", files("write", "/data/f", "still there"))
        manifest["components"][0]["localResources"]["environment"] = {"V": "2"}
        host.apply(manifest)
        self.assertEqual("still there", host.text_of("a.test", files("read", "/data/f")))
        self.assertTrue(harness.found(volumes, "f"))
        host.delete("a")
        self.eventually(lambda: not harness.found(volumes, "f"), "the volume is left over")
        host.apply(manifest)
        self.assertEqual(500, host.ask("a.test", files("read", "/data/f")).status)

    def test_ephemeral_volumes_are_gone_when_the_host_ends(self):
        volumes = self.folder / "volumes"
        host = self.host(config={"volumes": str(volumes)})
        host.apply(self.mounting("a", {"name": "data", "ephemeral": {}}))
        host.text_of("a.test", files("write", "/data/f", "x"))
        self.assertEqual(0, host.terminate())
        self.assertEqual([], harness.found(volumes, "f"))

    def test_a_volume_that_does_not_exist_is_refused(self):
        volume = {"name": "data", "hostPath": {"path": str(self.folder / "none")}}
        self.assertIn('volume "data"', self.host().why_refused(self.mounting("a", volume)))


class ConnectionsTest(hosting.TestCase):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.assertGreaterEqual(hard, 4096, "the hard limit of open files (ulimit -Hn) is too low")

    def test_two_thousand_idle_connections_stay_and_new_ones_work(self):
        host = self.host("--shards", "2")
        host.apply(workload("a", "http-hello"))
        request = "GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n"

        def ask(connection):
            connection.send(request)
            answer = connection.read_answer()
            self.assertEqual((200, "hello from rust /x\n"), (answer.status, answer.text))

        idle = [self.enterContext(host.connect()) for _ in range(2000)]
        for connection in idle:
            ask(connection)
        for _ in range(20):
            with host.connect() as fresh:
                ask(fresh)
        self.assertFalse([connection for connection in idle if connection.readable(0)],
                         "idle connections were closed")
        for connection in idle:
            ask(connection)
        self.assertEqual(0, host.terminate())


if __name__ == "__main__":
    harness.main()
