#!/usr/bin/env python3
"""What guests may not reach is denied with a reason that the operator reads in the log."""

import concurrent.futures
import contextlib
import socket

import harness
import hosting
import upstreams
from hosting import workload

MISCS = ("http-misc", "http-misc-p3")


class DenialReasonsTest(hosting.TestCase):
    def setUp(self):
        super().setUp()
        # Nobody is ever connected to it.
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.port = listener.getsockname()[1]

    def check(self, host, path, reason, error="access-denied", **resources):
        for guest in MISCS:
            with self.subTest(f"{guest}{path}"):
                host.apply(workload("w", guest, resources=resources))
                answer = host.ask("w.test", path)
                self.assertEqual(500, answer.status, answer.text)
                self.assertIn(error, answer.text)
                logged = host.wait_for_stderr(f"{reason}.*")
                self.assertIn("default/w", logged.string)

    def test_sockets_where_nothing_is_allowed(self):
        self.check(self.host(), f"/tcp?addr=127.0.0.1:{self.port}&send=x",
                   "not_permitted: sockets are for those who have allowedHosts or "
                   "allowedHostLoopbackPorts")

    def test_an_address_that_is_not_on_the_list(self):
        self.check(self.host(), "/tcp?addr=192.0.2.1:9&send=x",
                   r"not_permitted: 192\.0\.2\.1 port 9 is not in allowedHosts as an address",
                   allowedHosts=["192.0.2.2", "https://192.0.2.1"])

    def test_a_forbidden_range(self):
        self.check(self.host(), "/tcp?addr=169.254.169.254:80&send=x",
                   r"blocked_range: 169\.254\.169\.254 is in a forbidden range",
                   allowedHosts=["*"])

    def test_a_name_where_nothing_is_allowed(self):
        self.check(self.host(), "/lookup?name=localhost",
                   "not_permitted: .*localhost.* is not in allowedIpNameLookups",
                   error="permanent-resolver-failure")

    def test_listening(self):
        self.check(self.host(), "/listen?addr=127.0.0.1:0",
                   r"bind_not_permitted: binding 127\.0\.0\.1 port \d+", allowedHosts=["*"])

    def test_binding_to_a_port(self):
        self.check(self.host(), f"/listen?addr=0.0.0.0:{self.port}",
                   rf"bind_not_permitted: binding 0\.0\.0\.0 port {self.port}", allowedHosts=["*"])

    def test_the_loopback_of_a_host_that_does_not_allow_it(self):
        self.check(self.host(), f"/tcp?addr=127.0.0.1:{self.port}&send=x",
                   f"host_loopback_not_permitted: port {self.port} of the host's loopback: "
                   "the host does not allow its loopback",
                   allowedHosts=["*"], allowedHostLoopbackPorts=[str(self.port)])

    def test_a_loopback_port_that_the_workload_does_not_name(self):
        host = self.host(config={"egress": {"allowHostLoopback": True}})
        self.check(host, f"/tcp?addr=127.0.0.1:{self.port}&send=x",
                   f"host_loopback_not_permitted: port {self.port} of the host's loopback "
                   "is not in allowedHostLoopbackPorts",
                   allowedHosts=["*"], allowedHostLoopbackPorts=[f"{self.port}/udp"])

    def test_a_port_of_the_host_itself(self):
        host = self.host(config={"egress": {"allowHostLoopback": True}})
        self.check(host, f"/tcp?addr=127.0.0.1:{host.port}&send=x",
                   f"host_owned_port: port {host.port} of the host's loopback belongs to the host",
                   allowedHosts=["*"], allowedHostLoopbackPorts=[str(host.port)])


class QuotaOfSocketsTest(hosting.TestCase):
    """Guests hold connections to a listener that ends none of them before it is told to."""

    def setUp(self):
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.addCleanup(self.listener.close)
        self.listener.settimeout(harness.PATIENCE_SECONDS)
        self.port = self.listener.getsockname()[1]
        self.held = self.enterContext(contextlib.ExitStack())
        self.asking = self.enterContext(concurrent.futures.ThreadPoolExecutor(8))

    def started(self, **limits):
        return self.host(config={"egress": {"allowHostLoopback": True}, "limits": limits})

    def apply(self, host, name, guest, **resources):
        host.apply(workload(name, guest, resources={
            "allowedHostLoopbackPorts": [str(self.port)], **resources}))

    def accept(self):
        """The next connection of a guest."""
        return self.held.enter_context(upstreams.Accepted(self.listener.accept()[0]))

    def hold(self, host, name, count, how=""):
        """So many requests whose guests have a connection each; and those connections."""
        answers, connections = [], []
        path = f"/tcp?addr=127.0.0.1:{self.port}&send=x&close=1{how}"
        for _ in range(count):
            answers.append(self.asking.submit(host.ask, f"{name}.test", path))
            connections.append(self.accept())
        return answers, connections

    def end(self, answers, connections):
        for connection in connections:
            self.assertEqual(b"x", connection.socket.recv(10))
            self.assertEqual(b"", connection.socket.recv(10))  # a reset were no end
            connection.send("bye")
            connection.close()
        for answer in answers:
            self.assertEqual((200, "bye"), (answer.result().status, answer.result().text))

    def refused(self, host, name):
        """The answer of a guest that got no socket."""
        answer = host.ask(f"{name}.test", f"/tcp?addr=127.0.0.1:{self.port}&send=x")
        self.assertEqual(500, answer.status)
        return answer.text

    WORDS = {"http-misc": "new-socket-limit", "http-misc-p3": "create: other"}

    def test_a_component_has_no_more_than_it_may(self):
        for guest, word in self.WORDS.items():
            with self.subTest(guest):
                host = self.started()
                self.apply(host, "w", guest, maxSockets=2)
                for _ in range(2):  # what is closed may be opened again
                    answers, connections = self.hold(host, "w", 2)
                    self.assertEqual(2, host.metric("nimbus_guest_sockets"))
                    self.assertIn(word, self.refused(host, "w"))
                    host.wait_for_stderr("no_capacity: the component has 2 sockets open already")
                    self.end(answers, connections)
                    self.eventually(lambda host=host: host.metric("nimbus_guest_sockets") == 0,
                                    "closed sockets are still counted")
                self.assertEqual(2, host.metric("nimbus_guest_sockets_refused_total"))

    def test_all_guests_have_no_more_than_the_host_allows(self):
        for guest in self.WORDS:
            with self.subTest(guest):
                host = self.started(maxSockets=3)
                self.apply(host, "one", guest)
                self.apply(host, "other", guest)
                first = self.hold(host, "one", 2)
                second = self.hold(host, "other", 1)
                self.refused(host, "other")
                host.wait_for_stderr("no_capacity: the host has 3 sockets open already")
                self.end(*first)
                self.end(*second)

    def test_all_components_of_a_workload_go_out_no_more_than_it_may(self):
        for guest, word in {"http-misc": "connect: new-socket-limit",
                            "http-misc-p3": "connect: other"}.items():
            with self.subTest(guest):
                host = self.host(config={"egress": {"allowHostLoopback": True,
                                                    "maxSocketsPerWorkload": 2}})
                allowed = {"allowedHostLoopbackPorts": [str(self.port)]}
                host.apply({"name": "w",
                            "components": [hosting.component(name, guest, localResources=allowed)
                                           for name in ("one", "two")],
                            "http": {"routes": [{"host": f"{name}.test", "component": name}
                                                for name in ("one", "two")]}})
                self.apply(host, "other", guest)
                for _ in range(2):  # what is closed may be opened again
                    first = self.hold(host, "one", 1)
                    second = self.hold(host, "two", 1)
                    stranger = self.hold(host, "other", 1)
                    self.assertIn(word, self.refused(host, "one"))
                    host.wait_for_stderr("no_capacity: the workload has 2 outgoing sockets open")
                    for each in (first, second, stranger):
                        self.end(*each)
                    self.eventually(lambda host=host: host.metric("nimbus_guest_sockets") == 0,
                                    "closed sockets are still counted")

    def test_sockets_that_a_workload_has_open_count_over_its_generations(self):
        host = self.host(config={"egress": {"allowHostLoopback": True,
                                            "maxSocketsPerWorkload": 1}})
        self.apply(host, "w", "http-misc")
        held = self.hold(host, "w", 1)
        self.apply(host, "w", "http-misc", maxSockets=9)
        self.refused(host, "w")
        self.end(*held)

    def test_a_socket_that_is_connected_is_told_so_wherever_it_goes_next(self):
        for guest in self.WORDS:
            host = self.host(config={"egress": {"allowHostLoopback": True,
                                                "maxSocketsPerWorkload": 1}})
            self.apply(host, "w", guest)
            for again in ("127.0.0.1:1", "127.0.0.1:0", f"127.0.0.1:{self.port}", "[::1]:1"):
                with self.subTest(guest, again=again):
                    answer = host.ask("w.test", f"/tcp?addr=127.0.0.1:{self.port}&again={again}")
                    self.assertEqual((500, "again: invalid-state\n"), (answer.status, answer.text))
                    self.listener.accept()[0].close()
                    self.eventually(lambda host=host: host.metric("nimbus_guest_sockets") == 0,
                                    "closed sockets are still counted")

    def test_datagram_sockets_go_out(self):
        for guest, word in self.WORDS.items():
            with self.subTest(guest):
                host = self.host(config={"egress": {"allowHostLoopback": True,
                                                    "maxSocketsPerWorkload": 0}})
                self.apply(host, "w", guest, allowedHostLoopbackPorts=[f"{self.port}/udp"])
                answer = host.ask("w.test", f"/udp?addr=127.0.0.1:{self.port}&send=x")
                self.assertEqual(500, answer.status)
                self.assertIn(word, answer.text)

    def test_streams_of_a_socket_that_is_gone_count_as_the_socket(self):
        host = self.started()
        self.apply(host, "w", "http-misc-p3", maxSockets=2)
        answers, connections = self.hold(host, "w", 2, "&drop=1")
        for connection in connections:
            self.assertEqual(b"x", connection.socket.recv(1, socket.MSG_PEEK))
        self.assertEqual(2, host.metric("nimbus_guest_sockets"))
        self.refused(host, "w")
        self.end(answers, connections)
        self.eventually(lambda: host.metric("nimbus_guest_sockets") == 0,
                        "closed sockets are still counted")

    def test_datagram_sockets_count_too(self):
        for guest, word in self.WORDS.items():
            with self.subTest(guest):
                host = self.started()
                self.apply(host, "w", guest, maxSockets=0,
                           allowedHostLoopbackPorts=[f"{self.port}/udp"])
                answer = host.ask("w.test", f"/udp?addr=127.0.0.1:{self.port}&send=x")
                self.assertEqual(500, answer.status)
                self.assertIn(word, answer.text)

    def test_sockets_of_an_instance_that_ends_are_free_again(self):
        for guest in self.WORDS:
            with self.subTest(guest):
                host = self.started()
                self.apply(host, "w", guest, maxSockets=1)
                with host.connect() as client:
                    client.send(f"GET /tcp?addr=127.0.0.1:{self.port}&send=x HTTP/1.1\r\n"
                                "host: w.test\r\n\r\n")
                    connection = self.accept()
                    self.assertEqual(b"x", connection.socket.recv(10))
                    self.refused(host, "w")
                    client.reset()
                    self.assertEqual(b"", connection.socket.recv(10))
                self.eventually(lambda host=host: host.metric("nimbus_guest_sockets") == 0,
                                "sockets of an ended instance are still counted")


if __name__ == "__main__":
    harness.main()
