#!/usr/bin/env python3
"""Makes a release of a built `wash`: build.py --wash build/wash --out build/release

Writes a folder that can be published as it is (docs/formats/releases.md): an archive, a container
image, a bill of materials and checksums in a folder of the version, and beside it the index of all
versions, which a folder with earlier releases in it keeps. The same program, sources and packages
give the same bytes: times come from SOURCE_DATE_EPOCH, or else from the commit.
"""

import argparse
import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

import archive
import crates
import image
import packages
import sbom

SOURCE = pathlib.Path(__file__).resolve().parents[1]
# By machine: our name of it, that of images, and that of Rust.
PLATFORMS = {"x86_64": ("x86_64-linux", "amd64", "x86_64-unknown-linux-gnu")}
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
SHELLS = {"bash": "wash.bash", "zsh": "_wash", "fish": "wash.fish", "powershell": "wash.ps1",
          "elvish": "wash.elv"}


class Release:
    """What a release is called and when it was made."""

    def __init__(self, wash, source):
        said = packages.output_of(wash, "--version")
        found = re.match(r"wash (\d+\.\d+\.\d+\S*)\ncommit: (\S+)\n", said)
        if not found:
            raise packages.Refused(f"{wash} --version says no version and commit")
        self.version, self.commit = found.groups()
        machine = platform.machine()
        if machine not in PLATFORMS:
            raise packages.Refused(f"no releases are made for {machine}")
        self.platform, self.architecture, self.rust_platform = PLATFORMS[machine]
        self.epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or
                         packages.output_of("git", "-C", source, "log", "-1", "--format=%ct"))

    @property
    def name(self):
        return f"wash-{self.version}-{self.platform}"

    @property
    def library_folder(self):
        return f"lib/wash-{self.version}"


def stripped(program):
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder) / "wash"
        packages.output_of("strip", "--strip-all", "-o", result, program)
        return result.read_bytes()


def documents(source):
    """{name: bytes} of the pages, as they are in the checkout."""
    pages = [source / "README.md", *sorted((source / "docs").rglob("*.md"))]
    return {str(page.relative_to(source)): page.read_bytes() for page in pages}


def completions(wash):
    """{file name: bytes}. A wash without the command has none."""
    found = {}
    for shell, name in SHELLS.items():
        done = subprocess.run([str(wash), "completion", shell], capture_output=True, check=False,
                              env={"PATH": "/usr/bin", "HOME": "/nonexistent"})
        if done.returncode == 0:
            found[name] = done.stdout
    return found


def release_files(release, wash, source, bundled, compiled_in, bill):
    """{name: (bytes, mode)} of the archive, below its one folder. All that belongs to one version
    is the program and the folder of its libraries."""
    libraries = release.library_folder
    files = {"bin/wash": (stripped(wash), 0o755)}
    for library in bundled:
        data = pathlib.Path(os.path.realpath(library.path)).read_bytes()
        files[f"{libraries}/{library.soname}"] = (data, 0o755)
    for package in {packages.package_of(library.path) for library in bundled} | set(compiled_in):
        files[f"{libraries}/licences/{package.name}"] = (package.copyright(), 0o644)
    of_crates = crates.licences(crates.crates_of(source, release.rust_platform))
    files[f"{libraries}/licences/crates"] = (of_crates, 0o644)
    for name, data in completions(wash).items():
        files[f"{libraries}/completions/{name}"] = (data, 0o644)
    files[f"{libraries}/sbom.cdx.json"] = (bill, 0o644)
    for name, data in documents(source).items():
        files[f"share/doc/wash/{name}"] = (data, 0o644)
    return files


def build(wash, source, known):
    """(the release, {file name: bytes} of its folder)."""
    release = Release(wash, source)
    system, bundled = packages.split(packages.libraries_of(wash), known)
    compiled_in = [packages.package_named(name) for name in known["compiled_in"]]
    bill = sbom.document(
        version=release.version, commit=release.commit, platform=release.platform,
        epoch=release.epoch, crates=sbom.crates_of(source / "src/rust/Cargo.lock"),
        bundled=[packages.package_of(library.path) for library in bundled],
        compiled_in=compiled_in,
        system=[packages.package_of(library.path) for library in system])
    files = release_files(release, wash, source, bundled, compiled_in, bill)
    entries = [archive.Entry(f"{release.name}/{name}", data=data, mode=mode)
               for name, (data, mode) in files.items()]
    packed = archive.compress(archive.tar(archive.with_folders(entries), release.epoch))
    # In an image all libraries lie where the dynamic linker looks, which then needs no /proc.
    own_files = {name: file for name, file in files.items()
                 if not name.startswith("share/") and ".so." not in name}
    libraries = {library.path: pathlib.Path(os.path.realpath(library.path)).read_bytes()
                 for library in system + bundled}
    root = image.root_file_system(own_files, libraries, CERTIFICATES.read_bytes())
    made = {
        f"{release.name}.tar.gz": packed,
        f"{release.name}.oci.tar": image.layout(
            root, version=release.version, commit=release.commit,
            architecture=release.architecture, epoch=release.epoch),
        f"{release.name}.cdx.json": bill,
    }
    return release, made


def write(path, data):
    """In place at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.rename(path)


def order(version):
    """Releases of a version come after its pre-releases (Semantic Versioning 11)."""
    core, _, extra = version.partition("+")[0].partition("-")
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in extra.split(".")]
    return [int(part) for part in core.split(".")], not extra, parts


def index_with(text, release, archive_name, data):
    """The index with this release in it; others stay as they are."""
    index = json.loads(text) if text else {"format": 1, "releases": []}
    entry = {"platform": release.platform, "file": f"{release.version}/{archive_name}",
             "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    found = next((each for each in index["releases"] if each["version"] == release.version), None)
    kept = [each for each in found["archives"] if each["platform"] != release.platform] \
        if found else []
    index["releases"] = [each for each in index["releases"] if each is not found]
    index["releases"].append({
        "version": release.version, "commit": release.commit,
        "archives": sorted([*kept, entry], key=lambda each: each["platform"])})
    index["releases"].sort(key=lambda each: order(each["version"]), reverse=True)
    return index


def publish(out, release, made):
    """Writes the files of a version first and then what points at them."""
    folder = out / release.version
    for name, data in made.items():
        write(folder / name, data)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    write(folder / f"SHA256SUMS-{release.platform}",
          "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode())
    index_file = out / "releases.json"
    index = index_with(index_file.read_text(encoding="utf-8") if index_file.exists() else "",
                       release, f"{release.name}.tar.gz", made[f"{release.name}.tar.gz"])
    write(out / "install.sh", (SOURCE / "dist/install.sh").read_bytes())
    (out / "install.sh").chmod(0o755)
    write(index_file, json.dumps(index, indent=1).encode() + b"\n")
    stable = [each["version"] for each in index["releases"] if "-" not in each["version"]]
    if stable:
        write(out / "latest", stable[0].encode() + b"\n")


def main():
    parser = argparse.ArgumentParser(description="Makes a release of a built wash.")
    parser.add_argument("--wash", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, default=SOURCE)
    arguments = parser.parse_args()
    known = json.loads((SOURCE / "dist/libraries.json").read_text(encoding="utf-8"))
    try:
        release, made = build(arguments.wash.resolve(), arguments.source.resolve(), known)
        publish(arguments.out, release, made)
    except (packages.Refused, OSError) as error:
        sys.exit(f"dist: {error}")
    for name, data in made.items():
        print(f"{len(data) / 1e6:6.1f} MB  {arguments.out / release.version / name}")


if __name__ == "__main__":
    main()
