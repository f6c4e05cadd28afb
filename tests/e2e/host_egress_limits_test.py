#!/usr/bin/env python3
"""`egress` of a host's configuration: how many outgoing connections there are, for how long, and to
what names and addresses. Their TLS is in host_outgoing_tls_test.py."""

import concurrent.futures
import random
import re
import socket
import subprocess
import threading

import harness
import hosting
from hosting import workload
from upstreams import OK, Upstream, answer_each

OUTBOUNDS = ("http-outbound", "http-outbound-p3")
MISCS = ("http-misc", "http-misc-p3")
ANSWERED = (200, "ok")


def answer_once(go):
    """A server that answers each request of a connection once `go` is set."""
    def play(connection, _number):
        while True:
            connection.read_head()
            go.wait(harness.PATIENCE_SECONDS)
            connection.send(OK)
    return play


class EgressLimitsTest(hosting.TestCase):
    def setUp(self):
        super().setUp()
        self.asking = self.enterContext(concurrent.futures.ThreadPoolExecutor(8))

    def held_upstream(self):
        """An upstream, and what lets it answer."""
        go = threading.Event()
        self.addCleanup(go.set)  # before the threads that ask are waited for
        return Upstream(self, answer_once(go)), go

    def started(self, **egress):
        return self.host(config={"shards": 1, "egress": {"allowHostLoopback": True, **egress}})

    def apply(self, host, guest, upstream, name="w"):
        host.apply(workload(name, guest, resources={
            "allowedHosts": ["*"], "allowedHostLoopbackPorts": [str(upstream.port)]}))

    def ask(self, host, url, name="w", **headers):
        """The status of the guest's answer, and what it saw: the text or the name of the error."""
        answer = host.request("GET", "/", headers={"Host": f"{name}.test", "x-url": url, **headers})
        return answer.status, answer.text.split("\n")[0]

    def ask_in_background(self, host, upstream, name="w"):
        return self.asking.submit(self.ask, host, upstream.url, name)

    def wait_for_connections(self, upstream, count):
        self.eventually(lambda: upstream.connections >= count, "the guest does not connect")
        self.assertEqual(count, upstream.connections)

    def is_answered_within(self, host, url, seconds, path="/"):
        with host.connect() as client:
            client.send(f"GET {path} HTTP/1.1\r\nhost: w.test\r\nx-url: {url}\r\n\r\n")
            return client.readable(seconds)


class ConnectionsTest(EgressLimitsTest):
    def test_a_workload_has_no_more_than_it_may_and_another_one_its_own(self):
        for guest in OUTBOUNDS:
            with self.subTest(guest):
                upstream, go = self.held_upstream()
                host = self.started(maxConnectionsPerWorkload=2, connectionWait="100ms")
                self.apply(host, guest, upstream)
                self.apply(host, guest, upstream, "other")
                held = [self.ask_in_background(host, upstream) for _ in range(2)]
                self.wait_for_connections(upstream, 2)
                self.assertEqual((502, "connection-limit-reached"), self.ask(host, upstream.url))
                held.append(self.ask_in_background(host, upstream, "other"))
                self.wait_for_connections(upstream, 3)
                go.set()
                self.assertEqual([ANSWERED] * 3, [answer.result() for answer in held])

    def test_who_gets_none_is_told_so_after_the_time_that_the_host_says(self):
        for guest in OUTBOUNDS:
            with self.subTest(guest):
                upstream, _ = self.held_upstream()
                host = self.started(maxConnectionsPerWorkload=1, connectionWait="100ms")
                self.apply(host, guest, upstream)
                self.ask_in_background(host, upstream)
                self.wait_for_connections(upstream, 1)
                # It takes 5 s by default. A busy machine may need more than one attempt.
                self.eventually(
                    lambda host=host, url=upstream.url: self.is_answered_within(host, url, 4),
                    "who waits for a connection waits for too long")

    def test_who_waits_gets_the_one_that_becomes_free(self):
        for guest in OUTBOUNDS:
            with self.subTest(guest):
                upstream, go = self.held_upstream()
                host = self.started(maxConnectionsPerWorkload=1, connectionWait="10m")
                self.apply(host, guest, upstream)
                held = [self.ask_in_background(host, upstream) for _ in range(3)]
                self.eventually(
                    lambda host=host: host.status("w")["components"][0]["callsInFlight"] == 3,
                    "not all guests ask at once")
                self.wait_for_connections(upstream, 1)
                go.set()
                self.assertEqual([ANSWERED] * 3, [answer.result() for answer in held])
                self.assertEqual(1, upstream.connections)

    def test_as_many_are_kept_for_the_next_request_as_the_host_says(self):
        for most, opened in ((0, 2), (1, 1)):
            for guest in OUTBOUNDS:
                with self.subTest(guest, most=most):
                    upstream = Upstream(self, answer_each)
                    host = self.started(maxIdlePerAuthority=most)
                    self.apply(host, guest, upstream)
                    for _ in range(2):
                        self.assertEqual(ANSWERED, self.ask(host, upstream.url))
                    self.assertEqual(opened, upstream.connections)

    def test_one_more_than_is_kept_is_closed(self):
        upstream, go = self.held_upstream()
        host = self.started(maxIdlePerAuthority=1)
        self.apply(host, "http-outbound", upstream)
        held = [self.ask_in_background(host, upstream) for _ in range(2)]
        self.wait_for_connections(upstream, 2)
        go.set()
        self.assertEqual([ANSWERED] * 2, [answer.result() for answer in held])
        upstream.wait_until_closed(1)
        self.assertEqual(ANSWERED, self.ask(host, upstream.url))
        self.assertEqual((2, 1), (upstream.connections, upstream.closed))

    def test_one_that_nobody_uses_is_closed_after_its_time(self):
        upstream = Upstream(self, answer_each)
        host = self.started(idleTimeout="100ms")
        self.apply(host, "http-outbound", upstream)
        self.assertEqual(ANSWERED, self.ask(host, upstream.url))
        # By default it would take a minute.
        self.eventually(lambda: upstream.closed == 1, "it is kept", timeout_seconds=30)


class NamesTest(EgressLimitsTest):
    """Its hosts look names up at a server that takes all questions and answers none."""

    SEEN = ["unshare", "--user", "--map-root-user", "--mount", "--", "sh", "-c",
            'mount --bind "$0" /etc/resolv.conf && exec "$@"']

    def setUp(self):
        super().setUp()
        address = f"127.53.{random.randrange(256)}.{random.randrange(1, 255)}"
        self.settings = self.write("resolv.conf", f"nameserver {address}\n")
        probe = [*self.SEEN, self.settings, "true"]
        if subprocess.run(probe, check=False, capture_output=True).returncode != 0:
            self.skipTest("this machine lets nobody make a name space")
        self.questions = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.questions.settimeout(harness.PATIENCE_SECONDS)
        try:
            self.questions.bind((address, 53))
        except OSError as failure:
            self.skipTest(f"a name server at {address}: {failure}")

    def wash_words(self):
        return [*self.SEEN, self.settings, *super().wash_words()]

    def test_a_look_up_takes_no_longer_than_the_host_says(self):
        for guest in OUTBOUNDS:
            with self.subTest(guest):
                host = self.started(resolveTimeout="200ms")
                host.apply(workload("w", guest, resources={"allowedHosts": ["*"]}))
                url = f"http://silent-{guest}.test/"
                self.assertEqual((502, "dns-timeout"), self.ask(host, url))
                while f"silent-{guest}".encode() not in self.questions.recv(512):
                    pass
                # It takes 5 s by default. A busy machine may need more than one attempt.
                self.eventually(lambda host=host, url=url: self.is_answered_within(host, url, 4),
                                "a look-up takes too long")

    def test_a_look_up_for_a_socket_takes_no_longer_than_the_host_says(self):
        for guest in MISCS:
            with self.subTest(guest):
                host = self.started(resolveTimeout="200ms")
                host.apply(workload("w", guest, resources={"allowedIpNameLookups": ["*"]}))
                path = f"/lookup?name=mute-{guest}.test"
                answer = host.ask("w.test", path)
                self.assertEqual(500, answer.status, answer.text)
                self.assertIn("temporary-resolver-failure", answer.text)
                while f"mute-{guest}".encode() not in self.questions.recv(512):
                    pass
                # The system's resolver gives up after 10 s.
                self.eventually(
                    lambda host=host, path=path: self.is_answered_within(host, "", 4, path),
                    "a look-up takes too long")


class RangesTest(EgressLimitsTest):
    """Nothing of this leaves the machine: what is not denied leads nowhere."""

    PRIVATE = ("10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fd00::1")
    # Linux connects to no groups, on no network: it says that none is reachable there.
    SPECIAL = ("224.0.0.1", "255.255.255.255")

    def authority(self, address):
        return f"[{address}]:9" if ":" in address else f"{address}:9"

    def ask_address(self, host, address):
        return self.ask(host, f"http://{self.authority(address)}/",
                        **{"x-connect-timeout-ms": "2000"})

    def with_guest(self, guest, **egress):
        host = self.host(config={"egress": egress})
        host.apply(workload("w", guest, resources={"allowedHosts": ["*"]}))
        return host

    def test_private_addresses_are_denied_to_requests_if_the_host_says_so(self):
        for guest in OUTBOUNDS:
            host = self.with_guest(guest, denyPrivateRanges=True)
            for address in self.PRIVATE:
                with self.subTest(guest, address=address):
                    self.assertEqual((502, "destination-ip-prohibited"),
                                     self.ask_address(host, address))
                    host.wait_for_stderr("default/w.*blocked_range: "
                                         f"{re.escape(address)} is in a forbidden range")

    def test_private_addresses_are_denied_to_sockets_if_the_host_says_so(self):
        for guest in MISCS:
            host = self.with_guest(guest, denyPrivateRanges=True)
            for address in self.PRIVATE[:-1]:  # not every machine has sockets of IPv6
                with self.subTest(guest, address=address):
                    answer = host.ask("w.test", f"/tcp?addr={self.authority(address)}&send=x")
                    self.assertEqual(500, answer.status, answer.text)
                    self.assertIn("access-denied", answer.text)
                    host.wait_for_stderr("default/w.*blocked_range: "
                                         f"{re.escape(address)} is in a forbidden range")

    def test_special_addresses_are_denied_unless_the_host_says_otherwise(self):
        for guest in OUTBOUNDS:
            for address in self.SPECIAL:
                with self.subTest(guest, address=address):
                    host = self.with_guest(guest)
                    self.assertEqual((502, "destination-ip-prohibited"),
                                     self.ask_address(host, address))
                    host = self.with_guest(guest, denySpecialRanges=False)
                    self.assertEqual((502, "connection-refused"),
                                     self.ask_address(host, address))


if __name__ == "__main__":
    harness.main()
