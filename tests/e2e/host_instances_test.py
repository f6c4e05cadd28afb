#!/usr/bin/env python3
"""`wash host` keeps warm instances no longer than it should, and ends them with care."""

import contextlib

import harness
import hosting
from hosting import workload


class WarmInstances(hosting.TestCase):
    def one(self, host, name="a"):
        """The status of a workload's component."""
        return host.status(name)["components"][0]

    def begin(self, stack, host, path):
        """A connection on which the call has begun."""
        before = self.one(host)["callsInFlight"]
        client = stack.enter_context(host.connect())
        client.send(f"GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n")
        self.eventually(lambda: self.one(host)["callsInFlight"] > before, f"{path} never began")
        return client

    def test_an_idle_instance_ends(self):
        for guest in ("http-misc", "http-misc-p3"):
            with self.subTest(guest):
                host = self.host("--shards", "1")
                host.apply(workload("a", guest, poolSize=1, idleTimeout="1s"))
                self.assertEqual("1\n", host.text_of("a.test", "/count"))
                self.eventually(lambda: self.one(host)["instances"] == 0, "it is kept for ever")
                self.assertEqual("1\n", host.text_of("a.test", "/count"))

    def test_an_instance_with_a_call_on_it_is_not_idle(self):
        host = self.host("--shards", "1")
        host.apply(workload("a", "http-misc-p3", poolSize=1, idleTimeout="50ms"))
        self.assertEqual("slept 1000 ms\n", host.text_of("a.test", "/sleep?ms=1000"))

    def test_calls_beside_one_that_ran_out_of_time_are_given_a_grace_period(self):
        host = self.host("--shards", "1", config={"defaults": {"collateralGrace": "60s"}})
        host.apply(workload("a", "http-misc-p3", poolSize=1, maxConcurrency=4,
                            timeout="8s"))
        self.assertEqual("1\n", host.text_of("a.test", "/count"))
        with contextlib.ExitStack() as stack:
            late = self.begin(stack, host, "/sleep?ms=600000")
            # Half of the time that the first one has is over when the other begins.
            host.text_of("a.test", "/sleep?ms=4000")
            beside = self.begin(stack, host, "/sleep?ms=5000")
            self.assertEqual(504, late.read_answer().status)
            self.assertEqual("1\n", host.text_of("a.test", "/count"), "it still takes calls")
            self.assertEqual(200, beside.read_answer().status)

    def test_calls_that_use_up_the_grace_period_end_with_their_instance(self):
        host = self.host("--shards", "1", config={"defaults": {"collateralGrace": "1ms"}})
        host.apply(workload("a", "http-misc-p3", poolSize=1, maxConcurrency=4,
                            timeout="5s"))
        with contextlib.ExitStack() as stack:
            late = self.begin(stack, host, "/sleep?ms=600000")
            # So that the time of the other one is over long after the grace period.
            host.text_of("a.test", "/sleep?ms=2500")
            beside = self.begin(stack, host, "/sleep?ms=600000")
            self.assertEqual([504, 502], [client.read_answer().status for client in (late, beside)])
        host.wait_for_stderr("outcome=collateral .*a call on it took longer than its limit")
        self.eventually(lambda: self.one(host)["instances"] == 0, "it lives on")

    def test_a_call_that_stays_is_kept_beside_an_instance_that_has_served_its_number(self):
        """For what comes and goes on its own instance it is not ended."""
        most = 40
        host = self.host("--shards", "1")
        host.apply(workload("a", "http-misc-p3", poolSize=1, maxConcurrency=4,
                            maxInvocations=most, resources={"cpuLimit": 200}))
        with contextlib.ExitStack() as stack:
            self.begin(stack, host, "/late?ms=600000")
            counts = [host.text_of("a.test", "/count") for _ in range(most)]
            self.assertEqual([f"{most - 1}\n", "1\n"], counts[-2:], "the first one goes on")
            staying = self.begin(stack, host, "/late?ms=5000")
            before = host.cpu_seconds()
            while host.cpu_seconds() < before + 1:
                self.assertEqual(200, host.ask("a.test", "/cpu?ms=50").status)
            self.assertEqual("late\n", staying.read_answer().text)
            self.assertEqual(0, self.one(host)["failuresTotal"])


class SlowReaders(hosting.TestCase):
    """Clients that do not read their responses, on a host that is patient with them."""

    def test_they_hold_no_instance_once_their_calls_are_out_of_time(self):
        config = {"shards": 1, "defaults": {"collateralGrace": "100ms"},
                  "http": {"limits": {"writeIdleTimeout": "10m"}}}
        for guest in ("http-misc", "http-misc-p3"):
            for size in (0, 2):
                with self.subTest(guest, poolSize=size):
                    host = self.host(config=config)
                    host.apply(workload("a", guest, poolSize=size, maxInstances=2, timeout="2s",
                                        queueTimeout="10m"))
                    self.check_slow_readers(host, 2)

    def check_slow_readers(self, host, count):
        total = 64 << 20
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(host.connect()) for _ in range(count)]
            for client in slow:
                client.send(f"GET /big?bytes={total}&length=1 HTTP/1.1\r\nHost: a.test\r\n\r\n")
                client.read_until("\r\n\r\n")
            self.eventually(lambda: host.status("a")["components"][0]["instances"] == 0,
                            "they hold their instances")
            self.eventually(lambda: host.metric("nimbus_guest_memory_bytes") == 0,
                            "their memory is not given back")
            self.assertEqual(count, host.status("a")["components"][0]["callsInFlight"])
            self.assertEqual("1\n", host.text_of("a.test", "/count"))
            # They may have what had come by then, which is not all.
            for client in slow:
                self.assertLess(len(client.read_to_end()), total)


if __name__ == "__main__":
    harness.main()
