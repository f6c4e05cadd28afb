"""What the tests of plugins share: a `wash` of this test in which guests are installed."""

import harness


class TestCase(harness.TestCase):
    def install(self, name):
        """The guest that is a plugin of that name."""
        self.says("plugin", "install", harness.guest(f"plugin-{name}"))

    def says(self, *arguments, **options):
        """What a `wash` that is successful prints."""
        done = self.run_wash(*arguments, **options)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout
