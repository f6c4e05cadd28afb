"""What the tests of `wash dev` share: a project in a folder, a running `wash -o json dev`, its
events, and clients that keep asking.

    class Reloads(developing.TestCase):
        def test_it(self):
            self.project("http-hello")
            dev = self.dev()
            self.swap("http-hello-c")
            dev.until("reloaded")
"""

import json
import pathlib
import threading
import time

import harness


def event_of(line):
    """A line of `wash -o json dev`: what the event says of itself, with its message and success."""
    result = json.loads(line)
    return {**result["data"], "message": result["message"], "success": result["success"]}


class Dev(harness.Server):
    """A `wash -o json dev` that serves; every line of its output is an event."""

    def _bound_address(self):
        event = self.until("serving")
        return harness.parse_address(event["url"])

    def _next(self, wanted, describe):
        deadline = time.monotonic() + harness.PATIENCE_SECONDS
        line = self.stdout.wait_for(lambda text: wanted(event_of(text)), deadline)
        if line is None:
            raise AssertionError(f"it ended without {describe}\n{self.describe()}")
        return event_of(line)

    def until(self, kind, **fields):
        """The next event of that kind, with those fields."""
        wanted = {"event": kind, **fields}
        return self._next(lambda event: wanted.items() <= event.items(), f"{kind} {fields}")

    def output(self, text):
        """The next line of a guest that has this text."""
        return self._next(lambda event: event.get("event") == "output" and
                          text in event["message"], f"the output {text!r}")

    def events(self, kind=None):
        """All so far."""
        events = [event_of(line) for line in self.stdout.all]
        return [event for event in events if kind in (None, event.get("event"))]

    def interrupt(self):
        """Ctrl-C; gives the exit status."""
        self.send(harness.signal.SIGINT)
        return self.wait()


class Clients:
    """Ask without a pause over connections of their own, each at least once; any failure ends the
    test."""

    def __init__(self, dev, count, path="/", keep=True):
        self._dev, self._path, self._keep = dev, path, keep
        self._stop = threading.Event()
        self._failures = []
        self._counts = [0] * count
        self._threads = [threading.Thread(target=self._run, args=(index,), daemon=True)
                         for index in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, index):
        try:
            while self._counts[index] == 0 or not self._stop.is_set():
                with self._dev.connect() as connection:
                    self._ask(connection, index)
        except Exception as failure:  # whatever it is, the test has failed
            self._failures.append(failure)

    def _ask(self, connection, index):
        head = f"GET {self._path} HTTP/1.1\r\nhost: x\r\n"
        head += "\r\n" if self._keep else "connection: close\r\n\r\n"
        while self._counts[index] == 0 or not self._stop.is_set():
            connection.send(head)
            answer = connection.read_answer()
            if answer.status != 200:
                raise AssertionError(f"{answer.status} {answer.text}")
            self._counts[index] += 1
            if not self._keep:
                return

    def end(self):
        """Stops them; gives the number of answers, and raises what failed."""
        self._stop.set()
        for thread in self._threads:
            thread.join(harness.PATIENCE_SECONDS)
        if self._failures:
            raise self._failures[0]
        return sum(self._counts)


class TestCase(harness.TestCase):
    @property
    def root(self):
        return self.folder / "project"

    def source(self, name, text):
        """A source file, written beside and renamed, as editors do: under a name that is known
        for no source, as a round may see it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + "~")
        fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
        fresh.rename(path)
        return path

    def configure(self, settings):
        self.source(".wash/config.yaml", json.dumps(settings))

    def swap(self, guest):
        """Makes the next build give another component."""
        self.source("component.in", pathlib.Path(harness.guest(guest)).read_bytes())

    def with_section(self, guest):
        """The same component with a custom section more."""
        with open(harness.guest(guest), "rb") as file:
            return file.read() + b"\0\x02\x01x"

    def project(self, guest, *, build=None, **sections):
        """A project whose build copies a component that is there already."""
        self.swap(guest)
        self.configure({"build": {"command": "cp component.in app.wasm",
                                  "component_path": "app.wasm", **(build or {})}, **sections})
        return self.root

    def dev(self, *arguments, **options):
        """A `wash dev` of the project that serves."""
        words = ["-o", "json", "dev", self.root, "--addr", "127.0.0.1:0", *arguments]
        return self._start(Dev, words, options.pop("env", None), options)

    def text_of(self, dev, path="/"):
        answer = dev.get(path)
        self.assertEqual(200, answer.status, answer.text)
        return answer.text
