"""The client: wrk for load, and single requests that check what a server answers."""

import http.client
import json
import pathlib
import re
import shutil
import subprocess
import time

from harness.process import StartFailed

SCRIPT = pathlib.Path(__file__).with_name("load.lua")
ERROR_KINDS = ("connect_errors", "read_errors", "write_errors", "status_errors", "timeouts")


def wrk_missing():
    return None if shutil.which("wrk") else "wrk is not installed (scripts/install-peers.sh tools)"


def request(port, authority, body=None, timeout_s=10, path="/"):
    """One request on a connection of its own: status and content."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("POST" if body else "GET", path, body, {"Host": authority})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def wait_until_answers(port, authority, child, body=None, timeout_s=300):
    """Returns once the server answers 200; some accept connections long before."""
    deadline = time.monotonic() + timeout_s
    last = "no answer"
    while time.monotonic() < deadline:
        child.check_alive()
        try:
            status, _ = request(port, authority, body)
            if status == 200:
                return
            last = f"status {status}"
        except (OSError, http.client.HTTPException) as error:
            last = str(error)
        time.sleep(0.02)
    raise StartFailed(f"{last} after {timeout_s} s: {child.tail()}")


def echo_body(body_bytes):
    """What load.lua sends too; None stands for a GET."""
    return b"0123456789abcdef" * (body_bytes // 16) or None


def check_answer(port, authority, body):
    """The answers must be right before their speed counts. Returns a small answer's text."""
    if body is None:
        status, content = request(port, authority)
        if status != 200 or not content:
            raise StartFailed(f"wrong answer: status {status}, {len(content)} bytes")
        return content.decode(errors="replace").strip()
    status, content = request(port, authority, body)
    if status != 200 or content != body:
        raise StartFailed(f"wrong echo: status {status}, {len(content)} of {len(body)} bytes")
    return f"{len(body)} bytes echoed"


def run_wrk(port, authority, connections, seconds, cpus, argument=0, script=SCRIPT):
    """Saturates the server for that long and returns wrk's figures as a dictionary. `argument` is
    the script's: for load.lua the bytes of a request's content."""
    pinned = ["taskset", "-c", cpus] if cpus else []
    command = pinned + ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout",
                        "10s", "-H", f"Host: {authority}", "-s", str(script),
                        f"http://127.0.0.1:{port}/", "--", str(argument)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    lines = [line for line in run.stdout.splitlines() if line.startswith("RESULT ")]
    if run.returncode != 0 or not lines:
        raise RuntimeError(f"wrk failed: {run.stderr.strip() or run.stdout.strip()}")
    result = json.loads(lines[0].removeprefix("RESULT "))
    result["errors"] = sum(result[kind] for kind in ERROR_KINDS)
    return result


def run_h2load(port, authority, connections, streams, seconds, cpus):
    """The same over HTTP/2 without TLS, with that many requests at once on each connection."""
    pinned = ["taskset", "-c", cpus] if cpus else []
    command = pinned + ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}",
                        "--header", f":authority: {authority}", f"http://127.0.0.1:{port}/"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    counts = {word: int(number) for number, word in re.findall(
        r"(\d+) (succeeded|failed|errored|timeout|[2345]xx)", run.stdout)}
    if run.returncode != 0 or "2xx" not in counts:
        raise RuntimeError(f"h2load failed: {run.stderr.strip() or run.stdout.strip()}")
    bad = sum(counts[kind] for kind in ("failed", "errored", "timeout", "3xx", "4xx", "5xx"))
    return {"requests": counts["succeeded"], "duration_us": seconds * 1e6, "errors": bad}
