#!/usr/bin/env python3
"""`wash host` with listeners that speak TLS: several certificates, client certificates, renewal."""

import pathlib
import socket
import ssl

import certificates
import harness
import hosting

HELLO = hosting.workload("shop", "http-hello", routes=[{"host": "*.shop.test"}])


class HostTlsTest(hosting.TestCase):
    def setUp(self):
        super().setUp()
        self.certificates = certificates.Certificates(self.folder)
        for name in ("first", "second"):
            self.certificates.issue(name, f"subjectAltName=DNS:{name}.shop.test")
        self.certificates.issue("suffix", "subjectAltName=DNS:*.any.shop.test")

    def identity(self, name):
        return {"certificate": self.certificates[f"{name}.pem"],
                "key": self.certificates[f"{name}.key"]}

    def host_with(self, *listeners):
        """A host that listens there, on ports of its choice, and serves a workload."""
        settings = [{"address": "127.0.0.1:0", **listener} for listener in listeners]
        words = ["-o", "json", "host", "--admin-socket", self.admin_socket, "--config",
                 self.config({"http": {"listeners": settings}})]
        host = self._start(hosting.Host, words, None, {"admin_socket": self.admin_socket})
        host.apply(HELLO)
        return host

    def secured_host(self, *names, **more):
        """The same with one listener, which has these certificates."""
        identities = [self.identity(name) for name in names]
        return self.host_with({"tls": {"certificates": identities, **more}})

    def context(self, client=None):
        context = ssl.create_default_context(cafile=self.certificates["ca.pem"])
        if client:
            context.load_cert_chain(self.certificates[f"{client}.pem"],
                                    self.certificates[f"{client}.key"])
        return context

    def ask(self, host, name, context=None, session=None):
        """(what that name answers, the names of the certificate it shows, the session, which lets
        a client come back without a full handshake)."""
        with socket.create_connection((host.host, host.port),
                                      timeout=harness.PATIENCE_SECONDS) as plain, \
                (context or self.context()).wrap_socket(plain, server_hostname=name,
                                                        session=session) as client:
            names = [value for _, value in client.getpeercert()["subjectAltName"]]
            client.sendall(f"GET /in HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
                           .encode())
            answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
            return answer, names, client.session

    def check_served(self, host, name, certificate_names, context=None):
        answer, names, _ = self.ask(host, name, context)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        self.assertIn(b"hello from rust /in\n", answer)
        self.assertEqual(certificate_names, names)

    def test_the_certificate_is_chosen_by_the_name_that_is_asked_for(self):
        host = self.secured_host("first", "second", "suffix")
        self.assertEqual("https", host.scheme)
        for _ in range(2):
            self.check_served(host, "first.shop.test", ["first.shop.test"])
            self.check_served(host, "second.shop.test", ["second.shop.test"])
            self.check_served(host, "one.any.shop.test", ["*.any.shop.test"])

    def test_the_first_certificate_is_for_all_other_names(self):
        host = self.secured_host("first", "second")
        context = self.context()
        context.check_hostname = False
        self.check_served(host, "third.shop.test", ["first.shop.test"], context)

    def test_a_listener_in_plain_text_stands_beside_one_with_tls(self):
        host = self.host_with({}, {"tls": {"certificates": [self.identity("first")]}})
        self.assertEqual(200, host.ask("first.shop.test").status)
        _, host.host, host.port = harness.parse_address(host.announced["addresses"][1])
        self.check_served(host, "first.shop.test", ["first.shop.test"])

    def test_only_clients_of_the_authority_are_let_in(self):
        host = self.secured_host("first", clientCa=self.certificates["ca.pem"])
        self.check_served(host, "first.shop.test", ["first.shop.test"], self.context("client"))
        with self.assertRaises(OSError):
            self.ask(host, "first.shop.test")
        other = self.folder / "other"
        other.mkdir()
        strangers = certificates.Certificates(other)
        stranger = self.context()
        stranger.load_cert_chain(strangers["client.pem"], strangers["client.key"])
        with self.assertRaises(OSError):
            self.ask(host, "first.shop.test", stranger)
        self.check_served(host, "first.shop.test", ["first.shop.test"], self.context("client"))

    def test_an_authority_of_clients_that_changes_lets_in_its_own_alone(self):
        authority = self.folder / "clients.pem"
        authority.write_bytes(pathlib.Path(self.certificates["ca.pem"]).read_bytes())
        (self.folder / "other").mkdir()
        strangers = certificates.Certificates(self.folder / "other")
        newcomer, former = self.context(), self.context("client")
        newcomer.load_cert_chain(strangers["client.pem"], strangers["client.key"])
        host = self.secured_host("first", clientCa=str(authority))
        _, _, session = self.ask(host, "first.shop.test", former)
        self.assertIsNotNone(session)
        with self.assertRaises(OSError):
            self.ask(host, "first.shop.test", newcomer)

        authority.write_bytes(pathlib.Path(strangers["ca.pem"]).read_bytes())

        def is_let_in():
            try:
                return self.ask(host, "first.shop.test", newcomer)[0] != b""
            except OSError:
                return False

        self.eventually(is_let_in, "clients of the new authority are refused")
        self.check_served(host, "first.shop.test", ["first.shop.test"], newcomer)
        with self.assertRaises(OSError):
            self.ask(host, "first.shop.test", former)
        with self.assertRaises(OSError):
            self.ask(host, "first.shop.test", former, session)

    def serial(self, host, name):
        context = self.context()
        context.check_hostname = False
        with socket.create_connection((host.host, host.port),
                                      timeout=harness.PATIENCE_SECONDS) as plain, \
                context.wrap_socket(plain, server_hostname=name) as client:
            return client.getpeercert()["serialNumber"]

    def test_certificates_that_change_are_used_without_a_restart_and_broken_ones_never(self):
        host = self.secured_host("first", "second")
        first, second = (self.serial(host, f"{name}.shop.test") for name in ("first", "second"))
        self.certificates.issue("second", "subjectAltName=DNS:second.shop.test")
        self.eventually(lambda: self.serial(host, "second.shop.test") != second,
                        "the old certificate is still shown")
        self.assertEqual(first, self.serial(host, "first.shop.test"))
        self.check_served(host, "second.shop.test", ["second.shop.test"])
        renewed = self.serial(host, "second.shop.test")
        pathlib.Path(self.certificates["second.pem"]).write_text("nothing\n", encoding="ascii")
        host.wait_for_stderr("do not load")
        self.assertEqual(renewed, self.serial(host, "second.shop.test"))

    def test_a_certificate_without_its_key_ends_the_host_at_the_start(self):
        tls = {"certificates": [{"certificate": self.certificates["first.pem"],
                                 "key": self.certificates["second.key"]}]}
        done = self.run_wash("host", "--admin-socket", self.admin_socket, "--config",
                             self.config({"http": {"listeners": [{"address": "127.0.0.1:0",
                                                                  "tls": tls}]}}))
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertRegex(done.stderr, r"first\.pem|second\.key")


if __name__ == "__main__":
    harness.main()
