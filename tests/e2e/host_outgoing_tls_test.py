#!/usr/bin/env python3
"""Whose certificates a guest's outgoing HTTPS trusts: the system's authorities, those of files, or
neither; and who it says that it is."""


import certificates
import harness
import hosting
from hosting import workload

OUTBOUNDS = ("http-outbound", "http-outbound-p3")
ANSWERED = (200, "content")
UNTRUSTED = (502, "tls-certificate-error")


class OutgoingTlsTest(hosting.TestCase):
    """Of two authorities, `ca` signed what the server shows, and `strangers` did not."""

    def setUp(self):
        super().setUp()
        self.issued = certificates.Certificates(self.folder)
        self.issued.issue("strangers", "basicConstraints=critical,CA:TRUE")
        (self.folder / "none").mkdir()

    def with_system_of(self, authority):
        """The environment of a process on a system that trusts it and no other one."""
        return self.environment(SSL_CERT_FILE=self.issued[f"{authority}.pem"],
                                SSL_CERT_DIR=str(self.folder / "none"))

    def upstream(self, *flags):
        """A server that sends content back."""
        return self.wash("run", harness.guest("http-echo"), "--addr", "127.0.0.1:0", "--tls-cert",
                         self.issued["server.pem"], "--tls-key", self.issued["server.key"], *flags)

    def ask(self, server, upstream):
        """The status of the guest's answer, and what it saw: content or the name of the error."""
        answer = server.post("/", b"content", headers={
            "Host": "w.test", "x-url": f"https://localhost:{upstream.port}/"})
        return answer.status, answer.text.split("\n")[0]


class RunTest(OutgoingTlsTest):
    def serve(self, guest, upstream, system, *flags):
        return self.wash("run", harness.guest(guest), "--addr", "127.0.0.1:0", "--allowed-host",
                         "*", "--allowed-loopback-port", str(upstream.port), *flags,
                         env=self.with_system_of(system))

    def test_authorities_of_the_system_are_trusted_and_others_are_not(self):
        upstream = self.upstream()
        for guest in OUTBOUNDS:
            for system, expected in (("ca", ANSWERED), ("strangers", UNTRUSTED)):
                with self.subTest(guest, system=system):
                    server = self.serve(guest, upstream, system)
                    self.assertEqual(expected, self.ask(server, upstream))

    def test_authorities_of_a_file_are_trusted_beside_those_of_the_system(self):
        upstream = self.upstream()
        for of_system, of_file in (("ca", "strangers"), ("strangers", "ca")):
            with self.subTest(of_system):
                server = self.serve("http-outbound", upstream, of_system, "--outgoing-ca",
                                    self.issued[f"{of_file}.pem"])
                self.assertEqual(ANSWERED, self.ask(server, upstream))


class HostTest(OutgoingTlsTest):
    def serve(self, guest, upstream, system, **egress):
        """A host on such a system, whose guest may reach the server."""
        if self._current is not None:
            self._current.kill()
        settings = {"egress": {"allowHostLoopback": True, **egress}}
        self._current = self._start(hosting.Host, self.host_arguments(config=settings),
                                    self.with_system_of(system),
                                    {"admin_socket": self.admin_socket})
        self._current.apply(workload("w", guest, resources={
            "allowedHosts": ["*"], "allowedHostLoopbackPorts": [str(upstream.port)]}))
        return self._current

    def test_what_is_trusted_is_as_the_configuration_says(self):
        upstream = self.upstream()
        ca, strangers = (self.issued[f"{name}.pem"] for name in ("ca", "strangers"))
        cases = (("ca", {}, ANSWERED),
                 ("strangers", {}, UNTRUSTED),
                 ("ca", {"systemRoots": False}, UNTRUSTED),
                 ("ca", {"systemRoots": False, "webRoots": True}, UNTRUSTED),
                 ("ca", {"webRoots": True}, ANSWERED),
                 ("strangers", {"caFiles": [ca], "systemRoots": False, "webRoots": True},
                  ANSWERED),
                 ("strangers", {"caFiles": [ca]}, ANSWERED),
                 ("strangers", {"caFiles": [strangers, ca], "systemRoots": False}, ANSWERED),
                 ("ca", {"caFiles": [strangers]}, ANSWERED),
                 ("ca", {"caFiles": [strangers], "systemRoots": False}, UNTRUSTED))
        for guest in OUTBOUNDS:
            for system, egress, expected in cases:
                with self.subTest(guest, system=system, **egress):
                    host = self.serve(guest, upstream, system, **egress)
                    self.assertEqual(expected, self.ask(host, upstream))

    def test_the_hosts_identity_is_shown_to_a_server_that_asks(self):
        (self.folder / "other").mkdir()
        other = certificates.Certificates(self.folder / "other")
        upstream = self.upstream("--tls-client-ca", self.issued["ca.pem"])
        for guest in OUTBOUNDS:
            for what, shown, status in (("its own", self.issued, 200),
                                        ("another authority's", other, 502),
                                        ("none", None, 502)):
                with self.subTest(guest, shown=what):
                    egress = {} if shown is None else {"identity": {
                        "certificate": shown["client.pem"], "key": shown["client.key"]}}
                    host = self.serve(guest, upstream, "ca", **egress)
                    self.assertEqual(status, self.ask(host, upstream)[0])


if __name__ == "__main__":
    harness.main()
