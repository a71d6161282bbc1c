"""The page docs/versions.md, from the results of `python -m scripts.versions`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["PAGE", "RESULTS", "ROOT", "write_page"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/versions.md"
RESULTS = Path(__file__).with_name("results.json")

_START = """\
# Versions and platforms

What cornu was run with. *Oldest* are the lower bounds of `pyproject.toml`, *newest* the latest
releases within its bounds. The tests are a sample: the examples of all docstrings, which use each
public module, and training that is interrupted after each step and resumed with equal bits. All
tests run with the first Python of the table and the newest dependencies, before each change.
"""

_END = """
## Not run

| what | what is certain |
| --- | --- |
{wheels}
| JAX {jax_next} and later | not allowed: a minor release may remove what was deprecated |
| NVIDIA GPUs | nothing ran in these measurements; see [Installation](guides/installation.md) |
| TPUs | exported programs are lowered for them; nothing ran |

cornu itself has no compiled code. `python -m scripts.versions PYTHON ...` repeats the runs with the
Pythons of a machine and writes this page. A report from another platform is welcome, also if all is
well; it should have the output of `python -m cornu info`.

[Versions and deprecations](deprecations.md) says what changes between versions, and for how long
old names stay.
"""


def write_page(stored: dict[str, Any]) -> str:
    """Returns the page.

    Args:
        stored: the content of results.json.
    """
    names = list(stored["runs"][0]["versions"])
    head = ["Python", "dependencies", "passed", "failed", *names, "system"]
    lines = ["", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for run in stored["runs"]:
        cells = [run["python"], run["dependencies"], str(run["passed"]), str(len(run["failed"]))]
        cells += [*run["versions"].values(), run["system"]]
        lines.append(f"| {' | '.join(cells)} |")
    for run in stored["runs"]:
        for test in run["failed"]:
            lines.append(f"\nFailed with Python {run['python']}, {run['dependencies']}: `{test}`.")
    newest = stored["runs"][-1]["versions"]["jax"].split(".")
    rows = []
    for name, wheels in stored["wheels"].items():
        versions = ", ".join(" ".join(wheel.split("-")[:2]) for wheel in wheels)
        result = (
            f"pip finds wheels of all dependencies ({versions})"
            if wheels
            else "pip finds no wheel of at least one dependency"
        )
        rows.append(f"| {name} | {result} |")
    end = _END.format(wheels="\n".join(rows), jax_next=f"{newest[0]}.{int(newest[1]) + 1}")
    return _START + "\n".join(lines) + "\n" + end
