#!/usr/bin/env python3
"""`wash host` runs components by image, from a real registry."""

import hashlib
import json
import pathlib

import certificates
import harness
import hosting
import registries
from hosting import image


class TestCase(hosting.TestCase):
    """Caches and logins are the test's own."""

    def environment(self, **more):
        return super().environment(**{"DOCKER_CONFIG": str(self.folder / "docker"), **more})

    def push(self, registry, guest, *flags, tag="1"):
        reference = registry.reference(f"acme/web:{tag}")
        data = self.wash_json("oci", "push", reference, harness.guest(guest), *flags)["data"]
        return reference, data["digest"]

    def image_host(self, *flags, state=False, workloads=False, **section):
        section = {"cache": str(self.folder / "images"), **section}
        return self.host(*flags, state=state, workloads=workloads, config={"registries": section})

    def failure(self, host, manifest):
        """Why an apply failed; the same stands in the workload's status."""
        answer = host.try_apply(manifest)
        self.assertGreaterEqual(answer.status, 400, answer.text)
        reason = host.status(manifest["name"])["reason"]
        self.assertIn(json.dumps(reason)[1:-1], answer.text)
        return reason


class Images(TestCase):
    def setUp(self):
        super().setUp()
        self.registry = registries.start(self)
        self.reference, self.digest = self.push(self.registry, "http-misc", "--insecure")

    def test_an_image_serves(self):
        host = self.image_host(insecure=[self.registry.authority])
        status = host.apply(image("a", self.reference))
        self.assertEqual(200, host.ask("a.test", "/count").status)
        content = pathlib.Path(harness.guest("http-misc")).read_bytes()
        self.assertEqual("sha256:" + hashlib.sha256(content).hexdigest(),
                         status["components"][0]["digest"])

    def test_many_workloads_share_an_image(self):
        host = self.image_host(insecure=["*"])
        for number in range(20):
            host.apply(image(f"a{number}", self.reference))
        self.assertEqual(200, host.ask("a19.test", "/count").status)

    def test_a_registry_without_tls_must_be_allowed(self):
        host = self.image_host()
        why = host.why_refused(image("a", self.reference))
        self.assertIn(f'component "web": cannot pull {self.reference}: cannot talk to', why)
        self.assertIn("--allow-insecure-registries", why)
        self.assertNotIn("retryAt", host.status("a"))
        allowed = self.image_host("--allow-insecure-registries")
        allowed.apply(image("a", self.reference))

    def test_a_missing_image_is_the_reason(self):
        host = self.image_host(insecure=["*"])
        missing = self.registry.reference("acme/web:none")
        self.assertIn("404 (MANIFEST_UNKNOWN", self.failure(host, image("a", missing)))
        self.assertIn("is not in the cache",
                      self.failure(host, image("b", self.reference, imagePullPolicy="Never")))

    def test_an_image_that_was_not_there_is_asked_for_until_it_is(self):
        for owner in ("api", "folder"):
            with self.subTest(owner):
                host = self.image_host(insecure=["*"], retryPause="200ms", workloads=True)
                late = self.registry.reference(f"acme/late-{owner}:1")
                if owner == "api":
                    self.assertIn("404", self.failure(host, image("a", late)))
                else:
                    self.put("a.json", image("a", late))
                # While it is tried again nothing is said of a next time.
                self.eventually(lambda host=host: self.waits(host.status("a")),
                                "its status does not say that it is tried again")
                with host.events() as events:
                    self.wash_json("oci", "push", late, harness.guest("http-misc"), "--insecure")
                    events.until("running", "default/a")
                self.assertEqual(200, host.ask("a.test", "/count").status)
                status = host.status("a")
                self.assertEqual(("Running", "", None),
                                 (status["state"], status["reason"], status.get("retryAt")))
                self.assertEqual({}, host.problems())

    def waits(self, status):
        """Whether it has failed and is tried again."""
        if status is None or "retryAt" not in status:
            return False
        self.assertEqual("Error", status["state"])
        return True

    def test_the_digest_of_the_manifest_must_fit(self):
        host = self.image_host(insecure=["*"])
        other = "sha256:" + hashlib.sha256(b"other").hexdigest()
        self.assertIn(f"not {other}", self.failure(host, image("a", self.reference,
                                                               digest=other)))
        pinned = f"{self.reference.rsplit(':', 1)[0]}@{self.digest}"
        host.apply(image("a", pinned))

    def test_policies_say_when_the_registry_is_asked(self):
        host = self.image_host(insecure=["*"])
        host.apply(image("still", self.reference))
        host.apply(image("fresh", self.reference, imagePullPolicy="Always"))
        self.push(self.registry, "http-hello", "--insecure")
        for name, policy in (("still", "IfNotPresent"), ("fresh", "Always")):
            host.apply(image(name, self.reference, imagePullPolicy=policy))
        still, fresh = (host.status(name)["components"][0]["digest"]
                        for name in ("still", "fresh"))
        self.assertNotEqual(still, fresh)

    def test_a_restart_needs_no_registry(self):
        host = self.image_host(state=True, insecure=["*"])
        host.apply(image("a", self.reference, imagePullPolicy="Always"))
        host.terminate()
        self.registry.kill()
        again = self.image_host(state=True, insecure=["*"])
        self.assertEqual(200, again.ask("a.test", "/count").status)

    def test_a_silent_registry_keeps_nobody_waiting(self):
        reference = self.enterContext(registries.SilentRegistry()).reference("a:1")
        host = self.image_host("--registry-pull-timeout", "300s", insecure=["*"])
        for number in range(5):
            self.assertEqual(202, host.try_apply(image(f"slow{number}", reference),
                                                 wait=False).status)
        host.apply(hosting.workload("quick"))
        self.assertEqual(200, host.ask("quick.test", "/count").status)
        self.assertEqual("Starting", host.status("slow4")["state"])

    def test_a_silent_registry_is_given_up(self):
        reference = self.enterContext(registries.SilentRegistry()).reference("a:1")
        host = self.image_host("--registry-pull-timeout", "1s", insecure=["*"])
        self.assertIn("takes longer than 1 s", self.failure(host, image("slow", reference)))

    def test_a_manifest_with_images_can_be_inspected(self):
        manifest = self.write("a.json", json.dumps(image("a", self.reference)))
        done = self.run_wash("inspect", manifest, "--insecure")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("serves HTTP", done.stdout)


class Logins(TestCase):
    def test_the_operators_login_is_used(self):
        registry = registries.start(self, users=True)
        reference, _ = self.push(registry, "http-misc", "--insecure", "-u", "ali", "-p",
                                 "open sesame")
        password = self.write("password", "open sesame\n")
        host = self.image_host(insecure=["*"], logins=[
            {"registry": registry.authority, "user": "ali", "passwordFile": str(password)}])
        host.apply(image("a", reference))
        stranger = self.image_host(insecure=["*"], cache=str(self.folder / "other"))
        self.assertIn("docker login", self.failure(stranger, image("a", reference)))

    def test_authorities_of_our_own_are_trusted(self):
        issued = certificates.Certificates(self.folder)
        registry = registries.start(self, certificate=(issued["server.pem"],
                                                       issued["server.key"]))
        reference, _ = self.push(registry, "http-misc", "--ca-path", issued["ca.pem"])
        host = self.image_host(caFiles=[issued["ca.pem"]])
        host.apply(image("a", reference))

    def test_what_cannot_be_used_is_told_at_the_start(self):
        settings = {"registries": {"caFiles": [str(self.folder / "missing.pem")]}}
        done = self.run_wash(*self.host_arguments(config=settings))
        self.assertEqual(1, done.returncode)
        self.assertIn("missing.pem", done.stdout)


if __name__ == "__main__":
    harness.main()
