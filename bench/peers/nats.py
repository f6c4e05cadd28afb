"""As much of the NATS client protocol as driving a host takes: connect, subscribe, request."""

import json
import socket
import time
import uuid


class NatsClient:
    """One blocking connection. Messages that nobody waits for are dropped."""

    def __init__(self, port, timeout_s=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.reader = self.socket.makefile("rb")
        self.last_subscription = 0
        if not self.reader.readline().startswith(b"INFO "):
            raise ConnectionError("the server did not greet with INFO")
        options = {"verbose": False, "pedantic": False, "lang": "python", "version": "0"}
        self._send(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
        while (line := self.reader.readline()) != b"PONG\r\n":
            if not line or line.startswith(b"-ERR"):
                raise ConnectionError(line.decode().strip() or "connection closed")

    def close(self):
        self.reader.close()
        self.socket.close()

    def subscribe(self, subject):
        self.last_subscription += 1
        self._send(f"SUB {subject} {self.last_subscription}\r\n".encode())
        return self.last_subscription

    def next_message(self, subscription, timeout_s):
        """Subject and payload of the next message on that subscription."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            line = self.reader.readline()
            if not line:
                raise ConnectionError("the NATS server closed the connection")
            words = line.split()
            if words[0] == b"PING":
                self._send(b"PONG\r\n")
            elif words[0] == b"-ERR":
                raise ConnectionError(line.decode().strip())
            elif words[0] == b"MSG":  # MSG subject sid [reply] size
                payload = self.reader.read(int(words[-1]) + 2)[:-2]
                if int(words[2]) == subscription:
                    return words[1].decode(), payload
        raise TimeoutError("no NATS message in time")

    def request(self, subject, message, timeout_s=120):
        """Sends a JSON document and returns the JSON document that answers it."""
        inbox = f"_INBOX.{uuid.uuid4().hex}"
        subscription = self.subscribe(inbox)
        payload = json.dumps(message).encode()
        head = f"UNSUB {subscription} 1\r\nPUB {subject} {inbox} {len(payload)}\r\n"
        self._send(head.encode() + payload + b"\r\n")
        return json.loads(self.next_message(subscription, timeout_s)[1])

    def _send(self, data):
        self.socket.sendall(data)
