#!/usr/bin/env python3
"""`wash run` with components that misbehave: each ends its own request and nothing else."""

import contextlib
import resource
import selectors
import threading
import time

import harness

MISCS = ("http-misc", "http-misc-p3")
# What the log says of calls that fail.
CPU_TIME = ("outcome=cpu-limit ", "the call used up its CPU time")
UNREACHABLE = ("outcome=trap ", "wasm `unreachable` instruction executed")


def raise_file_limit(wanted):
    """True if this process and its children may open that many files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return True


class LimitsTest(harness.TestCase):
    def serve(self, name, *flags):
        return self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0", *flags)

    def check_healthy(self, server):
        """It answers; within what may be a narrow limit of time once the machine lets it."""
        self.eventually(lambda: server.get("/count").status == 200, "it answers nobody any more")
        self.assertTrue(server.running())

    def in_parallel(self, *calls):
        """Their results, in order."""
        results = [None] * len(calls)

        def run(index):
            results[index] = calls[index]()

        threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results


class Misbehaviour(LimitsTest):
    def check_status(self, path, expected, *flags):
        for name in MISCS:
            with self.subTest(name):
                server = self.serve(name, *flags)
                self.assertEqual(expected, server.get(path).status)
                self.check_healthy(server)

    def test_a_trap_is_a_500(self):
        for how in ("unreachable", "panic", "out-of-bounds"):
            self.check_status(f"/trap?how={how}", 500)

    def test_recursion_without_an_end_is_a_500(self):
        self.check_status("/recurse", 500)

    def test_exit_is_a_500_and_not_the_end_of_the_process(self):
        for code in (0, 1, 77):
            self.check_status(f"/exit?code={code}", 500)

    def test_no_response_is_a_500(self):
        # In WASI 0.3 the guest traps by itself, as it waits for nothing that could happen.
        self.check_status("/no-response", 500, "--timeout", "20s")

    def test_waiting_longer_than_the_time_limit_is_a_504(self):
        self.check_status("/sleep?ms=60000", 504, "--timeout", "300ms")

    def test_computing_longer_than_the_cpu_limit_is_a_504(self):
        self.check_status("/spin", 504, "--cpu-limit", "300ms")

    def test_computing_longer_than_the_time_limit_is_a_504(self):
        self.check_status("/spin", 504, "--timeout", "500ms")

    def test_memory_beyond_the_limit_is_refused_to_the_component(self):
        for name in MISCS:
            with self.subTest(name):
                server = self.serve(name, "--max-memory", "32MiB")
                self.assertEqual((507, "denied\n"),
                                 (server.get("/memory?mb=64").status,
                                  server.get("/memory?mb=64").text))
                self.assertEqual("16 MiB\n", server.get("/memory?mb=16").text)
                self.check_healthy(server)

    def test_the_log_says_who_failed_and_where(self):
        server = self.serve("http-misc", "--log-format", "json")
        server.get("/trap")
        line = server.wait_for_stderr("a call failed").string
        for word in ("http-misc", "unreachable", "backtrace"):
            self.assertIn(word, line)

    def test_the_log_says_where_a_component_computed_that_a_limit_ended(self):
        for limit in ("--cpu-limit", "--timeout"):
            for name in MISCS:
                with self.subTest(name, limit=limit):
                    server = self.serve(name, "--log-format", "json", limit, "300ms")
                    server.get("/spin")
                    line = server.wait_for_stderr("a call failed").string
                    self.assertRegex(line, r"backtrace:\\n +0: +0x[0-9a-f]+ - ")

    def test_a_component_that_dies_in_its_body_never_seems_to_have_ended(self):
        for name in MISCS:
            with self.subTest(name):
                server = self.serve(name)
                with server.connect() as client:
                    client.send("GET /die-mid-body HTTP/1.1\r\nHost: h\r\n"
                                "Connection: close\r\n\r\n")
                    answer = client.read_to_end()
                    if not answer.startswith(b"HTTP/1.1 500 "):
                        self.assertIn(b"transfer-encoding: chunked", answer.lower())
                        self.assertFalse(answer.endswith(b"0\r\n\r\n"), answer)
                self.check_healthy(server)


class HostileComponents(LimitsTest):
    """Whole components that are out to harm."""

    def check(self, name, status, *reasons, cpu_limit="20s"):
        """It is served, and each request ends with this status; the log says why, in one record
        that has all of these."""
        with self.subTest(name):
            server = self.serve(name, "--cpu-limit", cpu_limit, "--timeout", "40s")
            for _ in range(3):
                self.assertEqual(status, server.get().status)
            line = server.wait_for_stderr("a call failed").string
            for reason in (f"component={name} ", *reasons):
                self.assertIn(reason, line)
            self.assertTrue(server.running())
            self.assertEqual(0, server.terminate())

    def check_refused(self, name, reason):
        with self.subTest(name):
            done = self.run_wash("run", harness.guest(name), "--addr", "127.0.0.1:0")
            self.assertEqual(1, done.returncode)
            self.assertRegex(done.stderr, rf"\Aerror: [^\n]*{reason}[^\n]*\n\Z")

    def test_what_no_instance_could_have_is_refused_at_the_start(self):
        for name, reason in (("memory-minimum", "4096 MiB of memory from its start on"),
                             ("memory-64", "a memory of 8192 MiB from its start on"),
                             ("table-minimum", "table index 0"),
                             ("many-memories", "memories count of 40"),
                             ("many-tables", "tables count of 90")):
            self.check_refused(f"wat-{name}", reason)

    def test_a_component_of_more_core_instances_than_one_may_have_is_refused(self):
        self.check_refused("wat-many-instances",
                           "301 core module instances, which exceeds the configured maximum of 256")

    def test_more_random_bytes_at_once_than_the_host_makes_are_a_500(self):
        server = self.serve("http-misc")
        self.assertEqual("1048576\n", server.get("/random?bytes=1048576").text)
        self.assertEqual(500, server.get("/random?bytes=1048577").status)
        self.check_healthy(server)

    def test_bombs_end_their_request(self):
        for name in ("memory-bomb", "memory-bomb-p3"):
            self.check(f"wat-{name}", 500, "after it hit the instance's memory limit",
                       *UNREACHABLE)
        self.check("wat-table-bomb", 500, *UNREACHABLE)

    def test_components_that_never_get_started_end_their_request(self):
        self.check("wat-spin-at-start", 504, *CPU_TIME, "module!start", cpu_limit="300ms")
        self.check("wat-trap-at-start", 500, *UNREACHABLE, "module!start")

    def test_its_own_memory_limit_is_no_want_of_room(self):
        for pool in ((), ("--pool-size", "1")):
            with self.subTest(pool=pool):
                server = self.serve("wat-memory-bomb-at-start", "--max-memory", "4MiB", *pool)
                answer = server.get()
                self.assertEqual(500, answer.status)
                self.assertNotIn("retry-after", answer.headers)
                server.wait_for_stderr("outcome=trap .*after it hit the instance's memory limit")
                self.assertEqual(0, server.terminate())

    def test_components_that_never_answer_end_their_request(self):
        for name in ("spin", "spin-p3"):
            self.check(f"wat-{name}", 504, *CPU_TIME, cpu_limit="300ms")
        for name in ("trap", "trap-p3"):
            self.check(f"wat-{name}", 500, *UNREACHABLE)
        for name in ("recurse", "recurse-p3"):
            self.check(f"wat-{name}", 500, "outcome=trap ", "call stack exhausted")
        self.check("wat-no-response", 500, "outcome=no-response ",
                   "the guest returned without a response")

    def test_components_that_exit_end_their_request_and_not_the_process(self):
        for name in ("exits", "exits-p3"):
            self.check(f"wat-{name}", 500, "outcome=exit ", "exit with status 0")

    def test_a_component_that_answers_late_is_waited_for_as_long_as_its_limit_allows(self):
        for pool in ((), ("--shards", "1", "--pool-size", "1")):
            for limit, expected in (("60s", 200), ("50ms", 504)):
                with self.subTest(limit, pool=pool):
                    server = self.serve("wat-late", "--timeout", limit, *pool)
                    for _ in range(3):
                        self.assertEqual(expected, server.get().status)
                    if expected == 504:
                        server.wait_for_stderr("outcome=timeout .*call took longer than its limit")
                    self.assertEqual(0, server.terminate())

    def test_calls_that_are_answered_late_overlap(self):
        count = 40
        for pool in ((), ("--pool-size", str(count))):
            with self.subTest(pool=pool):
                server = self.serve("wat-late", "--shards", "1", *pool)
                begun = time.monotonic()
                answers = self.in_parallel(*[server.get] * count)
                # Each takes 0.4 s; this is half of what they would take one after another.
                self.assertLess(time.monotonic() - begun, count * 0.4 / 2)
                self.assertEqual([200] * count, [answer.status for answer in answers])

    def test_a_trap_is_not_blamed_on_a_limit_of_a_call_before(self):
        for name in MISCS:
            with self.subTest(name):
                server = self.serve(name, "--shards", "1", "--pool-size", "1", "--max-memory",
                                    "64MiB")
                self.assertEqual(507, server.get("/memory?mb=100").status)
                self.assertEqual(500, server.get("/trap").status)
                line = server.wait_for_stderr("a call failed").string
                self.assertNotIn("after it hit", line)
                self.assertEqual(0, server.terminate())

    def test_who_computes_on_after_the_answer_is_ended_and_the_next_request_is_not_blamed(self):
        server = self.serve("wat-busy-after-p3", "--shards", "1", "--pool-size", "1",
                            "--cpu-limit", "200ms")
        for _ in range(3):
            self.assertEqual(500, server.get().status)  # its own answer
            server.wait_for_stderr("used up the CPU time of a call with no call on it")
        self.assertEqual(0, server.terminate())
        self.assertNotIn("the call used up its CPU time", server.describe())

    def test_a_body_that_is_never_read_holds_nothing_up(self):
        server = self.serve("wat-never-reads", "--pool-size", "1", "--shards", "1")
        for _ in range(3):
            with server.connect() as client:
                # More than any buffer on the way takes, and never the whole of it.
                client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n")
                client.send(bytes(100_000))
                self.assertTrue(client.read_until("\r\n\r\n").startswith(b"HTTP/1.1 200 "))
        self.assertEqual(200, server.post("/", bytes(4_000_000)).status)
        self.assertEqual(0, server.terminate())


class Neighbours(LimitsTest):
    def test_healthy_requests_are_answered_beside_one_that_spins(self):
        for name in MISCS:
            with self.subTest(name):
                server = self.serve(name, "--shards", "1", "--cpu-limit", "400ms")
                with server.connect() as spinning:
                    spinning.send("GET /spin HTTP/1.1\r\nHost: h\r\n\r\n")
                    answered = 0
                    while not spinning.readable(0):
                        self.assertEqual(200, server.get("/count").status)
                        answered += 1
                    self.assertEqual(504, spinning.read_answer().status)
                    self.assertGreater(answered, 1)

    def test_traps_touch_no_other_request(self):
        for name in MISCS:
            with self.subTest(name):
                server = self.serve(name)
                paths = ("/trap", "/sleep?ms=200", "/exit", "/sleep?ms=200", "/recurse") * 3
                statuses = [answer.status for answer in self.in_parallel(
                    *(lambda path=path: server.get(path) for path in paths))]
                self.assertEqual([200 if "sleep" in path else 500 for path in paths], statuses)


class WarmInstances(LimitsTest):
    def counts(self, server, times):
        return [int(server.get("/count").text) for _ in range(times)]

    def test_without_a_pool_every_request_has_a_fresh_instance(self):
        for name in MISCS:
            with self.subTest(name):
                self.assertEqual([1, 1, 1], self.counts(self.serve(name), 3))

    def test_a_pool_of_one_remembers_whatever_connection_asks(self):
        for name in MISCS:
            with self.subTest(name):
                server = self.serve(name, "--pool-size", "1")
                self.assertEqual(list(range(1, 11)), self.counts(server, 10))

    def test_an_instance_ends_after_its_invocations(self):
        for name in MISCS:
            with self.subTest(name):
                server = self.serve(name, "--pool-size", "1", "--max-invocations", "3")
                self.assertEqual([1, 2, 3, 1, 2, 3, 1], self.counts(server, 7))

    def test_an_instance_that_fails_is_replaced(self):
        for name in MISCS:
            for path, status in (("/trap", 500), ("/exit?code=1", 500), ("/spin", 504),
                                 ("/sleep?ms=60000", 504)):
                with self.subTest(f"{name}{path}"):
                    server = self.serve(name, "--pool-size", "1", "--cpu-limit", "300ms",
                                        "--timeout", "2s")
                    self.assertEqual([1, 2], self.counts(server, 2))
                    self.assertEqual(status, server.get(path).status)
                    self.assertEqual([1, 2], self.counts(server, 2))

    def test_a_p2_instance_takes_one_request_after_another(self):
        server = self.serve("http-misc", "--pool-size", "1")
        answers = self.in_parallel(*[lambda: server.get("/sleep?ms=20")] * 5,
                                   *[lambda: server.get("/count")] * 5)
        self.assertEqual([200] * 10, [answer.status for answer in answers])
        self.assertEqual([1, 2, 3, 4, 5], sorted(int(answer.text) for answer in answers[5:]))

    def test_p3_requests_overlap_on_one_instance_up_to_the_limit(self):
        server = self.serve("http-misc-p3", "--pool-size", "1", "--max-concurrency", "4")
        answers = self.in_parallel(*[lambda: server.get("/together?ms=400")] * 12)
        self.assertEqual([200] * 12, [answer.status for answer in answers])
        most = max(int(answer.text) for answer in answers)
        self.assertGreater(most, 1)
        self.assertLessEqual(most, 4)

    def test_p3_requests_do_not_overlap_unless_they_may(self):
        server = self.serve("http-misc-p3", "--pool-size", "1")
        answers = self.in_parallel(*[lambda: server.get("/together?ms=50")] * 4)
        self.assertEqual({"1\n"}, {answer.text for answer in answers})

    def test_a_trap_takes_its_companions_with_it_and_says_so(self):
        server = self.serve("http-misc-p3", "--pool-size", "1", "--max-concurrency", "8",
                            "--shards", "1")
        with contextlib.ExitStack() as stack:
            companions = [stack.enter_context(server.connect()) for _ in range(3)]
            for client in companions:
                client.send("GET /together?ms=20000 HTTP/1.1\r\nHost: h\r\n\r\n")
            self.eventually(
                lambda: int(server.get("/together?ms=0").text) >= 4, "they do not overlap")
            self.assertEqual(500, server.get("/trap").status)
            self.assertEqual([502] * 3, [client.read_answer().status for client in companions])
        server.wait_for_stderr("outcome=collateral .*another call ended its instance: wasm trap: "
                               "wasm `unreachable` instruction executed")
        server.wait_for_stderr("outcome=trap .*wasm trap: wasm `unreachable` instruction executed")
        self.assertEqual([1, 2], self.counts(server, 2))

    def test_an_exit_is_told_apart_from_its_companions_too(self):
        server = self.serve("http-misc-p3", "--pool-size", "1", "--max-concurrency", "8",
                            "--shards", "1")
        with server.connect() as companion:
            companion.send("GET /together?ms=20000 HTTP/1.1\r\nHost: h\r\n\r\n")
            self.eventually(
                lambda: int(server.get("/together?ms=0").text) >= 2, "they do not overlap")
            self.assertEqual(500, server.get("/exit?code=3").status)
            self.assertEqual(502, companion.read_answer().status)
        server.wait_for_stderr("outcome=collateral .*another call ended its instance: "
                               "the guest called exit")
        server.wait_for_stderr("outcome=exit .*status 3")

    def test_work_goes_on_after_the_answer(self):
        server = self.serve("http-misc-p3", "--pool-size", "1", "--max-concurrency", "4")
        self.assertEqual(200, server.get("/spawn-after?ms=50").status)
        self.eventually(lambda: server.get("/spawned").text == "1\n", "it was never done")

    def test_a_full_queue_is_a_503_that_says_when_to_come_again(self):
        connections = 1100
        if not raise_file_limit(4 * connections):
            self.skipTest("this process may not open enough files")
        server = self.serve("http-misc", "--pool-size", "1", "--shards", "1")
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            for _ in range(connections):
                client = stack.enter_context(server.connect())
                client.send("GET /sleep?ms=2000 HTTP/1.1\r\nHost: h\r\n\r\n")
                selector.register(client.socket, selectors.EVENT_READ, client)
            answer = None
            while answer is None or answer.status == 200:
                ready = selector.select(harness.PATIENCE_SECONDS)
                self.assertTrue(ready, "nobody was refused")
                for key, _ in ready:
                    selector.unregister(key.fileobj)
                    answer = key.data.read_answer()
                    if answer.status != 200:
                        break
            self.assertEqual(503, answer.status)
            self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
        self.check_healthy(server)


if __name__ == "__main__":
    harness.main()
