"""Builds of one example whose sources differ as those of a developer who edits it do: a longer
text, so that data moves, a function that changed, and one that is new."""

import hashlib
import pathlib
import shutil
import subprocess

from harness.servers import ROOT, cache_folder

# What an edit takes out of a source, and puts there: `number` tells edits apart.
TEXTS = {
    "http-hello": (r'"hello from rust {path}\n"', r'"hello from rust {path}{}\n"'),
    "http-hello-p3": (r'"hello from rust p3 {path}\n"', r'"hello from rust p3 {path}{}\n"'),
    "kv-counter": (r'"{{\"key\":\"{key}\",\"count\":{count}}}\n"',
                   r'"{{\"key\":\"{key}\",\"count\":{count},\"edit\":\"{}\"}}\n"'),
}
FUNCTION = """
#[inline(never)]
fn edit_{number}(text: &str) -> String {{
    let sum = text.bytes().fold({number}u32, |sum, byte| sum.rotate_left(3) ^ u32::from(byte));
    format!("{words}{{}}", sum % {modulus})
}}
"""
# The recipe of scripts/build-guests.sh, on a copy of the sources.
BUILD = """
set -euo pipefail
scripts=$1 root=$2 cache=$3
source "$scripts/guest-tools.sh"
source "$scripts/guest-recipes.sh"
cache=$3/edits work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build_rust "$4" '' "$5"
"""


def edited(source, guest, number):
    """The text of a source after that edit of the original one."""
    before, after = TEXTS[guest]
    if source.count(before) != 1:
        raise RuntimeError(f"bench/harness/edits.py knows another source of {guest}")
    variable = "key" if guest == "kv-counter" else "path"
    function = FUNCTION.format(number=number, words=", edited" * number, modulus=1000 + number)
    return source.replace(before, f"{after}, edit_{number}(&{variable})") + function


def copy_sources(root):
    ignore = shutil.ignore_patterns("target", "node_modules", ".wash")
    for folder in ("examples", "tests/guests"):
        shutil.copytree(ROOT / folder, root / folder, ignore=ignore)


def digest_of(text):
    digest = hashlib.sha256(text.encode())
    for file in ("examples/Cargo.lock", "examples/Cargo.toml", "scripts/guest-recipes.sh"):
        digest.update((ROOT / file).read_bytes())
    return digest.hexdigest()[:32]


class Edits:
    """The components after edits of the examples; `root` is an empty folder for the sources. What
    was built once is kept in the user's cache folder."""

    def __init__(self, root):
        self.root = root
        self.kept = cache_folder() / "edits"
        self.kept.mkdir(parents=True, exist_ok=True)

    def component(self, guest, number):
        source = pathlib.Path("examples") / guest / "src" / "lib.rs"
        text = edited((ROOT / source).read_text(encoding="utf-8"), guest, number)
        kept = self.kept / f"{guest}-{digest_of(text)}.wasm"
        if not kept.is_file():
            if not (self.root / "examples").is_dir():
                copy_sources(self.root)
            (self.root / source).write_text(text, encoding="utf-8")
            made = self.root / f"{guest}.wasm"
            subprocess.run(["bash", "-c", BUILD, "-", ROOT / "scripts", self.root, cache_folder(),
                            guest, made], check=True)
            shutil.move(made, kept)
        return kept.read_bytes()
