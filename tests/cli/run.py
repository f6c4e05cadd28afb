#!/usr/bin/env python3
"""Runs command-line cases written as text: run.py FILE…

    # A comment.
    $ wash --version
    wash 0.1.0
    ? 0

`$` starts a case: a command for sh, continued by lines that start with `>`. The lines after it are
the expected standard output (with `2>&1` also standard error), and `? N` ends the case with the
expected exit status. A line `...` stands for any number of lines, `...` within a line for any text.
All commands of one file run in one fresh folder, with WASH's folder first on PATH and $GUESTS set.
"""

import dataclasses
import difflib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

COMMAND_LIMIT_SECONDS = 100


class BadCase(Exception):
    """The file does not follow the format."""


@dataclasses.dataclass
class Case:
    line: int
    command: str
    expected: list[str]
    status: int


def parse(text):
    cases, command, expected, start = [], None, [], 0
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("$ "):
            if command is not None:
                raise BadCase(f"line {number}: the case of line {start} has no \"? N\"")
            command, expected, start = line[2:], [], number
        elif command is None:
            if line and not line.startswith("#"):
                raise BadCase(f"line {number}: not part of a case: {line}")
        elif re.fullmatch(r"\? \d+", line):
            cases.append(Case(start, command, expected, int(line[2:])))
            command = None
        elif line.startswith(">") and not expected:
            command += "\n" + line[1:].removeprefix(" ")
        else:
            expected.append(line)
    if command is not None:
        raise BadCase(f"the case of line {start} has no \"? N\"")
    return cases


def line_matches(pattern, line):
    if "..." not in pattern:
        return pattern == line
    return re.fullmatch(".*".join(map(re.escape, pattern.split("..."))), line) is not None


BUSY = re.compile(r"Cloning .+|(Compiling|Pulling|Pushing) (plugin )?\S+|Looking at tools")


def matches(expected, actual):
    """Whether the lines match; `reached` are the counts of actual lines matched so far."""
    reached = {0}
    for pattern in expected:
        if pattern == "...":
            reached = set(range(min(reached), len(actual) + 1)) if reached else reached
        else:
            reached = {count + 1 for count in reached
                       if count < len(actual) and line_matches(pattern, actual[count])}
    return len(actual) in reached


def run_command(command, folder, environment):
    """(status, standard output, standard error); everything it started ends with it."""
    process = subprocess.Popen(["sh", "-c", command], cwd=folder, env=environment, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    try:
        output, errors = process.communicate(timeout=COMMAND_LIMIT_SECONDS)
        return process.returncode, output, errors
    except subprocess.TimeoutExpired:
        return "time-out", "", ""
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def check_case(case, folder, environment):
    """An explanation if the case fails."""
    status, output, errors = run_command(case.command, folder, environment)
    # What takes more than half a second says so, which depends on the machine.
    actual = [line for line in output.splitlines() if not BUSY.fullmatch(line)]
    if status == case.status and matches(case.expected, actual):
        return None
    lines = [f"$ {case.command}"]
    lines += difflib.unified_diff(case.expected + [f"? {case.status}"], actual + [f"? {status}"],
                                  "expected", "actual", lineterm="")
    if errors:
        lines += ["standard error:", errors.rstrip()]
    return "\n".join(lines)


def run_file(path, environment):
    """Explanations of the cases that fail; the first failure ends the file, as cases build up."""
    cases = parse(path.read_text(encoding="utf-8"))
    if not cases:
        raise BadCase("no case in it")
    with tempfile.TemporaryDirectory(prefix="nimbus-cli-") as folder:
        environment = {**environment, "HOME": folder, "XDG_CACHE_HOME": f"{folder}/.cache"}
        for case in cases:
            problem = check_case(case, folder, environment)
            if problem:
                return f"{path.name}:{case.line}: {problem}"
    return None


def main(arguments):
    environment = dict(os.environ)
    if "WASH" in environment:
        folder = pathlib.Path(environment["WASH"]).resolve().parent
        environment["PATH"] = f"{folder}:{environment['PATH']}"
    failures = 0
    for name in arguments:
        try:
            problem = run_file(pathlib.Path(name), environment)
        except BadCase as bad:
            problem = f"{name}: {bad}"
        if problem:
            failures += 1
            print(problem)
    return 1 if failures or not arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
