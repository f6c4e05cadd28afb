#!/usr/bin/env python3
"""What ephemeral volumes may hold, what becomes of workloads that write more, and how many files
guests may have open."""

import concurrent.futures
import os
import urllib.parse

import harness
import hosting

KEYVALUE = {"namespace": "wasi", "package": "keyvalue", "provider": "keyvalue-memory"}


def writing(name, *, limit=None, **policy):
    """A workload that answers NAME.test and has a volume at /data."""
    ephemeral = {} if limit is None else {"sizeLimit": limit}
    mount = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    volumes = [{"name": "data", "ephemeral": ephemeral}]
    return hosting.workload(name, resources=mount, volumes=volumes, **policy)


def on_host(name, folder, guest, *, resources=None, **policy):
    """A workload that has a folder of this machine at /data."""
    mount = {"volumeMounts": [{"name": "data", "mountPath": "/data"}], **(resources or {})}
    volumes = [{"name": "data", "hostPath": {"path": str(folder)}}]
    return hosting.workload(name, guest, resources=mount, volumes=volumes, **policy)


def named(name, volume):
    """The same with a volume of another name at /other."""
    mount = {"volumeMounts": [{"name": volume, "mountPath": "/other"}]}
    return hosting.workload(name, resources=mount, volumes=[{"name": volume, "ephemeral": {}}])


def fs(operation, path="/data/f", **parameters):
    return "/fs?" + urllib.parse.urlencode({"op": operation, "path": path, **parameters})


class VolumesTest(hosting.TestCase):
    def setUp(self):
        super().setUp()
        self.volumes = self.folder / "volumes"
        self._clients = concurrent.futures.ThreadPoolExecutor()

    def tearDown(self):
        super().tearDown()
        self._clients.shutdown()

    def start(self, **config):
        return self.host(config={"volumes": str(self.volumes), **config})

    def left(self):
        return [path.name for path in self.volumes.iterdir() if path.name != "lock"]

    def asking(self, host, name, path):
        """The answer to a request, to be waited for."""
        return self._clients.submit(host.ask, name, path)

    def assert_ended(self, host, name, why):
        self.eventually(lambda: host.status(name)["state"] == "Error", f"{name} was not ended")
        status = host.status(name)
        self.assertIn(f"the workload was ended: {why}", status["reason"])
        self.assertEqual(0, status["servingGeneration"])
        answer = host.ask(f"{name}.test", "/env")
        self.assertEqual((503, "the workload has been ended\n"), (answer.status, answer.text))
        self.assertIn("retry-after", answer.headers)
        self.eventually(lambda: not [path for path in harness.found(self.volumes, "*")
                                     if path.match(f"default.{name}.*/data/*")],
                        "the volume was not cleared")
        self.eventually(lambda: not any("deleted" in folder for folder in self.left()),
                        "what it held is left over")
        self.eventually(lambda: host.metric("nimbus_component_instances",
                                            workload=f"default/{name}") == 0,
                        "instances are left over")

    def test_a_workload_that_writes_more_than_its_volume_may_hold_is_ended(self):
        host = self.start()
        why = 'the volume "data" held more than its sizeLimit of 8Mi'
        for name, policy in (("fresh", {}), ("warm", {"poolSize": 1})):
            with self.subTest(name), host.events() as events:
                host.apply(writing(name, limit="8Mi", **policy))
                self.assertEqual(200, host.ask(f"{name}.test", fs("fill", mb=2)).status)
                self.assertEqual("Running", host.status(name)["state"])
                answer = self.asking(host, f"{name}.test", fs("fill", mb=9, after=60000))
                event = events.until("ended", f"default/{name}")
                self.assertEqual(why, event["data"]["message"])
                self.assertEqual(503, answer.result().status)
                self.assert_ended(host, name, why)
                host.wait_for_stderr(f"workload was ended.*default/{name}")

    def test_applied_again_it_begins_anew(self):
        host = self.start()
        manifest = writing("a", limit="4Mi")
        host.apply(manifest)
        host.ask("a.test", fs("fill", mb=5))
        self.assert_ended(host, "a", "the volume")
        self.assertEqual("Running", host.apply(manifest)["state"])
        self.assertEqual(500, host.ask("a.test", fs("read")).status)
        self.assertEqual(200, host.ask("a.test", fs("fill", mb=3)).status)
        self.assertEqual("Running", host.status("a")["state"])
        self.assertEqual("", host.status("a")["reason"])

    def test_it_can_be_deleted(self):
        host = self.start()
        host.apply(writing("a", limit="4Mi"))
        host.ask("a.test", fs("fill", mb=5))
        self.assert_ended(host, "a", "the volume")
        self.assertEqual(200, host.delete("a").status)
        self.assertEqual(404, host.ask("a.test", "/env").status)
        self.eventually(lambda: not self.left(), "folders are left over")

    def test_its_service_ends_too_and_others_go_on(self):
        host = self.start()
        both = writing("both", limit="4Mi")
        environment = {"DO": "tick 20 beats"}
        both["service"] = {"file": harness.guest("service-probe"),
                           "localResources": {"environment": environment}}
        both["hostInterfaces"] = [KEYVALUE]
        host.apply(both)
        host.apply(writing("other", limit="4Mi"))
        host.wait_for_stderr("beats 2")
        host.ask("both.test", fs("fill", mb=5))
        self.assert_ended(host, "both", "the volume")
        self.assertEqual(0, host.status("both")["service"]["instances"])
        self.assertEqual(200, host.ask("other.test", fs("fill", mb=3)).status)
        self.assertEqual("Running", host.status("other")["state"])
        self.assertEqual(0, host.terminate())

    def test_a_file_without_a_name_counts_as_long_as_it_is_open(self):
        host = self.start()
        host.apply(writing("a", limit="4Mi"))
        answer = self.asking(host, "a.test", fs("fill", mb=5, after=60000, unlink=1))
        self.assertEqual(503, answer.result().status)
        self.assert_ended(host, "a", "the volume")

    def test_it_counts_however_deep_it_was(self):
        host = self.start()
        host.apply(writing("a", limit="4Mi"))
        host.apply(writing("other", limit="4Mi"))
        answer = self.asking(host, "a.test", fs("fill", mb=5, after=60000, unlink=1, below=25))
        self.assertEqual(503, answer.result().status)
        self.assert_ended(host, "a", "the volume")
        self.assertEqual("Running", host.status("other")["state"])

    def test_a_folder_with_many_entries_is_listed_and_not_too_often_at_once(self):
        host = self.start()
        shared = self.folder / "shared"
        shared.mkdir()
        for n in range(200):
            (shared / f"f{n}").touch()
        (shared / "below").mkdir()
        for guest in ("http-misc", "http-misc-p3"):
            with self.subTest(guest):
                host.apply(on_host(guest, shared, guest))
                listed = host.ask(f"{guest}.test", fs("list", "/data/")).text.splitlines()
                expected = sorted([f"file f{n}" for n in range(200)] + ["folder below"])
                self.assertEqual(expected, listed)
                self.assertEqual("not-directory", self.error_of(host, guest, "list", "/data/f0"))
        answer = host.ask("http-misc.test", fs("listings", "/data/", n=64))
        self.assertEqual((200, "64\n"), (answer.status, answer.text))
        answer = host.ask("http-misc.test", fs("listings", "/data/", n=65))
        self.assertEqual((500, "insufficient-memory\n"), (answer.status, answer.text))

    def error_of(self, host, name, operation, path):
        answer = host.ask(f"{name}.test", fs(operation, path))
        self.assertEqual(500, answer.status, answer.text)
        return answer.text.strip()

    def test_a_pipe_is_not_opened_and_keeps_nobody_waiting(self):
        host = self.start()
        shared = self.folder / "shared"
        shared.mkdir()
        os.mkfifo(shared / "pipe")
        (shared / "link").symlink_to("pipe")
        (shared / "file").write_text("content")
        for guest in ("http-misc", "http-misc-p3"):
            with self.subTest(guest):
                host.apply(on_host(guest, shared, guest))
                for path in ("/data/pipe", "/data/link"):
                    for operation in ("read", "write", "append"):
                        self.assertEqual("not-permitted",
                                         self.error_of(host, guest, operation, path))
                self.assertEqual("content",
                                 host.ask(f"{guest}.test", fs("read", "/data/file")).text)
                self.assertIn("other pipe", host.ask(f"{guest}.test", fs("list", "/data/")).text)

    def test_the_host_has_a_limit_for_those_that_say_nothing(self):
        host = self.start(defaults={"volumeSizeMb": 4})
        host.apply(writing("a"))
        host.ask("a.test", fs("fill", mb=5))
        self.assert_ended(host, "a", 'the volume "data" held more than its sizeLimit of 4Mi')

    def test_an_older_generation_that_writes_too_much_ends_with_the_workload(self):
        host = self.start()
        host.apply(writing("a", limit="4Mi"))
        answer = self.asking(host, "a.test", fs("fill", mb=5, before=3000, after=60000))
        self.eventually(lambda: harness.found(self.volumes, "f"), "it has not begun")
        newer = writing("a", limit="4Mi", environment={"V": "2"})
        host.apply(newer)
        self.assertEqual(503, answer.result().status)
        self.assert_ended(host, "a", "the volume")

    def test_a_volume_that_an_update_drops_keeps_its_limit_and_goes_with_its_last_user(self):
        host = self.start()
        host.apply(writing("a", limit="4Mi"))
        answer = self.asking(host, "a.test", fs("fill", mb=5, before=3000, after=60000))
        self.eventually(lambda: harness.found(self.volumes, "f"), "it has not begun")
        with host.events() as events:
            for newer in (named("a", "other"), hosting.workload("a")):
                host.apply(newer)
            event = events.until("ended", "default/a")
            self.assertIn('the volume "data" held more', event["data"]["message"])
            self.assertEqual(503, answer.result().status)
        self.assertEqual("Running", host.status("a")["state"])
        self.assertEqual(200, host.ask("a.test", "/env").status)
        self.eventually(lambda: not self.left(), "the volume is left over")

    def test_a_volume_that_is_named_again_begins_empty(self):
        host = self.start()
        host.apply(writing("a", limit="4Mi"))
        host.text_of("a.test", fs("fill"))
        host.apply(named("a", "other"))
        self.eventually(lambda: not harness.found(self.volumes, "data"), "it is left over")
        self.assertTrue(harness.found(self.volumes, "other"))
        host.apply(writing("a", limit="4Mi"))
        self.assertEqual(500, host.ask("a.test", fs("read")).status)

    def test_a_workload_that_comes_back_has_nothing_of_the_one_that_was_deleted(self):
        host = self.start()
        host.apply(writing("a", limit="4Mi"))
        host.text_of("a.test", fs("write", "/data/old", text="x"))
        late = self.asking(host, "a.test", fs("fill", "/data/late", mb=5, before=3000,
                                              after=60000))
        self.eventually(lambda: harness.found(self.volumes, "late"), "it has not begun")
        with host.events() as events:
            self.assertEqual(200, host.delete("a").status)
            host.apply(writing("a", limit="4Mi"))
            self.assertEqual("", host.text_of("a.test", fs("list", "/data")).strip())
            events.until("ended", "default/a")
        self.assertEqual(503, late.result().status)
        self.assertEqual("Running", host.status("a")["state"])
        self.assertEqual("", host.text_of("a.test", fs("list", "/data")).strip())
        self.eventually(lambda: len(self.left()) == 1, "the old volume is left over")

    def test_what_a_killed_host_left_is_deleted_by_the_next(self):
        host = self.start()
        host.apply(writing("a"))
        host.text_of("a.test", fs("fill"))
        host.kill()
        host = self.start()
        host.apply(writing("b"))
        self.eventually(lambda: len(self.left()) == 1, "volumes of the killed host are left over")
        self.assertTrue(self.left()[0].startswith("default.b."))

    def test_two_hosts_cannot_share_their_volumes(self):
        host = self.start()
        host.apply(writing("a"))
        host.text_of("a.test", fs("fill"))
        socket = self.folder / "other.sock"
        words = ["-o", "json", "host", "--http-addr", "127.0.0.1:0", "--admin-socket", socket,
                 "--config", self.config({"volumes": str(self.volumes)})]
        other = self.run_wash(*words)
        self.assertEqual(1, other.returncode)
        self.assertIn("is in use by another host", other.stdout)
        self.assertEqual(1024 * 1024, len(host.text_of("a.test", fs("read"))))

    def test_a_folder_where_others_write_ends_the_start(self):
        self.volumes.mkdir(exist_ok=True)
        self.volumes.chmod(0o777)
        words = ["host", "--http-addr", "127.0.0.1:0", "--admin-socket", self.folder / "a.sock",
                 "--config", self.config({"volumes": str(self.volumes)})]
        done = self.run_wash(*words)
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertIn(str(self.volumes), done.stderr)

    def test_folders_without_end_are_an_excess_and_are_deleted(self):
        host = self.start()
        host.apply(writing("a", limit="512Mi"))
        host.ask("a.test", fs("dig", "/data", n=1500))  # which may be ended while it digs
        self.assert_ended(host, "a", 'the volume "data" held folders in folders')
        self.assertEqual(200, host.delete("a").status)
        self.eventually(lambda: not self.left(), "folders are left over")


class OpenFilesTest(hosting.TestCase):
    """Files and folders that guests have open have limits."""

    GUESTS = ("http-misc", "http-misc-p3")

    def setUp(self):
        super().setUp()
        self.shared = self.folder / "shared"
        self.shared.mkdir()
        (self.shared / "f").write_text("content")

    def start(self, **limits):
        return self.host(config={"volumes": str(self.folder / "volumes"), "limits": limits})

    def apply(self, host, name, guest, *, policy=None, **resources):
        host.apply(on_host(name, self.shared, guest, resources=resources, **(policy or {})))

    def hold(self, host, client, name, count, **how):
        """A request whose guest has so many open until the client goes."""
        path = fs("hold", n=count, ms=60000, **how)
        client.send(f"GET {path} HTTP/1.1\r\nhost: {name}.test\r\n\r\n")
        self.eventually(lambda: host.metric("nimbus_guest_files") == count, "they do not count")

    def assert_refused(self, host, name, count):
        answer = host.ask(f"{name}.test", fs("hold", n=count))
        self.assertEqual((500, "insufficient-memory\n"), (answer.status, answer.text))

    def assert_none_counts(self, host):
        self.eventually(lambda: host.metric("nimbus_guest_files") == 0,
                        "closed files are still counted")

    def test_a_component_has_no_more_open_than_it_may(self):
        for guest in self.GUESTS:
            with self.subTest(guest):
                host = self.start()
                self.apply(host, "w", guest, maxFiles=2, policy={"poolSize": 1})
                for _ in range(3):  # what an instance has closed it may open again
                    self.assertEqual("2\n", host.text_of("w.test", fs("hold", n=2)))
                self.assert_none_counts(host)
                self.assert_refused(host, "w", 3)
                host.wait_for_stderr("default/w .*no_capacity: the component has 2 "
                                     "files open already")
                self.assertEqual(1, host.metric("nimbus_guest_files_refused_total"))
                self.assertEqual(0, host.metric("nimbus_guest_sockets_refused_total"))
                self.assert_none_counts(host)
                self.assertEqual("content", host.text_of("w.test", fs("read")))

    def test_all_guests_have_no_more_open_than_the_host_allows(self):
        for guest in self.GUESTS:
            with self.subTest(guest):
                host = self.start(maxFiles=3)
                self.apply(host, "one", guest)
                self.apply(host, "other", guest)
                with host.connect() as client:
                    self.hold(host, client, "one", 2)
                    self.assert_refused(host, "other", 2)
                    host.wait_for_stderr("default/other .*no_capacity: the host has 3 "
                                         "files open already")
                    self.assertEqual("1\n", host.text_of("other.test", fs("hold", n=1)))
                    client.reset()
                self.assert_none_counts(host)
                self.assertEqual("2\n", host.text_of("other.test", fs("hold", n=2)))

    def test_files_of_an_instance_that_ends_are_free_again_as_are_streams_without_their_files(self):
        for guest in self.GUESTS:
            for streams in (0, 1):
                with self.subTest(guest, streams=streams):
                    host = self.start()
                    self.apply(host, "w", guest, maxFiles=2)
                    with host.connect() as client:
                        self.hold(host, client, "w", 2, streams=streams)
                        self.assert_refused(host, "w", 1)
                        client.reset()
                    self.assert_none_counts(host)
                    self.assertEqual("content", host.text_of("w.test", fs("read")))

    def test_streams_that_have_ended_are_free_again_once_their_instance_opens_a_file(self):
        for guest in self.GUESTS:
            with self.subTest(guest):
                host = self.start()
                self.apply(host, "w", guest, maxFiles=2, policy={"poolSize": 1})
                for _ in range(3):
                    answer = host.ask("w.test", fs("hold", n=2, streams=1))
                    self.assertEqual((200, "2\n"), (answer.status, answer.text))

    def test_a_folder_that_is_being_listed_counts_once_more(self):
        host = self.start()
        self.apply(host, "w", "http-misc", maxFiles=3)
        self.assertEqual("2\n", host.text_of("w.test", fs("listings", "/data/", n=2)))
        answer = host.ask("w.test", fs("listings", "/data/", n=3))
        self.assertEqual((500, "insufficient-memory\n"), (answer.status, answer.text))
        self.assert_none_counts(host)


if __name__ == "__main__":
    harness.main()
