#!/usr/bin/env python3
"""A workload changes all the time under full load, with every instance policy and kind of load."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import harness  # pylint: disable=wrong-import-position
import hosting  # pylint: disable=wrong-import-position
from updating import update_under_all  # pylint: disable=wrong-import-position

SECONDS = 5
LEAST_PER_SECOND = 5_000
UPDATES = 20


class UpdatesUnderLoadTest(hosting.TestCase):
    def test_no_request_fails(self):
        update_under_all(self, SECONDS, UPDATES, SECONDS * LEAST_PER_SECOND)


if __name__ == "__main__":
    harness.main()
