#!/usr/bin/env python3
"""Measures a call between two components composed by the host, each with its own environment and
volumes, beside the same two composed by hand, which share them, run by `wasmtime serve` and by our
own `wash run`. The caller times a loop of `add(u32, u32)` itself; rounds are many and short, so
that most of them have the core to themselves also on a machine that does other work."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import report  # noqa: E402
from harness.process import Child, StartFailed  # noqa: E402
from harness.servers import ROOT, Guest, Nimbus, Running, Server, Session  # noqa: E402
from harness.servers import cache_folder  # noqa: E402
from peers.wasmtime import WasmtimeServe  # noqa: E402

HEADERS = ("what", "median ns", "least ns", "most ns", "rounds", "composed ÷ this")
LIMIT = 1.1
LIMITS = ("--cpu-limit", "60s")


class ComposedByHost(Server):
    """`wash host` with a workload of the two components."""

    name = "Nimbus"
    variant = "composed by the host"

    def __init__(self, build):
        self.program = build / "wash"
        self.guests = build / "guests"

    def missing(self):
        return None if self.program.exists() else "no wash in the build folder"

    def manifest(self):
        components = [{"name": name, "file": str(self.guests / f"pair-{name}.wasm"),
                       "localResources": {"environment": {"WHO": name}}}
                      for name in ("web", "back")]
        components[0]["localResources"]["cpuLimit"] = 60_000
        return {"name": "pair", "components": components,
                "http": {"routes": [{"component": "web"}]}}

    def start(self, session, guest, cpus):
        folder = session.folder("host")
        workloads = folder / "workloads"
        workloads.mkdir()
        (workloads / "pair.json").write_text(json.dumps(self.manifest()), encoding="utf-8")
        child = Child([self.program, "-o", "json", "host", "--http-addr", "127.0.0.1:0",
                       "--admin-socket", folder / "admin.sock", "--workloads", workloads],
                      folder / "log", cpus, env=session.environment(), cwd=folder)
        try:
            found = child.wait_for_output(r'"addresses":\["http://127\.0\.0\.1:(\d+)"', 120)
        except StartFailed:
            child.stop()
            raise
        return Running(child, int(found[1]))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--calls", type=int, default=200_000, help="in one round")
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    return parser.parse_args()


def compose_by_hand(guests, folder):
    """The pair as anybody would compose it: what both import is imported once."""
    pair = folder / "pair.wasm"
    wasm_tools = cache_folder() / "venv" / "bin" / "wasm-tools"
    subprocess.run([wasm_tools, "compose", guests / "pair-web.wasm", "-d",
                    guests / "pair-back.wasm", "-o", pair], check=True, capture_output=True)
    return pair


def call_ns(running, calls):
    url = f"http://127.0.0.1:{running.port}/add?n={calls}"
    with urllib.request.urlopen(url, timeout=120) as answer:
        per_call, total = answer.read().split()
    if int(total) != calls * (calls - 1) // 2 % 2**32:
        raise SystemExit(f"{url} added wrongly")
    return float(per_call)


def measure(session, servers, guest, arguments):
    """Nanoseconds per call by server, in rounds that take turns."""
    times = {server.label: [] for server in servers}
    absent = {server.label: server.missing() for server in servers}
    started = {server.label: server.start(session, guest, "0")
               for server in servers if not absent[server.label]}
    try:
        for _ in range(arguments.rounds):
            for label, running in started.items():
                times[label].append(call_ns(running, arguments.calls))
    finally:
        for running in started.values():
            running.child.stop()
    return times, absent


def table(times, absent):
    ours = statistics.median(next(iter(times.values())))
    lines = []
    for label, rounds in times.items():
        if not rounds:
            lines.append((label, absent[label], "", "", "", ""))
            continue
        median = statistics.median(rounds)
        lines.append((label, f"{median:.2f}", f"{min(rounds):.2f}", f"{max(rounds):.2f}",
                      str(len(rounds)), f"{ours / median:.2f}×"))
    return lines


def verdicts(times):
    medians = {label: statistics.median(rounds) for label, rounds in times.items() if rounds}
    ours, *others = medians.items()
    lines = []
    for label, median in others:
        ratio = ours[1] / median
        met = "met" if ratio <= LIMIT else "not met"
        lines.append(f"{met}: {ratio:.2f}× the time of {label}, limit ≤ {LIMIT}×")
    return lines


def main():
    arguments = parse_arguments()
    build = arguments.build.resolve()
    facts = report.machine()
    with Session("0", "1") as session:
        by_hand = compose_by_hand(build / "guests", session.folder("by-hand"))
        servers = [ComposedByHost(build),
                   Nimbus(*LIMITS, variant="composed by hand", build=build),
                   WasmtimeServe()]
        times, absent = measure(session, servers, Guest("pair", by_hand), arguments)
    lines, floors = table(times, absent), verdicts(times)
    print(report.describe_machine(facts), report.align([HEADERS] + lines), *floors, sep="\n")
    report.write_json(build / "bench" / "results", "composed_call",
                      {"machine": facts, "ns": times})
    if arguments.markdown:
        content = [report.describe_machine(facts) + ".", "", report.markdown_table(HEADERS, lines),
                   "", *(f"* {line}" for line in floors)]
        report.replace_section(ROOT / "docs" / "performance.md", "composed_call",
                               "\n".join(content))


if __name__ == "__main__":
    main()
