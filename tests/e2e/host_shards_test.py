#!/usr/bin/env python3
"""What a component and the host may have is one sum over all shards, whichever of them a request
comes in on."""

import concurrent.futures

import hosting
from hosting import workload

SHARDS = 4


class ShardsTest(hosting.TestCase):
    def host_of(self, **config):
        return self.host(config={"shards": SHARDS, **config})

    def statuses(self, host, path, count):
        """Of so many requests at once, each on a connection of its own."""
        with concurrent.futures.ThreadPoolExecutor(count) as asking:
            answers = [asking.submit(host.ask, "w.test", path) for _ in range(count)]
            return sorted(answer.result().status for answer in answers)

    def check(self, count, waiting, **policy):
        """All instances can be had from everywhere, and no more than may wait do."""
        host = self.host_of()
        host.apply(workload("w", maxQueue=waiting, queueTimeout="10m", **policy))
        refused = count // 2
        for _ in range(3):
            self.assertEqual([200] * count, self.statuses(host, "/sleep?ms=300", count))
        wanted = [200] * count + [503] * refused
        self.assertEqual(wanted, self.statuses(host, "/sleep?ms=1500", count + refused))

    def test_the_queue_of_a_component_is_one(self):
        self.check(6, maxInstances=1, waiting=5)

    def test_every_warm_instance_can_be_had_from_every_shard(self):
        self.check(4, poolSize=4, maxInstances=4, waiting=0)

    def test_that_is_so_if_there_are_more_of_them_than_shards(self):
        self.check(6, poolSize=6, maxInstances=6, waiting=0)

    def test_and_if_there_are_fewer(self):
        self.check(2, poolSize=2, maxInstances=2, waiting=0)

    def test_calls_that_share_instances_find_room_everywhere(self):
        host = self.host_of()
        host.apply(workload("w", "http-misc-p3", poolSize=4, maxInstances=4, maxConcurrency=2,
                            maxQueue=0))
        self.assertEqual([200] * 8, self.statuses(host, "/sleep?ms=500", 8))
        self.assertEqual([200] * 8 + [503] * 2, self.statuses(host, "/sleep?ms=1500", 10))

    def test_an_instance_that_idles_ends_where_the_host_has_no_other(self):
        host = self.host_of(limits={"maxInstances": 4})
        host.apply(workload("w", poolSize=4, maxInstances=4, idleTimeout="1h"))
        host.apply(workload("other", poolSize=1, idleTimeout="1h"))
        host.apply(workload("fresh"))
        self.assertEqual([200] * 4, self.statuses(host, "/sleep?ms=300", 4))
        self.assertEqual(4, host.status("w")["components"][0]["instances"])
        for name in ("fresh.test", "other.test", "fresh.test"):
            self.assertEqual(200, host.ask(name, "/count").status)
        self.assertLess(host.status("w")["components"][0]["instances"], 4)
        for _ in range(2 * SHARDS):
            self.assertEqual(200, host.ask("w.test", "/count").status)

    def test_it_ends_for_a_request_to_the_same_component_on_another_shard(self):
        for guest in ("http-misc", "http-misc-p3"):
            with self.subTest(guest):
                host = self.host_of(limits={"maxInstances": 1})
                host.apply(workload("w", guest, poolSize=4, idleTimeout="1h"))
                for _ in range(3 * SHARDS):
                    self.assertEqual(200, host.ask("w.test", "/count").status)

    def test_a_shard_that_can_have_no_instance_hands_its_calls_back(self):
        host = self.host_of(limits={"maxInstances": 2})
        host.apply(workload("busy"))
        host.apply(workload("w", poolSize=4, queueTimeout="10m"))
        with concurrent.futures.ThreadPoolExecutor(1) as asking:
            busy = asking.submit(host.ask, "busy.test", "/sleep?ms=4000")
            self.eventually(lambda: host.status("busy")["components"][0]["callsInFlight"] == 1,
                            "the other workload is not busy")
            self.assertEqual([200] * 12, self.statuses(host, "/sleep?ms=100", 12))
            self.assertEqual(200, busy.result().status)

    def test_it_ends_when_a_request_waited_before_it_was_idle(self):
        host = self.host_of(limits={"maxInstances": 1})
        host.apply(workload("w", poolSize=1, idleTimeout="1h"))
        host.apply(workload("other"))
        with concurrent.futures.ThreadPoolExecutor(1) as asking:
            first = asking.submit(host.ask, "w.test", "/sleep?ms=500")
            self.eventually(lambda: host.status("w")["components"][0]["callsInFlight"] == 1,
                            "the first request is not under way")
            self.assertEqual(200, host.ask("other.test", "/count").status)
            self.assertEqual(200, first.result().status)


if __name__ == "__main__":
    hosting.harness.main()
