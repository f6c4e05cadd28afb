#!/usr/bin/env python3
"""Measures what installed plugins cost a `wash` that does not need them: `wash --version` and `wash
--help`, whole processes, with no plugin and with twenty."""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import report  # noqa: E402
from harness.servers import ROOT, Session  # noqa: E402

sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import plugin_variants  # noqa: E402

PLUGINS = 20
LIMIT_MS = 15
COMMANDS = ("--version", "--help")
HEADERS = ("command", "plugins", "median ms", "least ms", "most ms", "runs")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    return parser.parse_args()


def home_with(session, build, count):
    """The environment of a user with so many plugins, each with a command and hooks."""
    home = session.folder(f"home-{count}")
    env = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    env.pop("XDG_DATA_HOME", None)
    for number in range(count):
        path = home / "plugin.wasm"
        path.write_bytes(plugin_variants.hostile(build / "guests", name=f"plugin-{number}",
                                                 command="yes", sub="again", hook="oci push"))
        subprocess.run([build / "wash", "plugin", "install", path], env=env, check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)
    return env


def process_ms(command, env):
    began = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1e3


def measure(build, runs):
    """{(command, plugins): milliseconds}, the cases taken in turns."""
    results = {(command, count): [] for command in COMMANDS for count in (0, PLUGINS)}
    with Session(None, None) as session:
        homes = {count: home_with(session, build, count) for count in (0, PLUGINS)}
        for _ in range(runs):
            for (command, count), times in results.items():
                times.append(process_ms([build / "wash", command], homes[count]))
    return results


def verdict(results):
    median = statistics.median(results["--version", PLUGINS])
    met = "met" if median < LIMIT_MS else "not met"
    return f"{met}: wash --version with {PLUGINS} plugins {median:.1f} ms, floor < {LIMIT_MS} ms"


def main():
    arguments = parse_arguments()
    facts = report.machine()
    results = measure(arguments.build.resolve(), arguments.runs)
    lines = [(f"wash {command}", str(count), f"{statistics.median(times):.1f}",
              f"{min(times):.1f}", f"{max(times):.1f}", str(len(times)))
             for (command, count), times in results.items()]
    print(report.describe_machine(facts), report.align([HEADERS] + lines), verdict(results),
          sep="\n")
    report.write_json(arguments.build / "bench" / "results", "plugins", {
        "machine": facts,
        "ms": {f"{command} {count}": times for (command, count), times in results.items()}})
    if arguments.markdown:
        content = [report.describe_machine(facts) + ".", "", report.markdown_table(HEADERS, lines),
                   "", f"* {verdict(results)}"]
        report.replace_section(ROOT / "docs" / "performance.md", "plugins", "\n".join(content))


if __name__ == "__main__":
    main()
