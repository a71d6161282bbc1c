"""`python -m tests.attacks.wrong_data [TEXT] [-v]`: runs the cases whose title has the text."""

from __future__ import annotations

import collections
import sys

from tests.attacks.wrong_data.cases import cases, run


def main() -> None:
    """Runs all cases; prints the failures, and a table of the outcomes by method."""
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    failed = 0
    for case in cases():
        if only not in str(case):
            continue
        outcome = run(case)
        counts[case.method][outcome.kind] += 1
        if not outcome.good or "-v" in sys.argv:
            failed += 1
            print(f"{outcome.kind:20} {case}\n    {outcome.detail[:700]!r}", flush=True)
    kinds = sorted({kind for counter in counts.values() for kind in counter})
    print("| method | " + " | ".join(kinds) + " |")
    for method, counter in counts.items():
        print(f"| {method} | " + " | ".join(str(counter[kind]) for kind in kinds) + " |")
    total = sum((counter for counter in counts.values()), collections.Counter())
    print("| all | " + " | ".join(str(total[kind]) for kind in kinds) + f" | of {total.total()}")


if __name__ == "__main__":
    main()
