"""One measurement, and the interleaved run: rounds × cases × servers, so that drift of the machine
falls on all servers alike."""

import re
import statistics
import sys
from dataclasses import dataclass, field

from harness import load
from harness.process import StartFailed

INSTANCE_MEMORY = re.compile(r" rw-p .*(?:memfd:wasm-memory-image|/nimbus/code/.*\.code)")


@dataclass
class Row:
    """All rounds of one server in one case. `absent` says why there are none."""

    label: str
    version: str = ""
    absent: str | None = None
    answer: str = ""
    rounds: list[dict] = field(default_factory=list)

    def median(self, metric):
        values = [one[metric] for one in self.rounds if one.get(metric) is not None]
        return statistics.median(values) if values else None

    def spread(self):
        """Of the rate over the rounds: (most − least) ÷ median."""
        rates = [one["rate"] for one in self.rounds]
        return (max(rates) - min(rates)) / statistics.median(rates) if rates else None


@dataclass
class Plan:
    rounds: int
    seconds: int
    warm_up_seconds: int
    sleeper_seconds: int = 0

    def seconds_of(self, case):
        # Without a warm-up it is a smoke test, where nothing is to take long.
        slow = case.answers_late and self.warm_up_seconds
        return max(self.seconds, self.sleeper_seconds) if slow else self.seconds


def run_cases(session, cases, plan, wanted=None):
    """Measures everything; returns {case name: [Row, …]} in the order of the case's servers.
    `wanted`: words of which a server's label must contain one; the others stay without figures."""
    rows = {case.name: [new_row(case, server, wanted) for server in case.servers]
            for case in cases}
    for round_index in range(plan.rounds):
        for case in cases:
            # Alternate who goes first.
            order = list(zip(case.servers, rows[case.name]))
            for server, row in order if round_index % 2 == 0 else reversed(order):
                if row.absent is None:
                    measure_into(row, session, case, server, plan)
                    print_progress(round_index, plan, case, row)
    return rows


def new_row(case, server, wanted):
    if wanted and not any(word in server.label.lower() for word in wanted):
        return Row(server.label, absent="not asked for")
    absent = server.missing() or load.wrk_missing()
    if absent is None and case.guest.path is not None and not case.guest.path.exists():
        absent = f"no {case.guest.path.name} in the build folder"
    return Row(server.label, server.version() if absent is None else "", absent)


def measure_into(row, session, case, server, plan):
    try:
        row.rounds.append(measure(row, session, case, server, plan))
    except (StartFailed, RuntimeError, OSError) as error:
        row.absent = f"failed: {error}"


def measure(row, session, case, server, plan):
    server_cpus = None if case.shared_cores else session.server_cpus
    client_cpus = None if case.shared_cores else session.client_cpus
    running = server.start(session, case.guest, server_cpus)
    with running.child as child:
        body = load.echo_body(case.body_bytes)
        load.wait_until_answers(running.port, running.authority, child, body)
        row.answer = load.check_answer(running.port, running.authority, body)
        arguments = (running.port, running.authority, case.connections)
        if plan.warm_up_seconds:
            load.run_wrk(*arguments, plan.warm_up_seconds, client_cpus, case.body_bytes)
        cpu_before = child.cpu_seconds()
        seconds = plan.seconds_of(case)
        result = load.run_wrk(*arguments, seconds, client_cpus, case.body_bytes)
        cpu_seconds = child.cpu_seconds() - cpu_before
        child.check_alive()
        rss_bytes, peak_bytes = child.memory_bytes()
        return summarize(result, cpu_seconds, rss_bytes, peak_bytes, instances(child))


def summarize(result, cpu_seconds, rss_bytes, peak_bytes, instance_count):
    answered = result["requests"] - result["status_errors"]
    if answered <= 0:
        raise RuntimeError(f"no request was answered 200 ({result['errors']} errors)")
    return {
        "rate": answered / (result["duration_us"] / 1e6),
        "cpu_us": cpu_seconds * 1e6 / answered,
        "p50_ms": result["p50_us"] / 1e3,
        "p99_ms": result["p99_us"] / 1e3,
        "rss_mib": rss_bytes / 2**20,
        "peak_mib": peak_bytes / 2**20,
        "errors": result["errors"],
        "instances": instance_count,
        "client": result,
    }


def instances(child):
    """How many instances were alive at once, at most. Wasmtime, which all these servers embed, maps
    the component's initial memory, copy on write, into every slot of its pool that it ever used:
    from the file with the native code if that is mapped, else from a memory file. 0: no guest."""
    return len(INSTANCE_MEMORY.findall(child.mappings()))


def print_progress(round_index, plan, case, row):
    if row.absent:
        outcome = row.absent
    else:
        last = row.rounds[-1]
        outcome = (f"{last['rate']:,.0f} req/s, {last['cpu_us']:.1f} µs CPU, "
                   f"p99 {last['p99_ms']:.2f} ms")
    print(f"[{round_index + 1}/{plan.rounds}] {case.name}: {row.label}: {outcome}",
          file=sys.stderr, flush=True)
