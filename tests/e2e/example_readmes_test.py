#!/usr/bin/env python3
"""The commands in the READMEs of the examples do as written: what is started serves, what is asked
answers, and where a line says `#> text` that is what comes out. Only the ports are others, and
temporary files lie in a folder of the test."""

import re
import shlex
import subprocess

import harness

EXAMPLES = harness.SOURCE / "examples"
BUILD = "scripts/build-guests.sh build/guests "
# Of the examples that need large tools long/examples_test.py runs the components.
QUICK = {line.split()[0] for line in
         (harness.SOURCE / "scripts" / "guest-list.sh").read_text(encoding="utf-8").splitlines()
         if line.split()[1:2] == ["quick"]}


def commands_of(readme):
    """(command, what comes out or None) of the first block that builds something."""
    block = re.search(rf"^    {BUILD}.*\n(?:    .*\n)+", readme.read_text(encoding="utf-8"),
                      re.MULTILINE)
    if not block:
        raise AssertionError(f"{readme} does not say how the example is built and run")
    commands = []
    for line in block.group(0).splitlines():
        command, *output = re.split(r"\s+#> ", line.strip())
        commands.append((re.split(r"\s+# ", command)[0], output[0] if output else None))
    return commands


class ReadmesTest(harness.TestCase):
    def test_what_the_readmes_say(self):
        folders = [config.parent for config in sorted(EXAMPLES.glob("*/.wash"))]
        self.assertIn(EXAMPLES / "http-hello", folders)
        for folder in [*folders, EXAMPLES / "providers" / "greeter-component"]:
            with self.subTest(folder.name):
                self.check(folder)

    def test_what_the_readme_of_the_provider_in_cpp_says(self):
        """Its provider serves the component whose README says how to ask it."""
        folder = EXAMPLES / "providers" / "greeter-cpp"
        build, serve = re.search(r"^    (cmake --build build --target \S+)\n    (.*)\n\n",
                                 (folder / "README.md").read_text(encoding="utf-8"),
                                 re.MULTILINE).groups()
        # The build that is tested has made it, by that target.
        target = build.rsplit(" ", 1)[1]
        self.assertEqual(f"build/{folder.relative_to(harness.SOURCE)}/{target}", serve.split()[0])
        _, (provider, _), *asking = commands_of(EXAMPLES / "greeter-web" / "README.md")
        self.assertEqual(f"{serve} &", provider)
        self.ports = {}
        self.start(serve, "")
        self.run_commands(asking)

    def check(self, folder):
        (build, _), *commands = commands_of(folder / "README.md")
        guests = build.removeprefix(BUILD).split()
        self.assertIn(folder.name, guests)
        self.assertTrue(any(command.startswith("wash ") for command, _ in commands))
        if set(guests) <= QUICK:
            self.ports = {}  # as written, and as taken
            self.run_commands(commands)
            # The next one may want the same socket of administration.
            while self._processes:
                self._processes.pop().kill()

    def as_here(self, command):
        command = command.replace("/tmp/", f"{self.folder}/").replace(
            "build/", f"{harness.WASH.parent}/")
        for written, taken in self.ports.items():
            command = re.sub(rf"(?<!\d){written}(?!\d)", taken, command)
        return command

    def start(self, command, flag):
        """Starts what serves, on a free port in place of the one that is written or the default."""
        words = shlex.split(self.as_here(command.removesuffix("&")))
        if words[0] != "wash":
            self.own(harness.Process(words)).wait_for_stdout("serving")
            return
        words[0] = str(harness.WASH)
        written = "8000"
        if flag in words:
            at = words.index(flag) + 1
            written = words[at].rsplit(":", 1)[1]
            words[at] = "127.0.0.1:0"
        else:
            words += [flag, "127.0.0.1:0"]
        server = self.own(
            harness.Server(words, cwd=harness.SOURCE, env=self.environment()))
        self.ports[written] = str(server.port)

    def output_of(self, command):
        command = re.sub(r"^wash ", f"{harness.WASH} ", self.as_here(command))
        command = re.sub(r"^curl ", "curl -sS --fail ", command)
        done = subprocess.run(command, shell=True, cwd=harness.SOURCE, env=self.environment(),
                              capture_output=True, text=True, check=False,
                              timeout=harness.PATIENCE_SECONDS)
        self.assertEqual(0, done.returncode, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout.rstrip("\n")

    def run_commands(self, commands):
        serves = any(command.startswith("curl ") for command, _ in commands)
        asked = 0
        for command, expected in commands:
            if command.startswith("wash host "):
                self.start(command, "--http-addr")
            elif serves and not command.startswith("curl "):
                self.start(command, "--addr")
            else:
                output = self.output_of(command)
                asked += 1
                if expected is not None:
                    self.assertEqual(expected, output)
        self.assertGreater(asked, 0)


if __name__ == "__main__":
    harness.main()
