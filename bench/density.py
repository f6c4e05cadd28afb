#!/usr/bin/env python3
"""Measures a host with very many workloads: memory per idle workload, the time to apply one, and
what their number does to the latency of a request."""

import argparse
import http.client
import multiprocessing
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import load, report  # noqa: E402
from harness.host import WORKLOADS_PATH, start_host  # noqa: E402
from harness.process import raise_file_limit  # noqa: E402
from harness.servers import ROOT, Nimbus, Session  # noqa: E402

HOSTS_SCRIPT = pathlib.Path(__file__).with_name("harness") / "hosts.lua"
# How many requests are under way: one, so that its latency is its own; many, so that the host has
# all it can do, and a latency is mostly the time that others take.
CONNECTIONS = {"alone": 1, "saturated": 16}
HEADERS = ("measure", "measured", "floor", "verdict")
MEMORY_LIMIT_KIB = 16
APPLY_LIMIT_MS = 1.0
LATENCY_LIMIT = 1.2
STALL_LIMIT_MS = 2.0
LISTINGS = 9


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--workloads", type=int, default=10_000)
    parser.add_argument("--components", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=2, help="of one latency measurement")
    parser.add_argument("--rounds", type=int, default=9, help="of each latency measurement")
    parser.add_argument("--guest", default="http-hello")
    parser.add_argument("--server-cpus", default="0")
    parser.add_argument("--client-cpus", default="1")
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    return parser.parse_args()


def distinct_components(guest, folder, count):
    """Files that differ in a custom section only: the same code under different digests."""
    original = guest.read_bytes()
    paths = []
    for index in range(count):
        content = b"\x05bench" + index.to_bytes(4, "little")  # name with its length, then data
        path = folder / f"component-{index}.wasm"
        path.write_bytes(original + b"\x00" + bytes([len(content)]) + content)
        paths.append(path)
    return paths


def manifest(index, component):
    return {
        "apiVersion": "nimbus/v1", "kind": "Workload", "metadata": {"name": f"w{index}"},
        "spec": {"components": [{"name": "hello", "file": str(component)}],
                 "http": {"routes": [{"host": f"w{index}.bench.test"}]}},
    }


class ProbeClient:
    """Another process that asks for /livez all the time while it is entered: the longest answer
    tells how long the control shard was busy with something else."""

    PAUSE_SECONDS = 0.0002

    def __init__(self, port):
        self._port = port
        self.longest_ms = 0.0

    def __enter__(self):
        context = multiprocessing.get_context("fork")
        self._receiver, sender = context.Pipe(duplex=False)
        self._over = context.Event()
        self._process = context.Process(target=self._ask, args=(sender,))
        self._process.start()
        self._receiver.recv()  # its first answer
        return self

    def __exit__(self, *_):
        self._over.set()
        self.longest_ms = self._receiver.recv()
        self._process.join()

    def _ask(self, sender):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        longest = 0.0
        answered = 0
        while not self._over.is_set():
            began = time.perf_counter()
            connection.request("GET", "/livez")
            connection.getresponse().read()
            longest = max(longest, time.perf_counter() - began) if answered else 0.0
            answered += 1
            if answered == 1:
                sender.send(None)
            time.sleep(self.PAUSE_SECONDS)
        sender.send(longest * 1e3)


def measure_latency(ports, arguments):
    """By how many requests are under way, and by the workloads of a host, the median p99 in ms.
    `ports` are the hosts' by the number of their workloads, whose host names the requests go
    round; each round asks one host after the other."""
    p99s = {name: {workloads: [] for workloads in ports} for name in CONNECTIONS}
    for _ in range(arguments.rounds):
        for name, connections in CONNECTIONS.items():
            for workloads, port in ports.items():
                result = load.run_wrk(port, "w0.bench.test", connections, arguments.seconds,
                                      arguments.client_cpus, script=HOSTS_SCRIPT,
                                      argument=workloads)
                if result["errors"]:
                    raise RuntimeError(f"requests failed: {result}")
                p99s[name][workloads].append(result["p99_us"] / 1e3)
    return {name: {workloads: statistics.median(rounds) for workloads, rounds in each.items()}
            for name, each in p99s.items()}


def check_all_routable(port, workloads):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for index in range(workloads):
        connection.request("GET", "/", headers={"Host": f"w{index}.bench.test"})
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"w{index}: status {response.status}")
    connection.close()


def durable_append_ms(folder):
    """What the disk alone takes to make one more line of a file survive a crash: the part of an
    application that no host can avoid."""
    times = []
    descriptor = os.open(folder / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for _ in range(200):
        began = time.perf_counter()
        os.write(descriptor, b"x" * 600)
        os.fdatasync(descriptor)
        times.append((time.perf_counter() - began) * 1e3)
    os.close(descriptor)
    return statistics.median(times)


def window_around(times, count, components):
    """Median of the hundred applications up to that count, and p99 of the thousand, without the
    first one of each component."""
    last_thousand = times[max(components, count - 1000):count]
    return {"median": statistics.median(last_thousand[-100:]),
            "p99": statistics.quantiles(last_thousand, n=100)[98]}


def measure_listing(admin, probe, path, workloads, mark):
    """Asks for all workloads some times; `mark` stands before the name of each in the answer."""
    times = []
    stalls = []
    for _ in range(LISTINGS):
        with probe:
            elapsed_ms, content = admin.timed_get(path)
        times.append(elapsed_ms)
        stalls.append(probe.longest_ms)
    if content.count(mark) < workloads:
        raise RuntimeError(f"{path}: only {content.count(mark)} workloads are told of")
    return {"median_ms": statistics.median(times), "bytes": len(content),
            "stall_ms": statistics.median(stalls)}


def measure_quiet(probe, seconds):
    """The same longest answer while nobody lists anything, for a run of that long."""
    with probe:
        time.sleep(seconds)
    return probe.longest_ms


def measure(session, program, guest, arguments):
    components = distinct_components(guest, session.folder("components"), arguments.components)
    host = start_host(session, program, arguments.server_cpus)
    child, port, admin = host.child, host.port, host.admin
    figures = {"apply_ms": {}, "durable_append_ms": durable_append_ms(session.folder("disk"))}
    with child:
        times = [admin.apply(manifest(0, components[0]))]
        load.wait_until_answers(port, "w0.bench.test", child)
        for index in range(1, arguments.components):
            times.append(admin.apply(manifest(index, components[index])))
        # Everything that is paid once per component or once at all lies before this point.
        check_all_routable(port, arguments.components)
        rss_before, cpu_before = child.memory_bytes()[0], child.cpu_seconds()
        for index in range(arguments.components, arguments.workloads):
            times.append(admin.apply(manifest(index, components[index % len(components)])))
        figures["rss_before_mib"] = rss_before / 2**20
        figures["rss_after_mib"] = child.memory_bytes()[0] / 2**20
        added = arguments.workloads - arguments.components
        figures["apply_cpu_ms"] = (child.cpu_seconds() - cpu_before) * 1e3 / added
        figures["kib_per_workload"] = (child.memory_bytes()[0] - rss_before) / 1024 / added
        for count in (200, 1_000, 10_000):
            if arguments.components < count <= arguments.workloads:
                figures["apply_ms"][count] = window_around(times, count, arguments.components)
        figures["apply_first_ms"] = statistics.median(times[:arguments.components])
        check_all_routable(port, arguments.workloads)
        probe = ProbeClient(host.probe_port)
        figures["scrape"] = measure_listing(admin, probe, "/metrics", arguments.workloads,
                                            b'workload="default/w')
        figures["list"] = measure_listing(admin, probe, WORKLOADS_PATH, arguments.workloads,
                                          b'"name":"w')
        figures["quiet_stall_ms"] = statistics.median(
            measure_quiet(probe, figures["scrape"]["median_ms"] / 1e3) for _ in range(LISTINGS))
        small = start_host(session, program, arguments.server_cpus, "small-host")
        with small.child:
            small.admin.apply(manifest(0, components[0]))
            load.wait_until_answers(small.port, "w0.bench.test", small.child)
            figures["p99_ms"] = measure_latency({1: small.port, arguments.workloads: port},
                                                arguments)
    return figures


def table(figures, arguments):
    def verdict(met):
        return "met" if met else "not met"

    memory = figures["kib_per_workload"]
    lines = [(f"resident memory per further idle workload ({arguments.workloads:,} workloads, "
              f"{arguments.components} components)", f"{memory:.1f} KiB",
              f"≤ {MEMORY_LIMIT_KIB} KiB", verdict(memory <= MEMORY_LIMIT_KIB)),
             ("resident memory of the whole host", f"{figures['rss_after_mib']:.0f} MiB", "", ""),
             (f"apply, new component (median of {arguments.components})",
              f"{figures['apply_first_ms']:.1f} ms", "", "")]
    for count, apply_ms in figures["apply_ms"].items():
        lines.append((f"apply, known component, at {int(count):,} workloads: median, p99",
                      f"{apply_ms['median']:.2f} ms, {apply_ms['p99']:.2f} ms",
                      f"< {APPLY_LIMIT_MS:g} ms", verdict(apply_ms["median"] < APPLY_LIMIT_MS)))
    lines.append(("of which the disk alone needs (append, sync)",
                  f"{figures['durable_append_ms']:.2f} ms", "", ""))
    lines.append(("the host's CPU time for one of these", f"{figures['apply_cpu_ms']:.2f} ms", "",
                  ""))
    for name, what in (("scrape", "a scrape of /metrics, by component"),
                       ("list", "a list of all workloads")):
        lines.append((f"{what}, at {arguments.workloads:,} workloads",
                      f"{figures[name]['median_ms']:.0f} ms, "
                      f"{figures[name]['bytes'] / 2**20:.1f} MiB", "", ""))
        lines.append(("the longest answer of /livez beside it",
                      f"{figures[name]['stall_ms']:.2f} ms", f"≤ {STALL_LIMIT_MS:g} ms",
                      verdict(figures[name]["stall_ms"] <= STALL_LIMIT_MS)))
    lines.append(("the longest answer of /livez beside nothing, in as much time",
                  f"{figures['quiet_stall_ms']:.2f} ms", "", ""))
    for name, connections in CONNECTIONS.items():
        one, many = figures["p99_ms"][name].values()
        what = f"p99 of a request, {connections} under way"
        lines.append((f"{what}, 1 workload", f"{one:.2f} ms", "", ""))
        lines.append((f"{what}, {arguments.workloads:,} workloads in turn",
                      f"{many:.2f} ms ({many / one:.2f}×)", f"≤ {LATENCY_LIMIT}×",
                      verdict(many <= LATENCY_LIMIT * one)))
    return lines


def main():
    arguments = parse_arguments()
    build = arguments.build.resolve()
    guest = build / "guests" / f"{arguments.guest}.wasm"
    nimbus = Nimbus(build=build)
    missing = nimbus.missing() or load.wrk_missing()
    if missing or not guest.exists():
        raise SystemExit(f"density: {missing or f'no {guest.name} in the build folder'}")
    raise_file_limit()
    facts = report.machine()
    with Session(arguments.server_cpus, arguments.client_cpus) as session:
        figures = measure(session, nimbus.program, guest, arguments)
    lines = table(figures, arguments)
    print(report.describe_machine(facts), report.align([HEADERS] + lines), sep="\n")
    report.write_json(build / "bench" / "results", "density",
                      {"machine": facts, "figures": figures})
    if arguments.markdown:
        report.replace_section(ROOT / "docs" / "performance.md", "density",
                               report.describe_machine(facts) + ".\n\n"
                               + report.markdown_table(HEADERS, lines))


if __name__ == "__main__":
    main()
