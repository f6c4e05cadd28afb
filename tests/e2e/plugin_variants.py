#!/usr/bin/env python3
"""Variants of a plugin for tests.

    plugin_variants.py OUT [KEY=VALUE…]       the guest plugin-hostile with these settings
    plugin_variants.py OUT --salted GUEST TEXT   a guest with another digest, else the same

The settings stand in tests/guests/plugin-hostile/src/lib.rs: `info=spin`, `name=other`, `hook=*`,
`act=tell`, ….
"""

import os
import pathlib
import sys

BEGIN = b"hostile settings:"
BYTES = 512


def hostile(guests, **settings):
    """The binary of plugin-hostile with its settings filled in."""
    binary = (pathlib.Path(guests) / "plugin-hostile.wasm").read_bytes()
    text = "".join(f"{key}={value};" for key, value in settings.items()).encode()
    room = BYTES - len(BEGIN)
    if binary.count(BEGIN + b" " * room) != 1:
        raise ValueError("plugin-hostile has no block of settings")
    if len(text) > room:
        raise ValueError("too many settings")
    return binary.replace(BEGIN + b" " * room, BEGIN + text.ljust(room))


def salted(binary, text):
    """The same component with a custom section at its end, and so with another digest."""
    name, content = b"salt", text.encode()
    if len(content) > 100:
        raise ValueError("the text is too long")
    return binary + bytes([0, len(name) + 1 + len(content), len(name)]) + name + content


def main(out, *words):
    guests = pathlib.Path(os.environ["GUESTS"])
    if words and words[0] == "--salted":
        made = salted((guests / f"{words[1]}.wasm").read_bytes(), words[2])
    else:
        made = hostile(guests, **dict(word.split("=", 1) for word in words))
    pathlib.Path(out).write_bytes(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
