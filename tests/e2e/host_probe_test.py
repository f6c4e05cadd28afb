#!/usr/bin/env python3
"""Probes and metrics of a host, how it ends, and a warm instance that all its shards share."""

import signal
import threading

import harness
import hosting
from hosting import workload


class HostProbeTest(hosting.TestCase):
    def test_a_ready_host_is_alive_and_ready(self):
        host = self.host()
        self.assertEqual((200, "alive\n"), self.probed(host, "/livez"))
        self.assertEqual((200, "ready\n"), self.probed(host, "/readyz"))
        self.assertEqual(404, host.probe("/v1/workloads").status)
        self.assertEqual(404, host.probe("/").status)

    def probed(self, host, path):
        answer = host.probe(path)
        return answer.status, answer.text

    def test_metrics_are_prometheus_text(self):
        host = self.host()
        host.apply(workload("a", "http-hello"))
        for _ in range(3):
            host.ask("a.test")
        answer = host.probe("/metrics")
        self.assertTrue(answer.headers["content-type"].startswith("text/plain; version=0.0.4"))
        typed = set()
        for line in answer.text.splitlines():
            if line.startswith("# TYPE "):
                typed.add(line.split()[2])
            elif not line.startswith("#"):
                series, value = line.rsplit(" ", 1)
                float(value)
                name = series.split("{")[0]
                base = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
                self.assertTrue(name in typed or base in typed, line)
        self.assertEqual(1, host.metric("nimbus_workloads", state="Running"))
        self.assertEqual(1, host.metric("nimbus_workload_applies_total", result="ok"))
        self.assertGreaterEqual(host.metric("nimbus_http_requests_total"), 3)
        self.assertEqual(3, host.status("a")["components"][0]["callsTotal"])

    def hold_request(self, host):
        """A request that runs until it is told to finish."""
        request = self.enterContext(harness.Held(host, "slow.test"))
        self.eventually(lambda: host.status("slow")["components"][0]["callsInFlight"] == 1,
                        "the request never began")
        return request

    def test_sigterm_lets_what_runs_finish_and_ends_with_0(self):
        for guest in ("http-misc", "http-misc-p3"):
            with self.subTest(guest):
                host = self.host()
                host.apply(workload("slow", guest))
                idle = self.enterContext(host.connect())
                idle.send("GET /sleep?ms=1 HTTP/1.1\r\nhost: slow.test\r\n\r\n")
                self.assertEqual(200, idle.read_answer().status)
                running = self.hold_request(host)
                with host.events() as events:
                    host.send(signal.SIGTERM)
                    events.until("draining")
                ready = host.probe("/readyz")
                self.assertEqual((503, "draining\n"), (ready.status, ready.text))
                refused = host.try_apply(workload("late", "http-hello"))
                self.assertEqual(503, refused.status)
                self.assertIn("draining", refused.text)
                answer = running.finish()
                self.assertEqual((200, "2\n"), (answer.status, answer.text))
                self.assertEqual(b"", idle.read_to_end())
                self.assertEqual(0, host.wait())

    def test_a_second_signal_does_not_wait(self):
        host = self.host(config={"drain": {"timeout": "600s"}})
        host.apply(workload("slow"))
        self.hold_request(host)
        with host.events() as events:
            host.send(signal.SIGTERM)
            events.until("draining")
        host.send(signal.SIGINT)
        self.assertEqual(143, host.wait())

    def test_the_same_signal_twice_at_once_is_one(self):
        host = self.host(config={"drain": {"timeout": "600s"}})
        host.apply(workload("slow"))
        running = self.hold_request(host)
        with host.events() as events:
            host.send(signal.SIGTERM)
            host.send(signal.SIGTERM)
            events.until("draining")
        self.assertEqual(200, running.finish().status)
        self.assertEqual(0, host.wait())

    def test_what_does_not_finish_is_cut_off_after_the_drain_time(self):
        host = self.host(config={"drain": {"timeout": "300ms"}})
        host.apply(workload("slow"))
        request = self.hold_request(host)
        self.assertEqual(0, host.terminate())
        request.read_to_end()

    def test_it_serves_on_for_the_drain_delay_after_readiness_went_off(self):
        host = self.draining_host(delay="600s")
        self.assertEqual(503, host.probe("/readyz").status)
        self.assertEqual(200, host.probe("/livez").status)
        self.assertEqual(200, host.ask("a.test").status)
        self.assertEqual(0, self.draining_host(delay="300ms").wait())

    def draining_host(self, **drain):
        host = self.host(config={"drain": drain})
        host.apply(workload("a", "http-hello"))
        with host.events() as events:
            host.send(signal.SIGINT)
            events.until("draining")
        return host

    def test_drain_over_the_api_ends_the_host(self):
        host = self.host()
        host.apply(workload("slow"))
        running = self.hold_request(host)
        answer = host.admin("POST", "/v1/drain")
        self.assertEqual((202, '{"phase":"draining"}'), (answer.status, answer.text))
        self.assertEqual(200, running.finish().status)
        self.assertEqual(0, host.wait())
        self.assertFalse(self.admin_socket.exists(), "the socket is left over")

    def test_a_pool_of_one_is_one_instance_for_all_shards(self):
        for guest in ("http-misc", "http-misc-p3"):
            with self.subTest(guest):
                host = self.host("--shards", "2")
                host.apply(workload("one", guest, poolSize=1))
                counts = [int(host.text_of("one.test", "/count")) for _ in range(40)]
                self.assertEqual(list(range(1, 41)), counts)
                # Both shards took connections: else this has shown nothing.
                for shard in ("0", "1"):
                    self.assertGreater(
                        host.metric("nimbus_http_requests_total", shard=shard), 0)
                self.assertEqual(0, host.terminate())

    def test_calls_of_many_clients_at_once_all_count_on_a_pool_of_one(self):
        host = self.host("--shards", "2")
        host.apply(workload("one", poolSize=1))
        counts = []

        def ask():
            with host.connect() as connection:
                for _ in range(20):
                    connection.send("GET /count HTTP/1.1\r\nhost: one.test\r\n\r\n")
                    counts.append(int(connection.read_answer().body))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(list(range(1, 161)), sorted(counts))

    def test_a_fresh_instance_for_every_call_always_counts_one(self):
        host = self.host("--shards", "2")
        host.apply(workload("fresh"))
        self.assertEqual({"1\n"}, {host.text_of("fresh.test", "/count") for _ in range(20)})

    def test_an_instance_ends_after_as_many_calls_as_it_may_serve(self):
        host = self.host("--shards", "2")
        host.apply(workload("one", poolSize=1, maxInvocations=3))
        counts = [int(host.text_of("one.test", "/count")) for _ in range(9)]
        self.assertEqual([1, 2, 3] * 3, counts)


if __name__ == "__main__":
    harness.main()
