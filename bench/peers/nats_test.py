"""The client against a scripted server on the loopback."""

import pathlib
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from peers.nats import NatsClient  # noqa: E402


class ScriptedServer(threading.Thread):
    """Greets one client, then answers each line that begins with a key of `answers`."""

    def __init__(self, answers):
        super().__init__(daemon=True)
        self.answers = {b"PING": lambda words: b"PONG\r\n", **answers}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lines = []
        self.start()

    def run(self):
        connection, _ = self.listener.accept()
        self.listener.close()
        with connection:
            connection.sendall(b"INFO {}\r\n")
            for line in connection.makefile("rb"):
                self.lines.append(line)
                words = line.split() or [b""]
                if words[0] in self.answers:
                    connection.sendall(self.answers[words[0]](words))


class NatsClientTest(unittest.TestCase):
    def connect(self, answers=None):
        server = ScriptedServer(answers or {})
        client = NatsClient(server.port)
        self.addCleanup(client.close)
        return server, client

    def test_a_request_returns_the_reply_to_its_inbox(self):
        def reply(words):  # PUB subject inbox size
            return b"MSG " + words[2] + b" 1 9\r\n" + b'{"a":"b"}\r\n'

        _, client = self.connect({b"PUB": reply})
        self.assertEqual(client.request("subject", {"x": 1}, 5), {"a": "b"})

    def test_messages_of_other_subscriptions_are_skipped(self):
        two = b"MSG one 1 3\r\nabc\r\nMSG two 2 reply 3\r\ndef\r\n"
        _, client = self.connect({b"SUB": lambda words: two if words[1] == b"two" else b""})
        client.subscribe("one")
        second = client.subscribe("two")
        self.assertEqual(client.next_message(second, 5), ("two", b"def"))

    def test_the_servers_ping_is_answered(self):
        message = b"PING\r\nMSG one 1 0\r\n\r\n"
        server, client = self.connect({b"SUB": lambda words: message})
        client.next_message(client.subscribe("one"), 5)
        client.socket.shutdown(socket.SHUT_WR)
        server.join(5)
        self.assertIn(b"PONG\r\n", server.lines)

    def test_an_error_of_the_server_is_raised(self):
        _, client = self.connect({b"SUB": lambda words: b"-ERR 'no'\r\n"})
        with self.assertRaises(ConnectionError):
            client.next_message(client.subscribe("one"), 5)


if __name__ == "__main__":
    unittest.main()
