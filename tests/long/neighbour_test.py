#!/usr/bin/env python3
"""What a workload notices of another one that computes without end, on the same shard."""

import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402
import hosting  # noqa: E402
import updating  # noqa: E402
from hosting import workload  # noqa: E402

ROUNDS = 15
SECONDS = 1  # of load, alone and beside the other guest, in each round
MOST = 2
MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000}
POLICIES = {"P2, fresh": ("http-hello", {}),
            "P2, pooled": ("http-hello", {"poolSize": 16}),
            "P3, pooled": ("http-hello-p3", {"poolSize": 16, "maxConcurrency": 16})}


class NeighbourTest(hosting.TestCase):
    def p99_ms(self, host):
        """Of answers of the workload `w` under load, none of which may fail."""
        command = updating.wrk(SECONDS, "--latency", f"{host.url}/")
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        self.assertTrue(updating.requests_of_wrk(printed), printed)
        number, unit = re.search(r"99% +([0-9.]+)(us|ms|s)\b", printed).groups()
        return float(number) * MILLISECONDS[unit]

    def test_p99_beside_a_guest_that_computes_is_at_most_twice_that_of_alone(self):
        """In the median of some rounds, as whatever else a machine does makes single ones worse."""
        for policy, (guest, keys) in POLICIES.items():
            for spinner in ("http-misc", "http-misc-p3"):
                with self.subTest(policy, spinner=spinner):
                    host = self.host("--shards", "1")
                    host.apply(workload("w", guest, **keys))
                    host.apply(workload("bad", spinner, resources={"cpuLimit": 600_000}))
                    ratios = [self.ratio(host) for _ in range(ROUNDS)]
                    self.assertLessEqual(statistics.median(ratios), MOST, ratios)
                    self.assertEqual(0, host.terminate())

    def ratio(self, host):
        """Of p99 beside the guest that computes to that of alone, one right after the other."""
        alone = self.p99_ms(host)
        with host.connect() as spinning:
            spinning.send("GET /spin HTTP/1.1\r\nHost: bad.test\r\n\r\n")
            beside = self.p99_ms(host)
            self.assertFalse(spinning.readable(0), "it does not compute any more")
        return beside / alone


if __name__ == "__main__":
    harness.main()
