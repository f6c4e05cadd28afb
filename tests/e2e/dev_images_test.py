#!/usr/bin/env python3
"""`wash dev` with components that are named by image."""

import harness
import developing
import registries


class DevImagesTest(developing.TestCase):
    def setUp(self):
        super().setUp()
        self.registry = registries.start(self)
        self.env = self.environment(XDG_CACHE_HOME=str(self.folder / "cache"),
                                    DOCKER_CONFIG=str(self.folder / "docker"))

    def push(self, guest):
        reference = self.registry.reference("acme/back:1")
        self.wash_json("oci", "push", reference, harness.guest(guest), "--insecure", env=self.env)
        return reference

    def settings(self, reference, **keys):
        return {"allow_insecure_registries": True,
                "components": [{"name": "back", "image": reference, **keys}]}

    def test_an_image_is_pulled_and_composed(self):
        self.project("pair-web", dev=self.settings(self.push("pair-back")))
        dev = self.dev(env=self.env)
        self.assertEqual(200, dev.get("/").status)
        self.swap("http-hello")
        dev.until("reloaded")
        self.assertIn("hello from rust", self.text_of(dev, "/x"))
        self.assertEqual(0, dev.interrupt())

    def test_one_that_is_not_there_is_told_and_waited_for(self):
        reference = self.registry.reference("acme/back:1")
        self.project("pair-web", dev=self.settings(reference))
        process = self.start("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0", env=self.env)
        failed = process.wait_for_stdout(".*load-failed.*").group()
        self.assertIn(reference, failed)
        self.push("pair-back")
        self.source("README.md", "another round")
        process.wait_for_stdout('"event":"serving"')
        process.send(harness.signal.SIGINT)
        self.assertEqual(0, process.wait())

    def test_never_pulled_must_be_in_the_cache(self):
        self.project("pair-web", dev=self.settings(self.push("pair-back"), pullPolicy="never"))
        process = self.start("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0", env=self.env)
        self.assertIn("is not in the cache", process.wait_for_stdout(".*load-failed.*").group())


if __name__ == "__main__":
    harness.main()
