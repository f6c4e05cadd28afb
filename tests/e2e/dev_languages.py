"""What the tests of `wash dev` in several languages share: a project made of a template, edited
again and again while clients keep asking."""

import statistics

import developing
import template_projects

LEFT_OUT = ("node_modules", "target", "build", "dist", "gen", ".git", ".wash", "__pycache__")


class TestCase(template_projects.TestCase, developing.TestCase):
    def tools(self):
        """Cargo's folder is locked by each build that uses it, so these have one of their own."""
        return {**super().tools(), "CARGO_TARGET_DIR": str(template_projects.CACHE / "dev-target")}

    def greeting_file(self, greeting):
        """The source that says it."""
        for path in sorted(self.root.rglob("*")):
            if any(part in LEFT_OUT for part in path.relative_to(self.root).parts):
                continue
            if path.is_file() and greeting in path.read_text(encoding="utf-8", errors="ignore"):
                return path
        raise AssertionError(f"nothing in {self.root} says {greeting}")

    def edit_under_load(self, word, edits):
        """Edits that greeting, each time seen by a client before the next; no request may fail.
        Prints how long it took from the file to the new code, without the build itself."""
        greeting = f"Hello from {word}: "
        source = self.greeting_file(greeting)
        text = source.read_text(encoding="utf-8")
        dev = self.dev(env=self.tools())
        self.assertEqual(f"{greeting}/x\n", self.text_of(dev, "/x"))
        clients = developing.Clients(dev, 2, "/x")
        beyond = []
        for number in range(1, edits + 1):
            edited = f"Edit {number} from {word}: "
            self.source(source.relative_to(self.root), text.replace(greeting, edited))
            event = dev.until("reloaded")
            self.assertEqual(f"{edited}/x\n", self.text_of(dev, "/x"))
            self.assertEqual(number + 1, event["generation"])
            beyond.append(event["total_ms"] - event["build_ms"])
        self.assertGreater(clients.end(), edits)
        self.assertEqual([], dev.events("build-failed") + dev.events("load-failed"))
        self.assertEqual(0, dev.interrupt())
        print(f"{word}: {edits} edits, {statistics.median(beyond):.0f} ms beyond the build "
              f"({min(beyond):.0f} to {max(beyond):.0f})", flush=True)
