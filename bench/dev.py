#!/usr/bin/env python3
"""Measures what `wash dev` adds to a build: from a saved source to the first answer of the new
code, without the time of the build itself, which copies a component that is there already. Each
edit gives a component that was not seen before, made of an edited source (harness/edits.py). Some
are measured once more behind another component, with which they are composed."""

import argparse
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import report  # noqa: E402
from harness.edits import Edits  # noqa: E402
from harness.servers import ROOT, Session  # noqa: E402

LIMIT_MS = 50
# Small ones, and those that carry the runtime of their language, with a part of the edits: what
# they take is a build, more than the rest.
SMALL = ("http-hello", "http-hello-p3", "kv-counter")
LARGE = ("http-hello-go", "http-hello-js", "http-hello-py")
LARGE_SHARE = 2
# Behind this one. It passes on all requests but few.
RELAY = "http-relay"
COMPOSED = ("http-hello",) + LARGE
COMPOSED_SHARE = 3
PARTS = {"settle_ms": "settling", "scan_ms": "scanning", "read_ms": "reading",
         "load_ms": "compiling", "swap_ms": "swapping"}
HEADERS = ("component", "KiB", "median ms", "least ms", "most ms", *PARTS.values(), "CPU ms",
           "edits")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    return parser.parse_args()


def write(path, content):
    """As editors do."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    fresh.rename(path)


def project(folder, command, component, **configuration):
    (folder / ".wash").mkdir(parents=True)
    write(folder / ".wash" / "config.yaml", json.dumps({
        "build": {"command": command, "component_path": component}, **configuration}).encode())


class Dev:
    """A `wash -o json dev` of a project whose source is a number: its build copies the component of
    that number, which lies outside of the project. With a relay that is a project, too, and has the
    other one for a component behind it."""

    def __init__(self, build, folder, components, relay):
        built = folder.with_name(folder.name + "-built")
        built.mkdir()
        for number, component in enumerate(components):
            write(built / f"{number}.wasm", component)
        project(folder, f"cp {built}/$(cat source).wasm app.wasm", "app.wasm")
        root = folder
        if relay:
            root = folder.with_name(folder.name + "-relay")
            project(root, "true", str(relay),
                    dev={"components": [{"name": "app", "project": f"../{folder.name}"}]})
        self.source = folder / "source"
        self.save(0)
        env = {**os.environ, "HOME": str(folder.parent), "XDG_CACHE_HOME": str(folder.parent)}
        self.process = subprocess.Popen(
            [build / "wash", "-o", "json", "dev", root, "--addr", "127.0.0.1:0"], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.connection = http.client.HTTPConnection(self.until("serving")["address"])

    def until(self, kind):
        for line in self.process.stdout:
            data = json.loads(line)["data"]
            if data.get("event") == kind:
                return data
            if data.get("event", "").endswith("-failed"):
                raise RuntimeError(json.loads(line)["message"])
        raise RuntimeError(f"wash dev ended without {kind}")

    def save(self, number):
        write(self.source, str(number).encode())

    def ask(self):
        self.connection.request("GET", "/")
        answer = self.connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"wash dev answered {answer.status}")

    def cpu_ms(self):
        """What all its threads have used."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6

    def close(self):
        self.process.terminate()
        self.process.wait()


def measure_one(build, folder, components, relay=None):
    """[(milliseconds without the build, of the processor, {part: milliseconds})]"""
    dev = Dev(build, folder, components, relay)
    results = []
    try:
        for number in range(1, len(components)):
            dev.ask()
            cpu_before = dev.cpu_ms()
            began = time.perf_counter()
            dev.save(number)
            event = dev.until("reloaded")
            dev.ask()
            took = (time.perf_counter() - began) * 1e3
            results.append((took - event["build_ms"], dev.cpu_ms() - cpu_before,
                            {part: event[part] for part in PARTS}))
    finally:
        dev.close()
    return results


def measure(build, count):
    with Session(None, None) as session:
        edits = Edits(session.folder("sources"))
        # A cache of compiled code each.
        base, base_composed = session.folder("dev"), session.folder("composed")
        counts = {guest: count for guest in SMALL} | {
            guest: max(1, count // LARGE_SHARE) for guest in LARGE}
        components = {guest: [edits.component(guest, number) for number in range(counts[guest] + 1)]
                      for guest in counts}
        sizes = {guest: len(each[0]) for guest, each in components.items()}
        relay = build / "guests" / f"{RELAY}.wasm"
        results = {guest: measure_one(build, base / guest, components[guest])
                   for guest in components}
        for guest in COMPOSED:
            few = components[guest][:max(1, count // COMPOSED_SHARE) + 1]
            sizes[composed(guest)] = sizes[guest] + relay.stat().st_size
            results[composed(guest)] = measure_one(build, base_composed / guest, few, relay)
        return sizes, results


def composed(guest):
    return f"{guest} behind {RELAY}"


def line_of(guest, size, results):
    times = [took for took, _, _ in results]
    parts = [f"{statistics.median(each[part] for _, _, each in results):.1f}" for part in PARTS]
    parts.append(f"{statistics.median(cpu for _, cpu, _ in results):.1f}")
    return (guest, f"{size / 1024:.0f}", f"{statistics.median(times):.1f}", f"{min(times):.1f}",
            f"{max(times):.1f}", *parts, str(len(times)))


def verdict(results, guests):
    worst = max(statistics.median(took for took, _, _ in results[guest]) for guest in guests)
    met = "met" if worst < LIMIT_MS else "not met"
    return (f"{met}: from a saved file to the new code {worst:.1f} ms beyond the build at most "
            f"({', '.join(guests)}), floor < {LIMIT_MS} ms")


def main():
    arguments = parse_arguments()
    build = arguments.build.resolve()
    facts = report.machine()
    sizes, results = measure(build, arguments.edits)
    lines = [line_of(guest, sizes[guest], each) for guest, each in results.items()]
    groups = (SMALL, LARGE, tuple(composed(guest) for guest in COMPOSED))
    verdicts = [verdict(results, guests) for guests in groups]
    print(report.describe_machine(facts), report.align([HEADERS] + lines), *verdicts, sep="\n")
    report.write_json(arguments.build / "bench" / "results", "dev",
                      {"machine": facts, "ms": results})
    if arguments.markdown:
        content = [report.describe_machine(facts) + ".", "", report.markdown_table(HEADERS, lines),
                   "", *(f"* {each}" for each in verdicts)]
        report.replace_section(ROOT / "docs" / "performance.md", "dev", "\n".join(content))


if __name__ == "__main__":
    main()
