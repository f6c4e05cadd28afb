#!/usr/bin/env python3
"""Services: what keeps running beside the components of a workload."""

import json
import threading
import time

import harness
import hosting

KEYVALUE = {"namespace": "wasi", "package": "keyvalue", "provider": "keyvalue-memory"}


def service(steps, guest="service-probe", *, environment=None, config=None, **keys):
    resources = keys.pop("localResources", {})
    resources = {**resources, "environment": {"DO": steps, **(environment or {})}}
    return {"file": harness.guest(guest), "localResources": resources, **keys}


def alone(workload, steps, **keys):
    """A workload that is only a service."""
    return {"name": workload, "service": service(steps, **keys), "hostInterfaces": [KEYVALUE]}


def beside(name, steps, **keys):
    """A service beside a component that serves NAME.test."""
    manifest = hosting.workload(name, "http-hello")
    return {**manifest, "service": service(steps, **keys), "hostInterfaces": [KEYVALUE]}


class Services(hosting.TestCase):
    def state(self, host, name):
        return host.status(name)["service"]

    def said(self, host):
        return "\n".join(host.stderr.all).replace("\\", "")

    def wait_for_state(self, host, name, wanted):
        return hosting.wait_for_service(self, host, name, wanted)


class LifeTest(Services):
    def test_it_runs_from_the_start_and_keeps_state(self):
        host = self.host()
        host.apply(beside("clock", "tick 20 beats"))
        host.wait_for_stderr("beats 3")
        status = self.wait_for_state(host, "clock", "Running")
        self.assertEqual(("service", "command-p2", "Running", 0, 1, ""),
                         (status["name"], status["kind"], status["state"], status["restarts"],
                          status["instances"], status["reason"]))
        self.assertTrue(status["digest"].startswith("sha256:"))
        self.assertEqual(1, host.metric("nimbus_services", state="Running"))
        self.assertEqual(1, host.metric("nimbus_service_running", workload="default/clock"))
        self.assertEqual(200, host.ask("clock.test").status)

    def test_its_output_is_in_the_log_with_its_names(self):
        host = self.host("--log-format", "json")
        host.apply(alone("talk", "say good morning", name="herald"))
        host.wait_for_stderr("good morning")
        record = json.loads(next(line for line in host.stderr.all if "good morning" in line))
        self.assertEqual(("default/talk", "herald", "stdout"),
                         (record["workload"], record["component"], record["stream"]))

    def test_one_that_ends_well_has_completed_and_the_workload_serves_on(self):
        host = self.host()
        with host.events() as events:
            host.apply(beside("once", "say done; exit 0"))
            events.until("service-running", "default/once")
            events.until("service-completed", "default/once")
        status = self.state(host, "once")
        self.assertEqual(("Completed", 0, 0, ""), (status["state"], status["restarts"],
                                                   status["instances"], status["reason"]))
        self.assertEqual("Running", host.status("once")["state"])
        self.assertEqual(200, host.ask("once.test").status)

    def test_it_may_be_the_whole_workload(self):
        host = self.host()
        host.apply(alone("only", "tick 20 beats"))
        host.wait_for_stderr("beats 2")
        self.assertEqual([], host.status("only")["components"])
        self.wait_for_state(host, "only", "Running")
        shown = self.manage("get", "only", output="text").stdout
        self.assertIn("\n  service service: Running since 20", shown)
        self.assertEqual(200, host.delete("only").status)
        self.assertEqual(0, host.metric("nimbus_instances"))

    def test_it_sees_what_is_its_own(self):
        folder = self.write("data/file", "x").parent
        host = self.host()
        manifest = beside("own", "variables; folders", environment={"WHO": "service"},
                          localResources={"volumeMounts": [{"name": "data",
                                                            "mountPath": "/data"}]})
        manifest["volumes"] = [{"name": "data", "hostPath": {"path": str(folder)}}]
        manifest["components"][0]["localResources"]["environment"] = {"SECRET": "of web"}
        host.apply(manifest)
        self.wait_for_state(host, "own", "Completed")
        host.wait_for_stderr("the service has completed")
        said = self.said(host)
        self.assertIn('("WHO", "service")', said)
        self.assertIn('["/data"]', said)
        self.assertNotIn("of web", said)

    def test_its_bindings_are_listed(self):
        host = self.host()
        host.apply(alone("bound", "tick 50 beats"))
        [binding] = self.state(host, "bound")["bindings"]
        self.assertEqual("default/bound/service/wasi:keyvalue", binding["id"])

    def test_one_of_wasi_0_3_runs_too(self):
        host = self.host()
        host.apply({"name": "p3", "service": {"file": harness.guest("command-p3")}})
        self.assertEqual("command-p3", self.wait_for_state(host, "p3", "Completed")["kind"])

    def test_it_ends_with_the_host_and_comes_back(self):
        host = self.host(state=True)
        host.apply(alone("stays", "say hello; spin"))
        host.wait_for_stderr("hello")
        self.assertEqual(0, host.terminate())
        host = self.host(state=True)
        host.wait_for_stderr("hello")
        self.wait_for_state(host, "stays", "Running")


class FailureTest(Services):
    def test_a_trap_starts_it_again_on_a_new_instance(self):
        host = self.host()
        with host.events() as events:
            host.apply(alone("phoenix", "until starts 3 trap; tick 50 beats"))
            events.until("service-restarting", "default/phoenix")
            event = events.until("service-restarting", "default/phoenix")
            self.assertIn("unreachable", event["data"]["message"])
            self.assertIn("after 1 restart", event["data"]["message"])
        host.wait_for_stderr("beats 1")
        self.eventually(lambda: self.state(host, "phoenix")["restarts"] == 2,
                        "it was not started twice again")
        status = self.wait_for_state(host, "phoenix", "Running")
        self.assertEqual((2, ""), (status["restarts"], status["reason"]))
        said = self.said(host)
        self.assertIn("the service failed and is started again", said)
        self.assertIn("wasm backtrace", said)
        self.assertIn("pauseMs=100", said)
        self.assertIn("pauseMs=200", said)
        self.assertEqual(2, host.metric("nimbus_service_restarts_total"))

    def test_too_many_in_a_row_and_it_has_failed(self):
        host = self.host()
        with host.events() as events:
            host.apply(beside("broken", "say again; exit 3", maxRestarts=2))
            event = events.until("service-failed", "default/broken")
        self.assertEqual("it exited with status 3, after 2 restarts", event["data"]["message"])
        whole = host.status("broken")
        self.assertEqual(("Failed", 2, "it exited with status 3", 0),
                         tuple(whole["service"][key]
                               for key in ("state", "restarts", "reason", "instances")))
        self.assertEqual("the service has failed: it exited with status 3, after 2 restarts",
                         whole["reason"])
        self.assertEqual("Running", whole["state"])
        self.assertEqual(200, host.ask("broken.test").status)
        self.assertEqual(1, host.metric("nimbus_services", state="Failed"))

    def test_without_components_the_workload_has_failed_too(self):
        host = self.host()
        host.apply(alone("broken", "fail", maxRestarts=0))
        self.wait_for_state(host, "broken", "Failed")
        whole = host.status("broken")
        self.assertEqual("Error", whole["state"])
        self.assertEqual("the service has failed: it exited with status 1", whole["reason"])
        self.assertEqual(1, host.facts()["workloads"]["error"])

    def test_applying_it_again_starts_one_that_has_failed(self):
        host = self.host()
        manifest = alone("broken", "until starts 2 trap; tick 50 beats", maxRestarts=0)
        host.apply(manifest)
        self.wait_for_state(host, "broken", "Failed")
        host.apply(manifest)
        host.wait_for_stderr("beats 1")
        self.assertEqual(("Running", ""), (host.status("broken")["state"],
                                           host.status("broken")["reason"]))
        generation = host.status("broken")["generation"]
        host.apply(manifest)
        self.assertEqual(generation, host.status("broken")["generation"])

    def test_its_limits_are_enforced(self):
        host = self.host()
        for name, steps, resources, reason in (
                ("busy", "spin", {"cpuLimit": 50}, "it used up the CPU time of a run (cpuLimit)"),
                ("large", "grow 64", {"memoryLimitMb": 16}, "wasm trap")):
            with self.subTest(name):
                host.apply(alone(name, steps, localResources=resources, maxRestarts=0))
                self.assertIn(reason, self.wait_for_state(host, name, "Failed")["reason"])

    def test_without_room_it_waits_for_it(self):
        host = self.host(config={"limits": {"maxInstances": 1}})
        host.apply(alone("first", "tick 50 beats"))
        host.wait_for_stderr("beats 1")
        host.apply(alone("second", "tick 50 hearts", maxRestarts=0))
        status = self.wait_for_state(host, "second", "Restarting")
        self.assertIn("no instance left", status["reason"])
        self.assertEqual(200, host.delete("first").status)
        host.wait_for_stderr("hearts 1")


class ChangeTest(Services):
    def test_an_update_ends_the_old_one_before_the_new_one_begins(self):
        host = self.host()
        host.apply(beside("shop", "say old; tick 10 old"))
        host.wait_for_stderr("old 2")
        lost = []
        stopped = threading.Event()

        def keep_asking():
            while not stopped.is_set():
                status = host.ask("shop.test").status
                if status != 200:
                    lost.append(status)

        client = threading.Thread(target=keep_asking)
        client.start()
        try:
            host.apply(beside("shop", "say new; tick 10 new"))
            host.wait_for_stderr("new 3")
        finally:
            stopped.set()
            client.join()
        self.assertEqual([], lost)
        lines = [line for line in host.stderr.all if "component=service" in line]
        first_new = next(i for i, line in enumerate(lines) if " new " in line)
        self.assertEqual([], [line for line in lines[first_new:] if " old " in line])
        self.assertEqual(1, self.state(host, "shop")["instances"])

    def test_a_new_generation_that_fails_leaves_it_alone(self):
        host = self.host()
        host.apply(beside("shop", "tick 10 beats"))
        host.wait_for_stderr("beats 1")
        broken = beside("shop", "tick 10 beats")
        broken["components"][0]["file"] = harness.guest("wat-invalid")
        self.assertNotEqual(200, host.try_apply(broken).status)
        self.assertEqual(0, self.wait_for_state(host, "shop", "Running")["restarts"])

    def test_deleting_ends_it(self):
        host = self.host()
        host.apply(alone("gone", "say here; spin"))
        host.wait_for_stderr("here")
        self.assertEqual(200, host.delete("gone").status)
        self.assertEqual(0, host.metric("nimbus_instances"))
        self.assertEqual(0, host.metric("nimbus_services"))

    def test_one_that_computes_does_not_stop_its_neighbours_or_the_end(self):
        host = self.host("--shards", "1")
        host.apply(beside("busy", "say busy; spin"))
        host.wait_for_stderr("busy")
        host.apply(hosting.workload("calm", "http-hello"))
        for _ in range(50):
            self.assertEqual(200, host.ask("calm.test").status)
            self.assertEqual(200, host.ask("busy.test").status)
        begun = time.monotonic()
        self.assertEqual(0, host.terminate())
        self.assertLess(time.monotonic() - begun, 15)


class CallingTest(Services):
    def caller(self, what, **keys):
        back = hosting.component("back", "tally-back",
                                 localResources={"environment": {"WHO": "back"}, **keys})
        caller = service(what, "service-caller", environment={"PAUSE": "10"}, maxRestarts=0)
        return {"name": "calls", "components": [back], "service": caller,
                "hostInterfaces": [KEYVALUE]}

    def test_it_calls_a_component_of_the_workload(self):
        host = self.host()
        host.apply(self.caller("calls"))
        host.wait_for_stderr("calls 1 2")
        [link] = self.state(host, "calls")["links"]
        self.assertEqual({"import": "test:tally/tally@0.1.0", "component": "back",
                          "how": "linked by calls",
                          "reason": "a service goes on while calls come and go"}, link)
        inspected = self.run_wash("inspect", self.write("calls.json",
                                                        json.dumps(self.caller("calls")))).stdout
        self.assertIn("service: the service, keeps running\n", inspected)
        self.assertIn("back: called by others, alone\n", inspected)

    def test_it_asks_one_by_http(self):
        host = self.host()
        host.apply({"name": "asks", "components": [hosting.component("web", "http-misc-p3",
                                                                     poolSize=1)],
                    "service": {"file": harness.guest("service-asker-p3"),
                                "localResources": {"environment": {"ASK": "/count"}}}})
        for count in (1, 2, 3):
            host.wait_for_stderr(f"asked 200 {count}")
        self.wait_for_state(host, "asks", "Completed")
        whole = host.status("asks")
        self.assertEqual(3, whole["components"][0]["callsTotal"])
        [link] = whole["service"]["links"]
        self.assertEqual(("wasi:http/handler@0.3.0", "web", "linked by calls"),
                         (link["import"], link["component"], link["how"]))

    def test_each_sees_its_own(self):
        host = self.host()
        host.apply(self.caller("settings"))
        host.wait_for_stderr("WHO")
        self.assertIn('("WHO", "back")', self.said(host))
        self.assertNotIn("PAUSE", self.said(host))

    def test_a_failure_of_the_called_is_its_own(self):
        host = self.host()
        for what, keys in (("fail", {}), ("spin", {"cpuLimit": 50})):
            with self.subTest(what):
                host.apply(self.caller(what, **keys))
                self.wait_for_state(host, "calls", "Failed")


class RefusalTest(Services):
    def test_what_cannot_be_a_service_is_told_why(self):
        host = self.host()
        why = ('service "service" exports neither wasi:cli/run, by which a service is started, nor '
               "a handler of HTTP")
        manifest = {"name": "no", "service": {"file": harness.guest("tally-back")},
                    "hostInterfaces": [KEYVALUE]}
        self.assertIn(why, host.why_refused(manifest))
        manifest["components"] = [hosting.component("web", "http-hello")]
        self.assertIn(why, host.why_refused(manifest))

    def test_a_command_among_the_components_is_pointed_to_the_service(self):
        host = self.host()
        manifest = beside("no", "say x")
        manifest["components"].append(hosting.component("job", "command"))
        manifest["http"]["routes"][0]["component"] = "web"
        self.assertIn("what is to keep running is its service", host.why_refused(manifest))

    def test_components_cannot_call_it(self):
        host = self.host()
        manifest = {"name": "no", "components": [hosting.component("web", "tally-web")],
                    "service": {"file": harness.guest("tally-back")},
                    "hostInterfaces": [KEYVALUE]}
        self.assertIn('component "web" imports test:tally/tally@0.1.0, which only the service '
                      '"service" exports: a service cannot be called', host.why_refused(manifest))
        manifest["hostInterfaces"].append({"namespace": "test", "package": "tally",
                                           "provider": "component:service"})
        self.assertIn("hostInterfaces names component:service as provider: that is the workload's "
                      "service, which cannot be called", host.why_refused(manifest))


if __name__ == "__main__":
    harness.main()
