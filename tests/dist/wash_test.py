#!/usr/bin/env python3
"""The release of the real program: installed it uses its own libraries, and its image serves."""

import os
import pathlib
import shutil
import subprocess

import releases  # first: it finds the others
import harness
import packages
from release_test import as_root_in, build_release, unpack_image


class RealRelease(harness.TestCase):
    def test_what_is_installed_and_the_image_run(self):
        out = self.folder / "out"
        done = build_release(out, harness.WASH)
        self.assertEqual(0, done.returncode, done.stderr)
        version = (out / "latest").read_text("utf-8").strip()
        self.check_installed(out, version)
        self.check_image(out / version / f"wash-{version}-{releases.PLATFORM}.oci.tar")

    def check_installed(self, out, version):
        server = releases.serve(self, out)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        subprocess.run(["sh", out / "install.sh", "--base-url", server.url, "--no-modify-path"],
                       env=environment, check=True, capture_output=True)
        wash = self.folder / ".wash/bin/wash"
        said = subprocess.run([wash, "--version"], env={}, check=True, text=True,
                              capture_output=True).stdout
        self.assertEqual(f"wash {version}", said.split("\n")[0])
        own = (self.folder / f".wash/lib/wash-{version}").resolve()
        system = {library.soname for library in packages.libraries_of(wash)
                  if not pathlib.Path(library.path).resolve().is_relative_to(own)}
        # What every Debian 12 has; all else comes with the release.
        self.assertEqual({"ld-linux-x86-64.so.2", "libc.so.6", "libgcc_s.so.1", "libm.so.6",
                          "libstdc++.so.6"}, system)

    def check_image(self, image):
        root = unpack_image(image, self.folder)
        shutil.copy(harness.guest("http-hello"), root / "hello.wasm")
        command = as_root_in(root, "/usr/bin/wash", "run", "/hello.wasm", "--addr", "127.0.0.1:0")
        server = harness.Server.__new__(harness.Server)
        try:
            server.__init__(command, env={"HOME": "/home/wash"})
        finally:
            if hasattr(server, "process"):
                self.own(server)
        self.assertEqual("hello from rust /x", server.get("/x").text.strip())


if __name__ == "__main__":
    harness.main()
