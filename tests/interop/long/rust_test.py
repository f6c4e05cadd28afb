"""Key-value between ours and wRPC's own crates for Rust, the last versions with NATS."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import interop  # noqa: E402
from interop import peer  # noqa: E402


class RustTest(interop.TestCase):
    def test_the_rust_provider_conforms_over_nats(self):
        nats = self.nats()
        self.start(peer("keyvalue-rust"), nats.url, "shop.kv")
        self.assert_conforms(f"{nats.url}/shop.kv")

    def test_the_rust_provider_conforms_over_tcp(self):
        provider = self.start(peer("keyvalue-rust"), "tcp:127.0.0.1:0")
        self.assert_conforms(f"tcp:{provider.announced}")

    def test_the_rust_provider_conforms_over_a_unix_socket(self):
        path = self.folder / "kv.sock"
        self.start(peer("keyvalue-rust"), f"unix:{path}")
        self.assert_conforms(f"unix:{path}")

    def test_the_rust_client_understands_our_provider(self):
        nats = self.nats()
        provider = self.serve_keyvalue(f"{nats.url}/shop.kv")
        output = self.assert_succeeds(peer("rust-client"), nats.url, "shop.kv")
        self.assertIn("checked", output)
        self.assertEqual(0, provider.terminate())

    def test_the_rust_client_understands_the_go_provider(self):
        nats = self.nats()
        self.start(peer("keyvalue-go"), "nats", nats.url, "shop.kv")
        self.assertIn("checked", self.assert_succeeds(peer("rust-client"), nats.url, "shop.kv"))

    def test_the_go_client_understands_the_rust_provider(self):
        nats = self.nats()
        self.start(peer("keyvalue-rust"), nats.url, "shop.kv")
        self.assertIn("checked", self.assert_succeeds(peer("go-client"), nats.url, "shop.kv"))


if __name__ == "__main__":
    unittest.main()
