#!/usr/bin/env python3
"""`wash provider serve`: the built-in key-value providers as processes of their own."""

import sys
import threading
import time

import conformance
import harness
import wire

sys.path.insert(0, str(harness.SOURCE / "tests" / "interop"))
import interop  # noqa: E402


class ProviderTest(harness.TestCase):
    def serve(self, name, listen, *config):
        """Starts a provider; gives the process and the address that it says it has bound."""
        flags = [flag for entry in config for flag in ("--config", entry)]
        provider = self.start("provider", "serve", name, "--listen", listen, *flags)
        return provider, provider.wait_for_stdout(r"Serving \S+ at (\S+)").group(1)

    def serve_sqlite(self):
        """A provider on the test's socket and database."""
        provider, _ = self.serve("keyvalue-sqlite", f"unix:{self.folder}/kv.sock",
                                 f"path={self.folder}/kv.sqlite")
        return provider

    def client(self):
        return wire.KeyValue(self.folder / "kv.sock", harness.PATIENCE_SECONDS)


class Conforms(ProviderTest):
    def check(self, address):
        conformance.check(self, address)

    def test_memory_over_a_unix_socket(self):
        self.check(self.serve("keyvalue-memory", f"unix:{self.folder}/m.sock")[1])

    def test_memory_over_tcp(self):
        self.check(self.serve("keyvalue-memory", "tcp:127.0.0.1:0")[1])

    def test_sqlite_over_a_unix_socket(self):
        self.check(self.serve("keyvalue-sqlite", f"unix:{self.folder}/s.sock",
                              f"path={self.folder}/s.sqlite")[1])

    def test_sqlite_over_tcp(self):
        self.check(self.serve("keyvalue-sqlite", "tcp:127.0.0.1:0",
                              f"path={self.folder}/s.sqlite")[1])

    def test_both_over_nats(self):
        url = self.own(interop.NatsServer(self.folder)).url
        self.check(self.serve("keyvalue-memory", f"{url}/memory")[1])
        path = f"path={self.folder}/n.sqlite"
        self.check(self.serve("keyvalue-sqlite", f"{url}/sqlite", path)[1])


class CommandLine(ProviderTest):
    def refused(self, *arguments):
        done = self.run_wash("provider", "serve", *arguments)
        self.assertNotEqual(0, done.returncode)
        return done.stderr

    def test_mistakes_are_named(self):
        tcp = ("--listen", "tcp:127.0.0.1:0")
        self.assertIn('"redis" is none of keyvalue-sqlite, keyvalue-memory, keyvalue-redis',
                      self.refused("redis", *tcp))
        self.assertIn("needs --config path=FILE", self.refused("keyvalue-sqlite", *tcp))
        self.assertIn("did you mean max-bytes",
                      self.refused("keyvalue-memory", *tcp, "--config", "max-byte=1"))
        self.assertIn("expected a number",
                      self.refused("keyvalue-memory", *tcp, "--config", "max-keys=many"))
        self.assertIn("expected KEY=VALUE", self.refused("keyvalue-memory", *tcp, "--config", "x"))
        self.assertIn("provider address", self.refused("keyvalue-memory", "--listen", "here"))
        self.assertIn("cannot open /none/x.sqlite",
                      self.refused("keyvalue-sqlite", *tcp, "--config", "path=/none/x.sqlite"))

    def test_a_quota_is_told_to_the_caller(self):
        self.serve("keyvalue-memory", f"unix:{self.folder}/kv.sock", "max-keys=1")
        client = self.client()
        client.set("b", "one", b"1")
        with self.assertRaises(wire.DeclaredError) as refused:
            client.set("b", "two", b"2")
        self.assertEqual((2, "the quota of 1 keys is used up"), refused.exception.args)

    def test_it_ends_by_sigterm_and_leaves_no_socket(self):
        provider, _ = self.serve("keyvalue-memory", f"unix:{self.folder}/kv.sock")
        self.assertEqual(0, provider.terminate())
        self.assertFalse((self.folder / "kv.sock").exists())


class Writers:
    """Threads that write until their provider dies, and remember what was acknowledged."""

    def __init__(self, client, count):
        self.client = client
        self.acknowledged = {}
        self.last_count = 0
        self.failures = []
        self.enough = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._write, args=(i,)) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def _write(self, writer):
        number = 0
        try:
            while True:
                key, value = f"{writer}-{number}", f"value {number} of {writer}".encode()
                self.client.set("bucket", key, value)
                count = self.client.increment("bucket", "count", 1)
                with self.lock:
                    self.acknowledged[key] = value
                    self.last_count = max(self.last_count, count)
                    if len(self.acknowledged) >= 200:
                        self.enough.set()
                number += 1
        except (EOFError, OSError) as error:
            self.failures.append(error)
        finally:
            self.enough.set()

    def join(self, timeout_seconds):
        deadline = time.monotonic() + timeout_seconds
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self.threads)


class Durability(ProviderTest):
    def test_no_acknowledged_write_is_lost_by_kill_9(self):
        acknowledged, last_count = {}, 0
        for _ in range(3):
            provider = self.serve_sqlite()
            client = self.client()
            # What the process before had acknowledged is there, and it goes on from there.
            for key, value in acknowledged.items():
                self.assertEqual(value, client.get("bucket", key), key)
            self.assertGreaterEqual(client.increment("bucket", "count", 0), last_count)
            writers = Writers(client, 8)
            self.assertTrue(writers.enough.wait(harness.PATIENCE_SECONDS))
            provider.kill()
            # All callers get an error, at once and not by their own time-out.
            self.assertTrue(writers.join(harness.PATIENCE_SECONDS / 4))
            self.assertEqual(8, len(writers.failures))
            self.assertFalse([e for e in writers.failures if isinstance(e, TimeoutError)])
            self.assertGreaterEqual(len(writers.acknowledged), 200)
            acknowledged.update(writers.acknowledged)
            last_count = max(last_count, writers.last_count)

    def test_it_keeps_everything_across_an_orderly_end(self):
        provider = self.serve_sqlite()
        self.client().set("bucket", "k", b"v")
        self.assertEqual(0, provider.terminate())
        self.serve_sqlite()
        self.assertEqual(b"v", self.client().get("bucket", "k"))

    def test_a_second_provider_on_a_live_socket_is_refused(self):
        self.serve_sqlite()
        second = self.start("provider", "serve", "keyvalue-memory", "--listen",
                            f"unix:{self.folder}/kv.sock")
        self.assertNotEqual(0, second.wait())
        self.client().set("bucket", "k", b"v")


if __name__ == "__main__":
    harness.main()
