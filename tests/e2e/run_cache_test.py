#!/usr/bin/env python3
"""`wash run` keeps native code between runs, and never trusts what it finds there blindly."""

import contextlib
import os
import signal
import time
import unittest

import harness
from wire import uleb

DATA_BYTES = 48 << 20


def section(kind, content):
    """One of a core module or of a component."""
    return bytes([kind]) + uleb(len(content)) + content


class CacheTest(harness.TestCase):
    @property
    def cache(self):
        return self.folder / "cache"

    def serve(self, name="http-hello", *flags):
        return self.wash("run", harness.guest(name), "--addr", "127.0.0.1:0", "--cache-dir",
                         self.cache, *flags)

    def check_serves(self, name="http-hello"):
        """Serves one request and ends; gives the log."""
        server = self.serve(name)
        self.assertEqual(200, server.get("/count").status if "misc" in name else
                         server.get().status)
        self.assertEqual(0, server.terminate())
        return "\n".join(server.stderr.all)

    def files(self):
        return sorted(self.cache.glob("*.code"))

    def only_file(self):
        files = self.files()
        self.assertEqual(1, len(files), files)
        return files[0]

    def identity(self, file):
        """Differs when the file was written again."""
        status = file.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def test_the_folder_and_its_files_are_the_users_alone(self):
        self.check_serves()
        self.assertEqual(0o700, self.cache.stat().st_mode & 0o777)
        self.assertEqual(0, self.only_file().stat().st_mode & 0o077)
        self.assertEqual([self.only_file()], list(self.cache.iterdir()))

    def test_the_second_start_writes_nothing(self):
        self.check_serves()
        first = self.identity(self.only_file())
        self.check_serves()
        self.assertEqual(first, self.identity(self.only_file()))

    def test_every_component_has_a_file_of_its_own(self):
        for name in ("http-hello", "http-hello-p3", "http-hello-c"):
            self.check_serves(name)
        self.assertEqual(3, len(self.files()))

    def test_the_same_bytes_under_another_name_share_a_file(self):
        self.check_serves()
        copy = self.folder / "copy.wasm"
        with open(harness.guest("http-hello"), "rb") as original:
            copy.write_bytes(original.read())
        server = self.wash("run", copy, "--addr", "127.0.0.1:0", "--cache-dir", self.cache)
        self.assertEqual(200, server.get().status)
        self.only_file()

    def test_the_environment_names_the_folder_too(self):
        server = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0",
                           env=self.environment(WASH_CACHE_DIR=str(self.cache)))
        self.assertEqual(200, server.get().status)
        self.only_file()

    def test_the_default_is_the_users_cache_folder(self):
        server = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0",
                           env=self.environment(XDG_CACHE_HOME=f"{self.folder}/xdg"))
        self.assertEqual(200, server.get().status)
        self.assertEqual(1, len(list((self.folder / "xdg/nimbus/code").glob("*.code"))))

    def test_a_default_that_cannot_be_used_is_done_without(self):
        self.write("file", "")
        server = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0",
                           env=self.environment(XDG_CACHE_HOME=f"{self.folder}/file"))
        self.assertEqual(200, server.get().status)
        server.wait_for_stderr(rf"native code is not kept between runs .*{self.folder}/file")

    def test_without_a_cache_nothing_is_written(self):
        server = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0",
                           "--no-cache",
                           env=self.environment(XDG_CACHE_HOME=f"{self.folder}/xdg"))
        self.assertEqual(200, server.get().status)
        self.assertFalse((self.folder / "xdg").exists())

    def check_damage(self, damage):
        self.check_serves()
        file = self.only_file()
        good, before = file.read_bytes(), self.identity(file)
        damage(file, good)
        self.assertIn("damaged or foreign file in the code cache", self.check_serves())
        self.assertNotEqual(before, self.identity(self.only_file()))
        self.assertEqual(len(good), self.only_file().stat().st_size)
        self.assertNotIn("damaged", self.check_serves())

    def test_a_flipped_bit_anywhere_is_noticed(self):
        def flip(where):
            def damage(file, good):
                position = int(where * (len(good) - 1))
                file.write_bytes(good[:position] + bytes([good[position] ^ 1]) +
                                 good[position + 1:])
            return damage

        for where in (0, 0.3, 0.7, 1):
            with self.subTest(where):
                self.check_damage(flip(where))

    def test_a_file_that_is_cut_off_is_noticed(self):
        self.check_damage(lambda file, good: file.write_bytes(good[:len(good) // 2]))

    def test_an_empty_file_is_noticed(self):
        self.check_damage(lambda file, good: file.write_bytes(b""))

    def test_the_code_of_another_engine_is_not_taken(self):
        self.check_serves("http-hello")
        mine = self.only_file()
        code = mine.read_bytes()
        mine.unlink()
        server = self.serve("http-hello", "--engine", "full")
        self.assertEqual(200, server.get().status)
        self.assertEqual(0, server.terminate())
        other = self.only_file()
        self.assertNotEqual(mine.name, other.name)
        other.write_bytes(code)
        server = self.serve("http-hello", "--engine", "full")
        self.assertEqual(200, server.get().status)
        server.wait_for_stderr("damaged or foreign file in the code cache")

    def test_the_code_of_another_component_is_not_run(self):
        self.check_serves("http-hello")
        hello = self.only_file()
        code = hello.read_bytes()
        hello.unlink()
        self.check_serves("http-misc")
        misc = self.only_file()
        misc.write_bytes(code)
        self.assertIn("damaged or foreign file in the code cache", self.check_serves("http-misc"))
        self.assertNotEqual(code, self.only_file().read_bytes())

    def test_a_file_that_others_may_write_is_not_taken(self):
        self.check_serves()
        self.only_file().chmod(0o666)
        self.assertIn("damaged or foreign file in the code cache", self.check_serves())
        self.assertEqual(0, self.only_file().stat().st_mode & 0o022)

    def test_a_symbolic_link_in_the_place_of_a_file_is_not_followed(self):
        self.check_serves()
        file = self.only_file()
        elsewhere = file.rename(self.folder / "elsewhere")
        file.symlink_to(elsewhere)
        self.check_serves()
        self.assertFalse(self.only_file().is_symlink())

    def check_refused(self):
        done = self.run_wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0",
                             "--cache-dir", self.cache)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, rf"\Aerror: .*{self.cache}.*\n\Z")

    def test_a_folder_that_others_may_use_is_refused(self):
        for mode in (0o755, 0o777, 0o710):
            with self.subTest(oct(mode)):
                self.cache.mkdir(exist_ok=True)
                self.cache.chmod(mode)
                self.check_refused()

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a folder away")
    def test_a_folder_of_someone_else_is_refused(self):
        self.cache.mkdir(mode=0o700)
        os.chown(self.cache, 12345, 12345)
        self.check_refused()

    def test_a_link_to_a_folder_is_refused(self):
        (self.folder / "real").mkdir(mode=0o700)
        self.cache.symlink_to("real")
        self.check_refused()

    def test_a_file_in_the_place_of_the_folder_is_refused(self):
        self.write("cache", "")
        self.check_refused()

    def with_much_data(self):
        """A component that is compiled quickly, and whose native code is long in writing: it holds
        one more module, of data alone, which it makes no use of."""
        data = section(11, b"\1\1" + uleb(DATA_BYTES) + os.urandom(DATA_BYTES))
        path = self.folder / "data.wasm"
        with open(harness.guest("http-hello"), "rb") as guest:
            path.write_bytes(guest.read() + section(1, b"\0asm\1\0\0\0" + data))
        return path

    def kill_during_the_write(self, component):
        """Gives the size of the file that is left; None if its write had ended before."""
        process = self.start("run", component, "--addr", "127.0.0.1:0", "--cache-dir", self.cache)
        deadline = time.monotonic() + harness.PATIENCE_SECONDS
        with contextlib.suppress(FileNotFoundError):  # it has its name by now
            while not any(file.stat().st_size for file in self.cache.iterdir()):
                self.assertLess(time.monotonic(), deadline, "nothing was written")
        process.send(signal.SIGKILL)
        process.wait()
        (left,) = self.cache.iterdir()
        return None if left.name.endswith(".code") else left.stat().st_size

    def check_serves_twice(self, component):
        """Once with what was left, and once from what that kept."""
        for _ in range(2):
            server = self.wash("run", component, "--addr", "127.0.0.1:0", "--cache-dir",
                               self.cache)
            self.assertEqual(200, server.get().status)
            self.assertEqual(0, server.terminate())
            self.assertNotIn("damaged", "\n".join(server.stderr.all))
        self.assertGreater(self.only_file().stat().st_size, DATA_BYTES)

    def test_a_kill_in_the_middle_of_a_write_leaves_a_cache_that_works(self):
        self.cache.mkdir(mode=0o700)
        component = self.with_much_data()
        sizes = []
        for _ in range(20):
            sizes.append(self.kill_during_the_write(component))
            self.check_serves_twice(component)
            for file in self.cache.iterdir():
                file.unlink()
            if sum(size is not None and 0 < size < DATA_BYTES for size in sizes) == 2:
                return
        self.fail(f"no two files were cut off: {sizes}")

    def test_what_a_killed_process_left_half_written_is_in_nobodys_way(self):
        self.check_serves()
        file = self.only_file()
        file.with_name(file.name + ".Ab3dEf").write_bytes(file.read_bytes()[:1000])
        file.unlink()
        self.assertNotIn("damaged", self.check_serves())
        self.only_file()

    def test_many_processes_may_compile_the_same_component_at_once(self):
        servers = []
        command = ["run", harness.guest("http-misc"), "--addr", "127.0.0.1:0", "--cache-dir",
                   self.cache]
        processes = [self.start(*command) for _ in range(4)]
        for process in processes:
            process.wait_for_stdout("^Serving")
            servers.append(process)
        self.only_file()
        with contextlib.ExitStack() as stack:
            for process in servers:
                stack.callback(process.terminate)
        self.assertNotIn("damaged", self.check_serves("http-misc"))


if __name__ == "__main__":
    harness.main()
