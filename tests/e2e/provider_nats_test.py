#!/usr/bin/env python3
"""Providers over a NATS server that wants TLS and to know who is there."""

import json
import sys

import certificates
import harness
import hosting

sys.path.insert(0, str(harness.SOURCE / "tests" / "interop"))
import interop  # noqa: E402

CONFIGURATION = """
tls {{ cert_file: "{folder}/server.pem", key_file: "{folder}/server.key",
       ca_file: "{folder}/ca.pem", verify: {verify} }}
authorization {{ users: [ {{ user: shop, password: "one two" }} ] }}
"""


class NatsTest(hosting.TestCase):
    def setUp(self):
        super().setUp()
        certificates.Certificates(self.folder)
        self.write("password", "one two\n")

    def serve_nats(self, verify=False):
        server = self.own(interop.NatsServer(self.folder, CONFIGURATION.format(
            folder=self.folder, verify=str(verify).lower())))
        self.url = f"tls://localhost:{server.port}"
        self.flags = ("--data-nats-url", self.url, "--data-nats-tls-ca", f"{self.folder}/ca.pem",
                      "--data-nats-user", "shop",
                      "--data-nats-password-file", f"{self.folder}/password")

    def serve_keyvalue(self, *more):
        provider = self.start("provider", "serve", "keyvalue-memory", "--listen", "nats:shop.kv",
                              *self.flags, *more)
        self.assertEqual("nats:shop.kv",
                         provider.wait_for_stdout(r"Serving \S+ at (\S+)").group(1))

    def counter(self, **more):
        return {**hosting.workload("far", "kv-counter"), "hostInterfaces": [
            {"namespace": "wasi", "package": "keyvalue", "provider": "nats:shop.kv"}], **more}

    def counts(self, ask, times):
        return [json.loads(ask().text)["count"] for _ in range(times)]

    def test_a_component_on_its_own(self):
        self.serve_nats()
        self.serve_keyvalue()
        server = self.wash("run", harness.guest("kv-counter"), "--addr", "127.0.0.1:0",
                           "--keyvalue", "nats:shop.kv", *self.flags)
        self.assertEqual([1, 2, 3], self.counts(server.get, 3))

    def test_a_certificate_of_ones_own(self):
        self.serve_nats(verify=True)
        refused = self.run_wash("provider", "serve", "keyvalue-memory", "--listen", "nats:shop.kv",
                                *self.flags)
        self.assertNotEqual(0, refused.returncode)
        self.assertIn("cannot connect to NATS", refused.stderr)
        self.serve_keyvalue("--data-nats-tls-cert", f"{self.folder}/client.pem",
                            "--data-nats-tls-key", f"{self.folder}/client.key")

    def host_at(self, nats):
        return self.host(config={"nats": nats})

    def test_a_host_by_its_configuration(self):
        self.serve_nats()
        self.serve_keyvalue()
        host = self.host_at({"servers": [self.url], "user": "shop", "passwordFile": "password",
                             "tls": {"ca": "ca.pem"}})
        host.apply(self.counter())
        self.assertEqual([1, 2], self.counts(lambda: host.ask("far.test"), 2))

    def test_a_host_that_is_refused_says_so(self):
        self.serve_nats()
        host = self.host_at({"servers": [self.url], "tls": {"ca": "ca.pem"}})
        why = host.why_refused(self.counter(), status=403)
        self.assertIn("cannot reach the NATS server of nats:shop.kv", why)
        self.assertIn("Authentication Violation", why)

    def test_what_a_manifest_names_itself_gets_no_identity(self):
        self.serve_nats()
        host = self.host_at({"servers": [self.url], "user": "shop", "passwordFile": "password",
                             "tls": {"ca": "ca.pem"}})
        manifest = self.counter()
        manifest["hostInterfaces"][0]["provider"] = f"nats://{self.url[6:]}/shop.kv"
        self.assertIn("cannot reach the NATS server of nats://localhost",
                      host.why_refused(manifest))

    def test_mistakes_end_the_start(self):
        for flags, message in (
                (("--data-nats-url", "http://x"), "a server is named as in nats://HOST:4222"),
                (("--data-nats-tls-ca", "/none"), "the authorities in /none"),
                (("--data-nats-creds", "/none"), "the credentials in /none"),
                (("--data-nats-tls-first",), "handshake_first: auto"),
                (("--data-nats-tls-cert", "x"), "--data-nats-tls-key")):
            with self.subTest(flags):
                done = self.run_wash("host", *flags)
                self.assertNotEqual(0, done.returncode)
                self.assertIn(message, done.stderr)


if __name__ == "__main__":
    harness.main()
