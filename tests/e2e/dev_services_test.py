#!/usr/bin/env python3
"""Services under `wash dev`: the project's component as one, and one beside it."""

import contextlib
import pathlib
import socket

import developing
import harness


def steps(*each):
    return {"environment": {"config": {"DO": "; ".join(each)}}}


class Services(developing.TestCase):
    def lines_of(self, dev):
        """What guests printed so far."""
        return [event["message"] for event in dev.events("output")]

    def wait_for_event(self, dev, kind):
        """Events of a service come when they come, before or after others."""
        self.eventually(lambda: dev.events(kind), f"there was no {kind}")
        return dev.events(kind)[0]


class OwnTest(Services):
    def test_a_project_that_is_only_a_service_runs_and_says_so(self):
        self.project("service-probe", dev={"service": True}, workload=steps("tick 20 beats"))
        dev = self.dev()
        [serving] = dev.events("serving")
        self.assertIs(False, serving["requests"])
        self.assertEqual("project", self.wait_for_event(dev, "service-running")["component"])
        beat = dev.output("beats 3")
        self.assertEqual(("project", "stdout"), (beat["component"], beat["stream"]))
        self.assertEqual(404, dev.get("/").status)
        self.assertEqual(0, dev.interrupt())

    def test_a_swap_ends_the_old_one_and_starts_the_new_one(self):
        self.project("service-probe", dev={"service": True}, workload=steps("tick 20 beats"))
        dev = self.dev()
        dev.output("beats 2")
        self.project("service-probe", dev={"service": True}, workload=steps("tick 20 knocks"))
        dev.output("knocks 2")
        lines = self.lines_of(dev)
        after = lines[lines.index("knocks 1"):]
        self.assertEqual([], [line for line in after if line.startswith("beats")])

    def test_a_failure_is_told_and_it_runs_again(self):
        self.project("service-probe", dev={"service": True},
                     workload=steps("until starts 3 trap", "tick 20 beats"))
        dev = self.dev()
        dev.output("beats 1")
        self.eventually(lambda: len(dev.events("service-running")) == 3, "it did not run again")
        told, _ = dev.events("service-restarting")
        self.assertIn("service project failed and is started again in 0.1 s: wasm trap",
                      told["message"])
        self.assertFalse(told["success"])
        dev.wait_for_stderr("wasm backtrace")

    def test_what_is_no_service_is_told(self):
        self.project("tally-back", dev={"service": True})
        dev = self.start("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0")
        dev.wait_for_stdout("exports neither wasi:cli/run")

    def test_the_text_says_what_it_does(self):
        self.project("service-probe", dev={"service": True}, workload=steps("say hello"))
        dev = self.start("dev", self.root, "--addr", "127.0.0.1:0")
        # A service may have ended before all is said of its start.
        for line in ("Running the service project; nothing serves HTTP", "service project runs",
                     "project | hello", "service project has completed"):
            self.eventually(lambda line=line: line in dev.stdout.all, f"no {line!r}")


class HttpTest(Services):
    def test_one_that_serves_http_is_asked_and_replaced_without_a_failed_request(self):
        guest = "service-web-p3"
        self.project(guest, dev={"service": True})
        dev = self.dev()
        self.assertEqual("1\n", self.text_of(dev, "/count"))
        self.eventually(lambda: int(self.text_of(dev, "/beats")) > 1, "nothing runs beside it")
        with dev.connect() as under_way:
            under_way.send("GET /late?ms=1000 HTTP/1.1\r\nhost: x\r\n\r\n")
            under_way.read_until("\r\n\r\n")
            self.source("component.in", self.with_section(guest))
            dev.until("reloaded")
            self.assertEqual("1\n", self.text_of(dev, "/count"))
            self.assertEqual(b"5\r\nlate\n\r\n0\r\n\r\n", under_way.read_exactly(15))
        self.assertEqual(0, dev.interrupt())

    def test_the_text_says_where_it_serves(self):
        self.project("service-web-p3", dev={"service": True, "routes": [{"path": "/beats"}]})
        dev = self.start("dev", self.root, "--addr", "127.0.0.1:0")
        dev.wait_for_stdout("Serving at http://127.0.0.1:")
        self.assertIn("service project runs", dev.stdout.all)


class BesideTest(Services):
    def test_a_service_runs_beside_the_project(self):
        self.project("http-hello", dev={"service_file": "service.wasm"},
                     workload=steps("tick 20 beats"))
        self.source("service.wasm", pathlib.Path(harness.guest("service-probe")).read_bytes())
        dev = self.dev()
        self.assertEqual("service", dev.output("beats 2")["component"])
        clients = developing.Clients(dev, 2)
        self.swap("http-hello-c")
        dev.until("reloaded")
        self.eventually(lambda: len(dev.events("service-running")) == 2, "it did not run again")
        self.assertGreater(clients.end(), 0)

    def test_several_components_and_a_service(self):
        self.project("service-caller", dev={"service": True, "components": [
            {"name": "web", "file": "web.wasm"}, {"name": "back", "file": "back.wasm"}]},
            workload={"environment": {"config": {"DO": "calls", "PAUSE": "1"}}})
        for name in ("web", "back"):
            self.source(f"{name}.wasm", pathlib.Path(harness.guest(f"tally-{name}")).read_bytes())
        dev = self.dev()
        # It may come before the address is told.
        self.eventually(lambda: "calls 1 2" in self.lines_of(dev), "it did not call")
        self.assertEqual("1", self.text_of(dev, "/other/a").strip())


class PortsTest(Services):
    """Ports of this machine that lead to those of the service."""

    INSIDE = 7777

    def setUp(self):
        super().setUp()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    def publish(self, *, guest="tcp-service", greeting="hello ", port=None, **dev):
        ports = [{"name": "echo", "port": self.INSIDE, "publish": port or self.port},
                 {"name": "inside", "port": self.INSIDE + 1}]
        variables = {"PORT": str(self.INSIDE), "GREETING": greeting}
        self.project(guest, dev={"service": True, "service_ports": ports, **dev},
                     workload={"environment": {"config": variables}})

    def ask(self, text, port=None):
        with socket.create_connection(("127.0.0.1", port or self.port)) as client:
            return self.answer_to(text, client)

    def answer_to(self, text, client):
        """What comes back until the end, be it a reset."""
        answer = b""
        client.settimeout(harness.PATIENCE_SECONDS)
        with contextlib.suppress(ConnectionError):
            client.sendall(text.encode())
            with contextlib.suppress(OSError):  # it is not connected any more
                client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                answer += piece
        return answer.decode()

    def test_a_published_port_leads_to_the_service_over_edits_and_failures(self):
        self.publish()
        dev = self.dev()
        published = self.wait_for_event(dev, "published")
        self.assertEqual("project", published["component"])
        # It may not listen yet.
        self.assertEqual("hello one", self.ask("one"))
        self.assertEqual("hello " + "x" * 200_000, self.ask("x" * 200_000))
        self.publish(greeting="again ")
        dev.until("reloaded")
        self.assertEqual("again two", self.ask("two"))
        self.swap("tcp-service-p3")
        dev.until("reloaded")
        self.assertEqual("again three", self.ask("three"))
        self.assertEqual("", self.ask("trap"))
        dev.until("service-restarting")
        self.assertEqual("again four", self.ask("four"))
        self.assertEqual(1, len(dev.events("published")))
        self.assertEqual(0, dev.interrupt())

    def test_another_port_is_published_at_once_and_the_old_one_given_back(self):
        self.publish()
        dev = self.dev()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            other = probe.getsockname()[1]
        self.publish(port=other)
        dev.until("reloaded")
        self.assertEqual("hello x", self.ask("x", other))
        self.eventually(self._is_refused, "the old port is still there")

    def _is_refused(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return True
        return False

    def test_a_port_that_is_taken_is_told_and_what_runs_goes_on(self):
        self.publish()
        dev = self.dev()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.publish(port=taken.getsockname()[1])
            told = dev.until("load-failed")["message"]
            self.assertIn("dev.service_ports[0].publish: cannot listen on "
                          f"127.0.0.1:{taken.getsockname()[1]}: Address already in use", told)
            self.assertEqual("hello x", self.ask("x"))

    def test_a_port_that_is_taken_at_the_start_is_had_with_the_next_save(self):
        with socket.create_server(("127.0.0.1", self.port)):
            self.publish()
            dev = self.start("-o", "json", "dev", self.root, "--addr", "127.0.0.1:0")
            dev.wait_for_stdout(r"service_ports\[0\].publish: cannot listen on")
        self.publish()
        dev.wait_for_stdout(f"127.0.0.1:{self.port} leads to echo")
        self.assertEqual("hello x", self.ask("x"))

    def test_a_client_of_the_service_is_told_of_its_end(self):
        self.publish()
        dev = self.dev()
        self.assertEqual("hello x", self.ask("x"))
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.sendall(b"half of it")
            self.publish(greeting="again ")
            dev.until("reloaded")
            self.assertEqual("", self.answer_to("", client))
        self.assertEqual("again x", self.ask("x"))
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            self.assertEqual(0, dev.interrupt())
            self.assertEqual("", self.answer_to("", client))
        self.assertTrue(self._is_refused())

    def test_connections_are_bounded(self):
        self.publish(max_inbound_socket_connections_per_workload=1)
        dev = self.dev()
        self.eventually(lambda: sorted(self.two_at_once()) == ["", "hello x"],
                        "both are carried over, or none")
        dev.wait_for_stderr(f"127.0.0.1:{self.port}: there are as many connections")

    def two_at_once(self):
        """The answers to two that are connected at the same time."""
        clients = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(2)]
        answers = [self.answer_to("x", client) for client in clients]
        for client in clients:
            client.close()
        return answers


if __name__ == "__main__":
    harness.main()
