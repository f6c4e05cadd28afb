#!/usr/bin/env python3
"""Services that serve HTTP: one instance, which answers requests beside what it runs."""

import json
import time

import harness
import hosting
from hosting import service

RUNS = "service-web-p3"
ALONE = {"P3": "http-misc-p3", "P2": "http-misc"}  # they have nothing to run


def get(path, *, host="s.test", more=""):
    return f"GET {path} HTTP/1.1\r\nhost: {host}\r\n{more}\r\n"


class ServiceHttp(hosting.TestCase):
    def served(self, guest=RUNS, *, arguments=(), **keys):
        host = self.host(*arguments)
        host.apply(service("s", guest, **keys))
        return host

    def state(self, host):
        return host.status("s")["service"]

    def wait_for_state(self, host, wanted):
        return hosting.wait_for_service(self, host, "s", wanted)

    def number(self, host, path):
        return int(host.text_of("s.test", path))

    def count(self, host):
        """The same of /count, of one that may not be ready yet or have little time."""
        answers = []

        def answered():
            answers.append(host.ask("s.test", "/count"))
            return answers[-1].status == 200

        self.eventually(answered, "it never answered")
        return int(answers[-1].text)

    def wait_until_idle(self, host):
        """A request is in flight for a moment longer than its client waits for the answer."""
        self.eventually(lambda: self.state(host)["callsInFlight"] == 0, "it never ended")

    def wait_for_beats(self, host, least=2):
        self.eventually(lambda: self.number(host, "/beats") >= least, "nothing runs beside it")


class ServingTest(ServiceHttp):
    def test_requests_meet_in_the_instance_that_runs(self):
        host = self.served(arguments=("--shards", "2"))
        self.wait_for_beats(host)
        counts = [self.number(host, "/count") for _ in range(20)]
        self.assertEqual(list(range(1, 21)), counts, "all shards ask the same one")
        status = self.wait_for_state(host, "Running")
        self.assertEqual(("http-p3", 1, 0), (status["kind"], status["instances"],
                                             status["failuresTotal"]))
        self.assertGreaterEqual(status["callsTotal"], 20)

    def test_it_need_not_run_anything(self):
        for kind, guest in ALONE.items():
            with self.subTest(kind):
                host = self.served(guest)
                self.assertEqual([1, 2, 3], [self.number(host, "/count") for _ in range(3)])
                self.assertEqual("Running", self.state(host)["state"])
                self.assertEqual(0, host.terminate())

    def test_requests_overlap_on_it(self):
        host = self.served(arguments=("--shards", "2"))
        connections = [self.enterContext(host.connect()) for _ in range(8)]
        for milliseconds in (500, 5000, 20000):  # which all of them take to come there
            for connection in connections:
                connection.send(get(f"/together?ms={milliseconds}"))
            seen = [connection.read_answer().text for connection in connections]
            if seen == ["8\n"] * 8:
                return
        self.fail(f"not all were there at once: {seen}")

    def test_those_of_wasi_0_2_wait_for_each_other(self):
        host = self.served("http-misc")
        connections = [self.enterContext(host.connect()) for _ in range(3)]
        begun = time.monotonic()
        for connection in connections:
            connection.send(get("/sleep?ms=100"))
        for connection in connections:
            self.assertEqual(200, connection.read_answer().status)
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)

    def test_it_has_some_of_the_routes_of_its_workload(self):
        host = self.host()
        manifest = hosting.workload("s", "http-hello", routes=[
            {"host": "s.test", "component": "web"},
            {"host": "s.test", "path": "/beats", "component": "service"},
            {"host": "s.test", "path": "/count", "component": "service"}])
        host.apply({**manifest, "service": service("s", RUNS)["service"]})
        self.wait_for_beats(host)
        self.assertIn("hello", host.text_of("s.test", "/"))
        self.assertEqual(1, self.number(host, "/count"))

    def test_content_flows_both_ways(self):
        host = self.served("http-echo-p3")
        content = bytes(range(256)) * 4096
        answer = host.ask("s.test", "/", method="POST", body=content)
        self.assertEqual((200, content), (answer.status, answer.body))

    def test_a_client_that_goes_leaves_the_instance_alone(self):
        host = self.served()
        first = self.number(host, "/count")
        for path in ("/big?bytes=100000000", "/late?ms=60000", "/sleep?ms=60000"):
            with host.connect() as connection:
                connection.send(get(path))
                if not path.startswith("/sleep"):
                    connection.read_until("\r\n\r\n")
        with host.connect() as connection:
            connection.send("POST /drain HTTP/1.1\r\nhost: s.test\r\n"
                            "content-length: 1000\r\n\r\nbut no more")
        self.assertEqual(first + 1, self.number(host, "/count"))
        self.assertEqual(0, self.state(host)["restarts"])


class RefusalTest(ServiceHttp):
    def test_what_cannot_serve_is_refused(self):
        host = self.host()
        for keys, why in (
                ({"maxConcurrency": 2}, "takes one call at a time on an instance"),
                ({"poolSize": 2}, "unknown key"),
                ({"timeout": "0s"}, "timeout")):
            status = 422 if "maxConcurrency" in keys else 400
            self.assertIn(why, host.why_refused(service("s", "http-misc", **keys), status=status))
        for guest, keys, why in (
                ("service-probe", {}, "has a route and does not serve HTTP"),
                ("tally-back", {}, "exports neither wasi:cli/run")):
            self.assertIn(why, host.why_refused(service("s", guest, **keys)))
        manifest = service("s", "service-probe", timeout="1s")
        del manifest["http"]
        self.assertIn("timeout is about requests", host.why_refused(manifest))


class FailureTest(ServiceHttp):
    def test_a_trap_is_the_request_s_own_and_costs_the_others_theirs(self):
        for guest in (RUNS, ALONE["P3"]):
            with self.subTest(guest):
                host = self.served(guest)
                self.number(host, "/count")
                self.wait_until_idle(host)
                with host.connect() as other:
                    other.send(get("/sleep?ms=60000"))
                    self.eventually(lambda: self.state(host)["callsInFlight"] == 1,
                                    "the other request never came")
                    self.assertEqual(500, host.ask("s.test", "/trap").status)
                    self.assertEqual(502, other.read_answer().status)
                self.eventually(lambda: host.ask("s.test", "/count").status == 200,
                                "it was not started again")
                status = self.wait_for_state(host, "Running")
                self.assertEqual((1, 1), (status["restarts"], status["instances"]))
                self.assertGreaterEqual(self.number(host, "/count"), 2)
                host.wait_for_stderr("another call ended its instance")
                self.assertEqual(0, host.terminate())

    def test_one_composed_of_several_knows_the_request_that_ended_it(self):
        host = self.host()
        app = hosting.component("app", "http-misc-p3",
                                localResources={"environment": {"WHO": "app"}})
        host.apply({"name": "s", "components": [app],
                    "service": {"file": harness.guest("http-relay-p3")},
                    "http": {"routes": [{"host": "s.test", "component": "service"}]}})
        self.assertEqual(1, self.number(host, "/at/app/count"))
        self.assertEqual(500, host.ask("s.test", "/at/app/trap").status)

    def test_while_it_is_started_again_requests_are_to_come_back(self):
        host = self.served(environment={"DO": "trap"})
        self.wait_for_state(host, "Restarting")
        self.eventually(lambda: self.state(host)["restarts"] >= 3, "it was not started again")
        answer = host.ask("s.test", "/count")
        self.assertEqual((503, "1"), (answer.status, answer.headers.get("retry-after")))
        self.assertIn("started again", answer.text)

    def test_one_that_has_failed_for_good_answers_nothing(self):
        host = self.served(environment={"DO": "trap"}, maxRestarts=0)
        self.wait_for_state(host, "Failed")
        answer = host.ask("s.test", "/count")
        self.assertEqual((503, None), (answer.status, answer.headers.get("retry-after")))
        self.assertEqual("the service has failed\n", answer.text)
        host.apply(service("s", RUNS))
        self.assertEqual(1, self.number(host, "/count"))

    def test_what_runs_beside_may_end_well_and_it_serves_on(self):
        host = self.served()
        self.wait_for_beats(host)
        host.text_of("s.test", "/end-run?how=1")
        # It counts once more at most, and then no more for ten times as long.
        host.text_of("s.test", "/sleep?ms=50")
        beats = self.number(host, "/beats")
        host.text_of("s.test", "/sleep?ms=100")
        self.assertEqual(beats, self.number(host, "/beats"))
        self.assertEqual(("Running", 0), (self.state(host)["state"],
                                          self.state(host)["restarts"]))

    def test_what_runs_beside_fails_it_by_an_error_or_a_trap(self):
        for how, why in ((2, "it exited with status 1"), (3, "unreachable")):
            with self.subTest(how):
                host = self.served()
                self.wait_for_beats(host)
                with host.connect() as other, host.events() as events:
                    other.send(get("/sleep?ms=60000"))
                    # What runs may be on its way to look whether it is to end.
                    self.assertIn(host.ask("s.test", f"/end-run?how={how}").status, (200, 502))
                    self.assertEqual(502, other.read_answer().status)
                    event = events.until("service-restarting", "default/s")
                    self.assertIn(why, event["data"]["message"])
                self.eventually(lambda: host.ask("s.test").status != 503, "it never came back")
                self.assertEqual(0, host.terminate())

    def test_a_request_may_exit_for_all(self):
        host = self.served()
        self.assertEqual(500, host.ask("s.test", "/exit?code=0").status)
        self.eventually(lambda: self.state(host)["restarts"] == 1, "it was not started again")


class LimitsTest(ServiceHttp):
    def test_a_request_that_takes_too_long_is_given_up_and_nothing_else(self):
        host = self.served(timeout="300ms")
        counted = self.count(host)
        self.assertEqual(504, host.ask("s.test", "/sleep?ms=60000").status)
        with host.connect() as stalled:
            stalled.send("POST /drain HTTP/1.1\r\nhost: s.test\r\n"
                         "content-length: 1000\r\n\r\nbut no more")
            self.assertEqual(504, stalled.read_answer().status)
        self.assertGreater(self.count(host), counted)
        self.assertEqual(0, self.state(host)["restarts"])

    def test_it_is_started_again_once_such_requests_have_all_its_places(self):
        host = self.host(config={"limits": {}, "defaults": {"collateralGrace": "100ms"}})
        host.apply(service("s", RUNS, timeout="200ms", maxConcurrency=2))
        self.count(host)
        for _ in range(2):
            self.assertEqual(504, host.ask("s.test", "/sleep?ms=60000").status)
        host.wait_for_stderr("2 requests took longer than their limit")
        self.eventually(lambda: self.state(host)["restarts"] == 1, "it was kept")
        self.count(host)

    def test_it_is_kept_if_its_guest_is_done_with_them_in_time(self):
        host = self.host(config={"limits": {}, "defaults": {"collateralGrace": "1s"}})
        host.apply(service("s", RUNS, timeout="2s", maxConcurrency=1))
        counted = self.count(host)
        with host.connect() as stalled:
            stalled.send("POST /drain HTTP/1.1\r\nhost: s.test\r\n"
                         "content-length: 1000\r\n\r\nbut no more")
            self.assertEqual(504, stalled.read_answer().status)
        for _ in range(4):
            host.text_of("s.test", "/sleep?ms=300")
        self.assertGreater(self.count(host), counted)
        self.assertEqual(0, self.state(host)["restarts"])

    def test_so_many_at_once_so_many_wait_and_the_others_are_refused(self):
        host = self.served(maxConcurrency=1, maxQueue=1)
        first = self.enterContext(harness.Held(host, "s.test"))
        self.eventually(lambda: self.state(host)["callsInFlight"] == 1, "the first never came")
        second = self.enterContext(host.connect())
        second.send(get("/count"))
        self.eventually(lambda: self.state(host)["callsQueued"] == 1, "the second does not wait")
        answer = host.ask("s.test", "/count")
        self.assertEqual((503, "1"), (answer.status, answer.headers.get("retry-after")))
        self.assertEqual(200, first.finish().status)
        self.assertEqual("1\n", second.read_answer().text)

    def test_waiting_has_a_bound(self):
        host = self.served(maxConcurrency=1, queueTimeout="50ms")
        self.count(host)
        self.wait_until_idle(host)
        with harness.Held(host, "s.test"):
            self.eventually(lambda: self.state(host)["callsInFlight"] == 1, "it never came")
            self.assertEqual(503, host.ask("s.test", "/count").status)

    def test_one_that_computes_while_requests_wait_is_ended(self):
        # What runs beside them leaves hardly a moment for the request to begin.
        for keys, statuses in (({}, (502,)), ({"environment": {"DO": "spin"}}, (502, 503))):
            with self.subTest(keys):
                host = self.served(localResources={"cpuLimit": 100}, **keys)
                self.assertIn(host.ask("s.test", "/spin").status, statuses)
                self.eventually(lambda: self.state(host)["restarts"] >= 1, "it was kept")
                host.wait_for_stderr("it computed for longer")
                self.assertEqual(0, host.terminate())

    def test_its_memory_is_bounded(self):
        host = self.served(localResources={"memoryLimitMb": 16})
        self.assertEqual(507, host.ask("s.test", "/memory?mb=32").status)
        self.assertEqual(1, self.number(host, "/count"))


class EndTest(ServiceHttp):
    def test_an_update_waits_for_the_requests_that_are_on_the_old_one(self):
        host = self.served(environment={"V": "1"})
        with host.connect() as under_way:
            under_way.send(get("/late?ms=1500"))
            under_way.read_until("\r\n\r\n")
            host.apply(service("s", RUNS, environment={"V": "2"}))
            self.assertEqual("2", json.loads(host.text_of("s.test", "/env"))["V"])
            self.assertEqual(b"5\r\nlate\n\r\n0\r\n\r\n", under_way.read_exactly(15))
        self.eventually(lambda: host.metric("nimbus_instances") == 1, "the old one goes on")

    def test_an_update_does_not_wait_for_requests_to_other_components(self):
        host = self.host("--shards", "1", config={"limits": {"retireTimeout": "1h"}})
        def manifest(version):
            made = hosting.workload("s", "http-misc-p3", routes=[
                {"host": "s.test", "component": "web"},
                {"host": "s.test", "path": "/beats", "component": "service"}])
            return {**made, "service": service("s", RUNS, environment={"V": version})["service"]}
        host.apply(manifest("1"))
        self.wait_for_beats(host)
        with host.connect() as under_way:
            under_way.send(get("/sleep?ms=60000"))
            self.eventually(lambda: host.metric("nimbus_instances") == 2, "it never came")
            memory = "nimbus_guest_memory_bytes"  # of all generations, looked at now and then
            self.wait_for_beats(host, 300)
            before = host.metric(memory)
            host.apply(manifest("2"))
            self.wait_for_beats(host, 300)
            self.eventually(lambda: host.metric(memory) == before, "the old service goes on")

    def test_but_not_for_longer_than_a_generation_may_take_to_end(self):
        host = self.host(config={"limits": {"retireTimeout": "300ms"}})
        host.apply(service("s", RUNS, environment={"V": "1"}))
        with host.connect() as endless:
            endless.send(get("/late?ms=500000"))
            endless.read_until("\r\n\r\n")
            host.apply(service("s", RUNS, environment={"V": "2"}))
            self.assertEqual(b"", endless.read_to_end())
        self.eventually(lambda: host.metric("nimbus_instances") == 1, "the old one goes on")

    def test_deleting_the_workload_lets_its_requests_end(self):
        host = self.served()
        with host.connect() as under_way:
            under_way.send(get("/late?ms=700"))
            under_way.read_until("\r\n\r\n")
            self.assertEqual(200, host.delete("s").status)
            self.assertEqual(404, host.ask("s.test").status)
            self.assertEqual(b"5\r\nlate\n\r\n0\r\n\r\n", under_way.read_exactly(15))
        self.eventually(lambda: host.metric("nimbus_instances") == 0, "it goes on")

    def test_the_host_ends_with_the_requests_that_are_on_it(self):
        host = self.served()
        with harness.Held(host, "s.test") as under_way, host.events() as events:
            self.eventually(lambda: self.state(host)["callsInFlight"] == 1, "it never came")
            host.send(harness.signal.SIGTERM)
            events.until("draining")
            self.assertEqual(200, under_way.finish().status)
        self.assertEqual(0, host.wait())

    def test_a_volume_that_is_too_full_ends_it(self):
        host = self.host()
        manifest = service("s", RUNS, localResources={
            "volumeMounts": [{"name": "data", "mountPath": "/data"}]})
        manifest["volumes"] = [{"name": "data", "ephemeral": {"sizeLimit": "64Ki"}}]
        host.apply(manifest)
        text = "x" * 1000
        def full():
            answer = host.ask("s.test", f"/fs?op=append&path=/data/f&text={text}")
            return answer.status == 503 and "has been ended" in answer.text
        self.eventually(full, "it was not ended")


if __name__ == "__main__":
    harness.main()
