"""Frames of HTTP/2 (RFC 9113), written and read one by one."""

import contextlib
import dataclasses
import enum
import struct

from wire import uleb

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
WHOLE = END_STREAM | END_HEADERS
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE = 3, 4, 6
MAX_FRAME_BYTES = 16384
MAX_WINDOW = (1 << 31) - 1


class Code(enum.IntEnum):
    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def no_table():
    """The settings of an end that keeps no table of fields (SETTINGS_HEADER_TABLE_SIZE)."""
    return frame(SETTINGS, 0, 0, struct.pack(">HI", 1, 0))


def reset(stream):
    return frame(RST_STREAM, 0, stream, bytes(4))


def text(value):
    """A string of HPACK, without its Huffman code."""
    data = value.encode()
    return (bytes([len(data)]) if len(data) < 127 else b"\x7f" + uleb(len(data) - 127)) + data


def block(*fields):
    """Fields that go into nobody's table."""
    return b"".join(b"\0" + text(name) + text(value) for name, value in fields)


def fields_of(block):
    """A block of fields without the size of the table that may stand before them."""
    return block[1:] if block[0] & 0xE0 == 0x20 else block


def status_of(block):
    """The status of a response, which stands first: by its number in the static table of HPACK
    (RFC 7541, appendix A), or spelled out."""
    fields = fields_of(block)
    if fields[0] & 0x80:
        return {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}[fields[0] & 0x7F]
    return int(fields[2:2 + fields[1]])


@dataclasses.dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self):
        """That of a RST_STREAM or a GOAWAY."""
        start = 4 if self.kind == GOAWAY else 0
        return Code(int.from_bytes(self.payload[start:start + 4], "big"))

    @property
    def is_last(self):
        """Whether its stream ends with it."""
        return self.kind in (DATA, HEADERS) and bool(self.flags & END_STREAM)


class Frames:
    """Mixed into a harness.Raw whose frames are read one by one. Each PING is answered."""

    def read_frame(self):
        header = self.read_exactly(9)
        kind, flags, stream = struct.unpack(">BBI", header[3:])
        payload = self.read_exactly(int.from_bytes(header[:3], "big"))
        if kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        return Frame(kind, flags, stream & MAX_WINDOW, payload)

    def frames(self):
        """All that come until the peer closes the connection."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                yield self.read_frame()

    def goaway(self):
        """The code with which the peer ends the connection; None if it tells none."""
        codes = [None, *(one.code for one in self.frames() if one.kind == GOAWAY)]
        return codes[-1]
