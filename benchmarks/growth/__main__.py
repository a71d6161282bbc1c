"""`python -m benchmarks.growth`: measures all axes and writes docs/growth.md; see the package."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.growth.axes import AXES, Point
from benchmarks.growth.page import draw, page
from benchmarks.measure import SETTINGS

__all__ = ["main", "measure"]

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "growth.md"
_PICTURES = _ROOT / "docs" / "pictures"
_QUICK = 3


def measure(name: str, sizes: Sequence[float]) -> dict[float, Point]:
    """Returns the columns of each point of an axis, measured in a process of its own."""
    found = {}
    for size in sizes:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth", "--point", name, str(size)],
            env={**os.environ, **SETTINGS},
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        found[size] = json.loads(answer.stdout.splitlines()[-1])
        print(name, size, found[size], flush=True)
    return found


def main() -> None:
    """Measures all axes, or those that are named, or one point."""
    parser = argparse.ArgumentParser("python -m benchmarks.growth", description=__doc__)
    parser.add_argument("axes", nargs="*", help=f"some of {', '.join(AXES)}; by default all")
    parser.add_argument("--quick", action="store_true", help="three points each; writes nothing")
    parser.add_argument("--point", nargs=2, metavar=("AXIS", "SIZE"))
    given = parser.parse_args()
    if given.point:
        name, size = given.point
        print(json.dumps(AXES[name].measure(float(size))))
        return
    setting = report.setting()
    results = {
        name: measure(name, AXES[name].sizes[:_QUICK] if given.quick else AXES[name].sizes)
        for name in given.axes or AXES
    }
    about = (
        f"{setting.date}; jax {setting.versions['jax']}; {setting.machine}, {setting.cores} cores; "
        f"load at the start: {setting.load:.1f}. Times of a busy machine are upper bounds."
    )
    text = page(results, about)
    if given.quick or given.axes:
        print(text)
    else:
        draw(results, _PICTURES)
        _PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
