#!/usr/bin/env python3
"""What `allowedHosts` allows by an address that is not loopback: one of this machine's own, whose
packets never leave it."""

import contextlib
import fcntl
import ipaddress
import re
import socket
import struct
import threading

import harness
import hosting
from hosting import workload

MISCS = ("http-misc", "http-misc-p3")
OUTBOUNDS = ("http-outbound", "http-outbound-p3")
SIOCGIFADDR = 0x8915  # netdevice(7)
PRIVATE = [ipaddress.ip_network(network) for network in
           ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")]


# By the range of an address: what lets guests reach it, and what does not.
OPEN = {"private": {}, "special": {"denySpecialRanges": False},
        "public": {"denyPrivateRanges": True}}
CLOSED = {"private": {"denyPrivateRanges": True}, "special": {}, "public": None}


def range_of(address):
    if any(address in network for network in PRIVATE):
        return "private"
    return "public" if address.is_global else "special"


def own_address():
    """An IPv4 address of this machine that is not loopback; None if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # of an interface without one
                answer = fcntl.ioctl(asking, SIOCGIFADDR, struct.pack("256s", name.encode()))
                address = ipaddress.IPv4Address(answer[20:24])
                if not address.is_loopback:
                    return address
    return None


def serve(test, address):
    """The port of a server that answers requests of HTTP, and `answer to …` to anything else."""
    listener = socket.create_server((str(address), 0))
    test.addCleanup(listener.close)

    def run():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(harness.PATIENCE_SECONDS)
                    received = connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                                       b"Connection: close\r\n\r\nok"
                                       if received.startswith(b"GET ") else
                                       b"answer to " + received)

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


class OwnAddressTest(hosting.TestCase):
    def setUp(self):
        super().setUp()
        self.address = own_address()
        if self.address is None:
            self.skipTest("this machine has no address beside loopback")
        self.port = serve(self, self.address)
        self.authority = f"{self.address}:{self.port}"

    def open_host(self):
        """One whose guests may reach the address if their workload may."""
        return self.host(config={"egress": OPEN[range_of(self.address)]})

    def apply(self, host, guest, entry):
        host.apply(workload("w", guest, resources={"allowedHosts": [entry]}))

    def ask_by_http(self, host, port=None):
        """The status of the guest's answer, and what it saw: the text or the name of the error."""
        answer = host.request("GET", "/", headers={
            "Host": "w.test", "x-url": f"http://{self.address}:{port or self.port}/"})
        return answer.status, answer.text.split("\n")[0]

    def ask_by_socket(self, host, port=None):
        answer = host.ask("w.test", f"/tcp?addr={self.address}:{port or self.port}&send=x&close=1")
        return answer.status, answer.text

    def check_denied(self, host, guest, why, port=None):
        """By its address, whatever the workload's list says."""
        if guest in OUTBOUNDS:
            self.assertEqual((502, "destination-ip-prohibited"), self.ask_by_http(host, port))
        else:
            status, error = self.ask_by_socket(host, port)
            self.assertEqual(500, status)
            self.assertIn("access-denied", error)
        host.wait_for_stderr(f"default/w.*{why}")

    def test_a_request_reaches_an_address_that_is_allowed(self):
        host = self.open_host()
        for guest in OUTBOUNDS:
            for entry in (f"{self.address}", f"{self.authority}", f"{self.address}/32",
                          f"http://{self.authority}", "*"):
                with self.subTest(guest, entry=entry):
                    self.apply(host, guest, entry)
                    self.assertEqual((200, "ok"), self.ask_by_http(host))

    def test_a_request_reaches_no_other_one(self):
        host = self.open_host()
        for guest in OUTBOUNDS:
            for entry in (f"{self.address + 1}", f"{self.address}:{self.port ^ 1}",
                          f"https://{self.authority}", "*.example"):
                with self.subTest(guest, entry=entry):
                    self.apply(host, guest, entry)
                    self.assertEqual((502, "http-request-denied"), self.ask_by_http(host))

    def test_a_socket_reaches_an_address_that_is_allowed(self):
        host = self.open_host()
        for guest in MISCS:
            for entry in (f"{self.address}", f"{self.authority}", f"{self.address}/32", "*"):
                with self.subTest(guest, entry=entry):
                    self.apply(host, guest, entry)
                    self.assertEqual((200, "answer to x"), self.ask_by_socket(host))

    def test_a_socket_reaches_no_other_one_and_none_that_is_for_requests(self):
        host = self.open_host()
        for guest in MISCS:
            for entry in (f"{self.address + 1}", f"{self.address}:{self.port ^ 1}",
                          f"http://{self.authority}"):
                with self.subTest(guest, entry=entry):
                    self.apply(host, guest, entry)
                    self.check_denied(host, guest, "not_permitted: "
                                      f"{re.escape(str(self.address))} port {self.port} is not in "
                                      "allowedHosts as an address")

    def test_neither_reaches_an_address_in_a_range_that_the_host_denies(self):
        if CLOSED[range_of(self.address)] is None:
            self.skipTest("a host denies no public addresses")
        host = self.host(config={"egress": CLOSED[range_of(self.address)]})
        for guest in (*OUTBOUNDS, *MISCS):
            for entry in (f"{self.address}", "*"):
                with self.subTest(guest, entry=entry):
                    self.apply(host, guest, entry)
                    self.check_denied(host, guest, "blocked_range: "
                                      f"{re.escape(str(self.address))} is in a forbidden range")

    def test_ports_of_administration_and_probes_are_denied_here_too(self):
        host = self.open_host()
        port = int(host.announced["probe"].rsplit(":", 1)[1])
        for guest in (*OUTBOUNDS, *MISCS):
            with self.subTest(guest):
                self.apply(host, guest, "*")
                self.check_denied(host, guest, f"host_owned_port: "
                                  f"{re.escape(str(self.address))} port {port} belongs to the "
                                  "host's administration", port)


if __name__ == "__main__":
    harness.main()
