#!/usr/bin/env python3
"""Profiles one server of one case of run.py under load with `perf`, and prints where its CPU time
goes by library and by symbol."""

import argparse
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import load  # noqa: E402
from harness.cases import all_cases  # noqa: E402
from harness.process import raise_file_limit  # noqa: E402
from harness.servers import ROOT, Session  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case")
    parser.add_argument("--server", default="nimbus", help="word in its name (default: nimbus)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--output", type=pathlib.Path, help="keep perf's data file here")
    return parser.parse_args()


def pick(arguments):
    for case in all_cases(arguments.build.resolve()):
        if case.name == arguments.case:
            for server in case.servers:
                if arguments.server.lower() in server.label.lower():
                    return case, server
    raise SystemExit(f"no server \"{arguments.server}\" in a case \"{arguments.case}\"; see "
                     "bench/run.py --list")


def record(session, case, server, seconds, data):
    """Loads the server for a second longer than perf listens on both sides."""
    running = server.start(session, case.guest, session.server_cpus)
    with running.child as child:
        load.wait_until_answers(running.port, running.authority, child,
                                load.echo_body(case.body_bytes))
        arguments = (running.port, running.authority, case.connections)
        load.run_wrk(*arguments, 1, session.client_cpus, case.body_bytes)
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-F", "1999", "-g", "-p", str(child.pid), "-o", str(data),
             "--", "sleep", str(seconds)])
        result = load.run_wrk(*arguments, seconds + 1, session.client_cpus, case.body_bytes)
        perf.wait()
    return result


def print_report(data, keys, lines):
    run = subprocess.run(["perf", "report", "-i", str(data), "--stdio", "--no-children", "-g",
                          "none", "--sort", keys], capture_output=True, text=True, check=True)
    rows = [line for line in run.stdout.splitlines() if line.strip() and not line.startswith("#")]
    print(f"by {keys}:", *rows[:lines], "", sep="\n")


def main():
    arguments = parse_arguments()
    if not shutil.which("perf"):
        raise SystemExit("hotspots: perf is not installed (Debian: linux-perf)")
    case, server = pick(arguments)
    if missing := server.missing() or load.wrk_missing():
        raise SystemExit(f"hotspots: {server.label}: {missing}")
    raise_file_limit()
    with Session("0", "1") as session:
        data = arguments.output or session.folder("perf") / "perf.data"
        result = record(session, case, server, arguments.seconds, data)
        rate = result["requests"] / (result["duration_us"] / 1e6)
        print(f"{case.name}, {server.label}: {rate:,.0f} requests/s while profiled\n")
        print_report(data, "dso", 12)
        print_report(data, "symbol", arguments.lines)


if __name__ == "__main__":
    main()
