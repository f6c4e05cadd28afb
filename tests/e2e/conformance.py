"""The key-value suite of src/capability/keyvalue/conformance_cases.h, against whoever serves."""

import subprocess

import harness

PROGRAM = harness.WASH.parent / "nimbus_keyvalue_conformance"


def check(test, address, *forms):
    """What is at the address does all of it in those forms, which are `flat` and `handles`."""
    for form in forms or ("flat", "handles"):
        done = subprocess.run([PROGRAM, address, form], capture_output=True, text=True,
                              check=False, timeout=120)
        test.assertEqual(0, done.returncode, done.stdout + done.stderr)
        test.assertIn("[  PASSED  ]", done.stdout)
