"""Key-value over NATS between ours and wRPC's own crates for Rust, the last versions with NATS."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import interop  # noqa: E402
from interop import peer  # noqa: E402


class RustTest(interop.TestCase):
    def test_the_rust_provider_conforms(self):
        nats = self.nats()
        self.start(peer("keyvalue-rust"), nats.url, "shop.kv")
        self.assert_conforms(f"{nats.url}/shop.kv")

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
