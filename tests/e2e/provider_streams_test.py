#!/usr/bin/env python3
"""A component of WASI 0.2 that hands over input streams, and a provider in C++ to which they are
streams of bytes."""

import harness
import hosting

BACKEND = harness.WASH.parent / "nimbus_pair_backend"


class InputStreamsTest(hosting.TestCase):
    def host_with_provider(self):
        provider = self.own(harness.Process([str(BACKEND), f"unix:{self.folder}/pair.sock"]))
        address = provider.wait_for_stdout(r"serving (\S+)").group(1)
        manifest = hosting.workload("pair", "pair-web")
        manifest["hostInterfaces"] = [
            {"namespace": "test", "package": "pair", "provider": address}]
        host = self.host()
        host.apply(manifest)
        return host, provider

    def test_they_cross_both_ways(self):
        host, _ = self.host_with_provider()
        for size in (0, 1, 100_000, 1 << 20):
            content = bytes(number % 251 for number in range(size))
            answer = host.ask("pair.test", "/count", method="POST", body=content)
            self.assertEqual((200, f"{size}\n"), (answer.status, answer.text))
            self.assertEqual(content, host.ask("pair.test", "/open?path=last").body)
        self.assertEqual("there is no rhyme\n", host.text_of("pair.test", "/open?path=rhyme"))

    def test_an_error_of_the_provider_ends_them(self):
        host, _ = self.host_with_provider()
        self.assertEqual("first bytes", host.text_of("pair.test", "/open?path=broken"))
        # Nobody else suffers.
        self.assertEqual("3\n", host.ask("pair.test", "/count", method="POST",
                                         body=b"abc").text)

    def test_a_provider_that_is_gone_fails_the_call(self):
        host, provider = self.host_with_provider()
        provider.kill()
        answer = host.ask("pair.test", "/count", method="POST", body=b"abc")
        self.assertEqual(500, answer.status)


if __name__ == "__main__":
    harness.main()
