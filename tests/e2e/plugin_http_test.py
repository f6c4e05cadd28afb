#!/usr/bin/env python3
"""A plugin that exports a handler of HTTP is served while its command runs."""

import socket

import harness


class PluginHttpTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        done = self.run_wash("plugin", "install", harness.guest("plugin-web"))
        self.assertEqual(0, done.returncode, done.stderr)

    @staticmethod
    def address_of(process):
        return process.wait_for_stdout(r"waiting at (\S+)").group(1)

    def ask(self, address, path):
        host, port = address.rsplit(":", 1)
        with harness.Raw((host, int(port))) as connection:
            connection.send(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            return connection.read_answer()

    def test_the_command_sees_what_the_handler_did_and_the_handler_its_configuration(self):
        for word in ("first", "second"):
            process = self.start("--plugin-address", "127.0.0.1:0", "web", word)
            answer = self.ask(self.address_of(process), "/back?code=1")
            self.assertEqual(200, answer.status)
            self.assertIn(f"{word}\n", answer.text)
            self.assertEqual(0, process.wait())
            self.assertEqual("/back?code=1", process.stdout.all[-1])
            process.wait_for_stderr("serves HTTP while its command runs.*http://127.0.0.1:")

    def test_a_command_that_is_tried_is_served_too(self):
        process = self.start("--plugin-address", "127.0.0.1:0", "plugin", "test",
                             harness.guest("plugin-web"), "--", "web", "tried")
        self.assertIn("tried\n", self.ask(self.address_of(process), "/").text)
        self.assertEqual(0, process.wait())

    def test_an_address_that_is_taken_is_an_error_of_the_command(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = self.run_wash("--plugin-address", address, "web", "word")
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, f"error: plugin web: .*--plugin-address.*{address}")
        self.assertEqual(2, self.run_wash("--plugin-address", "nowhere", "web", "x").returncode)

    def test_it_is_said_what_it_does(self):
        self.assertIn("HTTP while its command runs", self.run_wash("plugin", "list").stdout)

    def test_ctrl_c_ends_it(self):
        process = self.start("--plugin-address", "127.0.0.1:0", "web", "word")
        self.address_of(process)
        process.send(harness.signal.SIGINT)
        self.assertEqual(130, process.wait())


if __name__ == "__main__":
    harness.main()
