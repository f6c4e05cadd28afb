#!/usr/bin/env python3
"""HTTP requests between components of one workload that are linked by calls."""

import json
import threading

import harness
import hosting
from hosting import component
from streaming import MIB, bounded_growth, check_echo

VERSIONS = {"P2": ("http-relay", "http-misc", "http-echo"),
            "P3": ("http-relay-p3", "http-misc-p3", "http-echo-p3")}


def part(name, guest, **keys):
    """A component that knows its own name."""
    environment = {"WHO": name, f"ONLY_{name.upper()}": "secret of " + name}
    return component(name, guest, localResources={"environment": environment}, **keys)


def three(version, *, echo=False, middle=None, **keys):
    """Two relays and an application, of which the middle one has a pool of its own: requests cross
    both links by calls. `keys` are the application's, `middle` instead of the pool."""
    relay, misc, echoing = VERSIONS[version]
    return {"name": "chain",
            "components": [part("one", relay), part("two", relay, **(middle or {"poolSize": 2})),
                           part("app", echoing if echo else misc, **keys)],
            "http": {"routes": [{"component": "one"}]}}


class TestCase(hosting.TestCase):
    def each(self, *arguments, **manifest):
        """A host with such a chain of each version."""
        for version in VERSIONS:
            with self.subTest(version):
                host = self.host(*arguments)
                host.apply(three(version, **manifest))
                yield version, host
                self.assertEqual(0, host.terminate())

    def of(self, host, name):
        [found] = [each for each in host.status("chain")["components"] if each["name"] == name]
        return found

    def wait_until_nothing_runs(self, host):
        self.eventually(lambda: [0, 0, 0] == [each["callsInFlight"] for each in
                                              host.status("chain")["components"]],
                        "calls never ended")


class PassTest(TestCase):
    """What crosses, and what does not."""

    def test_a_chain_of_three_answers(self):
        for version, host in self.each():
            self.assertEqual("1\n", host.text_of("x", "/at/app/count"))
            answer = host.ask("x.test", "/at/app/headers?a=b", method="PUT", body=b"")
            seen = json.loads(answer.text)
            self.assertEqual(("PUT", "x.test", "/at/app/headers?a=b"),
                             tuple(seen[key] for key in ("method", "authority", "path")))
            if version == "P3":
                self.assertEqual("one", answer.headers["x-relay"], "the first signs it last")
                self.assertEqual(["one", "two"], [value for name, value in seen["headers"]
                                                  if name == "x-relayed"])
            self.assertEqual(404, host.ask("x", "/at/app/status?code=404").status)
            self.assertEqual(418, host.ask("x", "/at/two/status?code=418").status)

    def test_the_status_and_inspect_say_so(self):
        for version, host in self.each():
            for name, callee in (("one", "two"), ("two", "app")):
                [link] = self.of(host, name)["links"]
                self.assertEqual((callee, "linked by calls"), (link["component"], link["how"]))
                self.assertIn("keep instances differently (poolSize)", link["reason"])
            self.assertEqual([f"http-{version.lower()}"] * 3,
                             [each["kind"] for each in host.status("chain")["components"]])
            manifest = self.write("chain.json", json.dumps(three(version)))
            shown = self.run_wash("inspect", manifest)
            self.assertEqual(0, shown.returncode, shown.stderr)
            self.assertRegex(shown.stdout, r"wasi:http/(incoming-)?handler@\S+ -> two, "
                                           "linked by calls: it and ")

    def test_each_sees_its_own_environment(self):
        for _, host in self.each():
            for name in ("one", "two", "app"):
                self.assertEqual({"WHO": name, f"ONLY_{name.upper()}": "secret of " + name},
                                 json.loads(host.text_of("x", f"/at/{name}/env")))

    def test_each_keeps_instances_its_own_way(self):
        for _, host in self.each("--shards", "1"):
            self.assertEqual(["1\n", "1\n"], [host.text_of("x", "/at/app/count")
                                              for _ in range(2)])
            self.assertEqual(["1\n", "2\n"], [host.text_of("x", "/at/two/count")
                                              for _ in range(2)])
            self.assertEqual([4, 4, 2], [each["callsTotal"]
                                         for each in host.status("chain")["components"]])

    def test_instances_of_another_shard_serve_them_too(self):
        for _, host in self.each("--shards", "2", poolSize=1):
            counts = [int(host.text_of("x", "/at/app/count")) for _ in range(8)]
            self.assertEqual(list(range(1, 9)), counts)

    def test_8_mib_stream_both_ways_in_constant_memory(self):
        for _, host in self.each(echo=True):
            check_echo(self, host, "/", MIB)
            with bounded_growth(self, host, 64 * MIB):
                check_echo(self, host, "/", 8 * MIB)

    def test_trailers_pass_both_ways(self):
        for _, host in self.each(echo=True):
            with host.connect() as client:
                client.send("POST / HTTP/1.1\r\nHost: h\r\nTrailer: x-sum\r\n"
                            "TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n")
                rest = client.read_until("0\r\nx-sum: 42\r\n\r\n")
                self.assertIn(b"hello", rest)


class FailureTest(TestCase):
    """What the caller and the client are told of a component that fails."""

    def check_failure(self, host, version, path, status, code):
        """A caller of WASI 0.2 never sees what came of its request: the client does. To one of
        WASI 0.3 it is an error, which our relays return."""
        self.assertEqual(status if version == "P2" else 500, host.ask("x", path).status)
        if version == "P3":
            host.wait_for_stderr(f"component=one.*{code}")

    def test_a_trap_ends_the_call_and_nothing_else(self):
        for version, host in self.each():
            self.assertEqual(500, host.ask("x", "/at/app/trap").status)
            host.wait_for_stderr("a call failed.*component=app.*outcome=trap")
            if version == "P3":
                host.wait_for_stderr("component=one.*ErrorCode::InternalError")
            self.assertEqual(1, self.of(host, "app")["failuresTotal"])
            self.assertEqual("1\n", host.text_of("x", "/at/app/count"))

    def test_a_time_limit_is_the_calleds_own(self):
        for version, host in self.each(timeout="200ms"):
            self.check_failure(host, version, "/at/app/sleep?ms=600000", 504,
                               "HttpResponseTimeout")
            self.assertEqual("slept 300 ms\n", host.text_of("x", "/at/two/sleep?ms=300"))

    def test_an_error_code_reaches_the_first_of_the_chain(self):
        for version, host in self.each():
            self.check_failure(host, version, "/at/app/error", 500, "ErrorCode::InternalError")

    def test_an_overloaded_component_says_so(self):
        # Without a pool in the way, the end of a client is the end of all it caused.
        for version, host in self.each("--shards", "1", middle={"timeout": "1000s"},
                                       maxInstances=1, maxQueue=0, timeout="1001s"):
            with host.connect() as client:
                client.send("GET /at/app/sleep?ms=600000 HTTP/1.1\r\nHost: h\r\n\r\n")
                self.eventually(lambda: self.of(host, "app")["callsInFlight"] == 1,
                                "the first never came there")
                self.check_failure(host, version, "/at/app/count", 503, "ConnectionLimitReached")
                client.reset()
            self.eventually(lambda: host.ask("x", "/at/app/count").status == 200,
                            "the first never ended")

    def test_a_broken_off_answer_is_seen_as_such(self):
        for _, host in self.each():
            with host.connect() as client:
                client.send("GET /at/app/die-mid-body HTTP/1.1\r\nHost: h\r\n"
                            "Connection: close\r\n\r\n")
                answer = client.read_to_end()
                self.assertFalse(answer.endswith(b"0\r\n\r\n"), answer)

    def test_a_client_that_vanishes_while_it_reads_ends_all_of_it(self):
        for _, host in self.each():
            client = host.connect()
            client.send("GET /at/app/big?bytes=100000000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            client.read_exactly(MIB)
            self.assertEqual(1, self.of(host, "app")["callsInFlight"])
            client.reset()
            self.wait_until_nothing_runs(host)

    def test_a_client_that_vanishes_before_the_answer_ends_all_of_it(self):
        host = self.host()
        for version, middle in (("P2", {"poolSize": 2}), ("P2", {"timeout": "1000s"}),
                                ("P3", {"timeout": "1000s"})):
            with self.subTest(f"{version}, {middle}"):
                host.apply(three(version, middle=middle, timeout="1001s"))
                client = host.connect()
                client.send("GET /at/app/sleep?ms=600000 HTTP/1.1\r\nHost: h\r\n\r\n")
                self.eventually(lambda: self.of(host, "app")["callsInFlight"] == 1,
                                "the request never came there")
                client.reset()
                self.wait_until_nothing_runs(host)

    def test_a_client_that_vanishes_while_it_sends_ends_all_of_it(self):
        for _, host in self.each(echo=True):
            client = host.connect()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"
                        "the beginning")
            client.read_until("the beginning")
            client.reset()
            self.wait_until_nothing_runs(host)


class UpdateTest(TestCase):
    def update(self, **keys):
        """New versions of the chain while both shards have requests to it."""
        for version, host in self.each("--shards", "2", **keys):
            statuses, stop = [], threading.Event()

            def ask(statuses=statuses, stop=stop, host=host):
                while not stop.is_set():
                    statuses.append(host.ask("x", "/at/app/sleep?ms=5").status)

            asking = [threading.Thread(target=ask) for _ in range(4)]
            for thread in asking:
                thread.start()
            for number in range(5):
                changed = three(version, idleTimeout=f"{number + 10}s", **keys)
                host.apply(changed)
                seen = len(statuses)
                self.eventually(lambda seen=seen: len(statuses) > seen + 8, "no answers")
            stop.set()
            for thread in asking:
                thread.join()
            self.assertEqual({200}, set(statuses))
            parts = host.status("chain")["components"]
            self.assertEqual([0, 0, 0], [each["failuresTotal"] for each in parts])
            yield host

    def test_a_chain_is_updated_while_requests_go_on(self):
        for _ in self.update():
            pass

    def test_a_chain_whose_last_runs_on_one_shard_is_updated_too(self):
        for host in self.update(poolSize=1):
            counts = [int(host.text_of("x", "/at/app/count")) for _ in range(8)]
            self.assertEqual(list(range(1, 9)), [count - counts[0] + 1 for count in counts],
                             "there is one instance for both")


if __name__ == "__main__":
    harness.main()
