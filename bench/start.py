#!/usr/bin/env python3
"""Measures how soon a component answers: from process start to the first response, with the code
cache warm and empty, beside `wasmtime`'s compiler and server."""

import argparse
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import report  # noqa: E402
from harness.process import Child, StartFailed, free_port  # noqa: E402
from harness.servers import ROOT, Nimbus, Session  # noqa: E402
from peers.wasmtime import WasmtimeServe  # noqa: E402

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
HEADERS = ("what", "median ms", "least ms", "most ms", "runs")
CACHED_START_LIMIT_MS = 30
COMPILE_LIMIT = 1.5


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--guest", default="http-hello")
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    return parser.parse_args()


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.settimeout(5)
            connection.sendall(REQUEST)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def first_response_ms(make_command, folder, env):
    """Starts the server on a free port and knocks without pause until it answers."""
    port = free_port()
    command = make_command(port)
    began = time.perf_counter()
    with Child(command, folder / "log", env=env, cwd=folder) as child:
        deadline = began + 120
        while not answers(port):
            if time.perf_counter() > deadline:
                raise StartFailed(f"no answer: {child.tail()}")
            child.check_alive()
            time.sleep(0.0002)
        return (time.perf_counter() - began) * 1e3


def process_ms(command, env):
    began = time.perf_counter()
    subprocess.run(command, env=env, check=True, capture_output=True)
    return (time.perf_counter() - began) * 1e3


def with_cache(folder):
    """The environment of a child whose caches are in this folder."""
    return {**os.environ, "XDG_CACHE_HOME": str(folder), "NIMBUS_CACHE": str(folder / "nimbus")}


def measure_nimbus(session, program, guest, runs, results):
    def command(port):
        return [program, "run", guest, "--addr", f"127.0.0.1:{port}"]

    warm = session.folder("warm-cache")
    first_response_ms(command, session.folder("fill"), with_cache(warm))
    for _ in range(runs):
        results["cached"].append(
            first_response_ms(command, session.folder("cached"), with_cache(warm)))
        results["cold"].append(
            first_response_ms(command, session.folder("cold"),
                              with_cache(session.folder("cold-cache"))))


def measure_wasmtime(session, program, guest, runs, results):
    env = with_cache(session.folder("wasmtime-cache"))
    compiled = session.folder("compiled") / "guest.cwasm"

    def command(port):
        return [program, "serve", "-Scli", "--allow-precompiled", "--addr", f"127.0.0.1:{port}",
                compiled]

    for _ in range(runs):
        results["wasmtime compile"].append(
            process_ms([program, "compile", "-o", compiled, guest], env))
        results["wasmtime precompiled"].append(
            first_response_ms(command, session.folder("precompiled"), env))


def table(results, missing):
    words = {
        "cached": "Nimbus: process start to first response, code cached",
        "cold": "Nimbus: process start to first response, empty cache",
        "wasmtime precompiled": "wasmtime serve of a precompiled file, to first response",
        "wasmtime compile": "wasmtime compile, whole process",
    }
    lines = []
    for key, times in results.items():
        if times:
            lines.append((words[key], f"{statistics.median(times):.1f}", f"{min(times):.1f}",
                          f"{max(times):.1f}", str(len(times))))
        else:
            lines.append((words[key], missing[key], "", "", ""))
    return lines


def verdicts(results):
    cached, cold = results["cached"], results["cold"]
    compile_times = results["wasmtime compile"]
    lines = []
    if cached:
        median = statistics.median(cached)
        met = "met" if median < CACHED_START_LIMIT_MS else "not met"
        lines.append(f"{met}: cached start {median:.1f} ms, floor < {CACHED_START_LIMIT_MS} ms")
    if cold and compile_times:
        # What an empty cache costs on top is the compilation (and writing the cache).
        compile_ms = statistics.median(cold) - statistics.median(cached)
        ratio = compile_ms / statistics.median(compile_times)
        met = "met" if ratio < COMPILE_LIMIT else "not met"
        lines.append(f"{met}: cold compile (cold − cached start) {compile_ms:.1f} ms is "
                     f"{ratio:.2f}× of wasmtime compile, floor < {COMPILE_LIMIT}×")
    return lines


def main():
    arguments = parse_arguments()
    build = arguments.build.resolve()
    guest = build / "guests" / f"{arguments.guest}.wasm"
    nimbus, wasmtime = Nimbus(build=build), WasmtimeServe()
    absent = None if guest.exists() else f"no {guest.name} in the build folder"
    missing = dict.fromkeys(("cached", "cold"), absent or nimbus.missing())
    missing |= dict.fromkeys(("wasmtime precompiled", "wasmtime compile"),
                             absent or wasmtime.missing())
    results = {key: [] for key in missing}
    facts = report.machine()
    with Session(None, None) as session:
        if not missing["cached"]:
            measure_nimbus(session, nimbus.program, guest, arguments.runs, results)
        if not missing["wasmtime compile"]:
            measure_wasmtime(session, wasmtime.program, guest, arguments.runs, results)
    lines, floors = table(results, missing), verdicts(results)
    print(report.describe_machine(facts), report.align([HEADERS] + lines), *floors, sep="\n")
    report.write_json(build / "bench" / "results", "start", {"machine": facts, "ms": results})
    if arguments.markdown:
        content = [report.describe_machine(facts) + ".", "", report.markdown_table(HEADERS, lines),
                   "", *(f"* {line}" for line in floors)]
        report.replace_section(ROOT / "docs" / "performance.md", "start", "\n".join(content))


if __name__ == "__main__":
    main()
