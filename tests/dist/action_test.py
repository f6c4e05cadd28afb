#!/usr/bin/env python3
"""The GitHub Action's steps, as a runner runs them: real script, fake runner, releases on loopback.

The program of these releases is a script that keeps plugins as files, so that the tests see what
the action asks of wash. tests/e2e/plugin_install_test.py holds wash to the list that it prints.
"""

import hashlib
import json
import os
import pathlib
import subprocess

import releases  # first: it finds the others
import harness

OTEL = "ghcr.io/acme/otel:1.0@sha256:" + "1" * 64
LINT = "ghcr.io/acme/lint@sha256:" + "2" * 64
FORGED = "ghcr.io/acme/forged:1.0@sha256:" + "f" * 64

# `plugin install SOURCE …` writes SOURCE into a file, and refuses the forged one as wash would.
ANSWERS = r"""
"config info --non-interactive -o json")
  echo "{\"success\":true,\"message\":\"\",\"data\":{\"plugin_dir\":\"$HOME/plugins\"}}" ;;
"plugin list --non-interactive -o json")
  list= ; for each in "$HOME"/plugins/*; do
    [ -f "$each" ] || continue
    item="{\"name\":\"${each##*/}\",\"digest\":\"sha256:ab\",\"source\":\"$(cat "$each")\""
    item="$item,\"path\":\"$each\",\"size\":1,\"metadata\":{\"version\":\"1.0\"}}"
    list="$list${list:+,}$item"
  done
  echo "{\"success\":true,\"message\":\"\",\"data\":{\"plugins\":[$list],\"count\":0}}" ;;
"plugin install ghcr.io/acme/forged"*)
  echo '{"success":false,"message":"damaged or forged","data":{}}'; exit 1 ;;
"plugin install "*" --force --non-interactive -o json")
  echo "$3" >>"$HOME/installs"
  name=${3##*/}; mkdir -p "$HOME/plugins"; echo "$3" >"$HOME/plugins/${name%%[:@]*}"
  echo '{"success":true,"message":"","data":{}}' ;;
"""


class Runner(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.releases = releases.Folder(self.folder / "releases")
        for version in ("0.1.0", "0.2.0"):
            self.releases.add(version, program=releases.script(version, ANSWERS))
        self.server = releases.serve(self, self.releases.path)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.paths = self.folder / "path"

    def step(self, name, **inputs):
        """One step: (its outputs, the finished process)."""
        outputs = self.folder / f"output-{name}"
        outputs.write_text("", encoding="utf-8")
        done = subprocess.run(
            ["python3", "-B", releases.SOURCE / "action/setup.py", name], text=True,
            capture_output=True, check=False, timeout=harness.PATIENCE_SECONDS,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home),
                 "RUNNER_TOOL_CACHE": str(self.folder / "tools"), "GITHUB_OUTPUT": str(outputs),
                 "GITHUB_PATH": str(self.paths),
                 **{f"WASH_ACTION_{key}": text for key, text in inputs.items()}})
        lines = outputs.read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines), done

    def succeed(self, name, **inputs):
        outputs, done = self.step(name, **inputs)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return outputs

    def run_action(self, version="0.2.0", plugins="", sha256="", **more):
        """All steps in the order of action.yml: their outputs."""
        given = {"BASE_URL": self.server.url, "SHA256": sha256, **more}
        planned = self.succeed("plan", VERSION=version, PLUGINS=plugins, **given)
        installed = self.succeed("install", VERSION=planned["wash-version"], **given)
        listed = self.succeed("plugins", WASH=installed["wash-path"], PLUGINS=plugins)
        return {**planned, **installed, **listed}

    def refuses(self, message, name, **inputs):
        outputs, done = self.step(name, **inputs)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn(message, done.stderr)
        self.assertIn("::error::", done.stdout)
        return outputs

    def installs(self):
        log = self.home / "installs"
        return log.read_text("utf-8").splitlines() if log.exists() else []


class Action(Runner):
    def test_installs_and_says_where(self):
        outputs = self.run_action()
        folder = pathlib.Path(outputs["tool-folder"])
        self.assertEqual(self.folder / "tools/wash/0.2.0", folder.parent)
        self.assertTrue(folder.name.startswith(f"{os.uname().machine}-"), folder.name)
        self.assertEqual(str(folder / "bin/wash"), outputs["wash-path"])
        self.assertEqual(str(self.home / "plugins"), outputs["plugin-dir"])
        self.assertEqual("[]", outputs["plugins"])
        self.assertEqual(f"{folder}/bin\n", self.paths.read_text("utf-8"))
        said = subprocess.run(["wash", "--version"], text=True, check=True, capture_output=True,
                              env={"PATH": f"{folder}/bin:{os.environ['PATH']}"}).stdout
        self.assertEqual("wash 0.2.0", said.split("\n")[0])
        self.assertFalse((self.home / ".profile").exists())

    def test_installs_the_latest(self):
        self.assertEqual("0.2.0", self.run_action(version="latest")["wash-version"])
        self.assertEqual("0.1.0", self.run_action(version="v0.1.0")["wash-version"])

    def test_installs_plugins_and_lists_them(self):
        outputs = self.run_action(plugins=f"\n  {OTEL}\n  {LINT}\n")
        self.assertEqual(
            [{"name": "otel", "version": "1.0", "digest": "sha256:ab", "source": OTEL},
             {"name": "lint", "version": "1.0", "digest": "sha256:ab", "source": LINT}],
            json.loads(outputs["plugins"]))
        self.assertEqual([OTEL, LINT], self.installs())

    def test_a_second_run_takes_all_from_the_cache(self):
        first = self.run_action(plugins=f"{OTEL},{LINT}")
        requests = len(self.server.requests)
        second = self.run_action(plugins=f"{OTEL},{LINT}")
        self.assertEqual(first, second)
        self.assertEqual(requests, len(self.server.requests))
        self.assertEqual([OTEL, LINT], self.installs())

    def test_installs_what_a_cache_lacks(self):
        self.run_action(plugins=OTEL)
        self.run_action(plugins=f"{OTEL},{LINT}")
        self.assertEqual([OTEL, LINT], self.installs())

    def test_a_damaged_program_in_the_cache_is_installed_again(self):
        outputs = self.run_action()
        with open(outputs["wash-path"], "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexit 1\n")
        self.run_action()
        said = subprocess.run([outputs["wash-path"], "--version"], check=True, text=True,
                              capture_output=True).stdout
        self.assertEqual("wash 0.2.0", said.split("\n")[0])

    def test_keys_tell_apart_what_must_not_be_mixed(self):
        def keys(**inputs):
            outputs = self.succeed("plan", **{"VERSION": "0.2.0", "BASE_URL": self.server.url,
                                              **inputs})
            return outputs["tool-key"], outputs["plugin-key"]
        tool, plugin = keys(PLUGINS=OTEL)
        self.assertEqual((tool, plugin), keys(PLUGINS=f" {OTEL} ,"))
        self.assertEqual(tool, keys(PLUGINS=LINT)[0])
        self.assertNotEqual(plugin, keys(PLUGINS=LINT)[1])
        self.assertNotEqual(tool, keys(SHA256="0" * 64)[0])
        self.assertNotEqual(tool, keys(BASE_URL="https://downloads.example")[0])
        self.assertNotEqual(tool, keys(VERSION="0.1.0")[0])

    def test_a_program_from_elsewhere_is_not_taken_for_the_pinned_one(self):
        first = self.run_action()
        with open(first["wash-path"], "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho wash 0.2.0\n")
        digest = hashlib.sha256(self.releases.archive("0.2.0").read_bytes()).hexdigest()
        pinned = self.run_action(sha256=digest)
        self.assertNotEqual(first["wash-path"], pinned["wash-path"])
        self.assertNotEqual(pathlib.Path(first["wash-path"]).read_bytes(),
                            pathlib.Path(pinned["wash-path"]).read_bytes())
        self.refuses("install.sh", "install", VERSION="0.2.0", BASE_URL=self.server.url,
                     SHA256="0" * 64)

    def test_takes_the_folder_and_the_digest_that_it_is_given(self):
        digest = hashlib.sha256(self.releases.archive("0.2.0").read_bytes()).hexdigest()
        outputs = self.run_action(sha256=digest, CACHE_FOLDER=str(self.folder / "other"))
        self.assertTrue(outputs["wash-path"].startswith(str(self.folder / "other/wash/0.2.0/")))


class Refusals(Runner):
    def test_a_plugin_without_a_digest(self):
        for plugin in ("ghcr.io/acme/otel:1.0", f"{OTEL}0", "--force", "a b@sha256:" + "1" * 64):
            self.refuses("has no digest", "plan", VERSION="0.2.0", BASE_URL=self.server.url,
                         PLUGINS=plugin)

    def test_a_plugin_that_wash_refuses(self):
        wash = self.run_action()["wash-path"]
        outputs = self.refuses("damaged or forged", "plugins", WASH=wash, PLUGINS=FORGED)
        self.assertEqual({}, outputs)

    def test_plugins_that_take_each_others_place(self):
        wash = self.run_action()["wash-path"]
        other = "ghcr.io/other/otel:1.0@sha256:" + "3" * 64
        self.refuses("replaced by another", "plugins", WASH=wash, PLUGINS=f"{OTEL},{other}")

    def test_a_damaged_release(self):
        self.releases.damage("0.2.0")
        self.refuses("install.sh", "install", VERSION="0.2.0", BASE_URL=self.server.url)
        self.assertFalse(self.paths.exists())

    def test_another_digest_than_the_one_wanted(self):
        self.refuses("install.sh", "install", VERSION="0.2.0", BASE_URL=self.server.url,
                     SHA256="0" * 64)

    def test_what_is_no_version_and_no_safe_address(self):
        self.refuses("is not a version", "plan", VERSION="../x", BASE_URL=self.server.url)
        self.refuses("must begin with https://", "plan", VERSION="0.2.0",
                     BASE_URL="http://downloads.example")
        self.refuses("must begin with https://", "plan", VERSION="0.2.0",
                     BASE_URL="http://localhost.example")
        self.refuses("curl", "plan", VERSION="latest", BASE_URL=self.server.url + "/elsewhere")

    def test_a_wash_that_does_not_know_where_plugins_are(self):
        self.releases.add("0.3.0")
        self.refuses("config info", "install", VERSION="0.3.0", BASE_URL=self.server.url)


if __name__ == "__main__":
    harness.main()
