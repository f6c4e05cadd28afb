#!/usr/bin/env python3
"""The administration API of a host, by `wash workload` and by plain HTTP."""

import contextlib
import json
import resource
import signal
import socket

import harness
import hosting
import upstreams
from hosting import workload

TOKEN = "a-token-of-some-length"


class HostThatNeverAnswersTest(hosting.TestCase):
    def test_is_given_up_by_every_command(self):
        manifest = self.write("a.json", json.dumps(workload("a")))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
            silent.bind(str(self.admin_socket))
            silent.listen()
            for command in (("list",), ("get", "a"), ("apply", manifest), ("delete", "a"),
                            ("apply", "--no-wait", manifest), ("events",)):
                with self.subTest(command):
                    done = self.manage("--timeout", "200ms", *command, output="text")
                    self.assertEqual((1, ""), (done.returncode, done.stdout))
                    self.assertEqual(f"error: the host at unix:{self.admin_socket} has not "
                                     "answered for 200ms; what was asked for may still happen\n",
                                     done.stderr)


class HostThatSaysWhatItLikesTest(hosting.TestCase):
    """What comes from a host is not trusted: it may be made up of what guests said."""

    HOSTILE = "x\x1b[2J\x9b\r\nforged\u202e"
    SHOWN = r"x\u{1b}[2J\u{9b}\r\nforged\u{202e}"

    def answer(self, content, *arguments, status="200 OK", output="text"):
        """The finished command, all of whose requests get this content."""
        if not isinstance(content, str):
            content = json.dumps(content)
        content = content.encode()
        head = f"HTTP/1.1 {status}\r\ncontent-length: {len(content)}\r\n\r\n".encode()

        def play(connection, _number):
            connection.read_head()
            connection.send(head + content)

        said_by = upstreams.Upstream(self, play)
        return self.run_wash("-o", output, "workload", "--host", f"127.0.0.1:{said_by.port}",
                             *arguments)

    def test_a_workload_stays_in_its_lines(self):
        said, shown = self.HOSTILE, self.SHOWN
        workload_said = {"namespace": "n", "name": said, "owner": said, "state": said,
                         "reason": said, "service": {"name": said, "state": said},
                         "components": [{"name": said, "bindings": [
                             {"id": said, "provider": said, "problem": said}]}]}
        lines = [f"n/{shown}  {shown}  generation 0 (observed 0, serving 0)  owner {shown}",
                 f"  {shown}", f"  service {shown}: {shown}",
                 f"  {shown} bound to {shown}, generation 0: {shown}"]
        done = self.answer(workload_said, "get", "a")
        self.assertEqual(lines, done.stdout.split("\n")[:-1])
        done = self.answer({"workloads": [workload_said], "problems": [{"message": said}]}, "list")
        self.assertEqual([*lines, f"problem: {shown}"], done.stdout.split("\n")[:-1])
        done = self.answer(workload_said, "get", "a", output="json")
        self.assertEqual(workload_said, json.loads(done.stdout)["data"]["workload"])

    def test_a_failure_stays_in_its_line(self):
        error = {"error": {"code": "not-found", "message": self.HOSTILE}}
        for command in (("list",), ("get", "a"), ("delete", "a"), ("events",)):
            with self.subTest(command):
                done = self.answer(error, *command, status="404 Not Found")
                self.assertEqual((1, "", f"error: {self.SHOWN}\n"),
                                 (done.returncode, done.stdout, done.stderr))
        done = self.answer(error, "get", "a", status="404 Not Found", output="json")
        self.assertEqual(self.HOSTILE, json.loads(done.stdout)["message"])

    def test_an_event_is_a_line(self):
        event = json.dumps({"kind": "failed", "message": self.HOSTILE})
        stream = f"event: failed\ndata: {event}\n\nevent: odd\ndata: \x1b[2J\ndata: no JSON\n\n"
        done = self.answer(stream, "events")
        self.assertEqual([f"failed: {self.SHOWN}", r"odd  \u{1b}[2J\nno JSON"],
                         done.stdout.split("\n")[:-1])
        done = self.answer(stream, "events", output="json")
        self.assertEqual([json.loads(event), "\x1b[2J\nno JSON"],
                         [json.loads(line) for line in done.stdout.split("\n")[:-1]])


class WashWorkloadTest(hosting.TestCase):
    """The commands, as an operator types them."""

    def setUp(self):
        super().setUp()
        self.served = self.host()

    def data(self, *arguments):
        done = self.manage(*arguments)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)["data"]

    def refusal(self, *arguments):
        """(message, code) of a command that must fail."""
        done = self.manage(*arguments)
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        answer = json.loads(done.stdout or done.stderr)
        self.assertFalse(answer["success"])
        return answer["message"], answer["data"]["code"]

    def manifest(self, name="a", text=None, **options):
        return self.write(f"{name}.json", text or json.dumps(workload(name, **options)))

    def test_applies_lists_gets_and_deletes(self):
        applied = self.data("apply", self.manifest())["workload"]
        self.assertEqual(("default", "a", "api", "Running"),
                         tuple(applied[key] for key in ("namespace", "name", "owner", "state")))
        self.assertEqual(applied["generation"], applied["observedGeneration"])
        self.assertEqual(applied["generation"], applied["servingGeneration"])
        self.assertEqual(200, self.served.ask("a.test", "/env").status)
        self.assertEqual(["a"], [each["name"] for each in self.data("list")["workloads"]])
        self.assertEqual([], self.data("list", "--namespace", "other")["workloads"])
        for name in ("a", "default/a"):
            self.assertEqual("Running", self.data("get", name)["workload"]["state"])
        self.data("delete", "a")
        self.assertEqual(404, self.served.ask("a.test", "/env").status)
        self.assertEqual([], self.data("list")["workloads"])
        for command in ("get", "delete"):
            self.assertEqual(('there is no workload "default/a"', "not-found"),
                             self.refusal(command, "a"))

    def test_a_name_is_no_syntax_of_the_request(self):
        for command in ("get", "delete"):
            for name in ("a?x", "a#x", "a/b/c", "%61"):
                with self.subTest(command, name=name):
                    message, code = self.refusal(command, name)
                    self.assertEqual("not-found", code)
                    self.assertIn("are not names of a namespace and a workload", message)
        for words in (("events", "--no-follow", "a&follow=true"),
                      ("list", "--namespace", "a&namespace=b")):
            with self.subTest(words):
                message, _ = self.refusal(*words)
                self.assertIn(f'cannot be "{words[-1]}"', message)

    def test_clients_that_say_nothing_keep_nobody_out(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with contextlib.ExitStack() as silent:
            for _ in range(1100):
                connection = silent.enter_context(contextlib.closing(
                    hosting.UnixConnection(self.admin_socket)))
                connection.connect()
            self.assertEqual([], self.data("list")["workloads"])

    def test_says_in_text_what_it_did(self):
        done = self.manage("apply", self.manifest(), output="text")
        self.assertIn("default/a  Running  generation ", done.stdout)
        self.assertIn("default/a  Running", self.manage("list", output="text").stdout)
        self.assertEqual("deleted default/a\n", self.manage("delete", "a", output="text").stdout)
        self.assertEqual("no workloads\n", self.manage("list", output="text").stdout)

    def test_paths_of_a_manifest_start_at_its_folder(self):
        (self.folder / "bin").symlink_to(harness.GUESTS)
        path = self.write("a.yaml", "name: a\n"
                          "components: [{name: web, file: bin/http-hello.wasm}]\n"
                          "http: {routes: [{host: a.test}]}\n")
        self.data("apply", path)
        self.assertEqual(200, self.served.ask("a.test").status)

    def test_a_manifest_comes_on_standard_input_too(self):
        (self.folder / "bin").symlink_to(harness.GUESTS)
        text = ("name: a\ncomponents: [{name: web, file: bin/http-hello.wasm}]\n"
                "http: {routes: [{host: a.test}]}\n")
        self.assertEqual(0, self.manage("apply", "-", input=text, cwd=self.folder).returncode)
        self.assertEqual(200, self.served.ask("a.test").status)
        for text, reason in (("name: a\n", "standard input:1: components is missing"),
                             (" " * (1 << 20) + "x", "standard input is larger than 1048576 bytes"),
                             ("", "standard input:1: the document is empty")):
            done = self.manage("apply", "-", input=text, cwd=self.folder, output="text")
            self.assertEqual(1, done.returncode)
            self.assertIn(f"error: {reason}", done.stderr)

    def test_the_line_of_what_is_missing_is_that_of_its_key(self):
        path = self.write("a.yaml", "name: a\ncomponents:\n  - name: web\n    file:\n\n# more\n"
                          "    poolSize: 3\n")
        message, _ = self.refusal("apply", path)
        self.assertIn(f"{path}:4: components[0].file: expected a string, found nothing", message)

    def test_an_unknown_key_is_an_error_with_file_line_and_the_nearest_key(self):
        path = self.write("a.yaml", "name: a\ncomponents:\n  - name: web\n    file: x.wasm\n"
                          "    poolsize: 3\n")
        message, code = self.refusal("apply", path)
        self.assertEqual("invalid-argument", code)
        self.assertIn(f'{path}:5: unknown key "poolsize" in components[0]; '
                      'did you mean "poolSize"?',
                      message)

    def test_a_wrong_type_is_an_error_with_file_and_line(self):
        path = self.write("a.yaml", "name: a\ncomponents:\n  - name: web\n    file: x.wasm\n"
                          "    poolSize: many\n")
        message, _ = self.refusal("apply", path)
        self.assertIn(f"{path}:5: components[0].poolSize", message)

    def test_without_waiting_it_says_what_is_on_its_way(self):
        accepted = self.data("apply", "--no-wait", self.manifest(guest="http-hello"))["workload"]
        self.assertIn(accepted["state"], ("Starting", "Running"))
        self.eventually(lambda: self.served.status("a")["state"] == "Running", "it never started")
        self.assertEqual(accepted["generation"], self.served.status("a")["servingGeneration"])
        self.data("apply", "--no-wait", self.manifest("bad", guest="wat-invalid"))
        self.eventually(lambda: self.served.status("bad")["state"] == "Error", "it never failed")
        self.assertNotEqual("", self.served.status("bad")["reason"])

    def test_a_failure_is_told_with_its_reason(self):
        for guest, wanted in (("wat-invalid", ""), ("kv-counter", "wasi:keyvalue"),
                              ("command", "")):
            with self.subTest(guest):
                message, _ = self.refusal("apply", self.manifest("bad", guest=guest))
                self.assertIn(wanted, message)
                self.assertEqual(message, self.served.status("bad")["reason"])

    def test_what_could_never_answer_is_refused_when_it_is_applied(self):
        cases = (
            ("wat-wrong-handler-type", {},
             "is func() and must be func(incoming-request, response-outparam)"),
            ("wat-memory-minimum", {"memoryLimitMb": 16},
             "has 4096 MiB of memory from its start on, and its limit (memoryLimitMb, "
             "--max-memory) is 16 MiB"),
        )
        for guest, resources, wanted in cases:
            with self.subTest(guest):
                message, code = self.refusal(
                    "apply", self.manifest("bad", guest=guest, resources=resources))
                self.assertIn(wanted, message)
                self.assertEqual("unsupported", code)
                self.assertEqual("Error", self.served.status("bad")["state"])

    def test_prints_events(self):
        self.data("apply", self.manifest())
        self.data("apply", self.manifest("other"))
        done = self.manage("events", "default/a", "--no-follow")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        about_it = [event["kind"] for event in events if event.get("workload") == "default/a"]
        self.assertEqual(["starting", "running"], about_it)
        self.assertFalse([event for event in events if event.get("workload") == "default/other"])

    def test_follows_events_until_it_is_interrupted(self):
        follower = self.own(harness.Process(
            [harness.WASH, "workload", "--host", f"unix:{self.admin_socket}", "events"],
            env=self.environment()))
        follower.wait_for_stdout("Z  ready: ")
        self.data("apply", self.manifest())
        follower.wait_for_stdout("Z  running  default/a  generation 1$")
        follower.send(signal.SIGINT)
        self.assertEqual(130, follower.wait())
        self.assertEqual([], follower.stderr.all)

    def test_no_host_is_one_clear_line(self):
        done = self.run_wash("workload", "--host", f"unix:{self.folder}/none", "list")
        self.assertNotEqual(0, done.returncode)
        self.assertEqual(1, len(done.stderr.strip().splitlines()), done.stderr)
        self.assertIn(f"{self.folder}/none", done.stderr)


class ApiTest(hosting.TestCase):
    def refused(self, answer, status, *words):
        self.assertEqual(status, answer.status, answer.text)
        message = json.loads(answer.body)["error"]["message"]
        for word in words:
            self.assertIn(word, message)

    def test_the_socket_is_for_its_owner_alone(self):
        self.host()
        self.assertEqual(0, self.admin_socket.stat().st_mode & 0o077)

    def test_an_identical_apply_changes_nothing(self):
        host = self.host()
        first = host.apply(workload("a", poolSize=1))
        self.assertEqual("1\n", host.text_of("a.test", "/count"))
        again = host.apply(workload("a", poolSize=1))
        self.assertEqual(first["generation"], again["generation"])
        self.assertEqual("2\n", host.text_of("a.test", "/count"), "the instance was lost")
        changed = host.apply(workload("a", poolSize=2))
        self.assertGreater(changed["generation"], first["generation"])
        self.assertEqual(changed["generation"], changed["observedGeneration"])

    def test_what_cannot_run_is_refused_by_name(self):
        host = self.host()
        own = {**workload("a"), "hostInterfaces": [
            {"namespace": "wasi", "package": "http", "interfaces": ["outgoing-handler"],
             "provider": "memory"}]}
        foreign = {**workload("a"), "hostInterfaces": [
            {"namespace": "acme", "package": "magic", "interfaces": ["wand"], "version": "1.0.0"}]}
        secret = workload("a", resources={"environment": {"secretFrom": [{"name": "s"}]}})
        for manifest, word in ((own, "it cannot be served by"), (foreign, "acme:magic/wand@1.0.0"),
                               (secret, "secretFrom")):
            with self.subTest(word):
                self.refused(host.try_apply(manifest), 422, word)
                self.assertIsNone(host.status("a"))

    def test_a_manifest_that_does_not_parse_is_refused_with_its_line(self):
        host = self.host()
        for manifest, word in (("name: [", "manifest:1"), ("", "manifest"),
                               ("name: a\nname: b\n", "manifest:2"),
                               ("name: a\ncomponents:\n- {name: w, file: x.wasm}\n", "manifest:3"),
                               ("name: A_B\ncomponents: []\n", "manifest:1")):
            with self.subTest(manifest):
                self.refused(host.try_apply(manifest), 400, word)
        self.refused(host.try_apply("#" * (2 << 20)), 413)
        self.assertEqual(200, host.admin("GET", "/v1/host").status)

    def test_a_route_that_is_taken_is_refused_and_names_the_first(self):
        host = self.host()
        host.apply(workload("first", "http-hello", routes=[{"host": "shop.test", "path": "/a"}]))
        second = workload("second", routes=[{"host": "new.test"},
                                            {"host": "Shop.Test", "path": "/a/"}])
        self.refused(host.try_apply(second), 409, '"shop.test/a"', '"default/first"')
        self.assertIsNone(host.status("second"))
        self.assertEqual(404, host.ask("new.test").status)
        self.assertIn("hello", host.text_of("shop.test", "/a"))
        host.delete("first")
        host.apply(second)

    def test_a_workload_has_one_owner(self):
        self.put("a.json", workload("a", environment={"FROM": "folder"}))
        host = self.host(workloads=True)
        other = workload("a", environment={"FROM": "api"})
        self.refused(host.try_apply(other), 409, '"default/a" is owned by', "a.json")
        self.refused(host.delete("a"), 409, "a.json")
        self.assertIn("folder", host.text_of("a.test", "/env"))
        host.apply(workload("b", environment={"FROM": "api"}))
        with host.events() as events:
            self.put("b.json", workload("b", environment={"FROM": "folder"}))
            problem = events.until("problem")["data"]["message"]
        self.assertEqual('b.json: the workload "default/b" is owned by the administration API',
                         problem)
        self.assertIn("api", host.text_of("b.test", "/env"))

    def test_a_failed_generation_is_observed_but_does_not_serve(self):
        host = self.host()
        good = host.apply(workload("a"))
        self.refused(host.try_apply(workload("a", "wat-invalid")), 422)
        status = host.status("a")
        self.assertEqual(good["generation"], status["servingGeneration"])
        self.assertGreater(status["generation"], good["generation"])
        self.assertEqual(status["generation"], status["observedGeneration"])
        self.assertEqual(200, host.ask("a.test", "/env").status)

    def test_a_missing_file_is_told(self):
        manifest = workload("a")
        manifest["components"][0]["file"] = str(self.folder / "none.wasm")
        self.refused(self.host().try_apply(manifest), 422, "none.wasm")

    def test_a_digest_that_does_not_match_is_told(self):
        self.refused(self.host().try_apply(workload("a", digest="sha256:" + "0" * 64)), 422,
                     "sha256:")

    def test_calls_that_do_not_exist_are_refused(self):
        host = self.host()
        for method, path, status in (("GET", "/nothing", 404), ("PUT", "/v1/workloads", 405),
                                     ("GET", "/v1/workloads?limt=1", 400),
                                     ("GET", "/v1/workloads/default/none", 404),
                                     ("DELETE", "/v1/workloads/default/none", 404),
                                     ("GET", "/v1/drain", 405),
                                     ("POST", "/v1/workloads?wait=maybe", 400)):
            with self.subTest(f"{method} {path}"):
                answer = host.admin(method, path)
                self.refused(answer, status)
                self.assertEqual(status == 405, "allow" in answer.headers)

    def test_events_go_on_after_the_last_one_seen(self):
        host = self.host()
        with host.events() as events:
            host.apply(workload("a"))
            seen = events.until("running", "default/a")
            host.delete("a")
            removed = events.until("removed", "default/a")
        with host.events(last_event_id=seen["id"]) as events:
            stopping = events.next()
            self.assertEqual(("stopping", seen["data"]["sequence"] + 1),
                             (stopping["event"], stopping["data"]["sequence"]))
            self.assertEqual(removed, events.next())
            host.apply(workload("b"))
            events.until("running", "default/b")
        with host.events(last_event_id="of-another-run.7") as events:
            self.assertEqual("missed", events.next()["event"])
            self.assertEqual(1, events.next()["data"]["sequence"])

    def test_readers_that_vanish_cost_nothing(self):
        host = self.host()
        for _ in range(100):  # more than may read at once
            with host.events() as events:
                events.next()
            self.eventually(lambda: host.metric("nimbus_http_connections") < 50,
                            "connections of readers that have gone stay")
        host.apply(workload("a"))

    def test_applies_at_once_of_one_workload_end_with_one_that_was_asked_for(self):
        host = self.host()
        for version in range(20):
            host.try_apply(workload("a", environment={"V": str(version)}), wait=False)
        host.apply(workload("a", environment={"V": "last"}))
        self.assertIn("last", host.text_of("a.test", "/env"))


class TokenTest(hosting.TestCase):
    """The API over the network."""

    def setUp(self):
        super().setUp()
        self.token_file = self.write("token", TOKEN + "\n")
        self.served = self.host(config={"admin": {"socket": str(self.admin_socket),
                                                  "address": "127.0.0.1:0",
                                                  "tokenFile": str(self.token_file)}})
        self.address = self.served.announced["admin"][-1]

    def ask(self, headers):
        host, port = self.address.rsplit(":", 1)
        connection = hosting.http.client.HTTPConnection(host, int(port),
                                                        timeout=harness.PATIENCE_SECONDS)
        try:
            return hosting.exchange(connection, "GET", "/v1/workloads", headers=headers)
        finally:
            connection.close()

    def test_only_the_right_token_opens_it(self):
        self.assertEqual(200, self.ask({"Authorization": f"Bearer {TOKEN}"}).status)
        for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"},
                        {"Authorization": f"Bearer {TOKEN[:-1]}"}, {"Authorization": "Bearer "},
                        {"Authorization": f"Basic {TOKEN}"}, {"Authorization": TOKEN}):
            with self.subTest(headers):
                refused = self.ask(headers)
                self.assertEqual((401, "Bearer"),
                                 (refused.status, refused.headers["www-authenticate"]))
                self.assertNotIn(TOKEN, refused.text)

    def test_another_token_in_the_file_counts_at_once(self):
        def status(token):
            return self.ask({"Authorization": f"Bearer {token}"}).status

        self.write("fresh", TOKEN + "-two\n").rename(self.token_file)
        self.assertEqual((401, 200), (status(TOKEN), status(TOKEN + "-two")))
        # One that cannot be used leaves the one before.
        self.write("fresh", "short\n").rename(self.token_file)
        self.assertEqual((401, 200), (status("short"), status(TOKEN + "-two")))
        self.served.wait_for_stderr("token cannot be read anew")

    def test_the_socket_needs_none(self):
        self.assertEqual(200, self.served.admin("GET", "/v1/workloads").status)

    def test_wash_workload_takes_the_token_from_a_file(self):
        def listed(*options):
            return self.run_wash("workload", "--host", self.address, *options, "list")

        self.assertEqual("no workloads\n", listed("--token-file", self.token_file).stdout)
        self.assertIn("token", listed().stderr)
        wrong = self.write("wrong", "another-token-of-some-length")
        self.assertNotEqual(0, listed("--token-file", wrong).returncode)


class TokenConfigTest(hosting.TestCase):
    def test_an_address_without_a_token_is_refused_at_the_start(self):
        for admin, word in (({"address": "127.0.0.1:0"}, "tokenFile"),
                            ({"address": "127.0.0.1:0",
                              "tokenFile": str(self.write("short", "short"))}, "shorter"),
                            ({"address": "127.0.0.1:0",
                              "tokenFile": str(self.folder / "none")}, "none")):
            with self.subTest(word):
                done = self.run_wash(*self.host_arguments(config={"admin": admin}))
                self.assertNotEqual(0, done.returncode)
                self.assertIn(word, done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
