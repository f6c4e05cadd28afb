#!/usr/bin/env python3
"""A client of HTTP/2 goes away in the middle of a request that would not end by itself: its call
ends, on a warm instance after a while in which it might have finished, and the next request is
served. It could not be beside the call, as there is one instance at most, nor after any time-out:
it waits for an instance for less than those take."""

import functools

import harness
import hosting
from http2_clients import Client, head
from http2_frames import DATA, END_HEADERS, HEADERS, frame, reset, status_of, window_update

HOST = "w.test"
CONFIG = {"shards": 1, "defaults": {"collateralGrace": "100ms"}}
FRESH = {}
POOL_OF_ONE = {"poolSize": 1}
MISCS = ("http-misc", "http-misc-p3")
ECHOES = ("http-echo", "http-echo-p3")
WAYS = {"the connection": lambda client, _: client.reset(),
        "the stream": lambda client, stream: client.send(reset(stream))}


def with_each(guests, *policies):
    """Runs a test for each of the guests, policies of instances, and ways to go away. The test
    begins a request of the client and gives its stream."""
    def decorate(begin):
        @functools.wraps(begin)
        def run_each(self):
            for guest in guests:
                for policy in policies:
                    for way, go_away in WAYS.items():
                        with self.subTest(guest, policy=policy, reset=way):
                            host = self.host(config=CONFIG)
                            host.apply(hosting.workload("w", guest, maxInstances=1, **policy))
                            self.check(host, functools.partial(begin, self), go_away)
        return run_each
    return decorate


class VanishTest(hosting.TestCase):
    def check(self, host, begin, go_away):
        for _ in range(3):
            with Client(host, HOST) as client:
                client.send(window_update(0, 1_000_000))  # only a stream's own holds it back
                stream = begin(client)
                self.await_calls(host, 1)
                go_away(client, stream)
                self.assertEqual(200, host.ask(HOST, "/count").status)
                self.await_calls(host, 0)
                if go_away is WAYS["the stream"]:
                    self.assertEqual(200, client.ask()[0])

    def await_calls(self, host, count):
        self.eventually(lambda: host.metric("nimbus_calls_in_flight") == count,
                        f"there are never {count} calls")

    def answered(self, client, stream, least_bytes):
        """Reads that much of an answer's content."""
        received = b""
        while len(received) < least_bytes:
            one = client.read_frame()
            if one.kind == HEADERS:
                self.assertEqual(200, status_of(one.payload))
            if one.kind == DATA and one.stream == stream:
                received += one.payload
        return received

    @staticmethod
    def request(client, path):
        stream = client.next_stream()
        client.send(head(stream, path, host=HOST))
        return stream

    @staticmethod
    def upload(client, path):
        """The first bytes of one that goes on."""
        stream = client.next_stream()
        client.send(head(stream, path, "POST", END_HEADERS, HOST) +
                    frame(DATA, 0, stream, b"the beginning"))
        return stream

    @with_each(MISCS, FRESH, POOL_OF_ONE)
    def test_in_the_middle_of_a_download(self, client):
        stream = self.request(client, "/big?bytes=1000000000")
        self.answered(client, stream, 50_000)
        return stream

    @with_each(MISCS, FRESH, POOL_OF_ONE)
    def test_in_the_middle_of_an_upload(self, client):
        return self.upload(client, "/drain")

    @with_each(ECHOES, FRESH, POOL_OF_ONE)
    def test_in_the_middle_of_both(self, client):
        stream = self.upload(client, "/")
        self.assertEqual(b"the beginning", self.answered(client, stream, 13))
        return stream

    def wait_to_answer(self, client):
        return self.request(client, "/sleep?ms=600000")

    def wait_after_the_head(self, client):
        stream = self.request(client, "/late?ms=600000")
        while client.read_frame().kind != HEADERS:
            pass
        return stream

    def wait_over_an_upload(self, client):
        return self.upload(client, "/drain?piece=1&ms=600000")

    @with_each(MISCS, FRESH)
    def test_while_a_fresh_instance_waits_before_the_answer(self, client):
        return self.wait_to_answer(client)

    @with_each(MISCS, FRESH)
    def test_while_a_fresh_instance_waits_before_the_content(self, client):
        return self.wait_after_the_head(client)

    @with_each(MISCS, FRESH)
    def test_while_a_fresh_instance_waits_with_an_upload(self, client):
        return self.wait_over_an_upload(client)

    @with_each(MISCS, POOL_OF_ONE)
    def test_while_a_warm_instance_waits_before_the_answer(self, client):
        return self.wait_to_answer(client)

    @with_each(MISCS, POOL_OF_ONE)
    def test_while_a_warm_instance_waits_before_the_content(self, client):
        return self.wait_after_the_head(client)

    @with_each(MISCS, POOL_OF_ONE)
    def test_while_a_warm_instance_waits_with_an_upload(self, client):
        return self.wait_over_an_upload(client)


if __name__ == "__main__":
    harness.main()
