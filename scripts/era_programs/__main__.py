"""Compares all programs of an era in the old library and in the dialect, and writes the table.

    OLD_PYTHON="/path/to/python" OLD_KERAS="/path/to/keras-2.2.4" \
        python -m scripts.era_programs RESULTS [PROGRAM ...]

RESULTS is a folder. A program whose results are there is not run again. Writes the page
docs/old_programs_table.md, and the losses of Keras to tests/dialects/keras2_programs.json.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from cornu.dialects.detection import detect

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "examples/eras/keras2"
RECORD = Path(__file__).parent / "record.py"
LIMIT = 1e-5
HEAD = """\
# Programs of Keras 2 in Keras 2.2.4 and in cornu

Each program of [examples/eras/keras2](../examples/eras/keras2) was run to its end by Keras 2.2.4 on
TensorFlow 1.15, and by the dialect `keras2`, on two CPU cores with other work.

- *Losses*: the largest difference of the losses of the first three steps of each model (relative
  where a loss exceeds 1), from the same weights and without dropout and noise; of a program with a
  loop of its own, the values that it keeps.
- *Seconds*: the whole program without the import of the library; most of cornu's are compilation.
- *auto*: what `cornu run` chooses, and the first reason.

This page is written by `python -m scripts.era_programs`. The updates of a step are applied after
all new values are computed in the old library too, because TensorFlow 1 lets both race; see
[record.py](../scripts/era_programs/record.py).

| program | what | ran | losses differ by | equal | seconds: Keras | cornu | auto |
| --- | --- | --- | --: | --- | --: | --: | --- |
"""


def run(program, folder, is_old):
    """Returns the record of a program; None if it fails."""
    result = folder / ("old" if is_old else "new") / f"{program.stem}.json"
    if not result.exists():
        result.parent.mkdir(parents=True, exist_ok=True)
        if is_old:
            command = [os.environ["OLD_PYTHON"], "-W", "ignore", str(RECORD)]
            env = {**os.environ, "PYTHONPATH": os.environ["OLD_KERAS"]}
            arguments = []
        else:
            command = [sys.executable, "-W", "ignore", str(RECORD)]
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            arguments = ["--cornu"]
        command += [str(result), str(program), *arguments]
        subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False)
    return json.loads(result.read_text()) if result.exists() else None


def difference(old, new):
    """Returns the largest difference of losses, relative where one exceeds 1."""
    if len(old) != len(new):
        return float("inf")
    pairs = zip(old, new, strict=True)
    return max((abs(a - b) / max(1, abs(a)) for a, b in pairs), default=float("inf"))


def row(program, old, new):
    what = ast.get_docstring(ast.parse(program.read_text())).splitlines()[0].rstrip(".")
    choice = detect(program)
    reason = f"{choice.dialect}: {choice.reasons[0].what}" if choice.reasons else choice.dialect
    name = f"[{program.stem}](../examples/eras/keras2/{program.name})"
    if old is None or new is None:
        ran = " and ".join(n for n, one in (("Keras", old), ("cornu", new)) if one) or "neither"
        return f"| {name} | {what} | {ran} | | no | | | {reason} |"
    found = difference(old["losses"], new["losses"])
    equal = "yes" if found <= LIMIT else "no"
    seconds = f"{old['seconds']:.1f} | {new['seconds']:.1f}"
    return f"| {name} | {what} | both | {found:.1e} | {equal} | {seconds} | {reason} |"


def main():
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    programs = [one for one in sorted(PROGRAMS.glob("*.py")) if not names or one.stem in names]
    lines, losses = [], {}
    for program in programs:
        old, new = run(program, folder, True), run(program, folder, False)
        lines.append(row(program, old, new))
        print(lines[-1])
        if old is not None:
            losses[program.stem] = old["losses"]
    if not names:
        (ROOT / "docs/old_programs_table.md").write_text(HEAD + "\n".join(lines) + "\n")
        rows = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in losses.items()]
        path = ROOT / "tests/dialects/keras2_programs.json"
        path.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
