#!/usr/bin/env python3
"""`make dist`: the same bytes each time, all that a minimal system needs, and a sound image."""

import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

import releases  # first: it finds the others
import build
import harness
import packages

EPOCH = "1700000000"
BUILD_SECONDS = 600  # at most; packing the real program takes a while
PROGRAM = """
#include <ares.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>
int main(int count, char **arguments) {
  if (count != 2 || strcmp(arguments[1], "--version") != 0) return 2;
  puts("wash 1.2.3\\ncommit: 0123456789ab");
  printf("with %s %s\\n", ares_version(NULL), nghttp2_version(0)->version_str);
  return 0;
}
"""


def as_root_in(folder, *command):
    """The command in a root folder of its own."""
    enter = ["/usr/sbin/chroot"] if os.geteuid() == 0 else ["/usr/bin/unshare", "-r", "-R"]
    return [str(word) for word in (*enter, folder, *command)]


def build_release(out, wash):
    return subprocess.run(
        [releases.SOURCE / "dist/build.py", "--wash", wash, "--out", out], text=True,
        capture_output=True, check=False, timeout=BUILD_SECONDS,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH})


def compile_program(folder, *libraries):
    """A small program that needs some of the libraries."""
    (folder / "program.c").write_text(PROGRAM, encoding="utf-8")
    subprocess.run(["clang-22", folder / "program.c", "-o", folder / "wash",
                    "-Wl,--no-as-needed,--disable-new-dtags",
                    "-Wl,-rpath,$ORIGIN/../lib/wash-1.2.3", "-lcares", "-lnghttp2", *libraries],
                   check=True)
    return folder / "wash"


def unpack(data, folder):
    with tarfile.open(fileobj=io.BytesIO(data)) as packed:
        packed.extractall(folder, filter="fully_trusted")
    return folder


def unpack_image(image, folder):
    """The root folder of an image, in a folder."""
    layout = unpack(image.read_bytes(), folder / "layout")
    blobs = layout / "blobs/sha256"
    index = json.loads((layout / "index.json").read_bytes())
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_bytes())
    return unpack((blobs / manifest["layers"][0]["digest"][7:]).read_bytes(), folder / "root")


class Release(harness.TestCase):
    """One release for all of these tests, which only look at it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shared = pathlib.Path(tempfile.mkdtemp(prefix="nimbus-dist-"))
        cls.addClassCleanup(shutil.rmtree, shared)
        cls.out = shared / "out"
        cls.wash = compile_program(shared)
        done = build_release(cls.out, cls.wash)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.version = cls.out / "1.2.3"
        cls.archive = (cls.version / releases.archive_name("1.2.3")).read_bytes()

    def test_two_runs_give_the_same_bytes(self):
        again = self.folder / "again"
        self.assertEqual(0, build_release(again, self.wash).returncode)
        names = sorted(path.relative_to(self.out) for path in self.out.rglob("*")
                       if path.is_file())
        self.assertEqual(7, len(names), names)
        for name in names:
            self.assertEqual((self.out / name).read_bytes(), (again / name).read_bytes(), name)

    def test_the_archive_is_sorted_of_root_and_of_one_time(self):
        with tarfile.open(fileobj=io.BytesIO(self.archive)) as packed:
            members = packed.getmembers()
        names = [member.name for member in members]
        self.assertEqual(sorted(names), names)
        self.assertEqual({(0, 0, int(EPOCH))},
                         {(member.uid, member.gid, member.mtime) for member in members})
        self.assertEqual({"wash-1.2.3-x86_64-linux"}, {name.split("/")[0] for name in names})

    def test_it_brings_the_libraries_that_it_needs_and_their_licences(self):
        root = unpack(self.archive, self.folder / "unpacked") / "wash-1.2.3-x86_64-linux"
        libraries = root / "lib/wash-1.2.3"
        self.assertEqual(["libcares.so.2", "libnghttp2.so.14"],
                         sorted(path.name for path in libraries.glob("*.so*")))
        for package in ("libc-ares2", "libnghttp2-14", "libcli11-dev"):
            self.assertIn("opyright", (libraries / "licences" / package).read_text("utf-8"))
        crates = (libraries / "licences/crates").read_text("utf-8")
        self.assertRegex(crates, r"\nwasmtime \d+\.\d+\.\d+ \(Apache-2.0 WITH LLVM-exception\)\n")
        self.assertIn("Apache License", crates)
        self.assertEqual(1, crates.count("--- LLVM Exceptions to the Apache 2.0 License ----"))
        self.assertTrue((root / "share/doc/wash/docs/manifest.md").is_file())
        loaded = packages.libraries_of(root / "bin/wash")
        own = [library.soname for library in loaded
               if pathlib.Path(library.path).resolve().is_relative_to(libraries.resolve())]
        self.assertEqual(["libcares.so.2", "libnghttp2.so.14"], own)

    def test_the_checksums_and_the_index_say_what_is_there(self):
        sums = (self.version / "SHA256SUMS-x86_64-linux").read_text("utf-8").splitlines()
        self.assertEqual(3, len(sums))
        for line in sums:
            digest, name = line.split("  ")
            self.assertEqual(digest, hashlib.sha256((self.version / name).read_bytes()).hexdigest())
        index = json.loads((self.out / "releases.json").read_text("utf-8"))
        self.assertEqual(
            {"format": 1, "releases": [{
                "version": "1.2.3", "commit": "0123456789ab", "archives": [{
                    "platform": "x86_64-linux",
                    "file": "1.2.3/wash-1.2.3-x86_64-linux.tar.gz", "size": len(self.archive),
                    "sha256": hashlib.sha256(self.archive).hexdigest()}]}]}, index)
        self.assertEqual("1.2.3\n", (self.out / "latest").read_text("utf-8"))

    def test_the_bill_of_materials_names_crates_and_packages(self):
        bill = json.loads((self.version / "wash-1.2.3-x86_64-linux.cdx.json").read_text("utf-8"))
        self.assertEqual(("CycloneDX", "1.5"), (bill["bomFormat"], bill["specVersion"]))
        components = {component["name"]: component for component in bill["components"]}
        self.assertEqual(64, len(components["wasmtime"]["hashes"][0]["content"]))
        self.assertIn(components["wasmtime"]["version"],
                      (releases.SOURCE / "src/rust/Cargo.lock").read_text("utf-8"))
        linkage = {name: components[name]["properties"][0]["value"]
                   for name in ("libnghttp2-14", "libcli11-dev", "libc6")}
        self.assertEqual({"libnghttp2-14": "bundled", "libcli11-dev": "compiled-in",
                          "libc6": "system"}, linkage)

    def test_a_foreign_tool_reads_the_image(self):
        image = self.version / "wash-1.2.3-x86_64-linux.oci.tar"
        copy = self.folder / "copy"
        done = subprocess.run(["skopeo", "copy", "--insecure-policy", f"oci-archive:{image}",
                               f"dir:{copy}"], text=True, capture_output=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        seen = json.loads(subprocess.run(["skopeo", "inspect", f"oci-archive:{image}"], check=True,
                                         text=True, capture_output=True).stdout)
        self.assertEqual(("amd64", "linux", "2023-11-14T22:13:20Z"),
                         (seen["Architecture"], seen["Os"], seen["Created"]))
        self.assertEqual("1.2.3", seen["Labels"]["org.opencontainers.image.version"])

    def test_the_image_runs_with_nothing_but_itself(self):
        root = unpack_image(self.version / "wash-1.2.3-x86_64-linux.oci.tar", self.folder)
        done = subprocess.run(as_root_in(root, "/usr/bin/wash", "--version"), text=True,
                              capture_output=True, check=False, env={})
        if os.geteuid() != 0 and "unshare failed" in done.stderr:
            self.skipTest("this system has no user namespaces")
        self.assertEqual((0, "wash 1.2.3"), (done.returncode, done.stdout.split("\n")[0]),
                         done.stderr)


class Refusals(harness.TestCase):
    def test_a_library_that_nobody_has_decided_on(self):
        wash = compile_program(self.folder, "-lcrypt")
        done = build_release(self.folder / "out", wash)
        self.assertEqual(1, done.returncode)
        self.assertIn("is in neither list of dist/libraries.json", done.stderr)
        self.assertFalse((self.folder / "out").exists())

    def test_a_program_that_is_no_wash(self):
        done = build_release(self.folder / "out", "/bin/true")
        self.assertEqual(1, done.returncode)
        self.assertIn("says no version and commit", done.stderr)


class Index(harness.TestCase):
    def test_earlier_releases_stay_and_the_newest_comes_first(self):
        folder = releases.Folder(self.folder / "releases")
        for version in ("0.9.0", "0.10.0", "0.2.0", "0.11.0-rc.2", "0.11.0-rc.10"):
            folder.add(version)
        folder.add("0.9.0")
        index = json.loads((folder.path / "releases.json").read_text("utf-8"))
        self.assertEqual(["0.11.0-rc.10", "0.11.0-rc.2", "0.10.0", "0.9.0", "0.2.0"],
                         [release["version"] for release in index["releases"]])
        self.assertEqual("0.10.0\n", (folder.path / "latest").read_text("utf-8"))

    def test_a_release_comes_after_its_pre_releases(self):
        self.assertLess(build.order("1.0.0-rc.1"), build.order("1.0.0"))
        self.assertLess(build.order("1.0.0-1"), build.order("1.0.0-alpha"))


if __name__ == "__main__":
    harness.main()
