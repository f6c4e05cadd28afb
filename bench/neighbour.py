#!/usr/bin/env python3
"""Measures what a workload notices of its neighbours on one host: of a guest that only computes, of
changes of its own manifest under load, and of thousands of idle connections."""

import argparse
import contextlib
import http.client
import pathlib
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import load, report  # noqa: E402
from harness.host import AdminClient, start_host  # noqa: E402
from harness.process import raise_file_limit  # noqa: E402
from harness.servers import ROOT, Nimbus, Session  # noqa: E402

HEADERS = ("measure", "measured", "floor", "verdict")
SPIN_LIMIT = 2.0
UPDATE_RATE = 5_000
IDLE_CONNECTIONS = 2_000
CONNECTIONS = 16
SPINNER_CPU_MS = 600_000  # long enough to compute through the whole measurement


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=int, default=5, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--server-cpus", default="0")
    parser.add_argument("--client-cpus", default="1")
    parser.add_argument("--markdown", action="store_true",
                        help="write the table into docs/performance.md")
    return parser.parse_args()


def manifest(name, file, version="0", **policy):
    component = {"name": "web", "file": str(file),
                 "localResources": {"environment": {"V": version},
                                    "cpuLimit": SPINNER_CPU_MS}, **policy}
    return {"name": name, "components": [component],
            "http": {"routes": [{"host": f"{name}.bench.test"}]}}


def wrk(port, arguments, name="healthy-p2-fresh"):
    return load.run_wrk(port, f"{name}.bench.test", CONNECTIONS, arguments.seconds,
                        arguments.client_cpus)


@contextlib.contextmanager
def spinning(port, spinner):
    """One request that computes for ever."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"GET /spin HTTP/1.1\r\nHost: {spinner}.bench.test\r\n\r\n"
        connection.sendall(head.encode())
        yield
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            if connection.recv(1):
                raise RuntimeError("the spinning guest was ended during the measurement")


@contextlib.contextmanager
def idle(port, count):
    """Connections that have had one answer and then stay silent."""
    connections = []
    try:
        for _ in range(count):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/", headers={"Host": "healthy-p2-fresh.bench.test"})
            connection.getresponse().read()
            connections.append(connection)
        yield
        # Each must still be the same connection, and good.
        for connection in connections:
            kept = connection.sock
            connection.request("GET", "/", headers={"Host": "healthy-p2-fresh.bench.test"})
            if connection.getresponse().status != 200 or connection.sock is not kept:
                raise RuntimeError("an idle connection was lost")
    finally:
        for connection in connections:
            connection.close()


class Updates:
    """Applies version after version of a workload until told to stop."""

    def __init__(self, admin_path, file, policy):
        self._admin, self._file, self._policy = AdminClient(admin_path), file, policy
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.count, self.failure = 0, None

    def _run(self):
        try:
            while not self._stop.is_set():
                self.count += 1
                self._admin.apply(manifest("updated", self._file, str(self.count), **self._policy))
                time.sleep(0.02)
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            self.failure = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self.failure:
            raise RuntimeError(f"an update failed: {self.failure}")


SPINNERS = {"spinner-p2": "wat-spin", "spinner-p3": "http-misc-p3"}
HEALTHY = {"healthy-p2-fresh": ("http-hello", {}),
           "healthy-p2-pool": ("http-hello", {"poolSize": 16}),
           "healthy-p3-pool": ("http-hello-p3", {"poolSize": 16, "maxConcurrency": 16})}
# Who is measured, what it is called, and beside whom.
PAIRS = (("healthy-p2-fresh", "P2, fresh", "spinner-p2", "P2"),
         ("healthy-p2-fresh", "P2, fresh", "spinner-p3", "P3"),
         ("healthy-p2-pool", "P2, pool of 16", "spinner-p2", "P2"),
         ("healthy-p2-pool", "P2, pool of 16", "spinner-p3", "P3"),
         ("healthy-p3-pool", "P3, pool of 16 × 16 at once", "spinner-p2", "P2"),
         ("healthy-p3-pool", "P3, pool of 16 × 16 at once", "spinner-p3", "P3"))


def measure_spinners(port, arguments):
    """For each pair, of each round: p99 in ms alone, and right after that beside the spinner."""
    results = {pair: [] for pair in PAIRS}
    for _ in range(arguments.rounds):
        for pair, rounds in results.items():
            healthy, _, spinner, _ = pair
            alone = wrk(port, arguments, healthy)["p99_us"] / 1e3
            with spinning(port, spinner):
                rounds.append((alone, wrk(port, arguments, healthy)["p99_us"] / 1e3))
    return results


def measure_idle(port, arguments, figures):
    for _ in range(arguments.rounds):
        figures["no_idle_p99_ms"].append(wrk(port, arguments)["p99_us"] / 1e3)
        with idle(port, IDLE_CONNECTIONS):
            figures["idle_p99_ms"].append(wrk(port, arguments)["p99_us"] / 1e3)


POLICIES = {"P2, fresh": ("p2", {}), "P2, pool of 16": ("p2", {"poolSize": 16}),
            "P3, fresh": ("p3", {}),
            "P3, pool of 16 × 16 at once": ("p3", {"poolSize": 16, "maxConcurrency": 16})}
ECHO_BYTES = 4096


def hello_http1(port, arguments):
    return load.run_wrk(port, "updated.bench.test", 64, arguments.seconds, arguments.client_cpus)


def hello_http2(port, arguments):
    return load.run_h2load(port, "updated.bench.test", 8, 8, arguments.seconds,
                           arguments.client_cpus)


def streamed_echo(port, arguments):
    return load.run_wrk(port, "updated.bench.test", 64, arguments.seconds, arguments.client_cpus,
                        ECHO_BYTES)


# By load: the guests of both kinds, and the client.
LOADS = {"HTTP/1.1": ({"p2": "http-hello", "p3": "http-hello-p3"}, hello_http1),
         "HTTP/2": ({"p2": "http-hello", "p3": "http-hello-p3"}, hello_http2),
         f"streamed echo of {ECHO_BYTES} bytes": ({"p2": "http-echo", "p3": "http-echo-p3"},
                                                  streamed_echo)}


def measure_updates(port, admin_path, folder, arguments):
    """By load and policy: requests/s, failed requests, updates."""
    results = {}
    for load_name, (guests, client) in LOADS.items():
        for policy_name, (kind, policy) in POLICIES.items():
            file = folder / f"{guests[kind]}.wasm"
            AdminClient(admin_path).apply(manifest("updated", file, "first", **policy))
            with Updates(admin_path, file, policy) as updates:
                result = client(port, arguments)
            results[f"{load_name}, {policy_name}"] = {
                "rate": result["requests"] / (result["duration_us"] / 1e6),
                "failed": result["errors"], "updates": updates.count}
    return results


def table(figures):
    def verdict(met):
        return "met" if met else "not met"

    def median(key):
        return statistics.median(figures[key])

    lines = []
    for (_, policy, _, kind), rounds in figures["spinners"].items():
        alone = statistics.median(alone for alone, _ in rounds)
        beside = statistics.median(beside for _, beside in rounds)
        ratio = statistics.median(beside / alone for alone, beside in rounds)
        lines += [(f"p99 of a healthy workload alone, {policy}", f"{alone:.2f} ms", "", ""),
                  (f"the same beside a {kind} guest that computes without end",
                   f"{beside:.2f} ms ({ratio:.2f}× in the median round)",
                   f"≤ {SPIN_LIMIT:g}×", verdict(ratio <= SPIN_LIMIT))]
    lines.append((f"P2, fresh, beside {IDLE_CONNECTIONS:,} idle connections (without: "
                  f"{median('no_idle_p99_ms'):.2f} ms)", f"{median('idle_p99_ms'):.2f} ms", "", ""))
    for name, result in figures["updates"].items():
        lines.append((f"requests/s during {result['updates']} updates, {name}",
                      f"{result['rate']:,.0f}, {result['failed']} failed",
                      f"≥ {UPDATE_RATE:,}, 0 failed",
                      verdict(result["rate"] >= UPDATE_RATE and result["failed"] == 0)))
    return lines


def main():
    arguments = parse_arguments()
    build = arguments.build.resolve()
    guests = build / "guests"
    nimbus = Nimbus(build=build)
    missing = nimbus.missing() or load.wrk_missing()
    if missing:
        raise SystemExit(f"neighbour: {missing}")
    raise_file_limit()
    facts = report.machine()
    figures = {key: [] for key in ("no_idle_p99_ms", "idle_p99_ms")}
    with Session(arguments.server_cpus, arguments.client_cpus) as session:
        host = start_host(session, nimbus.program, arguments.server_cpus)
        with host.child:
            for name, (guest, policy) in HEALTHY.items():
                host.admin.apply(manifest(name, guests / f"{guest}.wasm", **policy))
            for name, guest in SPINNERS.items():
                host.admin.apply(manifest(name, guests / f"{guest}.wasm"))
            load.wait_until_answers(host.port, "healthy-p2-fresh.bench.test", host.child)
            figures["spinners"] = measure_spinners(host.port, arguments)
            measure_idle(host.port, arguments, figures)
            figures["updates"] = measure_updates(host.port, host.admin.path, guests, arguments)
    lines = table(figures)
    print(report.describe_machine(facts), report.align([HEADERS] + lines), sep="\n")
    figures["spinners"] = {f"{healthy} beside {spinner}": rounds for
                           (healthy, _, spinner, _), rounds in figures["spinners"].items()}
    report.write_json(build / "bench" / "results", "neighbour",
                      {"machine": facts, "figures": figures})
    if arguments.markdown:
        report.replace_section(ROOT / "docs" / "performance.md", "neighbour",
                               report.describe_machine(facts) + ".\n\n"
                               + report.markdown_table(HEADERS, lines))


if __name__ == "__main__":
    main()
