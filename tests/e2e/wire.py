"""wRPC's framed dialect in a few lines, written from its description and from nothing of ours: one
connection for each call, no streams (docs/formats/wrpc-framed.md)."""

import socket


def uleb(number):
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return uleb(len(data)) + data


class Reader:
    def __init__(self, data):
        self.data = data

    def byte(self):
        first, self.data = self.data[0], self.data[1:]
        return first

    def uleb(self):
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def bytes(self):
        size = self.uleb()
        if size > len(self.data):
            raise EOFError("the value is cut off")
        value, self.data = self.data[:size], self.data[size:]
        return value


def call(path, instance, function, params, timeout_seconds):
    """The bytes of the results; EOFError if the provider broke off, OSError if it is not there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_seconds)
        connection.connect(str(path))
        connection.sendall(b"\0" + text(instance) + text(function) + b"\0" + text(params))
        connection.shutdown(socket.SHUT_WR)
        received = bytearray()
        while piece := connection.recv(65536):
            received += piece
    if not received:
        raise EOFError("no results")
    frame, root = Reader(bytes(received)), b""
    while frame.data:
        if frame.uleb() != 0:
            raise ValueError("a frame that is not for the root")
        root += frame.bytes()
    return root


class DeclaredError(Exception):
    """The `error` of wrpc:keyvalue: 0 no-such-store, 1 access-denied, 2 other."""


class KeyValue:
    """A client of wrpc:keyvalue@0.2.0-draft at a Unix socket."""

    def __init__(self, path, timeout_seconds):
        self.path = path
        self.timeout_seconds = timeout_seconds

    def _call(self, interface, function, params):
        results = Reader(call(self.path, f"wrpc:keyvalue/{interface}@0.2.0-draft", function,
                              params, self.timeout_seconds))
        if results.byte() == 0:
            return results
        case = results.uleb()
        raise DeclaredError(case, results.bytes().decode() if case == 2 else "")

    def get(self, bucket, key):
        results = self._call("store", "get", text(bucket) + text(key))
        return results.bytes() if results.byte() == 1 else None

    def set(self, bucket, key, value):
        self._call("store", "set", text(bucket) + text(key) + text(value))

    def increment(self, bucket, key, delta):
        return self._call("atomics", "increment",
                          text(bucket) + text(key) + uleb(delta)).uleb()
