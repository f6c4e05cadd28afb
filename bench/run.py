#!/usr/bin/env python3
"""Measures this repository's `wash` beside its peers in one interleaved run on this machine and
prints one table. `make bench` calls it; docs/performance.md explains method and figures."""

import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import report  # noqa: E402
from harness.cases import all_cases  # noqa: E402
from harness.measure import Plan, run_cases  # noqa: E402
from harness.process import raise_file_limit  # noqa: E402
from harness.servers import ROOT, Session  # noqa: E402

DOCUMENT = ROOT / "docs" / "performance.md"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="build folder with wash, guests/ and bench/ (default: %(default)s)")
    parser.add_argument("--cases", help="comma list, also of prefixes: p2,constant")
    parser.add_argument("--servers", help="comma list of words in names: nimbus,wasmtime")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of one measurement")
    parser.add_argument("--sleeper-seconds", type=int, default=15,
                        help="least seconds of a measurement whose answers take long")
    parser.add_argument("--quick", action="store_true", help="one round of one second each")
    parser.add_argument("--server-cpus", default="0", help="taskset list (default: %(default)s)")
    parser.add_argument("--client-cpus", default="1", help="taskset list (default: %(default)s)")
    parser.add_argument("--markdown", action="store_true",
                        help="write the tables into docs/performance.md")
    parser.add_argument("--list", action="store_true", help="print the cases and their servers")
    return parser.parse_args()


def choose(cases, wanted):
    if not wanted:
        return cases
    words, names = wanted.split(","), {case.name for case in cases}

    def is_wanted(name):
        return any(name == word if word in names else name.startswith(word) for word in words)

    chosen = [case for case in cases if is_wanted(case.name)]
    if not chosen:
        raise SystemExit(f"no case begins with {wanted}; there are "
                         + ", ".join(case.name for case in cases))
    return chosen


def list_cases(cases):
    for case in cases:
        print(f"{case.name}: {case.title}")
        for server in case.servers:
            missing = server.missing()
            print(f"  {server.label}: {missing or 'version ' + (server.version() or '-')}")


def main():
    arguments = parse_arguments()
    cases = choose(all_cases(arguments.build.resolve()), arguments.cases)
    if arguments.list:
        return list_cases(cases)
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two cores are needed: one for the server, one for the client")
    raise_file_limit()
    plan = Plan(1, 1, 0) if arguments.quick else Plan(arguments.rounds, arguments.seconds, 1,
                                                      arguments.sleeper_seconds)
    facts = report.machine()
    if facts["load_before"] > 0.5:
        print(f"warning: load average {facts['load_before']:.2f}: the figures will be noisy",
              file=sys.stderr)
    wanted = arguments.servers.lower().split(",") if arguments.servers else None
    with Session(arguments.server_cpus, arguments.client_cpus) as session:
        results = run_cases(session, cases, plan, wanted)
    print(f"\n{report.describe_machine(facts)}\n\n{report.text(cases, results)}")
    path = report.write_json(arguments.build / "bench" / "results", "run",
                             {"machine": facts, "plan": plan, "cases": results})
    print(f"All rounds: {path}")
    if arguments.markdown:
        report.replace_section(DOCUMENT, "run", report.markdown(cases, results, facts, plan))
    return None


if __name__ == "__main__":
    main()
