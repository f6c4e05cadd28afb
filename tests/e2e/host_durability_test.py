#!/usr/bin/env python3
"""Workloads applied over the API outlive the process, however it ends."""

import hashlib
import json
import resource
import signal
import threading

import harness
import hosting
from hosting import workload


class HostDurabilityTest(hosting.TestCase):
    def kill(self, host):
        host.send(signal.SIGKILL)
        self.assertEqual(-signal.SIGKILL, host.wait())

    def restarted(self, host, **options):
        """A new host on the state that the other, which is ended as it should be, has left."""
        self.assertEqual(0, host.terminate())
        return self.host(state=True, **options)

    def test_workloads_are_there_again_after_an_orderly_end(self):
        host = self.host(state=True)
        self.assertTrue(host.facts()["durable"])
        before = host.apply(workload("a", environment={"V": "1"}))
        host.apply(workload("b", "http-hello"))
        host = self.restarted(host)
        self.assertIn('"1"', host.text_of("a.test", "/env"))
        self.assertEqual(200, host.ask("b.test").status)
        after = host.status("a")
        for key in ("generation", "servingGeneration", "owner", "manifest", "state"):
            self.assertEqual(before[key], after[key])

    def test_workloads_are_there_again_after_a_kill(self):
        host = self.host(state=True)
        host.apply(workload("a", environment={"V": "1"}))
        last = host.apply(workload("a", environment={"V": "2"}))
        self.kill(host)
        host = self.host(state=True)
        self.assertIn('"2"', host.text_of("a.test", "/env"))
        self.assertEqual(last["generation"], host.status("a")["generation"])
        newer = host.apply(workload("a", environment={"V": "3"}))
        self.assertGreater(newer["generation"], last["generation"])

    def test_every_apply_and_delete_that_was_answered_holds_whenever_the_kill_comes(self):
        promised = {}  # what was answered last: a version, or None once it is deleted
        begun = {}     # what may or may not have happened
        host = self.host(state=True)

        def change(host, names):
            for step in range(1000):
                for name in names:
                    version = None if step % 3 == 2 else f"{name}-{step}"
                    begun[name] = version
                    try:
                        if version is None:
                            answer = host.delete(name)
                        else:
                            answer = host.try_apply(workload(name, environment={"V": version}))
                    except (OSError, hosting.http.client.HTTPException):
                        return
                    self.assertEqual(200, answer.status, answer.text)
                    promised[name] = version
                    if len(promised) == 12:
                        enough.set()

        for _ in range(3):
            enough = threading.Event()
            promised.clear()
            threads = [threading.Thread(target=change,
                                        args=(host, [f"w{n}" for n in range(k, 12, 3)]))
                       for k in range(3)]
            for thread in threads:
                thread.start()
            self.assertTrue(enough.wait(harness.PATIENCE_SECONDS))
            self.kill(host)
            for thread in threads:
                thread.join()
            host = self.host(state=True)
            self.assertEqual({}, host.problems())
            for name, version in promised.items():
                status = host.status(name)
                found = None if status is None else \
                    status["manifest"]["components"][0]["localResources"]["environment"]["V"]
                self.assertIn(found, (version, begun[name]), name)
                if found is not None:
                    self.assertIn(f'"{found}"', host.text_of(f"{name}.test", "/env"))
                    host.delete(name)

    def test_a_deleted_workload_stays_deleted(self):
        host = self.host(state=True)
        host.apply(workload("a"))
        host.apply(workload("b"))
        self.assertEqual(200, host.delete("a").status)
        self.kill(host)
        host = self.host(state=True)
        self.assertIsNone(host.status("a"))
        self.assertEqual(404, host.ask("a.test").status)
        self.assertIsNotNone(host.status("b"))

    def test_a_generation_that_failed_does_not_replace_the_one_that_is_stored(self):
        host = self.host(state=True)
        host.apply(workload("a", environment={"V": "1"}))
        self.assertEqual(422, host.try_apply(workload("a", "wat-invalid")).status)
        self.kill(host)
        host = self.host(state=True)
        self.assertIn('"1"', host.text_of("a.test", "/env"))

    def test_a_stored_manifest_that_is_refused_today_is_an_error_until_it_is_applied_anew(self):
        manifest = workload("old")
        manifest["http"]["routes"][0]["host"] = "[:::1]"
        value = {"generation": 7, "manifest": manifest}
        record = json.dumps({"put": "default/old", "value": value}, separators=(",", ":"))
        digest = hashlib.sha256(record.encode()).hexdigest()
        self.state_folder.mkdir(mode=0o700)
        journal = self.state_folder / "journal.0000000001"
        journal.write_text(f'{{"format":1,"sha256":"{digest}","record":{record}}}\n')
        journal.chmod(0o600)
        host = self.host(state=True)
        status = host.status("old")
        self.assertEqual(("Error", 7), (status["state"], status["generation"]))
        self.assertIn("[:::1]", status["reason"])
        shown = self.run_wash("workload", "--host", f"unix:{self.admin_socket}", "get", "old")
        self.assertIn("apply it anew", shown.stdout)
        self.assertEqual(400, host.try_apply(manifest).status)
        self.assertGreater(host.apply(workload("old", "http-hello"))["generation"], 7)
        self.assertEqual(200, host.ask("old.test").status)
        host = self.restarted(host)
        self.assertEqual(200, host.ask("old.test").status)

    def test_a_workload_whose_component_is_gone_is_reported_and_the_others_serve(self):
        file = self.write("own.wasm", b"")
        file.unlink()
        file.hardlink_to(harness.guest("http-hello"))
        manifest = workload("a")
        manifest["components"][0]["file"] = str(file)
        host = self.host(state=True)
        host.apply(manifest)
        host.apply(workload("b", "http-hello"))
        self.kill(host)
        file.unlink()
        host = self.host(state=True)
        self.assertEqual(200, host.ask("b.test").status)
        self.assertEqual("Error", host.status("a")["state"])
        self.assertIn("own.wasm", host.status("a")["reason"])
        file.hardlink_to(harness.guest("http-hello"))
        host.apply(manifest)
        self.assertEqual(200, host.ask("a.test").status)

    def journal(self):
        segments = sorted(self.state_folder.glob("journal.*[0-9]"))
        self.assertEqual(1, len(segments), segments)
        return segments[0]

    def test_a_damaged_line_is_set_aside_and_the_others_serve(self):
        host = self.host(state=True)
        for name in ("flip", "good", "last"):
            host.apply(workload(name, "http-hello"))
        self.kill(host)
        lines = self.journal().read_bytes().splitlines(keepends=True)
        flipped = lines[0][:-9] + bytes([lines[0][-9] ^ 1]) + lines[0][-8:]
        damaged = flipped + b"rubbish\n" + b"".join(lines[1:])
        self.journal().write_bytes(damaged)
        (self.state_folder / "left-over.tmp").write_bytes(b"half")
        host = self.host(state=True)
        self.assertEqual([200, 200], [host.ask(f"{name}.test").status for name in ("good", "last")])
        self.assertIsNone(host.status("flip"))
        host.wait_for_stderr("is damaged.*does not match its checksum")
        self.assertEqual(damaged, self.journal().with_name(self.journal().name + ".corrupt")
                         .read_bytes())
        self.assertFalse((self.state_folder / "left-over.tmp").exists())
        host.apply(workload("flip", "http-hello"))
        host = self.restarted(host)
        self.assertEqual(200, host.ask("flip.test").status)

    def test_a_line_that_a_crash_tore_is_dropped_whatever_is_left_of_it(self):
        host = self.host(state=True)
        host.apply(workload("a", environment={"V": "1"}))
        intact = len(self.journal().read_bytes())
        host.apply(workload("a", environment={"V": "2"}))
        self.kill(host)
        whole = self.journal().read_bytes()
        for kept in (intact, intact + 1, (intact + len(whole)) // 2, len(whole) - 1, len(whole)):
            self.journal().write_bytes(whole[:kept])
            host = self.host(state=True)
            version = 2 if kept == len(whole) else 1
            self.assertIn(f'"{version}"', host.text_of("a.test", "/env"))
            self.kill(host)

    def test_the_files_of_earlier_versions_are_taken_over(self):
        manifest = json.dumps(workload("old", "http-hello"))
        record = f'{{"generation":7,"manifest":{manifest}}}'
        digest = hashlib.sha256(record.encode()).hexdigest()
        self.state_folder.mkdir(mode=0o700)
        file = self.state_folder / "default.old.json"
        file.write_text(f'{{"format":1,"sha256":"{digest}","record":{record}}}\n')
        host = self.host(state=True)
        self.assertEqual(200, host.ask("old.test").status)
        self.assertEqual(7, host.status("old")["generation"])
        self.assertFalse(file.exists())
        self.kill(host)
        host = self.host(state=True)
        self.assertEqual(200, host.ask("old.test").status)
        self.assertGreater(host.apply(workload("new"))["generation"], 7)

    def test_a_damaged_counter_never_gives_a_generation_twice(self):
        host = self.host(state=True)
        last = host.apply(workload("a"))["generation"]
        self.kill(host)
        (self.state_folder / "generation").write_bytes(b"7")
        host = self.host(state=True)
        self.assertGreater(host.apply(workload("a", poolSize=1))["generation"], last)

    def test_two_hosts_cannot_share_a_state(self):
        self.host(state=True)
        done = self.run_wash("host", "--http-addr", "127.0.0.1:0", "--state", self.state_folder,
                             "--admin-socket", self.folder / "other.sock")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("in use by another host", done.stderr)

    def test_it_is_ready_only_after_everything_is_restored(self):
        host = self.host(state=True)
        names = ("http-misc", "http-misc-p3", "http-echo", "http-echo-p3", "http-outbound")
        for name in names:
            host.apply(workload(name, name))
        self.assertEqual(0, host.terminate())
        # Without a cache everything is compiled again, which leaves time to look.
        starting = self.start(*self.host_arguments("--no-cache", state=True))
        phases = []

        def restored():
            said = list(starting.stdout.all)  # before it is asked: it may become ready meanwhile
            try:
                phase = json.loads(hosting.ask_admin(self.admin_socket, "GET", "/v1/host").body)
            except (ConnectionError, FileNotFoundError):
                return False
            if phase["phase"] == "restoring":
                self.assertFalse(said, "it says that it serves too early")
                refused = hosting.ask_admin(self.admin_socket, "POST", "/v1/workloads",
                                            body=json.dumps(workload("new")))
                if refused.status != 200:  # else it has become ready in between
                    self.assertEqual(503, refused.status)
            else:
                # Whatever was offered in between comes on top.
                self.assertGreaterEqual(phase["workloads"]["running"], len(names))
            phases.append(phase["phase"])
            return phase["phase"] == "ready"

        self.eventually(restored, "it never became ready")
        self.assertEqual("restoring", phases[0])
        starting.wait_for_stdout("Serving at")

    def test_a_limit_of_file_sizes_refuses_changes_and_ends_nothing(self):
        host = self.host(state=True)
        host.apply(workload("a"))
        size = (self.state_folder / "journal.0000000001").stat().st_size
        before = resource.prlimit(host.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(host.pid, resource.RLIMIT_FSIZE, (size, before[1]))
        self.assertIn("File too large", host.why_refused(workload("b"), status=500))
        self.assertEqual(200, host.ask("a.test", "/env").status)
        resource.prlimit(host.pid, resource.RLIMIT_FSIZE, before)
        host.apply(workload("b"))
        host = self.restarted(host)
        self.assertEqual([200, 200], [host.ask(f"{name}.test", "/env").status for name in "ab"])

    def test_nothing_is_answered_for_while_the_state_folder_is_elsewhere(self):
        host = self.host(state=True)
        host.apply(workload("a"))
        aside = self.state_folder.rename(self.folder / "aside")
        self.assertIn("deleted or moved away", host.why_refused(workload("b"), status=500))
        self.assertEqual(500, host.delete("a").status)
        self.assertEqual([200, 404], [host.ask(f"{name}.test", "/env").status for name in "ab"])
        aside.rename(self.state_folder)
        host.apply(workload("b"))
        host = self.restarted(host)
        self.assertEqual([200, 200], [host.ask(f"{name}.test", "/env").status for name in "ab"])

    def test_without_a_state_folder_nothing_is_kept(self):
        host = self.host()
        self.assertFalse(host.facts()["durable"])
        host.apply(workload("a"))
        self.assertEqual(0, host.terminate())
        self.assertIsNone(self.host().status("a"))

    def test_a_socket_left_by_a_killed_host_is_no_hindrance(self):
        host = self.host()
        self.kill(host)
        self.assertTrue(self.admin_socket.exists())
        self.assertEqual(200, self.host().admin("GET", "/v1/host").status)


if __name__ == "__main__":
    harness.main()
