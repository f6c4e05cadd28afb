"""Builds of one example whose sources differ as those of a developer who edits it do: a longer
text, so that data moves, a function that changed, and one that is new."""

import dataclasses
import hashlib
import pathlib
import shutil
import subprocess

from harness.servers import ROOT, cache_folder


@dataclasses.dataclass(frozen=True)
class Example:
    """What an edit takes out of a source and puts there; `{number}` tells edits apart, `{words}`
    are more the later an edit is, and `{modulus}` is a number of its own."""

    recipe: str  # of scripts/guest-recipes.sh
    source: str
    before: str
    after: str
    function: str  # that is new


RUST = """
#[inline(never)]
fn edit_{number}(text: &str) -> String {{
    let sum = text.bytes().fold({number}u32, |sum, byte| sum.rotate_left(3) ^ u32::from(byte));
    format!("{words}{{}}", sum % {modulus})
}}
"""
GO = """
//go:noinline
func edit{number}(text string) string {{
\tsum := uint32({number})
\tfor _, letter := range []byte(text) {{
\t\tsum = sum<<3 ^ uint32(letter)
\t}}
\treturn "{words}" + string(rune('a'+sum%{modulus}%26))
}}
"""
JAVASCRIPT = """
function edit{number}(text) {{
  let sum = {number};
  for (const letter of text) sum = (sum << 3) ^ letter.charCodeAt(0);
  return `{words}${{sum % {modulus}}}`;
}}
"""
PYTHON = """

def edit{number}(text: str) -> str:
    total = {number}
    for letter in text:
        total = (total << 3 ^ ord(letter)) % 2**32
    return f"{words}{{total % {modulus}}}"
"""
EXAMPLES = {
    "http-hello": Example("rust", "src/lib.rs", r'"hello from rust {path}\n"',
                          r'"hello from rust {{path}}{{}}\n", edit_{number}(&path)', RUST),
    "http-hello-p3": Example("rust", "src/lib.rs", r'"hello from rust p3 {path}\n"',
                             r'"hello from rust p3 {{path}}{{}}\n", edit_{number}(&path)', RUST),
    "kv-counter": Example("rust", "src/lib.rs", r'"{{\"key\":\"{key}\",\"count\":{count}}}\n"',
                          r'"{{{{\"key\":\"{{key}}\",\"count\":{{count}},\"edit\":\"{{}}\"}}}}\n",'
                          r' edit_{number}(&key)', RUST),
    "http-hello-go": Example("go", "export_wasi_http_incoming_handler/handler.go",
                             '"hello from go " + path',
                             '"hello from go " + path + edit{number}(path)', GO),
    "http-hello-js": Example("js", "hello.js", "hello from javascript ${pathname}",
                             "hello from javascript ${{pathname}}${{edit{number}(pathname)}}",
                             JAVASCRIPT),
    "http-hello-py": Example("py", "app.py", 'f"hello from python {path}\\n"',
                             'f"hello from python {{path}}{{edit{number}(path)}}\\n"', PYTHON),
}
# The recipe of scripts/build-guests.sh, on a copy of the sources.
BUILD = """
set -euo pipefail
scripts=$1 root=$2 cache=$3
source "$scripts/guest-tools.sh"
source "$scripts/guest-recipes.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Beside the target folder of the guests themselves.
if [ "$4" = rust ]; then cache=$3/edits; fi
"build_$4" "$5" "$root/examples/$5" "$6"
"""


def edited(source, guest, number):
    """The text of a source after that edit of the original one."""
    example = EXAMPLES[guest]
    if source.count(example.before) != 1:
        raise RuntimeError(f"bench/harness/edits.py knows another source of {guest}")
    values = {"number": number, "words": ", edited" * number, "modulus": 1000 + number}
    return (source.replace(example.before, example.after.format(**values)) +
            example.function.format(**values))


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
        source = pathlib.Path("examples") / guest / EXAMPLES[guest].source
        text = edited((ROOT / source).read_text(encoding="utf-8"), guest, number)
        kept = self.kept / f"{guest}-{digest_of(text)}.wasm"
        if not kept.is_file():
            if not (self.root / "examples").is_dir():
                copy_sources(self.root)
            (self.root / source).write_text(text, encoding="utf-8")
            made = self.root / f"{guest}.wasm"
            subprocess.run(["bash", "-c", BUILD, "-", ROOT / "scripts", self.root, cache_folder(),
                            EXAMPLES[guest].recipe, guest, made], check=True)
            shutil.move(made, kept)
        return kept.read_bytes()
