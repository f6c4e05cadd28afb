#!/usr/bin/env python3
"""Runs everything that bench/ measures, one after the other, and with --markdown writes it into
docs/performance.md. --short makes the whole fit into half an hour."""

import argparse
import pathlib
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent
# Script, arguments of a short run.
PARTS = (("run.py", ["--rounds", "3", "--seconds", "3", "--sleeper-seconds", "6"]),
         ("start.py", ["--runs", "10"]),
         ("plugins.py", ["--runs", "50"]),
         ("dev.py", ["--edits", "10"]),
         ("density.py", ["--rounds", "5"]),
         ("neighbour.py", ["--rounds", "3", "--seconds", "3"]),
         ("composed_call.py", ["--rounds", "21"]),
         ("calls.py", ["--rounds", "1"]),
         ("wrpc.py", ["--rounds", "3"]),
         ("wrpc_nats.py", ["--rounds", "3"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="half an hour for everything")
    parser.add_argument("--markdown", action="store_true",
                        help="write the tables into docs/performance.md")
    parser.add_argument("--build", type=pathlib.Path, help="build folder (default: build)")
    arguments = parser.parse_args()
    failed = []
    for script, short in PARTS:
        command = [sys.executable, FOLDER / script, *(short if arguments.short else [])]
        if arguments.markdown:
            command.append("--markdown")
        if arguments.build:
            command += ["--build", arguments.build]
        print(f"\n== {script}", flush=True)
        began = time.monotonic()
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(script)
        print(f"== {script}: {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        raise SystemExit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
