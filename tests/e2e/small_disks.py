"""Full disks for tests: a folder that takes only so many bytes more.

    class SmallFile(small_disks.TestCase):
        DISK = small_disks.SmallFileSystem  # or FileSizeLimit
        def test_it(self):
            self.disk.leave(4096)
            self.run_wash("-C", self.disk.folder, "config", "init")

A file system of a few megabytes is the real thing, and takes a name space of its own, which some
machines allow nobody but root, and some containers nobody at all. A limit of what a file may hold
is there for everybody, and ends in the same places of a program: where a file is written."""

import os
import pathlib
import subprocess

import harness

BYTES = 32 << 20
MOUNT = 'mount -t tmpfs -o "size=$1" none "$2" && echo mounted && exec cat'


class SmallFileSystem(harness.Process):
    """In a name space that lives as long as this process; others reach it through the kernel."""

    REASON = "No space left on device"

    @staticmethod
    def possible():
        """Whether this machine lets the user have one."""
        probe = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                 "mount -t tmpfs -o size=4096 none /tmp"]
        return subprocess.run(probe, check=False, capture_output=True).returncode == 0

    def __init__(self, test):
        self.folder = test.folder / "disk"
        self.folder.mkdir()
        super().__init__(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT,
                          "-", BYTES, self.folder], stdin=subprocess.PIPE)
        test.own(self)
        test.addCleanup(self.process.stdin.close)
        self.wait_for_stdout("mounted")

    @property
    def view(self):
        """Where the test sees what its programs see at `folder`."""
        return pathlib.Path("/proc", str(self.pid), "root", *self.folder.parts[1:])

    @property
    def prefix(self):
        """The words before a command that make it see the disk."""
        return ["nsenter", f"--target={self.pid}", "--user", "--mount", "--preserve-credentials"]

    def leave(self, size, *_):
        """Lets so many bytes be written from now on, rounded up to a page."""
        filler = self.view / "filler"
        filler.unlink(missing_ok=True)
        state = os.statvfs(self.view)
        taken = max(0, state.f_bavail * state.f_frsize - size)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, taken)


class FileSizeLimit:
    """No file may become larger, on any disk."""

    REASON = "File too large"

    @staticmethod
    def possible():
        return True

    def __init__(self, test):
        self.folder = self.view = test.folder / "disk"
        self.folder.mkdir()
        self._limit = None

    @property
    def prefix(self):
        return [] if self._limit is None else ["prlimit", f"--fsize={self._limit}:"]

    def leave(self, size, *running):
        """From now on, for programs that are started and those that run."""
        self._limit = size
        for process in running:
            subprocess.run(["prlimit", f"--pid={process.pid}", f"--fsize={size}:"], check=True)


class TestCase(harness.TestCase):
    """Every `wash` sees `self.disk`, of the kind DISK."""

    DISK = FileSizeLimit

    def setUp(self):
        super().setUp()
        if not self.DISK.possible():
            self.skipTest("this machine lets nobody make a name space")
        self.disk = self.DISK(self)

    def wash_words(self):
        return [*self.disk.prefix, *super().wash_words()]

    def files(self):
        """Of the disk, with their content."""
        return {str(path.relative_to(self.disk.view)): path.read_bytes()
                for path in self.disk.view.rglob("*") if path.is_file() and path.name != "filler"}

    def place(self, name, content):
        """A file on the disk; gives the path that programs know it by."""
        path = self.disk.view / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.disk.folder / name
