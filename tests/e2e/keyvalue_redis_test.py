#!/usr/bin/env python3
"""`wasi:keyvalue` in a Redis server: by `wash run`, hosts, `wash dev` and a provider."""

import json

import conformance
import developing
import harness
import hosting
import redis_servers

PASSWORD = "open-sesame"


def counter(name, **entry):
    manifest = hosting.workload(name, "kv-counter")
    manifest["hostInterfaces"] = [{"namespace": "wasi", "package": "keyvalue",
                                   "provider": "keyvalue-redis", **entry}]
    return manifest


class Running(harness.TestCase):
    def test_what_was_counted_is_counted_on(self):
        redis = redis_servers.start(self)
        for expected in (1, 2, 3):
            server = self.wash("run", harness.guest("kv-counter"), "--addr", "127.0.0.1:0",
                               "--keyvalue", redis.url)
            self.assertEqual(expected, json.loads(server.get("/a").body)["count"])
            server.kill()

    def test_a_url_that_cannot_be_is_refused_and_not_repeated(self):
        done = self.run_wash("run", harness.guest("kv-counter"), "--keyvalue",
                             f"redis://:{PASSWORD}@127.0.0.1:none")
        self.assertEqual(2, done.returncode)
        self.assertIn("the port is no number from 1 to 65535", done.stderr)
        self.assertNotIn(PASSWORD, done.stderr)


class Hosts(hosting.TestCase):
    def settings(self, redis, **settings):
        return {"keyvalue": {"redis": {"url": redis.url, **settings}}}

    def redis_host(self, redis, **settings):
        return self.host(config=self.settings(redis, **settings))

    def count(self, host, name):
        return json.loads(host.text_of(f"{name}.test"))["count"]

    def binding(self, host, name):
        return host.status(name)["components"][0]["bindings"][0]

    def test_two_hosts_share_what_a_workload_counts(self):
        redis = redis_servers.start(self)
        hosts = [self.redis_host(redis), self.second_host(config=self.settings(redis))]
        for host in hosts:
            host.apply(counter("shop"))
        self.assertEqual([1, 2, 3, 4], [self.count(hosts[i % 2], "shop") for i in range(4)])
        self.assertEqual("keyvalue-redis", self.binding(hosts[0], "shop")["provider"])
        keys = redis.ask("KEYS", "nimbus:{workload/default/shop}:*").splitlines()
        self.assertIn("nimbus:{workload/default/shop}:usage", keys)

    def test_workloads_are_apart_unless_they_share_a_keyspace(self):
        host = self.redis_host(redis_servers.start(self))
        for name in ("one", "two"):
            host.apply(counter(name))
        self.assertEqual([1, 2, 1], [self.count(host, name) for name in ("one", "one", "two")])
        for name in ("three", "four"):
            host.apply(counter(name, config={"keyspace": "common"}))
        self.assertEqual([1, 2, 3], [self.count(host, name)
                                     for name in ("three", "four", "three")])

    def test_a_quota_is_an_error_that_the_guest_sees(self):
        host = self.redis_host(redis_servers.start(self))
        host.apply(counter("small", config={"max-keys": "1"}))
        self.assertEqual(200, host.ask("small.test", "/a").status)
        answer = host.ask("small.test", "/b")
        self.assertEqual(500, answer.status)
        self.assertIn("the quota of 1 keys is used up", answer.text)

    def test_a_server_that_dies_is_an_error_until_it_is_back(self):
        redis = redis_servers.start(self)
        host = self.redis_host(redis)
        host.apply(counter("far"))
        self.assertEqual(1, self.count(host, "far"))
        self.assertNotIn("problem", self.binding(host, "far"))
        redis.kill()
        self.assertEqual(500, host.ask("far.test").status)
        self.eventually(lambda: "problem" in self.binding(host, "far"), "the status is silent")
        self.assertIn(redis.url, self.binding(host, "far")["problem"])
        redis_servers.start(self, port=redis.port)
        self.eventually(lambda: host.ask("far.test").status == 200, "it never came back")
        self.assertNotIn("problem", self.binding(host, "far"))

    def test_a_password_is_shown_to_the_server_alone(self):
        redis = redis_servers.start(self, f"requirepass {PASSWORD}")
        file = self.write("password", PASSWORD + "\n")
        host = self.redis_host(redis, passwordFile=str(file))
        host.apply(counter("shop"))
        self.assertEqual(1, self.count(host, "shop"))
        wrong = redis.url.replace("//", f"//:{PASSWORD}x@")
        host = self.host(config={"keyvalue": {"redis": {"url": wrong}}})
        host.apply(counter("shop"))
        answer = host.ask("shop.test")
        self.assertEqual(500, answer.status)
        self.assertIn("WRONGPASS", self.binding(host, "shop")["problem"])
        for text in (answer.text, json.dumps(host.status("shop")), host.describe()):
            self.assertNotIn(PASSWORD, text)

    def test_a_host_that_knows_no_server_says_so(self):
        self.assertIn("this host knows no server for keyvalue-redis",
                      self.host().why_refused(counter("a")))


class Developing(developing.TestCase):
    def count(self, dev):
        return json.loads(self.text_of(dev, "/a"))["count"]

    def test_what_one_run_counted_the_next_one_counts_on(self):
        redis = redis_servers.start(self)
        self.project("kv-counter", dev={"wasi_keyvalue_redis_url": redis.url,
                                        "wasi_keyvalue_path": "kv.db"})
        for expected in (1, 2):
            dev = self.dev()
            self.assertEqual(expected, self.count(dev))
            self.assertEqual(0, dev.interrupt())
        # The server comes before the database, which nobody has asked for.
        self.assertFalse((self.root / "kv.db").exists())
        self.assertEqual("2", redis.ask("HGET", "nimbus:{workload/default/dev}:values:default",
                                        "count-a"))

    def test_another_server_counts_from_the_next_start(self):
        self.project("kv-counter")
        dev = self.dev()
        self.configure({"build": {"command": "cp component.in app.wasm",
                                  "component_path": "app.wasm"},
                        "dev": {"wasi_keyvalue_redis_url": f"redis://:{PASSWORD}@127.0.0.1"}})
        message = dev.until("warning")["message"]
        self.assertIn("dev.wasi_keyvalue_redis_url: another value counts from the next start",
                      message)
        self.assertNotIn(PASSWORD, message)
        self.assertEqual(1, self.count(dev))

    def test_a_server_that_is_not_there_is_an_error_of_calls(self):
        port = redis_servers.free_port()
        self.project("kv-counter",
                     dev={"wasi_keyvalue_redis_url": f"redis://127.0.0.1:{port}"})
        dev = self.dev()
        answer = dev.get("/a")
        self.assertEqual(500, answer.status)
        self.assertIn(f"Redis server redis://127.0.0.1:{port}/0", answer.text)


class Provider(harness.TestCase):
    def serve(self, *config):
        flags = [flag for entry in config for flag in ("--config", entry)]
        provider = self.start("provider", "serve", "keyvalue-redis", "--listen",
                              f"unix:{self.folder}/kv.sock", *flags)
        return provider, provider.wait_for_stdout(r"Serving \S+ at (\S+)").group(1)

    def test_it_conforms(self):
        redis = redis_servers.start(self)
        for form in ("flat", "handles"):
            provider, address = self.serve(f"url=unix:{redis.socket}", f"prefix={form}")
            conformance.check(self, address, form)
            self.assertEqual(0, provider.terminate())

    def test_it_ends_while_its_server_is_away(self):
        provider, _ = self.serve(f"url=redis://127.0.0.1:{redis_servers.free_port()}")
        self.assertEqual(0, provider.terminate())


if __name__ == "__main__":
    harness.main()
