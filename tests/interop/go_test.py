"""Key-value between ours, the example provider on wRPC's own Go module, and a client in Go
that shares no code with either."""

import re
import unittest

import interop
from interop import peer

README = interop.harness.SOURCE / "examples" / "providers" / "keyvalue-go" / "README.md"


class GoProviderTest(interop.TestCase):
    def test_conforms_over_nats(self):
        nats = self.nats()
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.assert_conforms(f"{nats.url}/shop.kv")

    def test_conforms_over_tcp(self):
        provider = self.start(peer("keyvalue-go"), "tcp", "127.0.0.1:0")
        self.assert_conforms(f"tcp:{provider.announced}")

    def test_conforms_over_a_unix_socket(self):
        path = self.folder / "kv.sock"
        self.start(peer("keyvalue-go"), "unix", path)
        self.assert_conforms(f"unix:{path}")

    def test_is_missed_when_killed_and_found_when_started_again(self):
        nats = self.nats()
        provider = self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        nats.kill_client(provider)
        self.assert_missing(f"{nats.url}/shop.kv")
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.assert_conforms(f"{nats.url}/shop.kv")


class ReadmeTest(interop.TestCase):
    def test_serves_by_the_commands_of_its_readme(self):
        """Only the ports and folders are others."""
        block = re.search(r"^    go build -o keyvalue \.\n((?:    .*\n)+)",
                          README.read_text(encoding="utf-8"), re.MULTILINE).group(1)
        addresses = {"nats": "nats://127.0.0.1:4222", "tcp": "127.0.0.1:7761",
                     "unix": "/run/keyvalue.sock"}
        nats = self.nats()
        here = {"nats": nats.url, "tcp": "127.0.0.1:0", "unix": str(self.folder / "kv.sock")}
        seen = []
        for program, transport, where, *prefix in map(str.split, block.splitlines()):
            with self.subTest(transport):
                self.assertEqual(["./keyvalue", addresses[transport]], [program, where])
                provider = self.start(peer("keyvalue-go"), transport, here[transport], *prefix)
                self.assert_conforms({"nats": "/".join([nats.url, *prefix]),
                                      "tcp": f"tcp:{provider.announced}",
                                      "unix": f"unix:{here['unix']}"}[transport])
                seen.append(transport)
        self.assertEqual(["nats", "tcp", "unix"], seen)


class GoClientTest(interop.TestCase):
    def check(self, nats):
        self.assertIn("checked", self.assert_succeeds(peer("go-client"), nats.url, "shop.kv"))

    def test_calls_our_provider_over_nats(self):
        nats = self.nats()
        provider = self.serve_keyvalue(f"{nats.url}/shop.kv")
        self.check(nats)
        self.assertEqual(0, provider.terminate())

    def test_calls_the_go_provider_alike(self):
        nats = self.nats()
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.check(nats)


if __name__ == "__main__":
    unittest.main()
