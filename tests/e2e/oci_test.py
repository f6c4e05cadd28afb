#!/usr/bin/env python3
"""`wash oci push` and `wash oci pull` against a real registry, read back by a foreign client."""

import hashlib
import json
import os
import pathlib
import stat
import subprocess

import certificates
import harness
import registries


class TestCase(harness.TestCase):
    """The cache of artifacts is the test's own."""

    def environment(self, **more):
        return super().environment(**{"XDG_CACHE_HOME": str(self.folder / "cache"),
                                      "DOCKER_CONFIG": str(self.folder / "docker"), **more})

    def login(self, authority, auth):
        self.write("docker/config.json", json.dumps({"auths": {authority: {"auth": auth}}}))

    def fails(self, *arguments, **options):
        """The message of a command that fails with 1."""
        done = self.run_wash(*arguments, **options)
        self.assertEqual(1, done.returncode, done.stdout)
        return done.stderr

    def push(self, reference, *arguments, guest="http-hello", **options):
        return self.wash_json("oci", "push", reference, harness.guest(guest), *arguments,
                              **options)["data"]

    def pull(self, reference, *arguments, **options):
        out = self.folder / "out.wasm"
        data = self.wash_json("oci", "pull", reference, out, *arguments, **options)["data"]
        self.assertEqual(str(out), data["output_path"])
        self.assertEqual(out.stat().st_size, data["bytes"])
        return data, out.read_bytes()


class PushAndPull(TestCase):
    def setUp(self):
        super().setUp()
        self.registry = registries.start(self)
        self.reference = self.registry.reference("acme/web:1.0")
        self.content = pathlib.Path(harness.guest("http-hello")).read_bytes()

    def skopeo(self, *arguments):
        return registries.skopeo(self, "inspect", "--tls-verify=false", *arguments,
                                 f"docker://{self.reference}")

    def test_what_is_pushed_can_be_pulled(self):
        pushed = self.push(self.reference, "--insecure")
        pulled, content = self.pull(self.reference, "--insecure")
        self.assertEqual(self.content, content)
        self.assertEqual(pushed["digest"], pulled["digest"])
        self.assertEqual(self.reference, pulled["reference"])

    def test_skopeo_reads_the_artifact(self):
        pushed = self.push(self.reference, "--insecure", "--annotation", "com.example.team=web",
                           "--annotation", "org.opencontainers.image.title=Hello, world")
        raw = self.skopeo("--raw")
        self.assertEqual(pushed["digest"], "sha256:" + hashlib.sha256(raw.encode()).hexdigest())
        manifest = json.loads(raw)
        self.assertEqual("application/vnd.wasm.config.v0+json", manifest["config"]["mediaType"])
        layer = {"mediaType": "application/wasm", "size": len(self.content),
                 "digest": "sha256:" + hashlib.sha256(self.content).hexdigest()}
        self.assertEqual([layer], manifest["layers"])
        self.assertEqual("web", manifest["annotations"]["com.example.team"])
        self.assertEqual("Hello, world",
                         manifest["annotations"]["org.opencontainers.image.title"])
        config = json.loads(self.skopeo("--raw", "--config"))
        self.assertEqual(("wasm", "wasip2"), (config["architecture"], config["os"]))
        self.assertEqual([layer["digest"]], config["layerDigests"])
        self.assertTrue(any(name.startswith("wasi:http/incoming-handler@")
                            for name in config["component"]["exports"]))

    def test_pushing_again_changes_nothing(self):
        first = self.push(self.reference, "--insecure")
        again = self.run_wash("oci", "push", self.reference, harness.guest("http-hello"),
                              "--insecure")
        self.assertIn("that the registry had already", again.stdout)
        self.assertIn(first["digest"], again.stdout)

    def test_the_time_of_a_reproducible_build_counts(self):
        self.push(self.reference, "--insecure",
                  env=self.environment(SOURCE_DATE_EPOCH="1700000000"))
        manifest = json.loads(self.skopeo("--raw"))
        self.assertEqual("2023-11-14T22:13:20Z",
                         manifest["annotations"]["org.opencontainers.image.created"])

    def test_what_skopeo_copied_can_be_pulled_by_digest(self):
        digest = self.push(self.reference, "--insecure")["digest"]
        copy = self.registry.reference("other/copy:2")
        registries.skopeo(self, "copy", "--src-tls-verify=false", "--dest-tls-verify=false",
                          f"docker://{self.reference}", f"docker://{copy}")
        by_digest = self.registry.reference(f"other/copy@{digest}")
        self.assertEqual(self.content, self.pull(by_digest, "--insecure")[1])

    def test_policies_say_when_the_registry_is_asked(self):
        self.push(self.reference, "--insecure")
        message = self.fails("oci", "pull", self.reference, "--pull-policy", "never")
        self.assertIn("is not in the cache", message)
        self.pull(self.reference, "--insecure")
        self.push(self.reference, "--insecure", guest="command")
        for policy in ("never", "ifNotPresent"):
            self.assertEqual(self.content, self.pull(self.reference, "--pull-policy", policy)[1])
        newer = pathlib.Path(harness.guest("command")).read_bytes()
        self.assertEqual(newer, self.pull(self.reference, "--insecure")[1])
        self.registry.kill()
        self.assertEqual(newer, self.pull(self.reference, "--pull-policy", "ifNotPresent")[1])
        message = self.fails("oci", "pull", self.reference, "--insecure")
        self.assertIn("cannot talk to the registry", message)

    def test_damage_in_the_cache_is_repaired(self):
        self.push(self.reference, "--insecure")
        self.pull(self.reference, "--insecure")
        blobs = self.folder / "cache/wash/oci/blobs/sha256"
        (blobs / hashlib.sha256(self.content).hexdigest()).write_bytes(b"damaged")
        self.assertIn("is not in the cache",
                      self.fails("oci", "pull", self.reference, "--pull-policy", "never"))
        self.assertEqual(self.content, self.pull(self.reference, "--insecure", "--pull-policy",
                                                 "ifNotPresent")[1])

    def test_the_cache_is_the_users_alone(self):
        self.push(self.reference, "--insecure")
        self.pull(self.reference, "--insecure")
        cache = self.folder / "cache/wash/oci"
        self.assertEqual(0o700, stat.S_IMODE(cache.stat().st_mode))
        cache.chmod(0o755)
        self.assertIn("open to other users", self.fails("oci", "pull", self.reference))

    def test_many_pulls_at_once_share_a_cache(self):
        self.push(self.reference, "--insecure")
        pulls = [subprocess.Popen([harness.WASH, "oci", "pull", self.reference,
                                   self.folder / f"out-{i}.wasm", "--insecure"],
                                  env=self.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT) for i in range(8)]
        for number, pull in enumerate(pulls):
            output, _ = pull.communicate(timeout=harness.PATIENCE_SECONDS)
            self.assertEqual(0, pull.returncode, output)
            self.assertEqual(self.content, (self.folder / f"out-{number}.wasm").read_bytes())

    def test_a_pull_that_fails_leaves_the_file_alone(self):
        out = self.write("out.wasm", "mine")
        message = self.fails("oci", "pull", self.registry.reference("acme/none:1"), out,
                             "--insecure")
        self.assertIn("404 (MANIFEST_UNKNOWN: manifest unknown)", message)
        self.assertEqual("mine", out.read_text())

    def test_what_is_not_webassembly_is_not_pushed(self):
        text = self.write("text.wasm", "not wasm")
        self.assertIn("is not a WebAssembly binary",
                      self.fails("oci", "push", self.reference, text, "--insecure"))
        broken = self.write("broken.wasm", self.content[:100])
        self.assertIn("neither a WebAssembly component nor a module",
                      self.fails("oci", "push", self.reference, broken, "--insecure"))

    def test_container_images_are_refused(self):
        layout = self.folder / "layout"
        blob = b"a layer"
        digest = hashlib.sha256(blob).hexdigest()
        config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
        config_digest = hashlib.sha256(config).hexdigest()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                       "digest": f"sha256:{config_digest}", "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
                        "digest": f"sha256:{digest}", "size": len(blob)}]}).encode()
        manifest_digest = hashlib.sha256(manifest).hexdigest()
        for content in (blob, config, manifest):
            self.write(f"layout/blobs/sha256/{hashlib.sha256(content).hexdigest()}", content)
        self.write("layout/oci-layout", '{"imageLayoutVersion":"1.0.0"}')
        self.write("layout/index.json", json.dumps({"schemaVersion": 2, "manifests": [
            {"mediaType": "application/vnd.oci.image.manifest.v1+json",
             "digest": f"sha256:{manifest_digest}", "size": len(manifest)}]}))
        registries.skopeo(self, "copy", "--dest-tls-verify=false", f"oci:{layout}",
                          f"docker://{self.reference}")
        self.assertIn("it has application/vnd.oci.image.layer.v1.tar",
                      self.fails("oci", "pull", self.reference, "--insecure"))

    def test_references_can_be_inspected_and_run(self):
        self.push(self.reference, "--insecure", guest="command")
        self.assertIn("export wasi:cli/run@",
                      self.run_wash("inspect", self.reference, "--insecure").stdout)
        ran = self.run_wash("run", self.reference, "--", "one", "two")  # from the cache
        self.assertEqual(0, ran.returncode, ran.stderr)
        self.assertIn("one", ran.stdout)

    def test_references_can_be_served(self):
        self.push(self.reference, "--insecure")
        server = self.wash("run", self.reference, "--insecure", "--addr", "127.0.0.1:0")
        self.assertEqual(200, server.get("/").status)

    def test_a_folder_wins_over_a_reference(self):
        os.makedirs(self.folder / "localhost/web")
        self.assertIn("no built component",
                      self.fails("inspect", "localhost/web", cwd=self.folder))


class Logins(TestCase):
    def setUp(self):
        super().setUp()
        self.registry = registries.start(self, users=True)
        self.reference = self.registry.reference("acme/web:1.0")

    def test_without_a_login_nothing_goes(self):
        message = self.fails("oci", "pull", self.reference, "--insecure")
        self.assertIn(f"docker login {self.registry.authority}", message)

    def test_a_user_and_a_password_are_taken_from_flags(self):
        self.push(self.reference, "--insecure", "-u", "ali", "-p", "open sesame")
        done = self.run_wash("oci", "pull", self.reference, self.folder / "out.wasm",
                             "--insecure", "--user", "ali", "--password-stdin",
                             input="open sesame\n")
        self.assertEqual(0, done.returncode, done.stderr)

    def test_a_wrong_password_is_refused_and_not_printed(self):
        message = self.fails("oci", "pull", self.reference, "--insecure", "-u", "ali", "-p",
                             "open barley")
        self.assertIn("401", message)
        self.assertNotIn("barley", message)

    def test_logins_of_docker_are_used(self):
        self.login(self.registry.authority, "YWxpOm9wZW4gc2VzYW1l")
        self.push(self.reference, "--insecure")
        self.pull(self.reference, "--insecure")

    def test_credential_programs_are_asked(self):
        program = self.write("bin/docker-credential-test", "#!/bin/sh\n"
                             "[ \"$1\" = get ] && read -r server && echo \"$server\" > "
                             f"{self.folder}/asked\n"
                             "echo '{\"Username\":\"ali\",\"Secret\":\"open sesame\"}'\n")
        program.chmod(0o755)
        self.write("docker/config.json", json.dumps({"credsStore": "test"}))
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        self.push(self.reference, "--insecure", env=self.environment(PATH=path))
        self.assertEqual(self.registry.authority, (self.folder / "asked").read_text().strip())


class Tls(TestCase):
    def setUp(self):
        super().setUp()
        issued = certificates.Certificates(self.folder)
        self.ca = issued["ca.pem"]
        self.registry = registries.start(self, certificate=(issued["server.pem"],
                                                            issued["server.key"]))
        self.reference = self.registry.reference("acme/web:1.0")

    def test_an_authority_of_our_own_is_trusted_when_it_is_named(self):
        self.push(self.reference, "--ca-path", self.ca)
        self.pull(self.reference, env=self.environment(WASH_OCI_CA_PATHS=self.ca))

    def test_an_unknown_authority_is_refused(self):
        message = self.fails("oci", "pull", self.reference)
        self.assertIn("--ca-path", message)

    def test_tls_is_not_given_up_silently(self):
        plain = registries.start(self)
        message = self.fails("oci", "pull", plain.reference("acme/web:1.0"))
        self.assertIn("--insecure", message)


if __name__ == "__main__":
    harness.main()
