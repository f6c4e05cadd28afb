#!/usr/bin/env python3
"""Requests that wait for a warm instance, when the one that they wait for ends."""

import harness
import hosting
from hosting import workload

COUNT = "GET /count HTTP/1.1\r\nhost: w.test\r\n\r\n"
TRAP = "GET /trap HTTP/1.1\r\nhost: w.test\r\n\r\n"


class WarmQueueTest(hosting.TestCase):
    """One warm instance, with as many requests on it and behind it as there may be."""

    def serving(self, **policy):
        host = self.host(config={"shards": 1})
        host.apply(workload("w", "http-misc-p3", poolSize=1, maxConcurrency=3, maxQueue=4,
                            queueTimeout="10m", **policy))
        return host

    def wait_until(self, host, key, count):
        """Until the component's status says that many of these."""
        self.eventually(lambda: host.status("w")["components"][0][key] == count,
                        f"{key} is never {count}")

    def queue(self, host, *requests):
        """Their connections; they wait in this order."""
        clients = []
        for request in requests:
            clients.append(self.enterContext(host.connect()))
            clients[-1].send(request)
            self.wait_until(host, "callsQueued", len(clients))
        return clients

    def check_trap(self, **policy):
        host = self.serving(**policy)
        self.assertEqual(["1\n", "2\n"], [host.text_of("w.test", "/count") for _ in range(2)])
        first, *others = [self.enterContext(harness.Held(host, "w.test")) for _ in range(3)]
        self.wait_until(host, "callsInFlight", 3)
        trap, *waiting = self.queue(host, TRAP, COUNT, COUNT, COUNT)
        self.wait_until(host, "callsInFlight", 3)
        self.assertEqual(503, host.ask("w.test", "/count").status)
        # Its place on the instance goes to the request that traps.
        self.assertEqual(200, first.finish().status)
        self.assertEqual(500, trap.read_answer().status)
        self.assertEqual([502, 502], [client.read_answer().status for client in others])
        answers = [client.read_answer() for client in waiting]
        self.assertEqual([200] * 3, [answer.status for answer in answers])
        # The instance that ended would have gone on with 3.
        self.assertEqual(["1\n", "2\n", "3\n"], sorted(answer.text for answer in answers))
        self.assertEqual("4\n", host.text_of("w.test", "/count"))

    def test_a_trap_ends_what_is_on_its_instance_and_what_waits_gets_a_fresh_one(self):
        self.check_trap()

    def test_that_is_so_where_there_may_be_no_second_instance_beside_it(self):
        self.check_trap(maxInstances=1)


if __name__ == "__main__":
    harness.main()
