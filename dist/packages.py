"""Which shared libraries a program needs, and which Debian packages they are of."""

import dataclasses
import os
import pathlib
import re
import subprocess


class Refused(Exception):
    """The release cannot be made; the message says why."""


@dataclasses.dataclass(frozen=True)
class Library:
    soname: str
    path: str


@dataclasses.dataclass(frozen=True, order=True)
class Package:
    name: str
    version: str
    architecture: str

    @property
    def purl(self):
        return (f"pkg:deb/debian/{self.name}@{self.version}"
                f"?arch={self.architecture}&distro=debian-12")

    def copyright(self):
        return pathlib.Path(f"/usr/share/doc/{self.name}/copyright").read_bytes()


def output_of(*command):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True,
                          check=False)
    if done.returncode != 0:
        raise Refused(f"{command[0]} fails: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def libraries_of(program):
    """Everything that the dynamic linker loads for it, as ldd tells, without the kernel's part."""
    found = []
    for line in output_of("ldd", program).splitlines():
        if "not found" in line:
            raise Refused(f"{program} needs a library that is missing: {line.strip()}")
        named = re.match(r"\s*(\S+) => (/\S+) \(", line)
        direct = re.match(r"\s*(/\S+) \(", line)
        if named:
            found.append(Library(named.group(1), named.group(2)))
        elif direct:
            found.append(Library(os.path.basename(direct.group(1)), direct.group(1)))
    return sorted(found, key=lambda library: library.soname)


def split(libraries, known):
    """(those of the system, those that the release brings). A library that libraries.json does
    not list is refused: somebody has to decide on it."""
    system, bundled = [], []
    for library in libraries:
        if library.soname in known["system"]:
            system.append(library)
        elif library.soname in known["bundled"]:
            bundled.append(library)
        else:
            raise Refused(f"{library.soname} is in neither list of dist/libraries.json")
    return system, bundled


def package_of(path):
    """The package that a file was installed from."""
    real = os.path.realpath(path)
    # On a merged /usr, packages may know a file by its path without /usr.
    for candidate in (real, real.removeprefix("/usr")):
        done = subprocess.run(["dpkg-query", "-S", candidate], text=True, capture_output=True,
                              check=False)
        if done.returncode == 0:
            return package_named(done.stdout.split(": ")[0].split(",")[0].split(":")[0])
    raise Refused(f"{path} is not of a Debian package")


def package_named(name):
    text = output_of("dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}\n", name)
    return Package(*text.splitlines()[0].split())
