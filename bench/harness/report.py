"""Tables of a run: text for the terminal, markdown for docs/performance.md, JSON for machines."""

import dataclasses
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BEGIN = "<!-- begin: written by bench/{name}.py -->"
END = "<!-- end: written by bench/{name}.py -->"
METRIC_KEYS = {"rate": "rate", "cpu": "cpu_us", "p99": "p99_ms"}
METRIC_WORDS = {"rate": "req/s", "cpu": "CPU per request", "p99": "p99"}
HEADERS = ("server", "version", "req/s", "spread", "p50 ms", "p99 ms", "CPU µs/req", "RSS MiB",
           "instances", "errors", "Nimbus ÷ this")
FLOOR_HEADERS = ("case", "measure", "floor", "measured", "verdict")


def commit(source=SOURCE):
    """Of the code that is measured; empty where that is not known."""
    if not shutil.which("git"):
        return ""

    def git(*words):
        return subprocess.run(["git", "-C", source, *words], capture_output=True, text=True,
                              check=False).stdout.strip()

    head = git("rev-parse", "--short=7", "HEAD")
    # The pages that one script rewrites are no change of what the next one measures.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    return f"{head} with changes" if changed else head


def machine():
    """What the figures were measured on, and of which code they are."""
    cpu_info = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*:\s*(.*)", cpu_info)
    memory = re.search(r"MemTotal:\s*(\d+)",
                       pathlib.Path("/proc/meminfo").read_text(encoding="utf-8"))
    system = platform.freedesktop_os_release()
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory[1]) / 2**20, 1),
        "kernel": platform.release(),
        "system": system.get("PRETTY_NAME", platform.system()),
        "load_before": os.getloadavg()[0],
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit(),
    }


def describe_machine(facts):
    return (f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
            f"{facts['system']}, kernel {facts['kernel']}, {facts['date']}; "
            f"Nimbus at {facts['commit'] or 'an unknown commit'}; "
            f"load average before the run {facts['load_before']:.2f}")


def cells(row, ours):
    """One line of a case's table."""
    if row.absent or not row.rounds:
        return [row.label, row.version, row.absent or "not run"] + [""] * (len(HEADERS) - 3)
    rate = row.median("rate")
    ratio = ours.median("rate") / rate if ours is not row and ours.rounds else None
    return [row.label, row.version, f"{rate:,.0f}", f"{row.spread():.0%}",
            f"{row.median('p50_ms'):.2f}", f"{row.median('p99_ms'):.2f}",
            f"{row.median('cpu_us'):.1f}", f"{row.median('rss_mib'):.0f}",
            f"{row.median('instances'):.0f}", f"{row.median('errors'):.0f}",
            f"{ratio:.2f}×" if ratio else ""]


def targets(case, rows):
    """[target, measured ratio or None, verdict] of each floor of the case."""
    lines = []
    for target in case.targets:
        ours, peer = rows[0], rows[target.peer]
        key = METRIC_KEYS[target.metric]
        words = f"{METRIC_WORDS[target.metric]} against {peer.label}"
        bound = f"{'≥' if target.metric == 'rate' else '≤'} {target.bound:g}×"
        if ours.absent or peer.absent or not (ours.rounds and peer.rounds):
            lines.append((words, bound, "–", "not measured"))
            continue
        ratio = ours.median(key) / max(peer.median(key), 1e-9)
        lines.append((words, bound, f"{ratio:.2f}×", "met" if target.met(ratio) else "not met"))
    return lines


def text(cases, results):
    """Everything as one plain table per case with aligned columns."""
    parts = []
    for case in cases:
        rows = results[case.name]
        parts.append(f"{case.name}: {case.title} ({case.connections} connections)")
        parts.append(align([HEADERS] + [cells(row, rows[0]) for row in rows]))
        parts.append("")
    return "\n".join([*parts, "Floors", align([FLOOR_HEADERS, *floors(cases, results)])])


def floors(cases, results):
    """All floors in one table."""
    return [(case.name, *line) for case in cases for line in targets(case, results[case.name])]


def align(table):
    # Why a server is absent stands alone in its line and may be longer than its column.
    full = [line for line in table if any(line[3:])]
    widths = [max(len(line[column]) for line in (table if column < 2 else full))
              for column in range(len(table[0]))]
    return "\n".join("  " + "  ".join(
        cell.ljust(width) if column < 2 or line not in full else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in table)


def markdown_table(headers, lines):
    table = [headers, ["---"] * len(headers), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in table)


def markdown(cases, results, facts, plan):
    parts = [f"{describe_machine(facts)}. Median of {plan.rounds} interleaved rounds, "
             f"each after a warm-up of {plan.warm_up_seconds} s.", ""]
    for case in cases:
        rows = results[case.name]
        parts += [f"**{case.title}** ({case.connections} connections, "
                  f"{plan.seconds_of(case)} s a round)", "",
                  markdown_table(HEADERS, [cells(row, rows[0]) for row in rows]), ""]
    parts += ["**Floors**", "", markdown_table(FLOOR_HEADERS, floors(cases, results))]
    return "\n".join(parts)


def write_json(folder, name, document):
    """build/bench/<name>-<time>.json, and the same as <name>-latest.json."""
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(document, indent=1, ensure_ascii=False, default=dataclasses.asdict)
    path = folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(content, encoding="utf-8")
    (folder / f"{name}-latest.json").write_text(content, encoding="utf-8")
    return path


def replace_section(document, name, content):
    """Puts the content between the markers of that name in a document of docs/."""
    begin, end = BEGIN.format(name=name), END.format(name=name)
    old = document.read_text(encoding="utf-8")
    head, found_begin, rest = old.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not (found_begin and found_end):
        raise SystemExit(f"{document}: no section between \"{begin}\" and \"{end}\"")
    document.write_text(f"{head}{begin}\n{content}\n{end}{tail}", encoding="utf-8")
