"""Loads that a workload is updated under, by clients that are not ours: wrk and h2load. Each runs
for as long as it is told; what it prints says how many requests it made and that none failed."""

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


def requests_of_h2load(printed):
    counts = dict((word, int(number)) for number, word in re.findall(
        r"(\d+) (failed|errored|timeout|[2345]xx)", printed))
    made = counts.pop("2xx")
    return made if set(counts.values()) == {0} else None


class Load:
    """`guests` by the kind of a policy; `command` gives the client's words for a duration."""

    def __init__(self, guests, path, command, requests_of):
        self.guests, self.path, self.command, self.requests_of = guests, path, command, requests_of

    def manifest(self, number, policy):
        kind, keys = POLICIES[policy]
        environment = {"V": str(number)}
        if keys is None:
            return service("w", self.guests[kind], environment=environment)
        return workload("w", self.guests[kind], environment=environment, **keys)


MISCS = {"p2": "http-misc", "p3": "http-misc-p3", "service": "service-web-p3"}
ECHOES = {"p2": "http-echo", "p3": "http-echo-p3", "service": "http-echo-p3"}
LOADS = {
    "HTTP/1.1": Load(MISCS, "/env", wrk, requests_of_wrk),
    "HTTP/2": Load(MISCS, "/env",
                   lambda seconds: ["h2load", "-t1", "-c4", "-m8", f"-D{seconds}", "--header",
                                    ":authority: w.test"], requests_of_h2load),
    "streamed content": Load(ECHOES, "/",
                             lambda seconds: wrk(seconds, "-s", str(HERE / "echo.lua")),
                             requests_of_wrk),
}


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
    client = test.own(harness.Process([*load.command(seconds), f"{host.url}{load.path}"]))
    number = 0
    while client.running():
        number += 1
        host.apply(load.manifest(number, policy))
    test.assertEqual(0, client.wait(), client.describe())
    printed = "\n".join(client.stdout.all)
    requests = load.requests_of(printed)
    test.assertIsNotNone(requests, f"requests failed:\n{printed}")
    test.assertGreaterEqual(requests, least_requests)
    test.assertGreaterEqual(number, least_updates)
    test.assertEqual(0, failures_of(host))
    test.assertEqual(0, host.terminate())


def update_under_all(test, seconds, least_updates, least_requests=1):
    """With every instance policy and kind of load."""
    for name, load in LOADS.items():
        for policy in POLICIES:
            with test.subTest(f"{name}, {policy}"):
                update_under(test, load, policy, seconds, least_updates, least_requests)
