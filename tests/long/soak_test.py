#!/usr/bin/env python3
"""A host for minutes: thousands of idle connections, and mixed load while workloads change."""

import contextlib
import os
import pathlib
import random
import resource
import select
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # pylint: disable=wrong-import-position
import hosting  # pylint: disable=wrong-import-position
from hosting import workload  # pylint: disable=wrong-import-position

LOAD_SECONDS = float(os.environ.get("NIMBUS_SOAK_SECONDS", "60"))
MIB = 1 << 20


def ask(connection, name, path="/x"):
    connection.send(f"GET {path} HTTP/1.1\r\nhost: {name}.test\r\n\r\n")
    return connection.read_answer()


class IdleConnectionsTest(hosting.TestCase):
    COUNT = 2000

    def setUp(self):
        super().setUp()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 3 * self.COUNT
        if limits[0] < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, limits[1])))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)

    def test_two_thousand_idle_connections_stay_and_cost_little(self):
        host = self.host("--shards", "2",
                         config={"http": {"limits": {"idleTimeout": "600s"}}})
        host.apply(workload("a", "http-hello"))
        with host.connect() as first:
            ask(first, "a")
        resident = host.resident_bytes()
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(host.connect()) for _ in range(self.COUNT)]
            for connection in idle:
                self.assertEqual(200, ask(connection, "a").status)
            self.assertLess(host.resident_bytes() - resident, self.COUNT * 64 * 1024)
            self.assertGreaterEqual(host.metric("nimbus_http_connections"), self.COUNT)
            cpu = host.cpu_seconds()
            time.sleep(5)  # tidy: allow sleep, what is measured is doing nothing
            self.assertLess(host.cpu_seconds() - cpu, 0.5)
            self.assertEqual([], self.readable(idle))
            with host.connect() as fresh:
                self.assertEqual(200, ask(fresh, "a").status)
            for connection in idle:
                self.assertEqual(200, ask(connection, "a").status)
        self.eventually(lambda: host.metric("nimbus_http_connections") < 10,
                        "closed connections are still counted")
        self.assertEqual(0, host.terminate())

    def readable(self, connections):
        """Those that have something to read, such as their end. select() takes 1,024 at most."""
        poll = select.poll()
        for connection in connections:
            poll.register(connection.socket, select.POLLIN)
        return poll.poll(0)


class MixedLoadTest(hosting.TestCase):
    """Healthy and hostile guests, clients that keep or drop connections, and constant change."""

    # name: (manifest, path, statuses that are right)
    WORKLOADS = {
        "hello": ({"guest": "http-hello"}, "/x", {200}),
        "hello3": ({"guest": "http-hello-p3"}, "/x", {200}),
        "pooled": ({"poolSize": 4}, "/count", {200}),
        "pooled3": ({"guest": "http-misc-p3", "poolSize": 4, "maxConcurrency": 16}, "/count",
                    {200}),
        "recycled": ({"poolSize": 2, "maxInvocations": 7}, "/count", {200}),
        "sleeper": ({"guest": "http-sleep-p3", "poolSize": 2, "maxConcurrency": 64}, "/?ms=20",
                    {200}),
        "big": ({}, "/big?bytes=300000", {200}),
        "spin": ({"resources": {"cpuLimit": 50}}, "/spin", {504}),
        "trap": ({"guest": "http-misc-p3"}, "/trap", {500}),
        "hungry": ({"resources": {"memoryLimitMb": 16}}, "/memory?mb=64", {507}),
    }

    def manifest(self, name, version):
        return workload(name, environment={"V": str(version)}, **self.WORKLOADS[name][0])

    def setUp(self):
        super().setUp()
        self.stop = threading.Event()
        self.wrong = []
        self.counts = dict.fromkeys(self.WORKLOADS, 0)

    def guarded(self, work, host, seed):
        try:
            work(host, random.Random(seed))
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.wrong.append(f"{work.__name__}: {error!r}")
            self.stop.set()

    def check(self, name, answer):
        self.counts[name] += 1
        if answer.status not in self.WORKLOADS[name][2]:
            self.wrong.append(f"{name}: {answer.status} {answer.text[:200]}")

    def steady(self, host, chance):
        """Keeps its connection for a while."""
        while not self.stop.is_set():
            with host.connect() as connection:
                for _ in range(chance.randrange(1, 50)):
                    name = chance.choice(list(self.WORKLOADS))
                    answer = ask(connection, name, self.WORKLOADS[name][1])
                    self.check(name, answer)
                    if answer.headers.get("connection") == "close" or self.stop.is_set():
                        break

    def vanishing(self, host, chance):
        """Goes away in the middle of answers."""
        while not self.stop.wait(0.01):
            with host.connect() as connection:
                name = chance.choice(("big", "sleeper", "pooled3", "hello"))
                path = self.WORKLOADS[name][1]
                connection.send(f"GET {path} HTTP/1.1\r\nhost: {name}.test\r\n\r\n")
                if chance.random() < 0.5:
                    connection.read_until("\r\n\r\n")
                connection.reset()

    def changing(self, host, chance):
        version = 0
        while not self.stop.wait(0.05):
            version += 1
            host.apply(self.manifest(chance.choice(list(self.WORKLOADS)), version))
            host.apply(workload(f"passing-{version % 5}", "http-hello"))
            if version % 3 == 0:
                host.delete(f"passing-{version % 5}")

    def run_for(self, host, seconds):
        self.stop.clear()
        work = [self.steady] * 6 + [self.vanishing] * 2 + [self.changing]
        threads = [threading.Thread(target=self.guarded, args=(kind, host, seed))
                   for seed, kind in enumerate(work)]
        for thread in threads:
            thread.start()
        self.stop.wait(seconds)
        self.stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual([], self.wrong[:10])

    def test_nothing_fails_and_nothing_grows(self):
        host = self.host("-l", "error", "--shards", "2", state=True)
        for name in self.WORKLOADS:
            host.apply(self.manifest(name, 0))
        self.run_for(host, LOAD_SECONDS / 3)
        resident = host.resident_bytes()
        descriptors = self.descriptors(host)
        self.run_for(host, LOAD_SECONDS)
        self.assertTrue(all(self.counts.values()), self.counts)
        self.assertLess(host.resident_bytes() - resident, 64 * MIB)
        self.eventually(lambda: self.descriptors(host) <= descriptors + 20,
                        "descriptors are left open")
        for name in self.WORKLOADS:
            host.delete(name)
        self.eventually(lambda: host.metric("nimbus_guest_memory_bytes") == 0,
                        "instances are left over")
        self.assertEqual(0, host.terminate())

    def descriptors(self, host):
        return len(os.listdir(f"/proc/{host.pid}/fd"))


if __name__ == "__main__":
    harness.main()
