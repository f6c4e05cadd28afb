#!/usr/bin/env python3
"""A component of one workload as the provider of another."""

import threading

import harness
import hosting

KEYVALUE = {"namespace": "wasi", "package": "keyvalue", "provider": "keyvalue-memory"}
INTERFACE = "test:tally/tally@0.1.0"


def bank(told="first", **more):
    """A workload that serves no HTTP, only others."""
    component = hosting.component("back", "tally-back", localResources={
        "environment": {"WHO": "bank"}, "config": {"told": told}, **more})
    return {"name": "bank", "components": [component], "hostInterfaces": [KEYVALUE]}


def shop(provider="workload:bank/back", name="shop", **policy):
    return {"name": name, "components": [hosting.component("web", "tally-web", **policy)],
            "hostInterfaces": [KEYVALUE, {"namespace": "test", "package": "tally",
                                          "provider": provider}],
            "http": {"routes": [{"host": f"{name}.test"}]}}


class WorkloadProviderTest(hosting.TestCase):
    def ask(self, path, name="shop"):
        return self.host_.text_of(f"{name}.test", path).strip()

    def binding(self, name="shop"):
        [component] = self.host_.status(name)["components"]
        [binding] = [each for each in component["bindings"] if "tally" in each["id"]]
        return binding

    def start_host(self, *manifests, **options):
        self.host_ = self.host(**options)
        for manifest in manifests:
            self.host_.apply(manifest)
        return self.host_

    def test_values_and_resources_cross_and_keys_are_the_providers(self):
        self.start_host(bank(), shop(), shop("workload:default/bank/back", name="other"))
        self.assertEqual(["1", "2"], [self.ask("/other/a") for _ in range(2)])
        self.assertEqual("3", self.ask("/other/a", name="other"))
        self.assertEqual("1", self.ask("/own/a"))
        self.assertEqual("41 42", self.ask("/resource"))
        self.assertEqual({"id": "default/shop/web/test:tally", "generation": 1,
                          "provider": "workload:default/bank/back"}, self.binding())
        [back] = self.host_.status("bank")["components"]
        self.assertEqual("library", back["kind"])
        self.assertEqual(0, back["failuresTotal"])
        self.assertGreater(back["callsTotal"], 3)

    def test_a_provider_that_is_not_there_yet_or_any_more(self):
        host = self.start_host(shop())
        problem = 'workload "default/bank" does not run on this host'
        self.assertEqual(500, host.ask("shop.test", "/other/a").status)
        host.wait_for_stderr('failed: workload .*does not run on this host')
        self.assertEqual(problem, self.binding()["problem"])
        shown = self.run_wash("workload", "--host", f"unix:{self.admin_socket}", "get", "shop")
        self.assertIn(f"bound to workload:default/bank/back, generation 1: {problem}\n",
                      shown.stdout)
        for told in ("first", "second"):
            host.apply(bank(told))
            self.assertIn(f'"told", "{told}"', self.ask("/settings"))
            self.assertNotIn("problem", self.binding())
            host.delete("bank")
            self.assertEqual(500, host.ask("shop.test", "/other/a").status)
            self.assertEqual(problem, self.binding()["problem"])

    def test_an_update_is_swapped_in(self):
        host = self.start_host(bank(), shop(poolSize=1), config={"shards": 1})
        self.assertIn('"told", "first"', self.ask("/settings"))
        statuses, stop = [], threading.Event()

        def ask():
            while not stop.is_set():
                statuses.append(host.ask("shop.test", "/other/a").status)

        asking = threading.Thread(target=ask)
        asking.start()
        for told in ("second", "third"):
            host.apply(bank(told))
            self.assertIn(f'"told", "{told}"', self.ask("/settings"))
        stop.set()
        asking.join()
        self.assertEqual({200}, set(statuses))
        # What is left of generations that were replaced ends.
        self.eventually(lambda: host.status("bank")["components"][0]["instances"] <= 1, "instances")

    def test_calls_under_way_end_in_the_generation_they_began_in(self):
        host = self.start_host(bank(cpuLimit=1500), shop(), config={"shards": 2})
        answers = []
        spinning = threading.Thread(
            target=lambda: answers.append(host.ask("shop.test", "/spin").status))
        spinning.start()
        self.eventually(lambda: host.status("bank")["components"][0]["callsInFlight"] == 1, "call")
        host.apply(bank("second", cpuLimit=1500))
        self.assertIn('"told", "second"', self.ask("/settings"))
        spinning.join()
        self.assertEqual([500], answers)
        host.wait_for_stderr("the call used up its CPU time")

    def test_who_does_not_end_in_time_is_cut_off(self):
        host = self.start_host(bank(cpuLimit=60000), shop(),
                               config={"limits": {"retireTimeout": "200ms"}, "shards": 2})
        answers = []
        spinning = threading.Thread(
            target=lambda: answers.append(host.ask("shop.test", "/spin").status))
        spinning.start()
        self.eventually(lambda: host.status("bank")["components"][0]["callsInFlight"] == 1, "call")
        host.delete("bank")
        spinning.join()
        self.assertEqual([500], answers)
        host.wait_for_stderr("the import .*spin failed: component .*back.* has ended")

    def test_mistakes_are_named(self):
        self.start_host(bank(), hosting.workload("plain", "http-misc"))
        for provider, message in (
                ("workload:elsewhere/bank/back", "is of another namespace than the workload"),
                ("workload:shop/web", "within a workload it is component:NAME")):
            with self.subTest(provider):
                self.assertIn(message, self.host_.why_refused(shop(provider)))
        why = self.host_.why_refused(shop("workload:bank"), status=400)
        self.assertIn("is not a provider", why)
        for provider, message in (
                ("workload:bank/none", 'workload "default/bank" has no component "none"'),
                ("workload:plain/web", 'component "default/plain/web" cannot be called')):
            with self.subTest(provider):
                self.host_.apply(shop(provider))
                self.assertIn(message, self.binding()["problem"])
        odd = bank()
        odd["name"] = "odd"
        odd["components"][0]["file"] = harness.guest("pair-back")
        odd["hostInterfaces"] = []
        self.host_.apply(odd)
        self.assertIn(f"which is to provide {INTERFACE}, does not export it",
                      self.host_.why_refused(shop("workload:odd/back")))

    def test_a_cycle_is_refused(self):
        self.start_host()
        first = {**shop("workload:two/web"), "name": "one"}
        second = {**shop("workload:one/web"), "name": "two"}
        second["http"] = {"routes": [{"host": "two.test"}]}
        self.host_.apply(first)
        self.assertIn("default/two/web -> default/one/web -> default/two/web",
                      self.host_.why_refused(second))
        self.host_.delete("one")
        self.host_.apply(second)


if __name__ == "__main__":
    harness.main()
