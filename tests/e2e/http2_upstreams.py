"""HTTP/2 servers that a component's outgoing requests reach, played frame by frame."""

import contextlib
import itertools
import ssl
import struct

from http2_frames import (ACK, DATA, END_HEADERS, HEADERS, INITIAL_WINDOW_SIZE, PREFACE,
                          RST_STREAM, SETTINGS, WHOLE, WINDOW_UPDATE, Frames, block, fields_of,
                          frame, no_table, window_update)
from upstreams import Accepted, Upstream

WINDOW = 65535  # what HTTP/2 begins with, for each stream and for the connection
OK = block((":status", "200"))


class Http2Upstream(Upstream):
    """Its requests get these turns, one after the other and again. Each is called with its
    connection and stream as soon as the head of a request is there."""

    def __init__(self, test, issued, *turns):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued["server.pem"], issued["server.key"])
        context.set_alpn_protocols(["h2"])
        self._turns = itertools.cycle(turns)
        super().__init__(test, self._take_turns,
                         lambda accepted: AcceptedHttp2(context, accepted))

    @property
    def url(self):
        return f"https://localhost:{self.port}/"

    def _take_turns(self, connection, _number):
        connection.open()
        while one := connection.next_head():
            next(self._turns)(connection, one.stream)


class AcceptedHttp2(Frames, Accepted):
    """The server's end of a connection whose client chose HTTP/2."""

    def __init__(self, context, accepted):
        super().__init__(accepted)
        self.windows = {}  # what may be sent: of the connection (0) and of each stream
        self._initial_window = WINDOW
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def open(self):
        if self.socket.selected_alpn_protocol() != "h2":
            raise AssertionError(self.socket.selected_alpn_protocol())
        self.windows[0] = WINDOW
        self.send(no_table())
        preface = self.read_exactly(len(PREFACE))
        if preface != PREFACE:
            raise AssertionError(preface)

    def read_frame(self):
        one = super().read_frame()
        if one.kind == SETTINGS and not one.flags & ACK:
            settings = dict(struct.iter_unpack(">HI", one.payload))
            self._initial_window = settings.get(INITIAL_WINDOW_SIZE, self._initial_window)
            self.send(frame(SETTINGS, ACK))
        if one.kind == HEADERS:
            self.windows.setdefault(one.stream, self._initial_window)
        if one.kind == WINDOW_UPDATE and one.stream in self.windows:
            self.windows[one.stream] += int.from_bytes(one.payload, "big")
        return one

    def next_head(self):
        """Of a request; None if the client wants nothing for a long time."""
        with contextlib.suppress(TimeoutError):
            while True:
                one = self.read_frame()
                if one.kind == HEADERS:
                    return one
        return None

    def reset_of(self, stream):
        """The code with which the client ends it."""
        while True:
            one = self.read_frame()
            if one.kind == RST_STREAM and one.stream == stream:
                return one.code

    def room(self, stream):
        return min(self.windows[0], self.windows[stream])

    def send_content(self, stream, content):
        """As the client lets it; what comes meanwhile, but for windows, is given back."""
        came = []
        while content:
            piece, content = content[:self.room(stream)], content[self.room(stream):]
            if piece:
                self.windows[0] -= len(piece)
                self.windows[stream] -= len(piece)
                self.send(frame(DATA, 0, stream, piece))
            elif (one := self.read_frame()).kind in (DATA, HEADERS, RST_STREAM):
                came.append(one)
                if one.kind == RST_STREAM:
                    break
        return came


def echo(connection, stream):
    """Sends the content and trailers of a request back as they come, and how much it was in one
    more trailer. The client gets its window back with its content, so that little is on its way."""
    connection.send(frame(HEADERS, END_HEADERS, stream, OK))
    waiting, received = [], 0
    while True:
        one = waiting.pop(0) if waiting else connection.read_frame()
        if one.kind == RST_STREAM:
            raise AssertionError(one)
        if one.kind == DATA and one.payload:
            received += len(one.payload)
            waiting += connection.send_content(stream, one.payload)
            connection.send(window_update(0, len(one.payload)) +
                            window_update(stream, len(one.payload)))
        if one.is_last:
            trailers = fields_of(one.payload) if one.kind == HEADERS else b""
            count = block(("x-received", str(received)))
            connection.send(frame(HEADERS, WHOLE, stream, trailers + count))
            return


def begin(connection, stream):
    """The first bytes of an answer."""
    connection.send(frame(HEADERS, END_HEADERS, stream, OK) + frame(DATA, 0, stream, b"begin"))
