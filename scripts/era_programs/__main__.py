"""Compares all programs of Keras 2 in the old library and in the dialect.

    OLD_PYTHON="/path/to/python" OLD_KERAS="/path/to/keras-2.2.4" \
        python -m scripts.era_programs RESULTS [PROGRAM ...]

RESULTS is a folder. A program whose results are there is not run again. Writes keras2.json, from
which `python -m scripts.era_programs.page` makes the table, and the losses of Keras to
tests/dialects/keras2_programs.json.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from cornu.dialects.detection import detect
from scripts.era_programs.comparison import difference

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "examples/eras/keras2"
RECORD = Path(__file__).parent / "record.py"
STORED = Path(__file__).with_name("keras2.json")


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


def row(program, old, new):
    """Returns the row of the table as a dict."""
    choice = detect(program)
    found = {
        "name": program.stem,
        "what": ast.get_docstring(ast.parse(program.read_text())).splitlines()[0].rstrip("."),
        "auto": f"{choice.dialect}: {choice.reasons[0].what}" if choice.reasons else choice.dialect,
        "seconds": [one and one["seconds"] for one in (old, new)],
    }
    if old and new:
        found |= {"losses": len(new["losses"]), "difference": difference(old, new)}
    return found


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
        STORED.write_text("[\n" + ",\n".join(map(json.dumps, lines)) + "\n]\n")
        rows = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in losses.items()]
        path = ROOT / "tests/dialects/keras2_programs.json"
        path.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
