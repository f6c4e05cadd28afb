#!/usr/bin/env python3
"""Profiles one server of one case of run.py under load with `perf`, and prints where its CPU time
goes by part of the program, by library and by symbol."""

import argparse
import collections
import pathlib
import re
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


# The first pattern that is in the symbol names its part. Generic code of Rust's core and of the
# standard libraries belongs to the first crate or namespace that it is made for.
PARTS = (("memory from the heap", r"^(_*(je_|malloc|calloc|realloc|free|posix_memalign|sdallocx)"
                                  r"|operator (new|delete))|\b(arena|tcache)_|\b__(rust|rdl)_"),
         ("our C++: src/http", r"\bnimbus::http::"),
         ("our C++: src/host", r"\bnimbus::host::"),
         ("our C++: src/engine", r"\bnimbus::engine::"),
         ("our C++: src/net, src/base", r"\bnimbus::"),
         ("our Rust", r"\bnimbus_engine::"),
         ("WASI, Tokio, http", r"\b(wasmtime_wasi\w*|tokio|http|http_body\w*|hyper|bytes)::"),
         ("Wasmtime, futures", r"\b(wasmtime\w*|cranelift\w*|futures\w*|anyhow|wasmparser)::"))


def part_of(library, name):
    if "kernel" in library:
        return "kernel"
    if library.endswith(".code") or name.startswith("wasm["):
        return "the guest's code"
    for part, pattern in PARTS:
        if re.search(pattern, name):
            return part
    return "libraries of C and C++" if library.startswith(("lib", "[vdso]")) else "other"


def print_parts(data):
    run = subprocess.run(["perf", "report", "-i", str(data), "--stdio", "--no-children", "-g",
                          "none", "-t", "|", "--sort", "dso,symbol"],
                         capture_output=True, text=True, check=True)
    shares = collections.Counter()
    for line in run.stdout.splitlines():
        if fields := re.match(r" *([0-9.]+)% *\|([^|]*)\|\[.\] (.*)", line):
            shares[part_of(fields[2].strip(), fields[3].strip())] += float(fields[1])
    print("by part:", *(f"{share:6.2f}%  {part}" for part, share in shares.most_common()), "",
          sep="\n")


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
        print_parts(data)
        print_report(data, "dso", 12)
        print_report(data, "symbol", arguments.lines)


if __name__ == "__main__":
    main()
