#!/usr/bin/env python3
"""The plugins in examples/plugins do what their pages say; those whose tools are large, in
long/plugin_languages_test.py."""

import json
import os

import developing
import harness
import installing
import registries


class Annotate(installing.TestCase):
    def annotations(self, *arguments):
        """Of what is pushed with these arguments, as another program reads them."""
        registry = registries.start(self)
        reference = registry.reference("acme/web:1")
        self.says(*arguments, "oci", "push", reference, harness.guest("http-hello"), "--insecure")
        raw = registries.skopeo(self, "inspect", "--raw", "--tls-verify=false",
                                f"docker://{reference}")
        return json.loads(raw)["annotations"]

    def test_annotations_end_up_in_the_manifest(self):
        self.install("annotate")
        self.write(".config/wash/config.yaml",
                   "plugins:\n  config:\n    annotate:\n      team: blue\n")
        annotations = self.annotations()
        self.assertEqual("blue", annotations["com.example.team"])
        self.assertEqual("http-hello.wasm", annotations["com.example.file"])

    def test_without_the_plugin_there_are_none(self):
        self.assertNotIn("com.example.team", self.annotations())

    def test_a_team_that_would_forge_another_annotation_stops_the_push(self):
        self.install("annotate")
        self.write(".config/wash/config.yaml",
                   "plugins:\n  config:\n    annotate:\n      team: \"blue\\ncom.example.x=1\"\n")
        done = self.run_wash("oci", "push", "127.0.0.1:1/acme/web:1", harness.guest("http-hello"),
                             "--insecure")
        self.assertEqual(1, done.returncode)
        self.assertIn("plugin annotate, before oci push: com.example.team has a line break",
                      done.stderr)


class Template(installing.TestCase):
    def setUp(self):
        super().setUp()
        self.install("template")

    def test_it_is_what_new_projects_are_made_of(self):
        self.says("new", "made", cwd=self.folder)
        self.assertEqual("# A service of our team\n",
                         (self.folder / "made/README.md").read_text())
        self.assertTrue((self.folder / "made/.wash/config.yaml").is_file())

    def test_a_template_that_was_chosen_stays(self):
        self.write("mine/own.txt", "own")
        self.says("new", "made", "--local", self.folder / "mine", cwd=self.folder)
        self.assertEqual(["own.txt"], os.listdir(self.folder / "made"))
        self.says("new", "hello", "--template", "http-hello", "--language", "c", cwd=self.folder)
        self.assertTrue((self.folder / "hello/main.c").is_file())


class Otel(developing.TestCase):
    """With a program in the place of docker that writes down what it was told."""

    def setUp(self):
        super().setUp()
        self.docker("echo container-1")
        done = self.run_wash("plugin", "install", harness.guest("plugin-otel"))
        self.assertEqual(0, done.returncode, done.stderr)
        self.project("http-misc")

    def docker(self, then):
        program = self.write("bin/docker", "#!/bin/sh\n"
                             f"echo \"$@\" >> {self.folder}/told\n{then}\n")
        program.chmod(0o755)

    def environment(self, **more):
        return super().environment(**{"PATH": f"{self.folder}/bin:{os.environ['PATH']}", **more})

    def told(self):
        path = self.folder / "told"
        return path.read_text().splitlines() if path.exists() else []

    def test_the_collector_runs_as_long_as_wash_dev(self):
        dev = self.dev("--allow", "otel-collector:declared")
        self.assertEqual(["run --rm --detach --name wash-otel-collector --publish 4318:4318 "
                          "otel/opentelemetry-collector:latest"], self.told())
        variables = dict(json.loads(dev.get("/env").body))
        self.assertEqual("http://127.0.0.1:4318", variables["OTEL_EXPORTER_OTLP_ENDPOINT"])
        self.assertEqual(0, dev.interrupt())
        self.assertEqual("stop wash-otel-collector", self.told()[-1])
        self.assertEqual(2, len(self.told()))

    def refused(self, *flags):
        done = self.run_wash(*flags, "dev", cwd=self.folder / "project")
        self.assertEqual(1, done.returncode)
        return done.stderr

    def test_without_leave_nothing_is_run(self):
        self.assertIn("plugin otel-collector, before dev: it may not run", self.refused())
        self.assertEqual([], self.told())

    def test_a_collector_that_does_not_start_stops_wash_dev(self):
        self.docker("echo no such image >&2; exit 125")
        self.assertIn("docker ended with 125: no such image",
                      self.refused("--allow", "otel-collector:declared"))

    def test_the_doctor_shows_whether_there_is_a_docker(self):
        self.docker("echo Docker version 99")
        done = self.run_wash("--allow", "otel-collector:declared", "doctor")
        self.assertIn("ok       otel-collector/docker: Docker version 99", done.stdout)
        denied = self.run_wash("doctor")
        self.assertIn("warning  otel-collector/docker: it may not run", denied.stdout)


if __name__ == "__main__":
    harness.main()
