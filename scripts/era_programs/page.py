"""Writes docs/old_programs_table.md from originals.json, keras2.json and benchmarks/eras.

python -m scripts.era_programs.page
"""

import ast
import json
from pathlib import Path

from benchmarks.eras.table import PROGRAMS, ROWS
from cornu.dialects.detection import detect
from scripts.comparison.writing import write_comparison

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
LIMIT = 1e-5
HEAD = """\
# Programs of Keras 1 and Keras 2 in the old libraries and in cornu

Each program was run to its end by Keras 1.2.2 or Keras 2.2.4 on TensorFlow 1.15, and by the
dialect, on two CPU cores that other work shared.

- *Losses*: the largest difference of the losses of the first three steps of each model (relative
  where a loss exceeds 1), from the same weights and without dropout and noise; of a program with a
  loop of its own, the values that it keeps.
- *Seconds*: the whole program without the import of the library; most of cornu's are compilation.
- *auto*: what `cornu run` chooses, and the first reason.

This page is written by `python -m scripts.era_programs.page`. The updates of a step are applied
after all new values are computed in the old library too, because TensorFlow 1 lets both race; see
[record.py](../scripts/era_programs/record.py).
"""
TABLE = """
| program | what | ran | losses differ by | equal | seconds: Keras | cornu | auto |
| --- | --- | --- | --: | --- | --: | --: | --- |
"""
ORIGINALS = """
## Programs of other people, unmodified

The blocks of the founding document, the first and the last commit of raghakot/keras-resnet, and all
blocks of the guide to the functional API of Keras 1.2.2 and Keras 2;
see [originals](../scripts/era_programs/originals/__main__.py). The first commit of keras-resnet is
written in Python 2, which `--shims` translates. The difference of the last commit is rounding,
which Adam magnifies: its first losses are equal, and those of Keras 2.2.4 itself differ by 5.3e-5
(the second by 1.5e-5) if the pictures are multiplied by 1 + 1e-7 (`RELATIVE_CHANGE=1e-7`).
"""
KERAS_1 = """
## Keras 1

The programs of [examples/eras/keras1](../examples/eras/keras1).
"""
KERAS_2 = """
## Keras 2

The programs of [examples/eras/keras2](../examples/eras/keras2).
"""


def line(row: dict, name: str) -> str:
    """Returns a row of a table."""
    old, new = row["seconds"]
    what, reason = row.get("what", ""), row["auto"]
    if old is None or new is None:
        ran = "Keras" if old else "cornu" if new else "neither"
        return f"| {name} | {what} | {ran} | | no | | | {reason} |"
    equal = "yes" if row["difference"] <= LIMIT else "no"
    times = f"{old:.1f} | {new:.1f}"
    return f"| {name} | {what} | both | {row['difference']:.1e} | {equal} | {times} | {reason} |"


def of_keras_1() -> list[str]:
    """Returns the rows of the programs of Keras 1."""
    rows, found = json.loads(ROWS.read_text()), []
    for program in PROGRAMS:
        choice = detect(program)
        text = ast.get_docstring(ast.parse(program.read_text())) or ""
        row = {
            **rows[program.stem],
            "what": text.splitlines()[0].rstrip(".") if text else "",
            "auto": f"{choice.dialect}: {choice.reasons[0].what}"
            if choice.reasons
            else choice.dialect,
        }
        found.append(line(row, f"[{program.stem}](../examples/eras/keras1/{program.name})"))
    return found


def main() -> None:
    """Writes the page."""
    originals = json.loads((HERE / "originals.json").read_text())
    later = json.loads((HERE / "keras2.json").read_text())
    parts = [
        (ORIGINALS, [line(row, row["title"]) for row in originals]),
        (KERAS_1, of_keras_1()),
        (
            KERAS_2,
            [
                line(row, f"[{row['name']}](../examples/eras/keras2/{row['name']}.py)")
                for row in later
            ],
        ),
    ]
    text = HEAD + "".join(head + TABLE + "\n".join(rows) + "\n" for head, rows in parts)
    (ROOT / "docs/old_programs_table.md").write_text(text)


if __name__ == "__main__":
    main()
    write_comparison()
