"""Compares the example programs of Keras 1 with what Keras 1.2.2 computed.

    python -m benchmarks.eras.table store DIRECTORY     stores the losses of Keras 1.2.2
    python -m benchmarks.eras.table write DIRECTORY     writes benchmarks/eras/keras1.md

A directory holds the files that `benchmarks.eras.record` wrote: NAME.live.json from Keras 1.2.2,
and NAME.our.json from the dialect.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((ROOT / "examples" / "eras" / "keras1").glob("*.py"))
STORED = Path(__file__).with_name("keras1_losses.json")
TABLE = Path(__file__).with_name("keras1.md")


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
    """Writes the table."""
    stored = json.loads(STORED.read_text())
    lines = [
        "# Programs of Keras 1 with the dialect and with Keras 1.2.2",
        "",
        "Written by `python -m benchmarks.eras.table`. Losses of three steps of each model, from",
        "the same weights on the same data: the largest relative difference. Seconds are those of",
        "the whole program without the import, compilation included, on CPU cores that other work",
        "shared; Keras 1.2.2 on TensorFlow 1.15.",
        "",
        "| program | ran to the end | losses | largest difference | seconds | Keras 1.2.2 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    equal = 0
    for program in PROGRAMS:
        name = program.stem
        path = directory / f"{name}.our.json"
        live = json.loads((directory / f"{name}.live.json").read_text())
        if not path.exists():
            lines.append(f"| {name} | no | | | | {live['seconds']:.1f} |")
            continue
        ours = json.loads(path.read_text())
        difference = largest_difference(ours["losses"], stored[name])
        equal += difference < 1e-5
        lines.append(
            f"| {name} | yes | {len(stored[name])} | {difference:.0e} | {ours['seconds']:.1f} | "
            f"{live['seconds']:.1f} |"
        )
    lines += ["", f"{equal} of {len(PROGRAMS)} programs compute equal losses (within 1e-5)."]
    TABLE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    {"store": store, "write": write}[sys.argv[1]](Path(sys.argv[2]))
