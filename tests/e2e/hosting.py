"""What the tests of `wash host` share: a running host, its administration API, and manifests.

    class Serves(hosting.TestCase):
        def test_answers(self):
            host = self.host()
            host.apply(hosting.workload("shop", "http-hello"))
            self.assertEqual(200, host.ask("shop.test").status)
"""

import contextlib
import http.client
import json
import signal
import socket
import time

import harness


def workload(name, guest="http-misc", *, routes=None, volumes=None, resources=None,
             environment=None, **policy):
    """A manifest with one component, `web`, that serves the host NAME.test unless told otherwise.
    `policy` are keys of the component, such as poolSize."""
    resources = dict(resources or {})
    if environment is not None:
        resources["environment"] = environment
    manifest = {"name": name,
                "components": [component("web", guest, localResources=resources, **policy)],
                "http": {"routes": [{"host": f"{name}.test"}] if routes is None else routes}}
    if volumes is not None:
        manifest["volumes"] = volumes
    return manifest


def service(name, guest, *, environment=None, **keys):
    """A manifest that is a service alone, which serves the host NAME.test."""
    resources = {**keys.pop("localResources", {}), "environment": environment or {}}
    return {"name": name, "http": {"routes": [{"host": f"{name}.test"}]},
            "service": {"file": harness.guest(guest), "localResources": resources, **keys}}


def component(name, guest="http-misc", **keys):
    return {"name": name, "file": harness.guest(guest), **keys}


def image(name, reference, **keys):
    """A workload whose component is an image."""
    manifest = workload(name)
    manifest["components"] = [{"name": "web", "image": reference, **keys}]
    return manifest


def wait_for_service(test, host, name, wanted):
    """The status of a workload's service that has been seen in that state."""
    seen = []

    def is_there():
        seen[:] = [host.status(name)["service"]]
        return seen[0]["state"] == wanted

    test.eventually(is_there, f"the service of {name} was never {wanted}")
    return seen[0]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("host", timeout=harness.PATIENCE_SECONDS)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def exchange(connection, method, path, *, body=None, headers=None):
    """One request on a connection, whatever it goes over."""
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    fields = {name.lower(): value for name, value in response.getheaders()}
    return harness.Answer(response.status, fields, response.read())


def ask_admin(socket_path, method, path, *, body=None, headers=None):
    """One request to an administration API, of a host that may not be ready yet."""
    with contextlib.closing(UnixConnection(socket_path)) as connection:
        return exchange(connection, method, path, body=body, headers=headers)


class Host(harness.Server):
    """A `wash -o json host` that is ready."""

    def __init__(self, command, *, admin_socket, **options):
        self.admin_socket = admin_socket
        super().__init__(command, **options)

    def _bound_address(self):
        deadline = time.monotonic() + harness.PATIENCE_SECONDS
        line = self.stdout.wait_for(harness.parse_address, deadline)
        if line is None:
            raise AssertionError(f"{self.command} ended before it served\n{self.describe()}")
        self.announced = json.loads(line)["data"]
        return harness.parse_address(self.announced["addresses"][0])

    def ask(self, host, path="/", *, method="GET", body=None):
        """One request for that name, on a connection of its own."""
        return self.request(method, path, body=body, headers={"Host": host})

    def text_of(self, host, path="/"):
        answer = self.ask(host, path)
        if answer.status != 200:
            raise AssertionError(f"{host}{path}: {answer.status} {answer.text}")
        return answer.text

    def admin(self, method, path, *, body=None, headers=None):
        return ask_admin(self.admin_socket, method, path, body=body, headers=headers)

    def try_apply(self, manifest, *, wait=True):
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return self.admin("POST", "/v1/workloads" + ("" if wait else "?wait=false"), body=text)

    def apply(self, manifest):
        """The status of the workload, once it serves."""
        answer = self.try_apply(manifest)
        if answer.status != 200:
            raise AssertionError(f"apply: {answer.status} {answer.text}")
        return json.loads(answer.body)

    def why_refused(self, manifest, *, status=422):
        answer = self.try_apply(manifest)
        if answer.status != status:
            raise AssertionError(f"apply: {answer.status} {answer.text}")
        return json.loads(answer.body)["error"]["message"]

    def status(self, name):
        """The status of a workload as JSON; None if there is none."""
        path = name if "/" in name else f"default/{name}"
        answer = self.admin("GET", f"/v1/workloads/{path}")
        return json.loads(answer.body) if answer.status == 200 else None

    def facts(self):
        return json.loads(self.admin("GET", "/v1/host").body)

    def problems(self):
        return {problem["file"]: problem["message"] for problem in self.facts()["problems"]}

    def delete(self, name):
        return self.admin("DELETE", f"/v1/workloads/default/{name}")

    def events(self, **options):
        return Events(self.admin_socket, **options)

    def probe(self, path):
        """What the probe address answers; None once nobody listens there."""
        address = self.announced["probe"].rsplit(":", 1)
        connection = http.client.HTTPConnection(address[0], int(address[1]),
                                                timeout=harness.PATIENCE_SECONDS)
        with contextlib.closing(connection):
            try:
                return exchange(connection, "GET", path)
            except (ConnectionError, http.client.BadStatusLine):
                return None

    def metric(self, name, **labels):
        """The sum of a metric over all series that have these labels."""
        total = 0
        for line in self.admin("GET", "/metrics").text.splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name and \
                    all(f'{key}="{wanted}"' in series for key, wanted in labels.items()):
                total += float(value)
        return total


class Events:
    """The stream of server-sent events; each is a dictionary with `id`, `event` and `data`."""

    def __init__(self, socket_path, *, last_event_id=None, query=""):
        self._raw = harness.Raw(socket_path)
        resume = f"last-event-id: {last_event_id}\r\n" if last_event_id else ""
        self._raw.send(f"GET /v1/events{query} HTTP/1.0\r\nhost: x\r\n{resume}\r\n")
        head = self._raw.read_until("\r\n\r\n").decode()
        if " 200 " not in head or "text/event-stream" not in head:
            raise AssertionError(head)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._raw.close()

    def next(self):
        while True:
            lines = self._raw.read_until("\n\n").decode().strip().split("\n")
            fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
            if fields:
                return {**fields, "data": json.loads(fields["data"])}

    def until(self, kind, workload=None):
        """The next event of that kind, and about that workload if one is told."""
        while True:
            event = self.next()
            if event["event"] == kind and workload in (None, event["data"].get("workload")):
                return event


class TestCase(harness.TestCase):
    """A test has one host at a time: starting one ends the one before, if that still runs."""

    def setUp(self):
        super().setUp()
        self._current = None

    def tearDown(self):
        # A client may have seen no more than a connection that was reset: say why.
        crashed = [process for process in self._processes
                   if isinstance(process, Host) and process.process.poll() is not None and
                   process.process.returncode < 0 and
                   process.process.returncode != -signal.SIGKILL]
        super().tearDown()
        self.assertEqual([], [process.process.returncode for process in crashed],
                         "a host was ended by a signal")

    @property
    def admin_socket(self):
        return self.folder / "admin.sock"

    def config(self, settings):
        """A file with the settings of a host."""
        return self.write("host.json", json.dumps(settings))

    def host_arguments(self, *arguments, workloads=False, state=False, config=None):
        words = ["-o", "json", "host", "--http-addr", "127.0.0.1:0", "--probe-addr", "127.0.0.1:0",
                 "--admin-socket", self.admin_socket]
        for wanted, flag, folder in ((workloads, "--workloads", self.workloads_folder),
                                     (state, "--state", self.state_folder)):
            if wanted:
                words += [flag, folder]
        if config is not None:
            words += ["--config", self.config(config)]
        return [*words, *arguments]

    @property
    def workloads_folder(self):
        path = self.folder / "workloads"
        path.mkdir(exist_ok=True)
        return path

    @property
    def state_folder(self):
        return self.folder / "state"

    def host(self, *arguments, unread=None, **options):
        """A host that is ready; `workloads` and `state` say whether it has these folders."""
        if self._current is not None and self._current.running():
            self._current.kill()
        self._current = self._start(Host, self.host_arguments(*arguments, **options), None,
                                    {"admin_socket": self.admin_socket, "unread": unread})
        return self._current

    def second_host(self, **options):
        """Beside the one that host() has started; with the same options, but its own socket."""
        admin_socket = self.folder / "second.sock"
        words = self.host_arguments(**options)
        words[words.index(self.admin_socket)] = admin_socket
        return self._start(Host, words, None, {"admin_socket": admin_socket})

    def put(self, name, manifest):
        """A manifest in the workloads folder, written beside and renamed."""
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return self.write(f"{self.workloads_folder.name}/{name}", text)

    def manage(self, *arguments, output="json", **options):
        """Runs `wash workload …` against the host; gives the finished process."""
        return self.run_wash("-o", output, "workload", "--host", f"unix:{self.admin_socket}",
                             *arguments, **options)

    def wait_for_answer(self, host, name, path, wanted):
        """Waits until a request is answered with that text."""
        self.eventually(lambda: wanted in host.ask(name, path).text,
                        f"{name}{path} never answered {wanted!r}")
