#!/usr/bin/env python3
"""Measures wRPC over NATS beside what it cannot be faster than, in one interleaved run through one
nats-server, and prints ratios: a call between ours beside a bare request and reply of libnats, a
call of ours to a Go server beside the same, and the CPU time of our server beside that of a Go
server under the same Go client, both on wRPC's own module. docs/performance.md explains the
figures."""

import argparse
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import report  # noqa: E402
from harness.process import Child, free_port  # noqa: E402
from harness.servers import ROOT  # noqa: E402

DOCUMENT = ROOT / "docs" / "performance.md"
HEADERS = ("case", "ours", "beside it", "ratio", "floor", "verdict")
FLOORS = {"pair": 1.5, "go": 2.5, "cpu": 0.8}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=5000, help="of one measurement")
    parser.add_argument("--bytes", type=int, default=64, help="of the list that each call sends")
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    parser.add_argument("--server-cpus", default="0", help="NATS server and provider")
    parser.add_argument("--client-cpus", default="1")
    return parser.parse_args()


class Bench:
    """One nats-server, the servers behind it, and one measurement by a client."""

    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = pathlib.Path(folder)
        self.programs = arguments.build / "bench"
        self.go = arguments.build / "interop" / "wrpc-go"
        self.children = []
        port = free_port()
        self.url = f"nats://127.0.0.1:{port}"
        self.start("/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", port, ready="ready")

    def start(self, *argv, ready="serving"):
        log = self.folder / f"{len(self.children)}.log"
        child = Child(argv, log, cpus=self.arguments.server_cpus, stdin=subprocess.PIPE)
        self.children.append(child)
        child.wait_for_output(ready)
        return child

    def stop(self):
        for child in reversed(self.children):
            child.stop()

    def client(self, *argv):
        """Microseconds per call, as the client prints them."""
        command = ["taskset", "-c", self.arguments.client_cpus, *map(str, argv)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return float(re.search(r"\bus_per_call ([\d.]+)", output)[1])

    def load(self):
        return self.arguments.calls, self.arguments.bytes


def compare(rounds, *measures):
    """For each its figures, one for each round, taken in turn."""
    return list(zip(*([measure() for measure in measures] for _ in range(rounds))))


def row(title, ours, theirs, floor):
    """One line of the table: medians, and the median of the ratios of the rounds."""
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs))
    return (title, f"{statistics.median(ours):.1f} µs", f"{statistics.median(theirs):.1f} µs",
            f"{ratio:.2f}×", f"≤ {floor:g}×", "met" if ratio <= floor else "not met")


def measure_calls(bench):
    ours, bare = bench.programs / "nats_peer", bench.programs / "bare_nats"
    bench.start(ours, "serve", bench.url, "pair")
    bench.start(bare, "serve", bench.url, "bare")
    bench.start(bench.go, "serve", f"{bench.url}/go")
    pair, go, alone = compare(
        bench.arguments.rounds,
        lambda: bench.client(ours, "call", bench.url, "pair", *bench.load()),
        lambda: bench.client(ours, "call", bench.url, "go", *bench.load()),
        lambda: bench.client(bare, "call", bench.url, "bare", *bench.load()))
    return [row("call between ours, beside a bare request and reply", pair, alone, FLOORS["pair"]),
            row("call of ours to a Go server, beside the same", go, alone, FLOORS["go"])]


def measure_server_cpu(bench):
    ours = bench.start(bench.programs / "nats_peer", "serve", bench.url, "ours")
    theirs = bench.start(bench.go, "serve", f"{bench.url}/theirs")

    def cpu_of(server, prefix):
        before = server.cpu_seconds()
        bench.client(bench.go, "call", f"{bench.url}/{prefix}", *bench.load())
        return (server.cpu_seconds() - before) * 1e6 / bench.arguments.calls

    mine, other = compare(bench.arguments.rounds, lambda: cpu_of(ours, "ours"),
                          lambda: cpu_of(theirs, "theirs"))
    return [row("CPU time of our server for a call of a Go client, beside a Go server", mine, other,
                FLOORS["cpu"])]


def main():
    arguments = parse_arguments()
    facts = report.machine()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        try:
            rows = [*measure_calls(bench), *measure_server_cpu(bench)]
        finally:
            bench.stop()
    report.write_json(arguments.build / "bench" / "results", "wrpc_nats",
                      {"machine": facts, "rows": rows})
    print(f"{report.describe_machine(facts)}\n{report.align([list(HEADERS), *map(list, rows)])}")
    if arguments.markdown:
        report.replace_section(
            DOCUMENT, "wrpc_nats",
            f"{report.describe_machine(facts)}. {arguments.calls} calls of {arguments.bytes} bytes "
            f"in each of {arguments.rounds} rounds.\n\n{report.markdown_table(HEADERS, rows)}")


if __name__ == "__main__":
    main()
