#!/usr/bin/env python3
"""What a call of a guest costs: through an Invoker, against Wasmtime's own typed bindings.

Both can wait in an import (typed: func_wrap_async with Bytes, on an engine with the same settings),
though none of these calls does; "sync" is the typed import that could not, which ours is shown
against for information. Builds the typed program, runs both in turn, round after round, and
compares the least time of each case."""

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
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="of a build with -DNIMBUS_BENCH=ON (default: build)")
    parser.add_argument("--rounds", type=int, default=3)
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


def library(build):
    """Which Rust library the program was built with."""
    cache = build / "CMakeCache.txt"
    whole = cache.exists() and "NIMBUS_RUST_LTO:BOOL=ON" in cache.read_text(encoding="utf-8")
    return "whole-program" if whole else "plain"


def main():
    arguments = parse_arguments()
    programs = arguments.build / "bench" / "call_costs", arguments.build / "bench" / "typed_calls"
    subprocess.run([ROOT / "scripts" / "build-rust.sh", "--bench", programs[1]], check=True)
    facts = report.machine()
    ours, typed = measure_in_turn(programs, arguments.rounds)
    lines = table(ours, typed)
    head = (f"{report.describe_machine(facts)}. CPU time per call, the least of {arguments.rounds} "
            f"rounds; ours with the {library(arguments.build)} Rust library")
    print(head, report.align([HEADERS] + lines), sep="\n")
    report.write_json(arguments.build / "bench" / "results", "calls",
                      {"machine": facts, "rows": lines})
    if arguments.markdown:
        content = [head + ".", "", report.markdown_table(HEADERS, lines)]
        report.replace_section(ROOT / "docs" / "performance.md", "calls", "\n".join(content))


if __name__ == "__main__":
    main()
