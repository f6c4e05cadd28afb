"""What end-to-end tests share: a real `wash` process, raw clients, folders, and their clean-up.

    class Serves(harness.TestCase):
        def test_answers(self):
            server = self.wash("run", harness.guest("http-hello"), "--addr", "127.0.0.1:0")
            self.assertEqual(200, server.get("/").status)

Everything that a test starts belongs to the test and ends with it, whatever happens. Nothing here
sleeps: it waits for a line, for readability, or for the end of a process, each within a limit.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import queue
import re
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

PATIENCE_SECONDS = float(os.environ.get("NIMBUS_PATIENCE_SECONDS", "60"))
SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
WASH = pathlib.Path(os.environ.get("WASH", SOURCE / "build" / "wash"))
GUESTS = pathlib.Path(os.environ.get("GUESTS", SOURCE / "build" / "guests"))

URL = re.compile(r"\b(https?)://(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d+)")


def guest(name):
    """The path of a built guest component."""
    path = GUESTS / f"{name}.wasm"
    if not path.is_file():
        raise FileNotFoundError(f"no guest {path}: scripts/build-guests.sh builds it")
    return str(path)


def without_progress(errors):
    """What was written to standard error but for lines that say what takes long, as anything may on
    a machine that is slow enough."""
    return re.sub(r"^(Cloning|Compiling|Pulling|Pushing) .*\n", "", errors, flags=re.MULTILINE)


def found(folder, name):
    """The paths of that name, which may be a pattern, anywhere below a folder in which others may
    be deleting. Folders may lie in folders without end, which os.walk cannot follow."""
    listed = subprocess.run(["find", folder, "-mindepth", "1", "-name", name, "-print0"],
                            check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return [pathlib.Path(os.fsdecode(path)) for path in listed.stdout.split(b"\0") if path]


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()


class Lines:
    """The lines that a pipe delivers, read by a thread, so that a child never blocks on it; or, up
    to resume(), not beyond a line in which the regular expression `stop_at` is found."""

    def __init__(self, pipe, stop_at=None):
        self.all = []
        self._stop_at = None if stop_at is None else re.compile(stop_at)
        self._resumed = threading.Event()
        if stop_at is None:
            self._resumed.set()
        self._arrived = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe):
        with pipe:
            for line in pipe:
                line = line.decode(errors="replace").rstrip("\n")
                self.all.append(line)
                self._arrived.put(line)
                if not self._resumed.is_set() and self._stop_at.search(line):
                    self._resumed.wait()
        self._arrived.put(None)

    def resume(self):
        self._resumed.set()

    def wait_for(self, wanted, deadline):
        """The first new line for which wanted(line) is true; None at the end of the stream."""
        while True:
            try:
                line = self._arrived.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError("the line did not come; so far:\n" + "\n".join(self.all)) \
                    from None
            if line is None:
                self._arrived.put(None)
                return None
            if wanted(line):
                return line

    def join(self):
        if self._resumed.is_set():
            self._thread.join(PATIENCE_SECONDS)


class Process:
    """A child in a process group of its own; its output is kept line by line. `unread` says where
    the reading of a stream stops: {"stderr": PATTERN}, see Lines."""

    def __init__(self, command, *, cwd=None, env=None, stdin=subprocess.DEVNULL, unread=None):
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(self.command, cwd=cwd, env=env, stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        start_new_session=True)
        unread = unread or {}
        self.stdout = Lines(self.process.stdout, unread.get("stdout"))
        self.stderr = Lines(self.process.stderr, unread.get("stderr"))

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def wait(self, timeout_seconds=PATIENCE_SECONDS):
        """The exit status, negative for a signal, once all output has been read that is read."""
        status = self.process.wait(timeout_seconds)
        self.stdout.join()
        self.stderr.join()
        return status

    def send(self, signal_number):
        self.process.send_signal(signal_number)

    def terminate(self, timeout_seconds=PATIENCE_SECONDS):
        """Asks it to end, as an operator would, and gives its exit status."""
        self.send(signal.SIGTERM)
        return self.wait(timeout_seconds)

    def kill(self):
        """Ends it and all it has started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def wait_for_stdout(self, pattern, timeout_seconds=PATIENCE_SECONDS):
        return self._wait_for(self.stdout, pattern, timeout_seconds)

    def wait_for_stderr(self, pattern, timeout_seconds=PATIENCE_SECONDS):
        return self._wait_for(self.stderr, pattern, timeout_seconds)

    def _wait_for(self, lines, pattern, timeout_seconds):
        """The match of a regular expression in the first new line that has one."""
        deadline = time.monotonic() + timeout_seconds
        line = lines.wait_for(re.compile(pattern).search, deadline)
        if line is None:
            raise AssertionError(f"{self.command} ended without {pattern!r}\n{self.describe()}")
        return re.search(pattern, line)

    def describe(self):
        return "\n".join(["standard output:", *self.stdout.all,
                          "standard error:", *self.stderr.all])

    def resident_bytes(self):
        return self._status_kib("VmRSS") * 1024

    def peak_resident_bytes(self):
        return self._status_kib("VmHWM") * 1024

    def virtual_bytes(self):
        return self._status_kib("VmSize") * 1024

    def _status_kib(self, key):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"^{key}:\s+(\d+) kB$", status, re.MULTILINE).group(1))

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Server(Process):
    """A `wash` that serves; `host` and `port` are what it says it has bound."""

    def __init__(self, command, **options):
        super().__init__(command, **options)
        self.scheme, self.host, self.port = self._bound_address()

    def _bound_address(self):
        line = self.stdout.wait_for(parse_address, time.monotonic() + PATIENCE_SECONDS)
        if line is None:
            raise AssertionError(f"{self.command} ended before it served\n{self.describe()}")
        return parse_address(line)

    @property
    def authority(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self):
        return f"{self.scheme}://{self.authority}"

    def request(self, method, path="/", *, body=None, headers=None):
        """One HTTP/1.1 request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())

    def get(self, path="/", **options):
        return self.request("GET", path, **options)

    def post(self, path, body, **options):
        return self.request("POST", path, body=body, **options)

    def connect(self):
        return Raw((self.host, self.port))


def parse_address(line):
    """(scheme, host, port) from a line of text or JSON that has a URL in it, else None."""
    match = URL.search(line)
    if match:
        return match.group(1), match.group(2).strip("[]"), int(match.group(3))
    return None


class Raw:
    """A socket for bytes that no well-behaved client sends."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, (str, pathlib.Path)) else None
        if family:
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            self.socket.settimeout(PATIENCE_SECONDS)
            self.socket.connect(str(address))
        else:
            self.socket = socket.create_connection(address, timeout=PATIENCE_SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def read_until(self, mark):
        """All bytes up to and with the mark."""
        mark = mark.encode() if isinstance(mark, str) else mark
        while mark not in self.received:
            self._receive_more(f"before {mark!r}")
        end = self.received.index(mark) + len(mark)
        return self._take(end)

    def read_exactly(self, count):
        while len(self.received) < count:
            self._receive_more(f"before {count} bytes")
        return self._take(count)

    def read_to_end(self):
        """All bytes until the peer closes, or resets, the connection."""
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:
                self._receive_more("")
        return self._take(len(self.received))

    def read_answer(self):
        """One HTTP/1.1 answer whose body has a Content-Length, is chunked, or is empty."""
        status_line, *lines = self.read_until("\r\n\r\n").decode("latin-1").split("\r\n")[:-2]
        headers = dict((name.lower(), value.strip())
                       for name, value in (line.split(":", 1) for line in lines))
        status = int(status_line.split()[1])
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return Answer(status, headers, self._read_chunks())
        return Answer(status, headers, self.read_exactly(int(headers.get("content-length", 0))))

    def _read_chunks(self):
        body = b""
        while True:
            size = int(self.read_until("\r\n").split(b";")[0], 16)
            if size == 0:
                while self.read_until("\r\n") != b"\r\n":
                    pass  # trailers
                return body
            body += self.read_exactly(size)
            self.read_exactly(2)

    def readable(self, timeout_seconds):
        """Whether bytes, or the end, arrive within the time."""
        if self.received:
            return True
        poll = select.poll()  # select() takes no descriptor beyond 1023
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(timeout_seconds * 1000))

    def reset(self):
        """Closes with a TCP reset, as a client that vanishes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self):
        self.socket.close()

    def _receive_more(self, when):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError(f"the peer closed {when}; received {self.received[:200]!r}")
        self.received += data

    def _take(self, count):
        taken, self.received = self.received[:count], self.received[count:]
        return taken


class Held(Raw):
    """A request that runs until finish(): to the last, a part of its content is missing. What it is
    for reads its content, as /drain of the guests does."""

    def __init__(self, server, host, path="/drain"):
        super().__init__((server.host, server.port))
        self.send(f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 2\r\n\r\nx")

    def finish(self):
        """Its answer."""
        self.send("x")
        return self.read_answer()


class TestCase(unittest.TestCase):
    """Owns what its tests start; says on failure what the processes printed."""

    def setUp(self):
        self._processes = []
        self._folder = None

    def tearDown(self):
        for process in self._processes:
            process.kill()
        if self._failed():
            for process in self._processes:
                process.stdout.join()
                process.stderr.join()
                print(f"\n{' '.join(process.command)}\n{process.describe()}")
        if self._folder:
            # Whatever lies in it, however deep; shutil.rmtree goes as deep as Python's stack.
            subprocess.run(["rm", "-rf", "--", self._folder], check=True)

    def _failed(self):
        outcome = self._outcome
        return any(error for _, error in getattr(outcome, "errors", [])) or \
            not getattr(outcome, "success", True)

    @property
    def folder(self):
        """A temporary folder of this test."""
        if self._folder is None:
            self._folder = pathlib.Path(tempfile.mkdtemp(prefix="nimbus-e2e-"))
        return self._folder

    def write(self, name, text):
        """A file in the test's folder, replaced atomically; gives its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
        fresh.rename(path)
        return path

    def environment(self, **more):
        """The caller's environment with a home of this test, but the shared cache folder."""
        cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
        return {**os.environ, "HOME": str(self.folder), "XDG_CACHE_HOME": cache, **more}

    def wash_words(self):
        """The words that start a `wash`."""
        return [WASH]

    def own(self, process):
        self._processes.append(process)
        return process

    def wash(self, *arguments, env=None, **options):
        """Starts a `wash` that serves, and waits until it says where."""
        return self._start(Server, arguments, env, options)

    def start(self, *arguments, env=None, **options):
        """Starts any other `wash`."""
        return self._start(Process, arguments, env, options)

    def _start(self, kind, arguments, env, options):
        # Registered before its address is known: a server that never serves must end as well.
        process = kind.__new__(kind)
        try:
            process.__init__([*self.wash_words(), *arguments], env=env or self.environment(),
                             **options)
        finally:
            if hasattr(process, "process"):
                self.own(process)
        return process

    def run_wash(self, *arguments, timeout_seconds=PATIENCE_SECONDS, env=None, **options):
        """Runs a `wash` to its end: subprocess.CompletedProcess with text."""
        command = [str(word) for word in (*self.wash_words(), *arguments)]
        return subprocess.run(command, text=True, check=False, capture_output=True,
                              timeout=timeout_seconds, env=env or self.environment(), **options)

    def wash_json(self, *arguments, **options):
        """The JSON that `wash … -o json` prints; fails unless it exits with 0."""
        done = self.run_wash(*arguments, "-o", "json", **options)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def eventually(self, condition, message, timeout_seconds=PATIENCE_SECONDS):
        """Waits for a state that announces itself by nothing: prefer to wait for a line."""
        deadline = time.monotonic() + timeout_seconds
        pause = threading.Event()
        while not condition():
            self.assertLess(time.monotonic(), deadline, message)
            pause.wait(0.01)


def main():
    unittest.main()
