#!/usr/bin/env python3
"""What a call of a guest costs: through an Invoker, against Wasmtime's own typed bindings.

Both can wait in an import (typed: func_wrap_async with Bytes, on an engine with the same settings),
though none of these calls does; "import-sync" is the typed import that could not, which ours is
shown against for information. Runs both programs in turn, round after round, and compares the least
time of each case. Exits 1 if a floor is missed. usage: calls.py CALL_COSTS TYPED_CALLS [ROUNDS]"""

import pathlib
import subprocess
import sys

GUEST = pathlib.Path(__file__).with_name("calls_guest.wat")

# Case -> times the yardstick at most; None: no floor.
FLOORS = {
    ("import", 16): 1.4,
    ("import", 1 << 16): 1.15,
    ("import", 1 << 20): 1.15,
    ("import-sync", 16): None,
    ("import-sync", 1 << 16): None,
    ("export", 16): 1.4,
    ("export", 1 << 16): 1.15,
}


def measure(program: str) -> dict[tuple[str, int], float]:
    lines = subprocess.run([program, str(GUEST)], check=True, capture_output=True, text=True).stdout
    fields = (line.split() for line in lines.splitlines())
    return {(case, int(size)): float(cost) for case, size, cost in fields}


def main() -> int:
    programs = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    best: list[dict[tuple[str, int], float]] = [{}, {}]
    for _ in range(rounds):
        for program, costs in zip(programs, best):
            for case, cost in measure(program).items():
                costs[case] = min(cost, costs.get(case, cost))
    missed = False
    print(f"{'case':<18}{'typed ns':>12}{'ours ns':>12}{'ratio':>8}{'floor':>8}")
    for (name, size), floor in FLOORS.items():
        typed = best[1][name, size]
        ours = best[0][name.removesuffix("-sync"), size]
        ratio = ours / typed
        missed |= floor is not None and ratio > floor
        case = f"{name} {size}"
        print(f"{case:<18}{typed:>12.1f}{ours:>12.1f}{ratio:>8.2f}{floor or '-':>8}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
