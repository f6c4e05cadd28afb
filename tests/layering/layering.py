#!/usr/bin/env python3
"""Checks that the folders of src/ keep to their floors.

The single truth is src/CMakeLists.txt: a file of folder F may include headers of F itself and of
the folders in F's USES, and the Rust library's headers only if F has RUST. Beyond that: the rooms
of a folder (its own folders) use each other in no circle, tests apart; Asio stays in net; expensive
libraries stay out of every header that other folders get to see, directly or through other headers.
"""

import pathlib
import re
import sys

FLOOR = re.compile(r"^\s*nimbus_folder\(([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')

# Prefixes of headers that cost seconds each.
EXPENSIVE = ("boost/asio", "asio", "spdlog/", "boost/json", "boost/beast", "yaml-cpp/", "toml++/",
             "CLI/", "CLI11", "openssl/")
ASIO = ("boost/asio", "asio")
ASIO_FOLDER = "net"
RUST_FOLDER = "rust"


def read_floors(text):
    """{folder: set of folders it may use}, in the order of the file."""
    text = re.sub(r"#.*", "", text)
    floors = {}
    for match in FLOOR.finditer(text):
        name, *words = match.group(1).split()
        uses, section = set(), None
        for word in words:
            if word in ("USES", "LIBS", "EXECUTABLE", "RUST"):
                section = word
                if word == "RUST":
                    uses.add(RUST_FOLDER)
            elif section == "USES":
                uses.add(word)
        floors[name] = uses
    return floors


def check_floors(floors):
    """A floor uses only floors that were named before it, so there is no cycle."""
    seen = {RUST_FOLDER}
    for name, uses in floors.items():
        for used in sorted(uses - seen):
            yield f"src/CMakeLists.txt: {name} uses {used}, which does not stand above it"
        seen.add(name)


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) or match.group(2)


def read_includes(source):
    """{path below src/: [(line, included)]} of all C++ files, the Rust library's headers apart."""
    files = (path for kind in ("*.h", "*.cc") for path in source.rglob(kind))
    names = {path.relative_to(source).as_posix(): path for path in files}
    return {name: list(includes(path)) for name, path in sorted(names.items())
            if not name.startswith(RUST_FOLDER + "/")}


def folder_of(name):
    return name.split("/")[0]


def shared_headers(tree):
    """Headers that a file of another folder includes, directly or through other headers."""
    pending = [included for name, entries in tree.items() for _, included in entries
               if included in tree and folder_of(included) != folder_of(name)]
    shared = set()
    while pending:
        header = pending.pop()
        if header not in shared:
            shared.add(header)
            pending += [included for _, included in tree[header] if included in tree]
    return shared


def include_problem(folder, floors, shared, included):
    target = folder_of(included)
    if "/" in included and (target in floors or target == RUST_FOLDER):
        if target != folder and target not in floors[folder]:
            return f"{folder} must not include {included}: {target} is not in its USES"
    elif included.startswith(ASIO) and folder != ASIO_FOLDER:
        return f"only {ASIO_FOLDER} may include Asio ({included})"
    elif shared and included.startswith(EXPENSIVE):
        return f"other folders see this header: it must not include {included}"
    return None


def room_of(name):
    """The folder of a file within its folder of src/; None for tests and what lies in no room."""
    parts = name.split("/")
    apart = re.search(r"(_test|_fuzz|_fixture|_test_support)\.\w+$|/test_", name)
    return None if len(parts) < 3 or apart else "/".join(parts[:-1])


def uses_of_rooms(tree):
    """{room: {other room of the same folder: a file that includes its headers}}"""
    uses = {}
    for name, entries in tree.items():
        room = room_of(name)
        for _, included in entries:
            other = room_of(included)
            if (room and other and room != other and included in tree
                    and folder_of(room) == folder_of(other)):
                uses.setdefault(room, {}).setdefault(other, name)
    return uses


def check_rooms(tree):
    """What stays when rooms that use no other one, or that no other one uses, are taken away."""
    uses = uses_of_rooms(tree)
    while uses:
        used = {other for others in uses.values() for other in others}
        ends = {room for room, others in uses.items()
                if room not in used or not others.keys() & uses.keys()}
        if not ends:
            break
        uses = {room: others for room, others in uses.items() if room not in ends}
    for room, others in sorted(uses.items()):
        for other in sorted(others.keys() & uses.keys()):
            yield f"src/{others[other]}: {room} uses {other}, in a circle of rooms"


def check(root):
    """All problems of the tree, as lines of text."""
    source = root / "src"
    floors = read_floors((source / "CMakeLists.txt").read_text(encoding="utf-8"))
    problems = list(check_floors(floors))
    tree = read_includes(source)
    problems += check_rooms(tree)
    shared = shared_headers(tree)
    for name, entries in tree.items():
        folder = folder_of(name)
        if folder not in floors:
            problems.append(f"src/{name}: {folder} has no floor in src/CMakeLists.txt")
            continue
        for number, included in entries:
            problem = include_problem(folder, floors, name in shared, included)
            if problem:
                problems.append(f"src/{name}:{number}: {problem}")
        if name.endswith(".h") and "#pragma once" not in (source / name).read_text("utf-8"):
            problems.append(f"src/{name}:1: a header starts with #pragma once")
    return problems


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    problems = check(root)
    print("\n".join(problems) if problems else "layering: all includes keep to their floors")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
