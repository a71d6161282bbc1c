"""Compares the example programs of Keras 1 with what Keras 1.2.2 computed.

    python -m benchmarks.eras.table store DIRECTORY     stores the losses of Keras 1.2.2
    python -m benchmarks.eras.table write DIRECTORY     stores the comparison

A directory holds the files that `benchmarks.eras.record` wrote: NAME.live.json from Keras 1.2.2,
and NAME.our.json from the dialect. `python -m scripts.era_programs.page` makes the table.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((ROOT / "examples" / "eras" / "keras1").glob("*.py"))
STORED = Path(__file__).with_name("keras1_losses.json")
ROWS = Path(__file__).with_name("keras1_rows.json")


def largest_difference(found, expected):
    """Returns the largest relative difference of two lists of losses."""
    pairs = zip(found, expected, strict=True)
    return max(abs(a - b) / max(abs(b), 1e-3) for (a,), (b,) in pairs)


def store(directory):
    """Stores the losses that Keras 1.2.2 computed."""
    losses = {
        program.stem: json.loads((directory / f"{program.stem}.live.json").read_text())["losses"]
        for program in PROGRAMS
    }
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in losses.items()]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write(directory):
    """Stores the seconds of both, and the largest difference of losses, of each program."""
    stored = json.loads(STORED.read_text())
    lines = []
    for program in PROGRAMS:
        name = program.stem
        live, ours = (
            json.loads(path.read_text()) if path.exists() else None
            for path in (directory / f"{name}.{kind}.json" for kind in ("live", "our"))
        )
        row = {"seconds": [one and one["seconds"] for one in (live, ours)]}
        if ours:
            row["difference"] = largest_difference(ours["losses"], stored[name])
        lines.append(f"{json.dumps(name)}: {json.dumps(row)}")
    ROWS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    {"store": store, "write": write}[sys.argv[1]](Path(sys.argv[2]))
