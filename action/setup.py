#!/usr/bin/env python3
"""What the action does, in three steps between which caches are restored: setup.py STEP

    plan      which version, where it goes, and under which keys it and the plugins are kept
    install   the release into the tool folder, unless it is there; puts it on PATH
    plugins   those plugins that are not there; says which there are

Inputs come as variables WASH_ACTION_…, never as text of a command. Results go to GITHUB_OUTPUT and
GITHUB_PATH.
"""

import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

INSTALL_SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "dist/install.sh"
VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
REFERENCE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.:/_\[\]-]*@sha256:[0-9a-f]{64}")
LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost)([:/]|$)")
DOWNLOAD_LIMIT_SECONDS = 60
INSTALL_LIMIT_SECONDS = 900


class Failed(Exception):
    """The job cannot go on; the message says why."""


def value(name):
    return os.environ.get(f"WASH_ACTION_{name}", "").strip()


def put_output(**outputs):
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as file:
        for name, text in outputs.items():
            if "\n" in text or "\r" in text:
                raise Failed(f"the output {name} has more than one line")
            file.write(f"{name.replace('_', '-')}={text}\n")


def run(*command, limit_seconds, env=None):
    """What a command prints; its own messages go into the log."""
    try:
        done = subprocess.run([str(word) for word in command], text=True, check=False, env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              timeout=limit_seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{command[0]}: {error}") from None
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))} fails with {done.returncode}: "
                     f"{done.stdout.strip()}")
    return done.stdout


def base_url():
    url = value("BASE_URL").rstrip("/")
    if not url.startswith("https://") and not LOOPBACK.match(url):
        raise Failed(f"base-url \"{url}\" must begin with https://")
    return url


def resolve_version(text):
    """A version, or what the release folder calls the latest."""
    if text in ("", "latest"):
        text = run("curl", "--fail", "--silent", "--show-error", "--location", "--proto",
                   "=https,http", "--proto-redir", "=https", "--retry", "3", "--max-filesize",
                   "100", f"{base_url()}/latest", limit_seconds=DOWNLOAD_LIMIT_SECONDS).strip()
    text = text.removeprefix("v")
    if not VERSION.fullmatch(text):
        raise Failed(f"\"{text}\" is not a version")
    return text


def wanted_plugins():
    """The references of the input, in its order. A tag alone may mean another plugin tomorrow."""
    references = [each.strip() for each in re.split(r"[\n,]", value("PLUGINS")) if each.strip()]
    for reference in references:
        if not REFERENCE.fullmatch(reference):
            raise Failed(f"plugin \"{reference}\" has no digest: REGISTRY/NAME:TAG@sha256:…")
    return references


def source_key():
    """Another source or digest is another program, even under the same version."""
    return hashlib.sha256(f"{base_url()} {value('SHA256')}".encode()).hexdigest()[:16]


def tool_folder(version):
    """What is there already is taken for the program that is wanted."""
    root = value("CACHE_FOLDER") or os.environ.get("RUNNER_TOOL_CACHE", "")
    if not root:
        raise Failed("neither cache-folder nor RUNNER_TOOL_CACHE says where to install")
    return pathlib.Path(root) / "wash" / version / f"{platform.machine()}-{source_key()}"


def plan():
    version = resolve_version(value("VERSION"))
    plugins = hashlib.sha256("\n".join(wanted_plugins()).encode()).hexdigest()[:32]
    machine = platform.machine()
    put_output(wash_version=version, tool_folder=str(tool_folder(version)),
               tool_key=f"wash-{version}-{machine}-{source_key()}",
               plugin_key=f"wash-plugins-{version}-{machine}-{plugins}")


def runs_as(wash, version):
    """Whether there is a program that says that it is this version."""
    try:
        said = run(wash, "--version", limit_seconds=30)
    except Failed:
        return False
    return said.startswith(f"wash {version}\n")


def install():
    version = resolve_version(value("VERSION"))
    folder = tool_folder(version)
    wash = folder / "bin/wash"
    if wash.exists() and runs_as(wash, version):
        print(f"wash {version} is in the cache")
    else:
        print(run("sh", INSTALL_SCRIPT, "--base-url", base_url(), "--version", version,
                  "--no-modify-path", limit_seconds=INSTALL_LIMIT_SECONDS,
                  env={**os.environ, "INSTALL_DIR": str(wash.parent),
                       "WASH_SHA256": value("SHA256")}), end="")
    with open(os.environ["GITHUB_PATH"], "a", encoding="utf-8") as file:
        file.write(f"{wash.parent}\n")
    plugin_folder = data_of(wash, "config", "info").get("plugin_dir")
    if not isinstance(plugin_folder, str) or not plugin_folder:
        raise Failed("wash config info does not say where plugins are")
    put_output(wash_path=str(wash), plugin_dir=plugin_folder)


def data_of(wash, *command):
    """`data` of what a command prints as JSON."""
    text = run(wash, *command, "--non-interactive", "-o", "json",
               limit_seconds=INSTALL_LIMIT_SECONDS)
    try:
        return json.loads(text)["data"]
    except (ValueError, KeyError, TypeError):
        raise Failed(f"wash {' '.join(command)} prints no result: {text[:200]}") from None


def installed_plugins(wash):
    """What there is, by source."""
    plugins = data_of(wash, "plugin", "list").get("plugins", [])
    return {plugin.get("source"): {"name": plugin.get("name"),
                                   "version": plugin.get("metadata", {}).get("version"),
                                   "digest": plugin.get("digest"),
                                   "source": plugin.get("source")}
            for plugin in plugins}


def plugins():
    wash = value("WASH")
    wanted = wanted_plugins()
    if not wanted:
        put_output(plugins="[]")
        return
    there = installed_plugins(wash)
    for reference in wanted:
        if reference in there:
            print(f"plugin {reference} is in the cache")
            continue
        # wash verifies that what the registry sends has the digest of the reference.
        data_of(wash, "plugin", "install", reference, "--force")
        print(f"installed plugin {reference}")
    there = installed_plugins(wash)
    missing = [reference for reference in wanted if reference not in there]
    if missing:
        raise Failed(f"not installed, or replaced by another of the same name: {missing[0]}")
    put_output(plugins=json.dumps([there[reference] for reference in wanted],
                                  separators=(",", ":")))


def main():
    steps = {"plan": plan, "install": install, "plugins": plugins}
    if len(sys.argv) != 2 or sys.argv[1] not in steps:
        sys.exit(f"usage: setup.py {'|'.join(steps)}")
    try:
        steps[sys.argv[1]]()
    except Failed as failure:
        print(f"::error::{str(failure).splitlines()[0]}")
        sys.exit(f"setup-wash: {failure}")


if __name__ == "__main__":
    main()
