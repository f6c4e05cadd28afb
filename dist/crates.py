"""The crates that are compiled into the program, and what their licences ask to be passed on."""

import dataclasses
import json
import pathlib
import re
import subprocess

import packages

# By name, whatever is behind it: LICENSE-MIT, COPYING.txt, NOTICE.
TEXT_NAMES = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)
MAX_TEXT_BYTES = 256 * 1024
RULE = "=" * 78


@dataclasses.dataclass(frozen=True, order=True)
class Crate:
    name: str
    version: str
    expression: str  # as SPDX has it; empty: the crate says none
    folder: str

    def texts(self):
        """The licence texts that the crate brings, each once."""
        files = sorted(path for path in pathlib.Path(self.folder).iterdir()
                       if TEXT_NAMES.match(path.name) and path.is_file())
        found = []
        for path in files:
            data = path.read_bytes()
            text = data.decode("utf-8", errors="replace").replace("\r\n", "\n").strip()
            if text and len(data) <= MAX_TEXT_BYTES and text not in found:
                found.append(text)
        return found


def crates_of(source, platform):
    """What cargo compiles for a platform, with the sources that it has for it."""
    command = ('source "$0/scripts/toolchain.sh" && cd "$0/src/rust" && '
               '"$CARGO" metadata --locked --format-version 1 --filter-platform "$1"')
    done = subprocess.run(["bash", "-c", command, str(source), platform], text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise packages.Refused(f"cargo metadata fails: {done.stderr.strip()}")
    metadata = json.loads(done.stdout)
    needed = {node["id"] for node in metadata["resolve"]["nodes"]}
    return sorted(Crate(package["name"], package["version"], package["license"] or "",
                        str(pathlib.Path(package["manifest_path"]).parent))
                  for package in metadata["packages"]
                  if package["id"] in needed and package["source"])


def licences(crates):
    """One text: every licence once, below the crates that it is of."""
    owners, bare = {}, []
    for crate in crates:
        texts = crate.texts()
        for text in texts:
            owners.setdefault(text, []).append(crate)
        if not texts:
            bare.append(crate)

    def line(crate):
        return f"{crate.name} {crate.version} ({crate.expression or 'see its text'})"

    parts = ["The Rust crates that are compiled into this program, and their licences.\n"]
    for text, of in sorted(owners.items(), key=lambda item: (item[1], item[0])):
        parts.append("\n".join([RULE, *map(line, of), RULE, "", text, ""]))
    if bare:
        parts.append("\n".join([RULE, "Crates that bring no text of the licence they name", RULE,
                                "", *map(line, bare), ""]))
    return "\n".join(parts).encode()
