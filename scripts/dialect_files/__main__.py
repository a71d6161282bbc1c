"""Writes docs/old_files_written.md from what `scripts.dialect_files.read` found.

python -m scripts.dialect_files FOLDER ...
"""

import json
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "old_files_written.md"
HEAD = """# Files that the dialects write

Each model was built, trained for three steps and saved by a program of the
[dialect](old_programs.md) of the version, and loaded by the running old version on TensorFlow.
The columns are the largest differences of its predictions, of those of the architecture in JSON
and YAML with a file of weights, of the losses of three further steps, which need the state of the
optimizer, and of the predictions after them.

The files of the old versions do not contain everything that a step depends on: the product of the
momenta of Nadam before 2.3 is missing, and how often the moving averages of Keras 2.2 were
updated, which begin with the next batch after a file is loaded. If the weights and the state of
the optimizer of a model are given to another one in Keras 2.2.4 itself, its further steps differ
in the same two cases. Keras 2.3.1 cannot compute metrics here, because its steps are changed so
that they can be reproduced; this is the error of its models with accuracy.

The page is written by `python -m scripts.dialect_files.write VERSION FOLDER`, by `python -m
scripts.dialect_files.read FOLDER` in an environment of the old version, and by `python -m
scripts.dialect_files FOLDER ...`.

"""
COLUMNS = ("predictions", "json", "yaml", "losses", "trained")
TITLES = ("version", "model", "predictions", "JSON", "YAML", "three losses", "predictions after")
EQUAL = 1e-5


def main(folders):
    rows, summary = [], []
    for folder in folders:
        found = json.loads(Path(folder, "differences.json").read_text())
        cases = found["cases"]
        for name, values in cases.items():
            cells = [f"{values[key]:.1e}" if key in values else "" for key in COLUMNS]
            if "error" in values:
                cells[COLUMNS.index("losses")] = values["error"]
            rows.append((found["version"], name, *cells))
        groups = (("predictions", "json", "yaml"), ("losses",), ("trained",))
        counts = [
            f"{sum(equal(v, keys) for v in cases.values())} of "
            f"{sum(not keys.isdisjoint(v) for v in cases.values())}"
            for keys in map(frozenset, groups)
        ]
        summary.append((found["version"], *counts))
    titles = ("version", "equal predictions", "equal losses", "equal predictions after")
    PAGE.write_text(f"{HEAD}{table(titles, summary)}\n{table(TITLES, rows)}")


def equal(values, keys):
    """Returns whether a model has some of the numbers, and all that it has are equal."""
    own = [values[key] for key in keys if key in values]
    return bool(own) and all(value <= EQUAL for value in own)


def table(titles, rows):
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])
