#!/usr/bin/env python3
"""House rules that a compiler does not know: sizes, white space, banned words, READMEs.

A line may excuse itself from one rule of words by a comment on it or just above it:
`tidy: allow sleep, because …`.
"""

import os
import pathlib
import re
import subprocess
import sys

import functions

MAX_COLUMNS = 100
MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 600

CODE = {".cc", ".h", ".rs"}
LIMITED_COLUMNS = CODE | {".py", ".sh", ".cmake", ".c", ".lua"}
TEXT = LIMITED_COLUMNS | {".md", ".txt", ".toml", ".yaml", ".yml", ".wit", ".wat", ".go", ".js",
                          ".ts", ".test", ".json", ""}
GENERATED = re.compile(r"(^|/)(gen|generated|vendor|target|node_modules|corpus)/|"
                       r"(^|/)(Cargo\.lock|package-lock\.json)$")

# A file that a tool has written says so in its first lines.
GENERATED_MARK = re.compile(r"@generated|[Gg]enerated by|DO NOT EDIT")
THESE_RULES = "tests/tidy/"  # names the words that it bans

# (name, pattern, applies to paths, why)
WORDS = [
    ("todo", re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), re.compile(r""),
     "finish it, or write an issue"),
    ("cout", re.compile(r"\bstd::(cout|cerr)\b"), re.compile(r"^src/(?!wash/)"),
     "log through Logger; only the command line prints"),
    ("rand", re.compile(r"(?<![\w.>:])(std::)?s?rand\("), re.compile(r"^(src|tests|bench)/"),
     "use <random> with a printed seed"),
    ("sleep", re.compile(r"\b(sleep|usleep|nanosleep|sleep_for|sleep_until)\("),
     re.compile(r"^tests/(?!guests/)|_test\.(cc|py)$"),
     "wait for the event itself: a test that sleeps waits for luck"),
]
EXCUSE = "tidy: allow "
CONFLICT = re.compile(r"(<{7}|>{7}|\|{7}) |={7}$")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def listed_files(root):
    """All files of the project: tracked or about to be, nothing that is ignored."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
               "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False)
    if listed.returncode == 0:
        names = sorted(set(listed.stdout.decode().split("\0")) - {""})
    else:  # an unpacked archive
        names = sorted(str(path.relative_to(root)) for path in root.rglob("*")
                       if not path.relative_to(root).parts[0] in ("build", ".git"))
    return [name for name in names if (root / name).is_file()]


def own_places(root):
    """Paths of this machine: one in a file would work, or make sense, nowhere else."""
    return [place for place in (str(root), os.environ.get("HOME", "")) if len(place) > 4]


def excused(rule, lines, number):
    above = lines[number - 2] if number >= 2 else ""
    return EXCUSE + rule in lines[number - 1] or EXCUSE + rule in above


def check_line(name, suffix, line):
    if suffix in LIMITED_COLUMNS and len(line) > MAX_COLUMNS:
        yield f"{len(line)} columns, at most {MAX_COLUMNS}"
    if line != line.rstrip():
        yield "space at the end of the line"
    if "\t" in line and suffix not in (".go", ".json", ".test") and not is_makefile(name):
        yield "tab"
    if CONFLICT.match(line):
        yield "a merge that was not finished"
    if CONTROL.search(line.replace("\t", "")):
        yield "control character"


def is_makefile(name):
    return pathlib.PurePath(name).name in ("Makefile", "go.mod", "go.sum", ".gitmodules")


def check_text(name, text, places):
    """(line number, problem) for one file."""
    suffix = pathlib.PurePath(name).suffix
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        for problem in check_line(name, suffix, line):
            yield number, problem
        for rule, pattern, where, why in WORDS:
            found = where.search(name) and pattern.search(line)
            if found and not name.startswith(THESE_RULES) and not excused(rule, lines, number):
                yield number, f"\"{found.group(0)}\": {why}"
        for place in places:
            if place in line:
                yield number, f"a path of this machine: {place}"
    if text and not text.endswith("\n"):
        yield len(lines), "no line break at the end of the file"
    if suffix in CODE:
        if len(lines) - 1 > MAX_FILE_LINES:
            yield 1, f"{len(lines) - 1} lines, at most {MAX_FILE_LINES}: two concepts?"
        for number, length in functions.long_functions(text, suffix, MAX_FUNCTION_LINES):
            if excused("length", lines, number):
                continue
            yield number, f"a function of {length} lines, at most {MAX_FUNCTION_LINES}"


def check_readmes(names):
    folders = {pathlib.PurePath(name).parts[1] for name in names
               if name.startswith("src/") and name.endswith((".h", ".cc", ".rs"))}
    for folder in sorted(folders):
        if f"src/{folder}/README.md" not in names:
            yield f"src/{folder}: no README.md"


def check(root):
    """All problems of the tree, as lines of text."""
    names = listed_files(root)
    problems = list(check_readmes(names))
    places = own_places(root)
    for name in names:
        if GENERATED.search(name) or pathlib.PurePath(name).suffix not in TEXT:
            continue
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            problems.append(f"{name}: not UTF-8")
            continue
        if any(GENERATED_MARK.search(line) for line in text.split("\n")[:5]):
            continue
        for line, problem in check_text(name, text, places):
            problems.append(f"{name}:{line}: {problem}")
    return problems


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    problems = check(root)
    print("\n".join(problems) if problems else "tidy: no complaints")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
