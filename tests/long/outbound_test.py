#!/usr/bin/env python3
"""1 GiB through a component to another server and back, with trailers, in constant memory."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import certificates  # noqa: E402
import harness  # noqa: E402
from http2_upstreams import Http2Upstream, echo  # noqa: E402
from streaming import MIB, bounded_growth  # noqa: E402
from upstreams import Upstream, check_proxied, echo_with_trailers  # noqa: E402

CASES = (("http-outbound", "/"), ("http-outbound-p3", "/"), ("http-outbound-p3", "/copy"))


class LongOutboundTest(harness.TestCase):
    def check(self, name, path, upstream, *flags):
        server = self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0", "--allowed-host",
                           "*", "--allowed-loopback-port", str(upstream.port), *flags)
        check_proxied(self, server, upstream, path, MIB)
        with bounded_growth(self, server, 64 * MIB):
            check_proxied(self, server, upstream, path, 1024 * MIB)

    def test_1_gib_goes_out_and_comes_back_with_less_than_64_mib_of_growth(self):
        for name, path in CASES:
            with self.subTest(f"{name}{path}"):
                self.check(name, path, Upstream(self, echo_with_trailers))

    def test_the_same_holds_for_http_2(self):
        issued = certificates.Certificates(self.folder)
        for name, path in CASES:
            with self.subTest(f"{name}{path}"):
                self.check(name, path, Http2Upstream(self, issued, echo), "--outgoing-ca",
                           issued["ca.pem"])


if __name__ == "__main__":
    harness.main()
