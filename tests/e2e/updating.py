"""Loads that a workload is updated under, by clients that are not ours: wrk and h2load. Each runs
for as long as it is told; what it prints says how many requests it made and that none failed."""

import functools
import pathlib
import re

import harness
from hosting import service, workload

HERE = pathlib.Path(__file__).resolve().parent
POLICIES = {"P2, fresh": ("p2", {}),
            "P2, pooled": ("p2", {"poolSize": 4}),
            "P3, fresh": ("p3", {}),
            "P3, pooled": ("p3", {"poolSize": 4, "maxConcurrency": 8}),
            "P3, one for all shards": ("p3", {"poolSize": 1, "maxConcurrency": 64}),
            "a service": ("service", None)}


def wrk(seconds, *more):
    return ["wrk", "-t1", "-c16", f"-d{seconds}s", "--timeout", "60s", "-H", "Host: w.test", *more]


def requests_of_wrk(printed):
    """None if one failed."""
    if "Non-2xx" in printed or "Socket errors" in printed:
        return None
    return int(re.search(r"(\d+) requests in", printed).group(1))


def h2load(seconds, *more):
    return ["h2load", "-t1", "-c4", "-m8", f"-D{seconds}", "--header", ":authority: w.test", *more]


def requests_of_h2load(printed, content_bytes=0):
    """None if one failed, or if not all answers can have had as much content."""
    counts = dict((word, int(number)) for number, word in re.findall(
        r"(\d+) (succeeded|failed|errored|timeout|[2345]xx)", printed))
    made = counts.pop("succeeded")
    counts.pop("2xx")
    received = int(re.search(r"\((\d+)\) data", printed).group(1))
    return made if set(counts.values()) == {0} and received >= made * content_bytes else None


class Load:
    """`guests` by the kind of a policy; `command` gives the client's words for a test, a duration
    and a URL. A rate is asked of it if it is `fast`."""

    def __init__(self, guests, command, requests_of, fast=True):
        self.guests, self.command, self.requests_of = guests, command, requests_of
        self.fast = fast

    def manifest(self, number, policy):
        kind, keys = POLICIES[policy]
        environment = {"V": str(number)}
        if keys is None:
            return service("w", self.guests[kind], environment=environment)
        return workload("w", self.guests[kind], environment=environment, **keys)


def wrk_echo(size):
    return lambda _, seconds, url: wrk(seconds, "-s", str(HERE / "echo.lua"), f"{url}/", "--",
                                       str(size))


def h2load_echo(size):
    return lambda test, seconds, url: h2load(
        seconds, "-d", str(test.write("content", bytes(size))), f"{url}/")


MISCS = {"p2": "http-misc", "p3": "http-misc-p3", "service": "service-web-p3"}
ECHOES = {"p2": "http-echo", "p3": "http-echo-p3", "service": "http-echo-p3"}
KIB = 1024
LOADS = {
    "HTTP/1.1": Load(MISCS, lambda _, seconds, url: wrk(seconds, f"{url}/env"), requests_of_wrk),
    "HTTP/2": Load(MISCS, lambda _, seconds, url: h2load(seconds, f"{url}/env"),
                   requests_of_h2load),
}
for kib, fast in ((16, True), (64, False)):
    LOADS[f"{kib} KiB streamed over HTTP/1.1"] = Load(
        ECHOES, wrk_echo(kib * KIB), requests_of_wrk, fast)
    LOADS[f"{kib} KiB streamed over HTTP/2"] = Load(
        ECHOES, h2load_echo(kib * KIB),
        functools.partial(requests_of_h2load, content_bytes=kib * KIB), fast)


def updated_host(test, load, policy):
    """A host that serves the workload's version 0."""
    host = test.host("--shards", "2")
    host.apply(load.manifest(0, policy))
    return host


def failures_of(host):
    """Of calls of the workload's newest generation."""
    status = host.status("w")
    members = [*status["components"], *filter(None, [status.get("service")])]
    return sum(member["failuresTotal"] for member in members)


def update_under(test, load, policy, seconds, least_updates, least_requests):
    """New versions, one after the other, for as long as the client asks."""
    host = updated_host(test, load, policy)
    client = test.own(harness.Process(load.command(test, seconds, host.url)))
    number = 0
    while client.running():
        number += 1
        host.apply(load.manifest(number, policy))
    test.assertEqual(0, client.wait(), client.describe())
    printed = "\n".join(client.stdout.all)
    requests = load.requests_of(printed)
    test.assertIsNotNone(requests, f"requests failed:\n{printed}")
    test.assertGreaterEqual(requests, least_requests if load.fast else 1)
    test.assertGreaterEqual(number, least_updates)
    test.assertEqual(0, failures_of(host))
    test.assertEqual(0, host.terminate())


def update_under_all(test, seconds, least_updates, least_requests=1):
    """With every instance policy and kind of load."""
    for name, load in LOADS.items():
        for policy in POLICIES:
            with test.subTest(f"{name}, {policy}"):
                update_under(test, load, policy, seconds, least_updates, least_requests)
