#!/usr/bin/env python3
"""A host that follows a folder of manifests: what is there, what comes, changes and goes."""

import json
import os
import pathlib
import threading

import harness
import hosting
from hosting import workload


class HostFolderTest(hosting.TestCase):
    def test_serves_what_is_in_the_folder_before_it_says_that_it_is_ready(self):
        self.put("a.json", workload("a", "http-hello"))
        self.put("b.yaml", f"name: b\ncomponents: [{{name: web, file: {harness.guest('http-hello')}"
                           "}]\nhttp:\n  routes:\n    - host: b.test\n")
        self.put(".hidden.json", workload("hidden"))
        self.put("notes.txt", "not a manifest")
        host = self.host(workloads=True)
        self.assertEqual("hello from rust /x\n", host.text_of("a.test", "/x"))
        self.assertEqual("hello from rust /y\n", host.text_of("b.test", "/y"))
        self.assertEqual(404, host.ask("hidden.test").status)
        self.assertEqual({}, host.problems())
        self.assertEqual(("folder", "a.json"), tuple(host.status("a")[key]
                                                     for key in ("owner", "source")))

    def test_a_relative_component_file_starts_at_the_folder(self):
        (self.workloads_folder / "bin").symlink_to(harness.GUESTS)
        manifest = workload("a", "http-hello")
        manifest["components"][0]["file"] = "bin/http-hello.wasm"
        self.put("a.json", manifest)
        self.assertEqual(200, self.host(workloads=True).ask("a.test").status)

    def test_follows_files_that_come_change_and_go(self):
        host = self.host(workloads=True)
        with host.events() as events:
            path = self.put("a.json", workload("a", environment={"V": "1"}))
            events.until("running", "default/a")
            self.assertEqual('{"V":"1"}', host.text_of("a.test", "/env").replace(" ", "").strip())
            self.put("a.json", workload("a", environment={"V": "2"}))
            second = events.until("running", "default/a")
            self.assertIn('"2"', host.text_of("a.test", "/env"))
            self.assertEqual(second["data"]["generation"],
                             host.status("a")["servingGeneration"])
            path.unlink()
            events.until("removed", "default/a")
            self.assertEqual(404, host.ask("a.test").status)
            self.assertIsNone(host.status("a"))

    def test_a_file_written_in_place_is_taken_once_it_is_whole(self):
        host = self.host(workloads=True)
        whole = (f"name: a\ncomponents: [{{name: web, file: {harness.guest('http-hello')}}}]\n"
                 "http: {routes: [{host: a.test}]}\n")
        with host.events() as events, open(self.workloads_folder / "a.yaml", "w",
                                           encoding="ascii") as file:
            for piece in whole.splitlines(keepends=True):
                file.write(piece)
                file.flush()
            events.until("running", "default/a")
        self.assertEqual(200, host.ask("a.test").status)
        self.eventually(lambda: not host.problems(), "the whole file is still called broken")

    def test_renaming_a_file_changes_nothing_that_serves(self):
        self.put("a.json", workload("a", "http-hello"))
        host = self.host(workloads=True)
        before = host.status("a")["servingGeneration"]
        os.rename(self.workloads_folder / "a.json", self.workloads_folder / "z.json")
        self.eventually(lambda: host.status("a")["source"] == "z.json", "the new name is unknown")
        self.assertEqual(before, host.status("a")["servingGeneration"])
        self.assertEqual(200, host.ask("a.test").status)

    def test_follows_the_links_that_a_config_map_is_made_of(self):
        def publish(version):
            data = self.workloads_folder / f"..{version}"
            data.mkdir()
            self.write(f"workloads/..{version}/a.json",
                       json.dumps(workload("a", environment={"V": version})))
            fresh = self.workloads_folder / "..data_tmp"
            fresh.symlink_to(data.name)
            fresh.rename(self.workloads_folder / "..data")

        publish("one")
        (self.workloads_folder / "a.json").symlink_to("..data/a.json")
        host = self.host(workloads=True)
        self.assertIn("one", host.text_of("a.test", "/env"))
        for version in ("two", "three"):
            publish(version)
            self.wait_for_answer(host, "a.test", "/env", version)
        self.assertEqual({}, host.problems())

    def test_a_broken_file_keeps_the_old_generation_and_is_reported(self):
        good = workload("a", environment={"V": "1"})
        self.put("a.json", good)
        host = self.host(workloads=True)
        generation = host.status("a")["servingGeneration"]
        with host.events() as events:
            self.put("a.json", "name: a\ncomponents: oops\n")
            problem = events.until("problem", "default/a")["data"]["message"]
            self.assertIn("a.json:2: components: expected a list", problem)
            self.assertEqual({"a.json": problem}, host.problems())
            status = host.status("a")
            self.assertEqual((problem, generation, "Running"),
                             (status["reason"], status["servingGeneration"], status["state"]))
            self.assertIn('"1"', host.text_of("a.test", "/env"))
            self.put("a.json", good)
            events.until("resolved", "default/a")
            self.assertEqual(("", generation), (host.status("a")["reason"],
                                                host.status("a")["servingGeneration"]))
        self.assertEqual({}, host.problems())

    def test_a_component_that_cannot_start_keeps_the_old_generation(self):
        self.put("a.json", workload("a", environment={"V": "1"}))
        host = self.host(workloads=True)
        with host.events() as events:
            self.put("a.json", workload("a", "wat-invalid"))
            events.until("failed", "default/a")
        status = host.status("a")
        self.assertEqual("Running", status["state"])
        self.assertLess(status["servingGeneration"], status["observedGeneration"])
        self.assertIn("still serves", status["reason"])
        self.assertIn('"1"', host.text_of("a.test", "/env"))

    def test_one_broken_file_stops_neither_the_others_nor_the_host(self):
        self.put("bad.json", "name: bad\nvolume: []\ncomponents: [{name: w, file: x}]\n")
        self.put("good.json", workload("good", "http-hello"))
        host = self.host(workloads=True)
        self.assertEqual(200, host.ask("good.test").status)
        self.assertEqual(["bad.json"], list(host.problems()))
        self.assertIn('did you mean "volumes"', host.problems()["bad.json"])

    def test_of_two_files_for_one_workload_the_first_holds_it(self):
        self.put("b.json", workload("x", environment={"FROM": "b"}))
        host = self.host(workloads=True)
        with host.events() as events:
            self.put("a.json", workload("x", environment={"FROM": "a"}))
            problem = events.until("problem")["data"]["message"]
            self.assertEqual('a.json: the workload "default/x" is already described by the file '
                             '"b.json"', problem)
            self.assertIn('"b"', host.text_of("x.test", "/env"))
            (self.workloads_folder / "b.json").unlink()
            self.wait_for_answer(host, "x.test", "/env", '"a"')
        self.eventually(lambda: not host.problems(), "the conflict is still reported")

    def test_a_workload_gets_a_route_once_the_other_has_gone(self):
        self.put("a.json", workload("a", environment={"I": "a"}, routes=[{"host": "shop.test"}]))
        self.put("b.json", workload("b", environment={"I": "b"}, routes=[{"host": "shop.test"}]))
        host = self.host(workloads=True)
        # Which of two files is first at the start is not promised.
        loser = next(iter(host.problems())).removesuffix(".json")
        winner = {"a": "b", "b": "a"}[loser]
        self.assertIn(f'"default/{winner}"', host.problems()[f"{loser}.json"])
        self.assertIn(f'"{winner}"', host.text_of("shop.test", "/env"))
        (self.workloads_folder / f"{winner}.json").unlink()
        self.wait_for_answer(host, "shop.test", "/env", f'"{loser}"')

    def test_workloads_exchange_their_routes_without_a_failed_request(self):
        names = ("a", "b", "c")
        for name in names:
            self.put(f"{name}.json", workload(name, environment={"I": name}))
        host = self.host("--shards", "2", workloads=True)
        answers = []
        enough = threading.Event()

        def ask():
            while not enough.is_set():
                answers.extend(host.ask(f"{name}.test", "/env").status for name in names)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for owners in ("bca", "abc", "bac"):
                for name, owner in zip(names, owners):
                    self.put(f"{owner}.json", workload(owner, environment={"I": owner},
                                                       routes=[{"host": f"{name}.test"}]))
                for name, owner in zip(names, owners):
                    self.wait_for_answer(host, f"{name}.test", "/env", f'"{owner}"')
        finally:
            enough.set()
            asking.join()
        self.assertEqual({200}, set(answers))
        self.eventually(lambda: not host.problems(), "a conflict is still reported")

    def test_a_workload_is_renamed_without_a_failed_request(self):
        def named(name, guest="http-misc"):
            return workload(name, guest, environment={"I": name}, routes=[{"host": "x.test"}])

        self.put("a.json", named("first"))
        host = self.host("--shards", "2", workloads=True)
        statuses = []
        enough = threading.Event()

        def ask():
            while not enough.is_set():
                statuses.append(host.ask("x.test", "/env").status)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for name in ("second", "third"):
                self.put("a.json", named(name))
                self.wait_for_answer(host, "x.test", "/env", f'"{name}"')
            # Its successor cannot start, whatever else comes.
            self.put("a.json", named("fourth", "wat-invalid"))
            self.eventually(lambda: "a.json" in host.problems(), "the problem is not reported")
            self.put("b.json", workload("b", environment={"I": "b"}))
            self.wait_for_answer(host, "b.test", "/env", '"b"')
            self.assertIn('"third"', host.text_of("x.test", "/env"))
            self.put("a.json", named("fifth"))
            self.wait_for_answer(host, "x.test", "/env", '"fifth"')
        finally:
            enough.set()
            asking.join()
        self.assertEqual({200}, set(statuses))
        self.eventually(lambda: not host.problems(), "a problem is still reported")

    def test_a_replaced_component_file_is_deployed_again(self):
        file = self.folder / "web.wasm"
        manifest = workload("a")
        manifest["components"][0]["file"] = str(file)
        self.write("web.wasm", pathlib.Path(harness.guest("http-hello")).read_bytes())
        self.put("a.json", manifest)
        host = self.host(workloads=True)
        self.assertIn("hello from rust /", host.text_of("a.test"))
        self.write("web.wasm", pathlib.Path(harness.guest("http-hello-p3")).read_bytes())
        self.put("touch.json", workload("touch", "http-hello"))
        self.wait_for_answer(host, "a.test", "/", "rust p3")

    def test_a_vanished_folder_keeps_everything(self):
        self.put("a.json", workload("a", "http-hello"))
        host = self.host(workloads=True)
        self.workloads_folder.rename(self.folder / "elsewhere")
        self.eventually(lambda: "" in host.problems(), "the loss is not reported")
        self.assertEqual(200, host.ask("a.test").status)

    def test_a_folder_that_is_never_quiet_is_followed_all_the_same(self):
        host = self.host(workloads=True)
        enough = threading.Event()

        def scribble():
            while not enough.wait(0.02):
                (self.workloads_folder / "notes.txt").write_text("busy", encoding="ascii")

        scribbling = threading.Thread(target=scribble)
        scribbling.start()
        try:
            self.put("a.json", workload("a"))
            self.eventually(lambda: host.ask("a.test", "/env").status == 200, "it was never taken")
        finally:
            enough.set()
            scribbling.join()

    def test_a_folder_that_is_not_there_at_the_start_is_an_error(self):
        self.workloads_folder.rmdir()
        arguments = self.host_arguments("--workloads", self.folder / "none")
        done = self.run_wash(*arguments)
        self.assertNotEqual(0, done.returncode)
        self.assertIn(str(self.folder / "none"), done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
