"""HTTP/2 clients, played frame by frame."""

import struct

import harness
from http2_frames import (ACK, DATA, END_HEADERS, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM,
                          SETTINGS, WHOLE, Frames, block, frame, no_table, status_of)


def request_fields(path="/count", method="GET", host="h"):
    return ((":method", method), (":scheme", "http"), (":path", path), (":authority", host))


def head(stream, path="/count", method="GET", flags=WHOLE, host="h"):
    return frame(HEADERS, flags, stream, block(*request_fields(path, method, host)))


def upload(stream, host="h"):
    """A request whose content is still to come."""
    return head(stream, "/drain", "POST", END_HEADERS, host)


class Connection(Frames, harness.Raw):
    """That of a client."""


class Client(Connection):
    """One that has said who it is, and may do what it likes from then on."""

    def __init__(self, server, host="h"):
        super().__init__((server.host, server.port))
        self._host, self._last_stream = host, -1
        self.send(PREFACE + no_table())
        self.settings = dict(struct.iter_unpack(">HI", self.read_frame().payload))
        self.send(frame(SETTINGS, ACK))

    def next_stream(self):
        self._last_stream += 2
        return self._last_stream

    def settle(self):
        """Until the server has taken all that was sent, and nothing of its own is on its way."""
        self.send(frame(PING, 0, 0, b"settling"))
        while True:
            answer = self.read_frame()
            if answer.kind == PING and answer.payload == b"settling":
                return

    def ask(self, path="/count"):
        stream = self.next_stream()
        self.send(head(stream, path, host=self._host))
        return self.answer(stream)

    def answer(self, stream):
        """Status and content; or the code with which the stream was reset."""
        status, content = None, b""
        while True:
            one = self.read_frame()
            if one.kind == GOAWAY:
                raise AssertionError(f"the connection ends: {one.code!r}")
            if one.stream != stream:
                continue
            if one.kind == RST_STREAM:
                return one.code
            if one.kind == HEADERS and status is None:
                status = status_of(one.payload)
            if one.kind == DATA:
                content += one.payload
            if one.is_last:
                return status, content
