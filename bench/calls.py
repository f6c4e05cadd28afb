#!/usr/bin/env python3
"""What a call of a guest costs: through an Invoker, against Wasmtime's own typed bindings.

Runs both programs in turn, round after round, and compares the least time of each case. Exits 1 if
a floor is missed. usage: calls.py CALL_COSTS TYPED_CALLS [ROUNDS]"""

import pathlib
import subprocess
import sys

GUEST = pathlib.Path(__file__).with_name("calls_guest.wat")

# Case -> times the yardstick at most.
FLOORS = {
    ("import", 16): 1.4,
    ("import", 1 << 16): 1.15,
    ("import", 1 << 20): 1.15,
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
    for case, floor in FLOORS.items():
        ours, typed = (costs[case] for costs in best)
        ratio = ours / typed
        missed |= ratio > floor
        name = f"{case[0]} {case[1]}"
        print(f"{name:<18}{typed:>12.1f}{ours:>12.1f}{ratio:>8.2f}{floor:>8}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
