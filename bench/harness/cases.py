"""The cases of the comparison: which guest, which load, which servers, and the floors we set
ourselves. The first server of a case is ours."""

import pathlib
from dataclasses import dataclass, field

from harness.servers import Guest, Nimbus, OtherGuest, OwnProgram, Server
from peers.wasmcloud import WasmcloudDev, WasmcloudHost
from peers.wasmtime import WasmtimeServe
from peers.workerd import Workerd

ECHO_BYTES = 64 * 1024
SLEEPER_CONNECTIONS = 1024
SLOTS = 8192


@dataclass(frozen=True)
class Target:
    """A floor: our `metric` divided by that of the peer. Rates must be at least `bound`, CPU time
    and latency at most."""

    peer: int  # index into the case's servers
    metric: str  # "rate", "cpu" or "p99"
    bound: float

    def met(self, ratio):
        return ratio >= self.bound if self.metric == "rate" else ratio <= self.bound


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    guest: Guest
    servers: list[Server]
    connections: int = 64
    body_bytes: int = 0
    targets: list[Target] = field(default_factory=list)
    # Answers of some servers take seconds under this load: it needs a longer look.
    answers_late: bool = False
    # Server and client on all cores together instead of one each: for the cost of a second shard.
    shared_cores: bool = False


def ahead(peer):
    """What every peer must see: more requests per second, and a p99 no worse."""
    return [Target(peer, "rate", 1.0), Target(peer, "p99", 1.0)]


def floor(peer, rate):
    return [Target(peer, "rate", rate), Target(peer, "p99", 1.0)]


def all_cases(build):
    build = pathlib.Path(build)

    def guest(name):
        return Guest(name, build / "guests" / f"{name}.wasm")

    def nimbus(*flags, variant=""):
        return Nimbus(*flags, "--shards", "1", variant=variant, build=build)

    fresh = nimbus(variant="fresh instance per request")
    p2_flags = ("--pool-size", "16")
    p3_flags = (*p2_flags, "--max-concurrency", "16")
    p2_pool = nimbus(*p2_flags, variant="pool 16")
    p3_pool = nimbus(*p3_flags, variant="pool 16 × 16 at once")
    p2_sleepers = nimbus("--pool-size", str(SLEEPER_CONNECTIONS),
                         variant=f"pool {SLEEPER_CONNECTIONS}")
    p3_sleepers = nimbus("--pool-size", "64", "--max-concurrency", "16",
                         variant="pool 64 × 16 at once")
    # Their pools hold 1,000 core instances by default, of which a guest takes several: too few for
    # as many calls at once as the sleepers have connections.
    cold_sleepers = WasmcloudHost(slots=SLOTS)
    warm_sleepers = WasmcloudHost(pool_size=64, max_concurrency=16, slots=SLOTS)
    cold = WasmcloudHost()
    warm = WasmcloudHost(pool_size=16, max_concurrency=16)
    nobody = Guest("constant", None)
    constant = OwnProgram("Nimbus HTTP, constant answer", "constant_server", "--shards", "1",
                          build=build)

    def echo(name, title, guest_name, *servers):
        return Case(name, title, guest(guest_name), list(servers), body_bytes=ECHO_BYTES,
                    targets=floor(1, 1.5) + ahead(2))

    echoes = [
        echo("p2-echo", "P2 echo of 64 KiB, fresh", "http-echo", fresh, WasmtimeServe(), cold),
        echo("p2-echo-reuse", "P2 echo of 64 KiB, reused", "http-echo",
             p2_pool, WasmtimeServe(reuse_count=100000), warm),
        echo("p3-echo-fresh", "P3 echo of 64 KiB, fresh", "http-echo-p3",
             fresh, WasmtimeServe(reuse_count=1), cold),
        echo("p3-echo", "P3 echo of 64 KiB, reused", "http-echo-p3",
             p3_pool, WasmtimeServe(), warm),
    ]

    def sleeper(name, title, guest_name, *servers):
        return Case(name, title, guest(guest_name), list(servers),
                    connections=SLEEPER_CONNECTIONS, answers_late=True,
                    targets=[Target(1, "cpu", 0.67), Target(1, "p99", 1.0)] + ahead(2))

    sleepers = [
        sleeper("p2-sleep", "P2 guest that sleeps 10 ms, 1,024 connections, fresh", "http-sleep",
                fresh, WasmtimeServe(slots=SLOTS), cold_sleepers),
        sleeper("p2-sleep-reuse", "P2 guest that sleeps 10 ms, 1,024 connections, reused",
                "http-sleep", p2_sleepers, WasmtimeServe(reuse_count=100000, slots=SLOTS),
                warm_sleepers),
        sleeper("p3-sleep-fresh", "P3 guest that sleeps 10 ms, 1,024 connections, fresh",
                "http-sleep-p3", fresh, WasmtimeServe(reuse_count=1, slots=SLOTS), cold_sleepers),
        sleeper("p3-sleep", "P3 guest that sleeps 10 ms, 1,024 connections, reused",
                "http-sleep-p3", p3_sleepers, WasmtimeServe(slots=SLOTS), warm_sleepers),
    ]

    def shards(name, title, guest_name, *flags):
        return Case(name, f"{title}: two shards against one, client on the same cores",
                    guest(guest_name),
                    [Nimbus(*flags, "--shards", "2", variant="2 shards", build=build),
                     Nimbus(*flags, "--shards", "1", variant="1 shard", build=build)],
                    targets=[Target(1, "cpu", 1.1)], shared_cores=True)

    return [
        Case("p2-fresh", "P2 hello, a fresh instance per request", guest("http-hello"),
             [fresh, WasmtimeServe(), cold], targets=floor(1, 3.2) + ahead(2)),
        Case("p2-reuse", "P2 hello, instances reused", guest("http-hello"),
             [p2_pool, WasmtimeServe(reuse_count=100000), warm, Workerd()],
             targets=floor(1, 2.8) + ahead(2)),
        Case("p3-fresh", "P3 hello, a fresh instance per request", guest("http-hello-p3"),
             [fresh, WasmtimeServe(reuse_count=1), cold], targets=floor(1, 2.3) + ahead(2)),
        Case("p3-reuse", "P3 hello, instances reused, 16 calls at once", guest("http-hello-p3"),
             [p3_pool, WasmtimeServe(), warm], targets=floor(1, 2.0) + ahead(2)),
        *echoes, *sleepers,
        Case("keyvalue", "P2 counter in wasi:keyvalue (memory), fresh, beside our own hello",
             guest("kv-counter"), [fresh, OtherGuest(fresh, guest("http-hello")), WasmcloudDev()],
             targets=[Target(1, "rate", 0.8)] + ahead(2)),
        Case("constant", "Constant answer, no Wasm: our HTTP stack against a bare loop", nobody,
             [constant, OwnProgram("bare epoll responder", "epoll_responder", build=build)],
             targets=floor(1, 0.85)),
        shards("shards", "P2 hello, fresh", "http-hello"),
        shards("shards-p2-reuse", "P2 hello, reused", "http-hello", *p2_flags),
        shards("shards-p3-fresh", "P3 hello, fresh", "http-hello-p3"),
        shards("shards-p3-reuse", "P3 hello, reused", "http-hello-p3", *p3_flags),
    ]
