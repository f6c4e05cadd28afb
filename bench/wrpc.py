#!/usr/bin/env python3
"""Measures wRPC over sockets beside what it cannot be faster than, in one interleaved run, and
prints ratios: a call over a Unix socket beside bare connect and echo, a stream of 1 GiB beside a
bare socket, and the CPU time of our TCP server beside that of a Go server under the same Go client.
scripts/build-interop.sh builds what is in Go. docs/performance.md explains the figures."""

import argparse
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import report  # noqa: E402
from harness.process import Child  # noqa: E402
from harness.servers import ROOT  # noqa: E402

DOCUMENT = ROOT / "docs" / "performance.md"
CALL_BYTES = 64  # parameters; header and frame around them make the bare echo as long
HEADER_BYTES = 28
FLOORS = {"call": 1.6, "stream": 0.5, "cpu": 0.8}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=10000, help="of one measurement")
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    parser.add_argument("--server-cpus", default="0")
    parser.add_argument("--client-cpus", default="1")
    return parser.parse_args()


class Bench:
    """The servers of one run, and one measurement by a client."""

    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = pathlib.Path(folder)
        self.programs = arguments.build / "bench"
        self.children = []

    def start(self, name, *argv):
        child = Child(argv, self.folder / f"{name}.log", cpus=self.arguments.server_cpus)
        self.children.append(child)
        return child, child.wait_for_output(r"(?:listening on|serving) (\S+)").group(1)

    def stop(self):
        for child in self.children:
            child.stop()

    def client(self, *argv):
        """The figures that a client prints, by name."""
        command = ["taskset", "-c", self.arguments.client_cpus, *map(str, argv)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return {name: float(value) for name, value in re.findall(r"(\w+) ([\d.]+)", output)}

    def socket(self, name):
        return str(self.folder / name)


class Comparison:
    """Ours and the other, measured in turn; the ratio is that of the medians."""

    def __init__(self, title, unit, floor, rounds, ours, theirs):
        pairs = [(ours(), theirs()) for _ in range(rounds)]
        self.title, self.unit, self.floor = title, unit, floor
        self.ours = statistics.median(pair[0] for pair in pairs)
        self.theirs = statistics.median(pair[1] for pair in pairs)
        self.notes = ""

    def cells(self):
        ratio = self.ours / self.theirs
        at_least = self.floor == FLOORS["stream"]
        met = ratio >= self.floor if at_least else ratio <= self.floor
        return (self.title, f"{self.ours:.1f} {self.unit}{self.notes}",
                f"{self.theirs:.1f} {self.unit}", f"{ratio:.2f}×",
                f"{'≥' if at_least else '≤'} {self.floor:g}×", "met" if met else "not met")


HEADERS = ("case", "ours", "beside it", "ratio", "floor", "verdict")


def measure_calls(bench):
    peer, bare = bench.programs / "wrpc_peer", bench.programs / "bare_socket"
    calls, total = bench.arguments.calls, CALL_BYTES + HEADER_BYTES
    _, ours = bench.start("calls", peer, "serve", "unix:" + bench.socket("wrpc"))
    bench.start("echo", bare, "serve", bench.socket("bare"))
    return Comparison(
        f"call over a Unix socket ({CALL_BYTES} bytes), beside connect and echo", "µs",
        FLOORS["call"], bench.arguments.rounds,
        lambda: bench.client(peer, "call", ours, calls, CALL_BYTES)["us_per_call"],
        lambda: bench.client(bare, "call", bench.socket("bare"), calls, total)["us_per_call"])


def measure_streams(bench):
    peer, bare = bench.programs / "wrpc_peer", bench.programs / "bare_socket"
    server, ours = bench.start("streams", peer, "serve", "unix:" + bench.socket("s"))
    bench.start("flood", bare, "flood", bench.socket("f"))
    memory = []

    def stream():
        figures = bench.client(peer, "stream", ours)
        memory.append(figures["max_rss_kib"])
        return figures["mib_per_s"]

    result = Comparison(
        "`stream<u8>` of 1 GiB over a Unix socket, beside a bare one", "MiB/s", FLOORS["stream"],
        bench.arguments.rounds, stream,
        lambda: bench.client(bare, "stream", bench.socket("f"))["mib_per_s"])
    result.notes = (f", at most {max(memory) / 1024:.0f} MiB resident at the client and "
                    f"{server.memory_bytes()[1] / 1048576:.0f} at the server")
    return result


def measure_server_cpu(bench):
    client = bench.arguments.build / "interop" / "wrpc-go"
    calls = bench.arguments.calls
    ours, address = bench.start("tcp", bench.programs / "wrpc_peer", "serve", "tcp:127.0.0.1:0")
    theirs, other = bench.start("go", client, "serve", "127.0.0.1:0")

    def cpu_of(server, place):
        before = server.cpu_seconds()
        bench.client(client, "call", place.removeprefix("tcp:"), calls, CALL_BYTES)
        return (server.cpu_seconds() - before) * 1e6 / calls

    return Comparison("CPU time of our TCP server for a call of a Go client, beside a Go server",
                      "µs", FLOORS["cpu"], bench.arguments.rounds,
                      lambda: cpu_of(ours, address), lambda: cpu_of(theirs, other))


def main():
    arguments = parse_arguments()
    facts = report.machine()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        try:
            for measure in (measure_calls, measure_streams, measure_server_cpu):
                results.append(measure(bench))
        finally:
            bench.stop()
    rows = [result.cells() for result in results]
    print(f"{report.describe_machine(facts)}\n\n{report.align([HEADERS, *rows])}")
    report.write_json(arguments.build / "bench" / "results", "wrpc",
                      {"machine": facts, "rows": rows})
    if arguments.markdown:
        text = (f"{report.describe_machine(facts)}. Medians of {arguments.rounds} rounds in turn.\n"
                f"\n{report.markdown_table(HEADERS, rows)}")
        report.replace_section(DOCUMENT, "wrpc", text)


if __name__ == "__main__":
    main()
