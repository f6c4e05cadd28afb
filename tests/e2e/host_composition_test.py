#!/usr/bin/env python3
"""Components of one workload that call each other: composed into one, each with what is its own."""

import hashlib
import json
import threading
import urllib.parse

import harness
import hosting
from run_security_test import serve_bytes
from hosting import component


def chain(*components, name="chain", **manifest):
    """A workload whose first component has the route."""
    return {"name": name, "components": list(components),
            "http": {"routes": [{"host": f"{name}.test", "component": components[0]["name"]}]},
            **manifest}


def part(name, guest, **resources):
    """A component that knows its own name."""
    environment = {"WHO": name, f"ONLY_{name.upper()}": "secret of " + name}
    return component(name, guest, localResources={"environment": environment, **resources})


def three(version, **resources):
    """Two relays and an application; `resources` are by name."""
    relay, app = ("http-relay", "http-misc") if version == "P2" else ("http-relay-p3",
                                                                      "http-misc-p3")
    return [part("one", relay, **resources.get("one", {})),
            part("two", relay, **resources.get("two", {})),
            part("app", app, **resources.get("app", {}))]


def files(operation, path):
    return "/fs?" + urllib.parse.urlencode({"op": operation, "path": path},
                                             quote_via=urllib.parse.quote)


class OwnTest(hosting.TestCase):
    """What a component has is never seen by its caller, nor the other way round."""

    def test_each_sees_its_own_environment(self):
        host = self.host()
        for version in ("P2", "P3"):
            with self.subTest(version):
                host.apply(chain(*three(version), name=version.lower()))
                for name in ("one", "two", "app"):
                    seen = json.loads(host.text_of(f"{version.lower()}.test", f"/at/{name}/env"))
                    self.assertEqual({"WHO": name, f"ONLY_{name.upper()}": "secret of " + name},
                                     seen)

    def test_each_sees_its_own_volumes(self):
        folders = {name: self.write(f"{name}/file", "of " + name).parent
                   for name in ("one", "app")}
        mounts = {name: {"volumeMounts": [{"name": name, "mountPath": f"/{name}"}]}
                  for name in folders}
        volumes = [{"name": name, "hostPath": {"path": str(folder)}}
                   for name, folder in folders.items()]
        host = self.host()
        for version in ("P2", "P3"):
            with self.subTest(version):
                site = f"{version.lower()}.test"
                host.apply(chain(*three(version, **mounts), name=version.lower(),
                                 volumes=volumes))
                for name, expected in (("one", ["/one"]), ("two", []), ("app", ["/app"])):
                    self.assertEqual(expected, json.loads(
                        host.text_of(site, f"/at/{name}{files('preopens', '/')}")))
                self.assertEqual("of app", host.text_of(site, "/at/app" + files("read",
                                                                                "/app/file")))
                for name, path in (("one", "/app/file"), ("two", "/one/file"),
                                   ("app", "/one/file"), ("one", "/one/../app/file")):
                    answer = host.ask(site, f"/at/{name}{files('read', path)}")
                    self.assertEqual(500, answer.status, f"{name} reads {path}: {answer.text}")

    def test_each_reaches_its_own_hosts(self):
        host = self.host(config={"egress": {"allowHostLoopback": True}})
        for version in ("P2", "P3"):
            with self.subTest(version):
                port = serve_bytes(self)
                allowed = {"two": {"allowedHosts": [f"127.0.0.1:{port}"],
                                   "allowedHostLoopbackPorts": [str(port)]}}
                site = f"{version.lower()}.test"
                host.apply(chain(*three(version, **allowed), name=version.lower()))
                connect = f"/tcp?addr=127.0.0.1:{port}&send=x&close=1"
                for name in ("one", "app"):
                    answer = host.ask(site, f"/at/{name}{connect}")
                    self.assertEqual(500, answer.status, f"{name} connects: {answer.text}")
                self.assertEqual("answer to x", host.text_of(site, "/at/two" + connect))

    def test_each_sends_http_to_its_own_hosts(self):
        target = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0")
        port = target.authority.rsplit(":", 1)[1]
        allowed = {"allowedHosts": [f"http://127.0.0.1:{port}"], "allowedHostLoopbackPorts": [port]}
        path = "/proxy?" + urllib.parse.urlencode({"url": f"http://127.0.0.1:{port}/x"})
        host = self.host(config={"egress": {"allowHostLoopback": True}})
        for relay, app in (("http-relay", "http-outbound"), ("http-relay-p3", "http-outbound-p3")):
            with self.subTest(app):
                host.apply(chain(part("one", relay, **allowed), part("app", app), name=app))
                self.assertEqual(502, host.ask(f"{app}.test", path).status, "by its caller's leave")
                host.apply(chain(part("one", relay), part("app", app, **allowed), name=app))
                self.assertEqual("hello from rust /x\n", host.text_of(f"{app}.test", path))

    def test_each_resolves_its_own_names(self):
        allowed = {"app": {"allowedIpNameLookups": ["localhost"]}}
        host = self.host()
        for version in ("P2", "P3"):
            with self.subTest(version):
                site = f"{version.lower()}.test"
                host.apply(chain(*three(version, **allowed), name=version.lower()))
                self.assertEqual(200, host.ask(site, "/at/app/lookup?name=localhost").status)
                for name in ("one", "two"):
                    self.assertEqual(500, host.ask(
                        site, f"/at/{name}/lookup?name=localhost").status)

    def test_each_prints_under_its_own_name(self):
        host = self.host()
        for version in ("P2", "P3"):
            with self.subTest(version):
                site = version.lower()
                host.apply(chain(*three(version), name=site))
                for name in ("two", "app"):
                    host.text_of(f"{site}.test", f"/at/{name}/print?lines=1")
                    line = host.wait_for_stderr(f"default/{site}.*component={name}.*stream=stdout")
                    self.assertIn(f"component={name} ", line.string + " ")


class PassTest(hosting.TestCase):
    """What passes between components."""

    def test_requests_and_bodies_pass_through_a_chain_of_three(self):
        content = bytes(range(256)) * 4096  # 1 MiB
        host = self.host()
        for version in ("P2", "P3"):
            with self.subTest(version):
                site = f"{version.lower()}.test"
                host.apply(chain(*three(version), name=version.lower()))
                answer = host.ask(site, "/at/app/drain", method="POST", body=content)
                self.assertEqual((200, f"{len(content)}\n"), (answer.status, answer.text))
                big = host.ask(site, f"/at/app/big?bytes={len(content)}")
                self.assertEqual(len(content), len(big.body))
                direct = host.ask(site, f"/big?bytes={len(content)}")
                self.assertEqual(hashlib.sha256(direct.body).digest(),
                                 hashlib.sha256(big.body).digest())

    def test_middleware_changes_what_it_passes_on(self):
        host = self.host()
        host.apply(chain(*three("P3")))
        answer = host.ask("chain.test", "/at/app/headers")
        self.assertEqual("one", answer.headers["x-relay"], "the first signs it last")
        self.assertEqual(["one", "two"], [value for name, value in
                                          json.loads(answer.text)["headers"]
                                          if name == "x-relayed"])

    def test_middleware_answers_itself(self):
        host = self.host()
        host.apply(chain(*three("P3")))
        self.assertEqual(418, host.ask("chain.test", "/at/two/status?code=418").status)

    def test_streams_pass_through_an_interface_of_the_users_own(self):
        folder = self.write("poems/poem", "once upon a midnight dreary").parent
        back = part("back", "pair-back", volumeMounts=[{"name": "poems", "mountPath": "/poems"}])
        host = self.host()
        host.apply(chain(part("web", "pair-web"), back, name="pair",
                         volumes=[{"name": "poems", "hostPath": {"path": str(folder)}}]))
        self.assertEqual("300000\n", host.ask("pair.test", "/count", method="POST",
                                              body=b"x" * 300000).text)
        self.assertEqual("once upon a midnight dreary", host.text_of("pair.test",
                                                                      "/open?path=poem"))
        self.assertRegex(host.text_of("pair.test", "/add?n=10"), r"^[0-9.]+ 45\n$")

    def test_a_call_sees_neither_sides_possessions(self):
        host = self.host()
        host.apply(chain(part("web", "pair-web"), part("back", "pair-back"), name="pair"))
        own, other = host.text_of("pair.test", "/possessions").splitlines()
        self.assertIn("secret of web", own)
        self.assertNotIn("secret of back", own)
        self.assertIn("secret of back", other)
        self.assertNotIn("secret of web", other)


class FateTest(hosting.TestCase):
    """What composed components share."""

    def test_a_trap_in_the_callee_ends_the_call_and_nothing_else(self):
        host = self.host()
        host.apply(chain(part("web", "pair-web"), part("back", "pair-back"), name="pair"))
        host.apply(hosting.workload("other", "http-hello"))
        self.assertEqual(500, host.ask("pair.test", "/fail").status)
        line = host.wait_for_stderr("a call failed.*default/pair").string
        self.assertIn("pair_back", line, "the backtrace names whose code it was")
        self.assertEqual(200, host.ask("other.test").status)
        self.assertRegex(host.text_of("pair.test", "/add?n=3"), r" 3\n$")

    def test_a_chain_has_one_budget(self):
        chained = three("P2")
        chained[0]["localResources"]["cpuLimit"] = 100
        chained[0]["localResources"]["memoryLimitMb"] = 16
        host = self.host()
        host.apply(chain(*chained))
        self.assertEqual(504, host.ask("chain.test", "/at/app/spin").status)
        self.assertEqual(507, host.ask("chain.test", "/at/app/memory?mb=64").status)
        self.assertEqual(200, host.ask("chain.test", "/at/app/count").status)

    def test_warm_instances_hold_the_whole_chain(self):
        for version in ("P2", "P3"):
            with self.subTest(version):
                chained = [{**each, "poolSize": 1} for each in three(version)]
                host = self.host("--shards", "1")
                host.apply(chain(*chained))
                counts = [host.text_of("chain.test", "/at/app/count") for _ in range(3)]
                self.assertEqual(["1\n", "2\n", "3\n"], counts)
                self.assertEqual("1\n", host.text_of("chain.test", "/at/two/count"))
                self.assertEqual(0, host.terminate())


class PlanTest(hosting.TestCase):
    """What is composed, what is refused, and what is said about it."""

    def test_the_status_says_what_was_composed_and_why(self):
        host = self.host()
        host.apply(chain(*three("P2")))
        status = host.status("chain")
        by_name = {each["name"]: each for each in status["components"]}
        self.assertEqual(["http-p2", "inside", "inside"],
                         [by_name[name]["kind"] for name in ("one", "two", "app")])
        [link] = by_name["one"]["links"]
        self.assertEqual(("two", "composed"), (link["component"], link["how"]))
        self.assertTrue(link["import"].startswith("wasi:http/incoming-handler@0.2."))
        self.assertIn("no limits of its own", link["reason"])
        self.assertEqual([], by_name["app"]["links"])
        digests = {each["digest"] for each in status["components"]}
        self.assertEqual(2, len(digests), "of the files: both relays are one")
        shown = self.run_wash("workload", "--host", f"unix:{self.admin_socket}", "get", "chain")
        self.assertRegex(shown.stdout,
                         r"(?m)^  one: wasi:http/incoming-handler@\S+ -> two, composed: of one ")

    def test_inspect_says_the_same_before_it_is_deployed(self):
        manifest = self.write("chain.json", json.dumps(chain(*three("P3"))))
        answer = self.run_wash("inspect", manifest)
        self.assertEqual(0, answer.returncode, answer.stderr)
        self.assertIn("one: serves HTTP, with two, app inside\n", answer.stdout)
        self.assertIn("  wasi:http/handler@0.3.0 -> two, composed: ", answer.stdout)
        self.assertIn("app: runs inside of those that call it\n", answer.stdout)

    def test_a_part_with_a_route_is_called_from_outside_too(self):
        manifest = chain(*three("P2"))
        manifest["http"]["routes"].append({"host": "app.test", "component": "app"})
        host = self.host()
        host.apply(manifest)
        self.assertEqual("app", json.loads(host.text_of("app.test", "/env"))["WHO"])
        self.assertEqual("one", json.loads(host.text_of("chain.test", "/at/one/env"))["WHO"])

    def test_what_cannot_be_composed_is_refused_with_the_reason(self):
        host = self.host()
        for components, reason in (
                (three("P2")[:2], 'component "two" imports wasi:http/incoming-handler.*no '
                                  "component after it"),
                ([part("web", "pair-web"), part("app", "http-misc")],
                 'component "web".*test:pair/backend'),
                ([part("web", "http-misc"), part("run", "command")],
                 'component "run" exports wasi:cli/run')):
            with self.subTest(reason):
                self.assertRegex(host.why_refused(chain(*components)), reason)

    def test_a_changed_part_is_deployed_while_calls_go_on(self):
        host = self.host()
        host.apply(chain(part("web", "pair-web"), part("back", "pair-back"), name="pair"))
        statuses, stop = [], threading.Event()

        def ask():
            while not stop.is_set():
                statuses.append(host.ask("pair.test", "/add?n=5").status)

        asking = threading.Thread(target=ask)
        asking.start()
        changed = chain(part("web", "pair-web"), part("back", "pair-back"), name="pair")
        changed["components"][1]["localResources"]["environment"]["NEW"] = "value"
        host.apply(changed)
        self.assertIn("value", host.text_of("pair.test", "/possessions"))
        stop.set()
        asking.join()
        self.assertEqual({200}, set(statuses))


if __name__ == "__main__":
    harness.main()
