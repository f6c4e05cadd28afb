#!/usr/bin/env python3
"""The private network of a workload: its service listens, its components connect, nobody else."""

import concurrent.futures
import socket

import harness
import hosting

SERVICES = ("tcp-service", "tcp-service-p3")
CLIENTS = ("http-misc", "http-misc-p3")
PORT = 7777


def workload(name, *, service="tcp-service", client="http-misc", port=PORT, greeting="hello ",
             **resources):
    manifest = hosting.workload(name, client, resources=resources)
    variables = {"PORT": str(port), "GREETING": greeting}
    manifest["service"] = {"file": harness.guest(service),
                           "localResources": {"environment": {"config": variables}}}
    return manifest


class ServiceNetworkTest(hosting.TestCase):
    def serving(self, host, name="w", **options):
        """Applies it, and waits until its service listens."""
        host.apply(workload(name, **options))
        host.wait_for_stderr(rf"default/{name}\b.*listening: |listening: .*default/{name}\b")

    def say(self, host, text, name="w", address=f"127.0.0.1:{PORT}"):
        return host.ask(f"{name}.test", f"/tcp?addr={address}&send={text}&close=1")

    def refused(self, answer, word="connection-refused"):
        self.assertEqual(500, answer.status, answer.text)
        self.assertIn(word, answer.text)

    def test_components_reach_the_service_of_their_workload(self):
        for service in SERVICES:
            for client in CLIENTS:
                with self.subTest(f"{client} to {service}"):
                    host = self.host()
                    self.serving(host, service=service, client=client)
                    for text in ("one", "two", "x" * 6_000):
                        answer = self.say(host, text)
                        self.assertEqual((200, f"hello {text}"), (answer.status, answer.text))
                    # All of loopback is one there.
                    answer = self.say(host, "y", address=f"127.1.2.3:{PORT}")
                    self.assertEqual("hello y", answer.text)
                    self.refused(self.say(host, "y", address=f"127.0.0.1:{PORT + 1}"))
                    self.refused(self.say(host, "y", address=f"[::1]:{PORT}"))
                    self.eventually(lambda host=host: host.metric("nimbus_guest_sockets") == 1,
                                    "connections that are over are still counted")

    def test_what_stays_inside_is_not_outgoing(self):
        for service, client in zip(SERVICES, CLIENTS):
            with self.subTest(f"{client} to {service}"):
                host = self.host(config={"egress": {"maxSocketsPerWorkload": 0}})
                self.serving(host, service=service, client=client)
                self.assertEqual("hello x", self.say(host, "x").text)

    def test_names(self):
        for client in CLIENTS:
            with self.subTest(client):
                host = self.host()
                self.serving(host, client=client)
                for name, address in {"service.wasmcloud.internal": "127.0.0.1",
                                      "host.wasmcloud.internal": "127.255.255.254"}.items():
                    self.assertEqual(address,
                                     host.text_of("w.test", f"/lookup?name={name}").strip())

    def test_the_machine_is_out_of_reach_unless_it_is_granted(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(harness.PATIENCE_SECONDS)
            port = listener.getsockname()[1]
            host = self.host(config={"egress": {"allowHostLoopback": True}})
            for client in CLIENTS:
                with self.subTest(client):
                    self.serving(host, client=client)
                    self.refused(self.say(host, "x", address=f"127.0.0.1:{port}"))
                    self.refused(self.say(host, "x", address=f"127.255.255.254:{port}"),
                                 "access-denied")
                    self.serving(host, client=client, greeting="hi ",
                                 allowedHostLoopbackPorts=[str(port), str(PORT)])
                    for address in ("127.0.0.1", "127.255.255.254"):
                        self.reaches_machine(host, listener, f"{address}:{port}")
                    # Where the service listens, it is the one that is meant.
                    self.assertEqual("hi x", self.say(host, "x").text)

    def reaches_machine(self, host, listener, address):
        with concurrent.futures.ThreadPoolExecutor(1) as asking:
            answer = asking.submit(self.say, host, "x", address=address)
            with listener.accept()[0] as accepted:
                accepted.settimeout(harness.PATIENCE_SECONDS)
                self.assertEqual(b"x", accepted.recv(10))
                self.assertEqual(b"", accepted.recv(10))
                accepted.sendall(b"the machine")
            self.assertEqual("the machine", answer.result().text)

    def test_nothing_of_it_is_on_the_machine(self):
        with socket.socket() as nobody:  # has the port, so that no other test has it, and is deaf
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
            host = self.host()
            self.serving(host, port=port)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))

    def test_other_workloads_do_not_reach_it(self):
        host = self.host()
        self.serving(host)
        self.serving(host, "neighbour", port=PORT + 1)
        self.refused(self.say(host, "x", "neighbour"))
        self.assertEqual("hello x", self.say(host, "x").text)
        # One without a service has no such network at all.
        host.apply(hosting.workload("plain"))
        self.refused(self.say(host, "x", "plain"), "access-denied")

    def test_components_do_not_listen(self):
        for client in CLIENTS:
            with self.subTest(client):
                host = self.host()
                self.serving(host, client=client)
                self.refused(host.ask("w.test", "/listen?addr=127.0.0.1:0"), "access-denied")
                host.wait_for_stderr("bind_not_permitted")

    def test_an_update_and_a_failure_of_the_service(self):
        for service in SERVICES:
            with self.subTest(service):
                host = self.host()
                self.serving(host, service=service)
                self.serving(host, service=service, greeting="again ")
                self.assertEqual("again x", self.say(host, "x").text)
                answer = self.say(host, "trap")
                self.assertNotIn("again", answer.text)
                host.wait_for_stderr("listening: ")
                self.assertEqual("again x", self.say(host, "x").text)


if __name__ == "__main__":
    harness.main()
