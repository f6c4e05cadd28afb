#!/usr/bin/env python3
"""A component that imports an interface of the user's own invention, with values, streams and
resources, and providers of it: a process of its own, and a component."""

import sys

import harness
import hosting

sys.path.insert(0, str(harness.SOURCE / "tests" / "interop"))
import interop  # noqa: E402

GREETER = harness.WASH.parent / "examples" / "providers" / "greeter-cpp" / "greeter"


class GreeterTest(hosting.TestCase):
    def serve(self, address):
        """Starts the provider; gives the address that it says it has bound."""
        provider = self.own(harness.Process([str(GREETER), address]))
        self.provider = provider
        return provider.wait_for_stdout(r"serving (\S+)").group(1)

    def check(self, provider, *others):
        manifest = hosting.workload("greeter", "greeter-web", routes=[{"host": "greeter.test"}])
        manifest["hostInterfaces"] = [
            {"namespace": "example", "package": "greeter", "provider": provider}]
        host = self.host()
        for other in others:
            host.apply(other)
        host.apply(manifest)

        def ask(path):
            answer = host.ask("greeter.test", path)
            return answer.status, answer.text

        self.assertEqual((200, "Hello Ada"), ask("/greet?name=Ada"))
        self.assertEqual((200, "Hallo Max"), ask("/greet?name=Max&language=german"))
        self.assertEqual((400, "nobody has no name"), ask("/greet"))
        self.assertEqual((400, "who speaks Klingon?"), ask("/greet?name=Eve&language=Klingon"))
        self.assertEqual((200, "Hello Ada\nHello Max\nHello Eve"),
                         ask("/greet-all?names=Ada,Max,Eve"))
        self.assertEqual((200, "2: Guests Ada Max"), ask("/book?title=Guests&names=Ada,Max"))
        return ask

    def test_a_component_on_its_own(self):
        address = self.serve(f"unix:{self.folder}/greeter.sock")
        server = self.wash("run", harness.guest("greeter-web"), "--addr", "127.0.0.1:0",
                           "--provider", f"example:greeter={address}")
        self.assertEqual("Hello Ada\nHello Max", server.get("/greet-all?names=Ada,Max").text)
        for wrong, message in (("example:greeter", "NAMESPACE:PACKAGE=ADDRESS"),
                               ("wasi:keyvalue=unix:/x", "--keyvalue"),
                               ("example:greeter=here", "provider address")):
            done = self.run_wash("run", harness.guest("greeter-web"), "--provider", wrong)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(message, done.stderr)

    def test_over_a_unix_socket(self):
        ask = self.check(self.serve(f"unix:{self.folder}/greeter.sock"))
        self.provider.kill()
        self.assertEqual(500, ask("/greet?name=Ada")[0])
        (self.folder / "greeter.sock").unlink(missing_ok=True)
        self.serve(f"unix:{self.folder}/greeter.sock")
        self.assertEqual((200, "Hello Ada"), ask("/greet?name=Ada"))

    def test_over_tcp(self):
        self.check(self.serve("tcp:127.0.0.1:0"))

    def test_over_nats(self):
        self.check(self.serve(f"{self.own(interop.NatsServer(self.folder)).url}/people"))

    def test_by_a_component_of_another_workload(self):
        provider = {"name": "people",
                    "components": [hosting.component("greeter", "greeter-component")]}
        self.check("workload:people/greeter", provider)

    def test_by_a_component_of_the_same_workload(self):
        manifest = hosting.workload(
            "greeter", "greeter-web", routes=[{"host": "greeter.test", "component": "web"}])
        manifest["components"].append(hosting.component("greeter", "greeter-component"))
        host = self.host()
        host.apply(manifest)
        self.assertEqual("Hello Ada\nHello Max",
                         host.text_of("greeter.test", "/greet-all?names=Ada,Max"))
        self.assertEqual("1: Guests Ada",
                         host.text_of("greeter.test", "/book?title=Guests&names=Ada"))

    def test_the_provider_ends_when_it_is_told_to(self):
        self.serve("tcp:127.0.0.1:0")
        self.assertEqual(0, self.provider.terminate())


if __name__ == "__main__":
    harness.main()
