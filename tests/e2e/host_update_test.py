#!/usr/bin/env python3
# ctest: run alone
"""A workload is updated under load, and no client notices anything but the new version."""

import concurrent.futures
import contextlib
import json
import threading

import harness
import hosting
from updating import LOADS, POLICIES, failures_of, update_under_all, updated_host

VERSIONS = LOADS["HTTP/1.1"]  # /env says which one answers
UPDATES = 10
ENOUGH = 40  # answers between two updates


class Clients:
    """Ask /env without a pause, each for itself, and compare versions: on no connection may they
    go back, and none may be older than the one whose apply had been answered before."""

    def __init__(self, host, count, ask, lag=0):
        self._host, self._ask, self._lag = host, ask, lag
        self._stop = threading.Event()
        self._answered = threading.Semaphore(0)
        self.applied = 0
        self._pool = concurrent.futures.ThreadPoolExecutor(count)
        self._running = [self._pool.submit(self._run) for _ in range(count)]

    def _run(self):
        newest = 0
        with contextlib.ExitStack() as stack:
            ask = self._ask(self._host, stack)
            while not self._stop.is_set():
                # While an update goes round the shards, a new connection may meet one that still
                # has the version before; what apply has confirmed is on all of them.
                least = max(newest - self._lag, self.applied)
                answer = ask()
                if answer.status != 200:
                    raise AssertionError(f"{answer.status} {answer.text}")
                newest = int(json.loads(answer.body)["V"])
                if newest < least:
                    raise AssertionError(f"version {newest} after version {least}")
                self._answered.release()

    def await_answers(self, count):
        for _ in range(count):
            while not self._answered.acquire(timeout=1):
                for client in self._running:
                    if client.done():
                        client.result()
                        raise AssertionError("a client has stopped")

    def end(self):
        self._stop.set()
        self._pool.shutdown()
        for client in self._running:
            client.result()


def keep_alive(host, stack):
    connection = stack.enter_context(host.connect())

    def ask():
        connection.send("GET /env HTTP/1.1\r\nhost: w.test\r\n\r\n")
        return connection.read_answer()
    return ask


def new_connections(host, _):
    def ask():
        with host.connect() as connection:
            connection.send("GET /env HTTP/1.1\r\nhost: w.test\r\nconnection: close\r\n\r\n")
            return connection.read_answer()
    return ask


class HostUpdateTest(hosting.TestCase):
    def update_under(self, ask, policy):
        host = updated_host(self, VERSIONS, policy)
        clients = Clients(host, 4, ask, lag=1 if ask is new_connections else 0)
        try:
            clients.await_answers(ENOUGH)
            for number in range(1, UPDATES + 1):
                host.apply(VERSIONS.manifest(number, policy))
                clients.applied = number
                clients.await_answers(ENOUGH)
        finally:
            clients.end()
        self.assertEqual(0, failures_of(host))
        self.assertEqual(0, host.terminate())

    def test_no_request_of_kept_connections_fails_or_sees_an_older_version(self):
        for policy in POLICIES:
            with self.subTest(policy):
                self.update_under(keep_alive, policy)

    def test_no_request_on_a_new_connection_fails_or_sees_an_older_version(self):
        for policy in ("P2, fresh", "P2, pooled", "P3, pooled", "a service"):
            with self.subTest(policy):
                self.update_under(new_connections, policy)

    def test_no_request_fails_while_a_folder_changes_the_workload(self):
        policy = "P2, fresh"
        self.put("w.json", VERSIONS.manifest(0, policy))
        host = self.host("--shards", "2", workloads=True)
        clients = Clients(host, 4, keep_alive)
        try:
            with host.events() as events:
                events.until("running", "default/w")
                for number in range(1, UPDATES + 1):
                    self.put("w.json", VERSIONS.manifest(number, policy))
                    events.until("running", "default/w")
                    clients.applied = number
                    clients.await_answers(ENOUGH)
        finally:
            clients.end()

    def test_foreign_clients_see_no_error(self):
        update_under_all(self, seconds=1, least_updates=1)

    def test_answers_that_are_under_way_end_on_the_generation_they_began_on(self):
        for policy in POLICIES:
            if policy == "P3, one for all shards":
                continue  # the two answers below go through other instances elsewhere
            with self.subTest(policy):
                host = updated_host(self, VERSIONS, policy)
                with host.connect() as late, host.connect() as big:
                    late.send("GET /late?ms=1500 HTTP/1.1\r\nhost: w.test\r\n\r\n")
                    late_head = late.read_until("\r\n\r\n")
                    big.send("GET /big?bytes=8000000&length=1 HTTP/1.1\r\nhost: w.test\r\n\r\n")
                    big.read_until("\r\n\r\n")
                    for number in range(1, 4):
                        host.apply(VERSIONS.manifest(number, policy))
                        self.assertEqual(str(number),
                                         json.loads(host.text_of("w.test", "/env"))["V"])
                    self.assertIn(b" 200 ", late_head.split(b"\r\n")[0] + b" ")
                    self.assertEqual(8_000_000, len(big.read_exactly(8_000_000)))
                    self.assertEqual(b"5\r\nlate\n\r\n0\r\n\r\n", late.read_exactly(15))
                self.assertEqual(0, host.terminate())

    def test_an_upload_that_is_under_way_ends_on_the_generation_it_began_on(self):
        load = LOADS["64 KiB streamed over HTTP/1.1"]
        for policy in ("P2, fresh", "P3, fresh"):
            with self.subTest(policy):
                host = updated_host(self, load, policy)
                with host.connect() as connection:
                    connection.send("POST /echo HTTP/1.1\r\nhost: w.test\r\n"
                                    "content-length: 10\r\n\r\nhello")
                    self.assertIn(b" 200 ", connection.read_until("\r\n\r\n"))
                    for number in range(1, 4):
                        host.apply(load.manifest(number, policy))
                    connection.send("world")
                    self.assertIn("helloworld", connection.read_until("0\r\n\r\n").decode()
                                  .replace("\r\n5\r\n", "").replace("5\r\n", ""))
                self.assertEqual(0, host.terminate())

    def test_an_answer_that_never_ends_does_not_keep_the_old_generation_for_ever(self):
        for policy in POLICIES:
            with self.subTest(policy):
                host = self.host("--shards", "1", config={"limits": {"retireTimeout": "300ms"}})
                host.apply(self.patient(0, policy))
                with host.connect() as endless:
                    endless.send("GET /late?ms=500000 HTTP/1.1\r\nhost: w.test\r\n\r\n")
                    endless.read_until("\r\n\r\n")
                    self.await_memory(host, lambda memory: memory > 0)
                    host.apply(self.patient(1, policy))
                    self.assertEqual("1", json.loads(host.text_of("w.test", "/env"))["V"])
                    # The old one waits for its last request by that request's own limits.
                    self.assertEqual(200, host.delete("w").status)
                    self.assertEqual(404, host.ask("w.test").status)
                    self.assertEqual(b"", endless.read_to_end(), "no content, and no end of it")
                self.check_nothing_is_left(host)
                self.assertEqual(0, host.terminate())

    def await_memory(self, host, is_wanted):
        """The metric is brought up to date now and then only."""
        self.eventually(lambda: is_wanted(host.metric("nimbus_guest_memory_bytes")),
                        "the guests' memory never is what it should be")

    def check_nothing_is_left(self, host):
        self.eventually(lambda: host.metric("nimbus_instances") == 0, "instances are left over")
        self.await_memory(host, lambda memory: memory == 0)

    @staticmethod
    def patient(number, policy):
        """A version whose requests may take two seconds."""
        manifest = VERSIONS.manifest(number, policy)
        for part in manifest.get("components", [manifest.get("service")]):
            part["timeout"] = "2s"
        return manifest

    def test_old_generations_leave_nothing_behind(self):
        for policy in ("P2, pooled", "P3, pooled", "a service"):
            with self.subTest(policy):
                host = updated_host(self, VERSIONS, policy)
                for number in range(1, 30):
                    host.apply(VERSIONS.manifest(number, policy))
                    for _ in range(4):
                        host.text_of("w.test", "/count")
                self.assertEqual(1, host.facts()["workloads"]["running"])
                self.await_memory(host, lambda memory: memory > 0)
                host.delete("w")
                self.check_nothing_is_left(host)
                self.assertEqual(0, host.terminate())


if __name__ == "__main__":
    harness.main()
