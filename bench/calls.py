#!/usr/bin/env python3
"""What a call of a guest costs: through an Invoker, against Wasmtime's own typed bindings.

Both can wait in an import (typed: func_wrap_async with Bytes, on an engine with the same settings),
though none of these calls does; "sync" is the typed import that could not, which ours is shown
against for information. Runs both programs in turn, round after round, and compares the least time
of each case. Exits 1 if a floor is missed."""

import argparse
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import report  # noqa: E402
from harness.servers import ROOT  # noqa: E402

GUEST = pathlib.Path(__file__).with_name("calls_guest.wat")
HEADERS = ("case", "typed ns", "through an Invoker ns", "ratio", "floor", "verdict")

# Name, case, size, times the yardstick at most; None: no floor.
CASES = (
    ("import, 16 B", "import", 16, 1.4),
    ("import, 64 KiB", "import", 1 << 16, 1.15),
    ("import, 1 MiB", "import", 1 << 20, 1.15),
    ("import, 16 B, sync", "import-sync", 16, None),
    ("import, 64 KiB, sync", "import-sync", 1 << 16, None),
    ("export, 16 B", "export", 16, 1.4),
    ("export, 64 KiB", "export", 1 << 16, 1.15),
)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("call_costs", type=pathlib.Path,
                        help="build/bench/call_costs, of a build with -DNIMBUS_BENCH=ON")
    parser.add_argument("typed_calls", type=pathlib.Path,
                        help="what `cargo build --release --bench typed_calls` in src/rust makes")
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    return parser.parse_args()


def measure(program):
    lines = subprocess.run([program, GUEST], check=True, capture_output=True, text=True).stdout
    fields = (line.split() for line in lines.splitlines())
    return {(case, int(size)): float(cost) for case, size, cost in fields}


def measure_in_turn(programs, rounds):
    """The least nanoseconds of each case, for each program."""
    best = [{} for _ in programs]
    for _ in range(rounds):
        for program, costs in zip(programs, best):
            for case, cost in measure(program).items():
                costs[case] = min(cost, costs.get(case, cost))
    return best


def table(ours, typed):
    lines = []
    for name, case, size, floor in CASES:
        yardstick, cost = typed[case, size], ours[case.removesuffix("-sync"), size]
        ratio = cost / yardstick
        verdict = "" if floor is None else "met" if ratio <= floor else "not met"
        lines.append((name, f"{yardstick:,.0f}", f"{cost:,.0f}", f"{ratio:.2f}×",
                      f"≤ {floor:g}×" if floor else "", verdict))
    return lines


def library(call_costs):
    """Which Rust library the program was built with."""
    cache = call_costs.resolve().parents[1] / "CMakeCache.txt"
    whole = cache.exists() and "NIMBUS_RUST_LTO:BOOL=ON" in cache.read_text(encoding="utf-8")
    return "whole-program" if whole else "plain"


def main():
    arguments = parse_arguments()
    facts = report.machine()
    programs = (arguments.call_costs, arguments.typed_calls)
    ours, typed = measure_in_turn(programs, arguments.rounds)
    lines = table(ours, typed)
    head = (f"{report.describe_machine(facts)}. CPU time per call, the least of {arguments.rounds} "
            f"rounds; ours with the {library(arguments.call_costs)} Rust library")
    print(head, report.align([HEADERS] + lines), sep="\n")
    if arguments.markdown:
        content = [head + ".", "", report.markdown_table(HEADERS, lines)]
        report.replace_section(ROOT / "docs" / "performance.md", "calls", "\n".join(content))
    return 1 if any(line[-1] == "not met" for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
