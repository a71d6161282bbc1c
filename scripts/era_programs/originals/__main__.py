"""Runs the programs with the old library and with the dialect, and writes their table.

    OLD_PYTHON=python KERAS_1=keras-1.2.2 KERAS_2=keras-2.2.4 \
        python -m scripts.era_programs.originals ORIGINALS RESULTS

ORIGINALS has the programs, which are not part of this repository:

- keras_resnet_first/resnet.py and keras_resnet_last/resnet.py: the first and the last commit
  (12d84dc and 5e9bcca) of raghakot/keras-resnet;
- functional_guide_1.md and functional_guide_2.md: docs/templates/getting-started/
  functional-api-guide.md of Keras 1.2.2 and of Keras 2.

A program whose results are in RESULTS is not run again. Writes originals.json, from which
`python -m scripts.era_programs.page` makes a part of the page of all programs.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from cornu.dialects.detection import detect
from cornu.dialects.python2.loader import parse_program
from cornu.dialects.python2.semantics import translate_expressions
from scripts.era_programs.comparison import difference

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
STORED = HERE.parent / "originals.json"
# The division of Python 2, for the old library, which runs on Python 3 as well.
DIVISION = (
    "def _divide_of_python2(x, y):\n"
    "    return x // y if isinstance(x, int) and isinstance(y, int) else x / y\n"
)


class Program(NamedTuple):
    """A program.

    Attributes:
        title: what the table calls it.
        era: 1 or 2.
        driver: the file that is run.
        file: the file whose version is detected, below ORIGINALS; by default the driver.
        settings: the contents of `keras.json`.
    """

    title: str
    era: int
    driver: Path
    file: str | None = None
    settings: str = "{}"


FOUNDING = ROOT / "examples/founding"
CHANNELS_FIRST = '{"image_dim_ordering": "th"}'
PROGRAMS = {
    "functional": Program("founding document: functional model", 1, FOUNDING / "functional.py"),
    "sequential_merge": Program(
        "founding document: merged branches", 1, FOUNDING / "sequential_merge.py"
    ),
    "bn_relu": Program("founding document: block of a function", 1, FOUNDING / "bn_relu.py"),
    "resnet_first": Program(
        *("keras-resnet, first commit (Python 2): ResNet-50", 1, HERE / "resnet_first.py"),
        *("keras_resnet_first/resnet.py", CHANNELS_FIRST),
    ),
    "resnet_last": Program(
        *("keras-resnet, last commit: ResNet-18", 2, HERE / "resnet_last.py"),
        "keras_resnet_last/resnet.py",
    ),
    "guide_1": Program(
        *("guide to the functional API, Keras 1", 1, HERE / "guide.py"),
        *("functional_guide_1.md", CHANNELS_FIRST),
    ),
    "guide_2": Program(
        *("guide to the functional API, Keras 2", 2, HERE / "guide.py"),
        "functional_guide_2.md",
    ),
}


def run(name: str, program: Program, originals: Path, results: Path, is_old: bool) -> dict | None:
    """Returns the record of a program; None if it fails."""
    result = results / f"{name}.{'old' if is_old else 'new'}.json"
    if result.exists():
        return json.loads(result.read_text())
    home = results / f"home_{name}"
    (home / ".keras").mkdir(parents=True, exist_ok=True)
    (home / ".keras/keras.json").write_text(program.settings)
    library = os.environ[f"KERAS_{program.era}"] if is_old else str(ROOT)
    environment = {
        **os.environ,
        "HOME": str(home),
        "KERAS_HOME": str(home / ".keras"),
        "PYTHONPATH": library,
        "ORIGINALS": str(originals),
        "GUIDE": str(originals / (program.file or "")),
        "IN_PYTHON_3": str(translate(originals, results)),
    }
    python = os.environ["OLD_PYTHON"] if is_old else sys.executable
    record = ["-m", "benchmarks.eras.record", str(program.driver), str(result)]
    if program.era == 2:
        record = [str(HERE.parent / "record.py"), str(result), str(program.driver)]
    flag = "--dialect" if program.era == 1 else "--cornu"
    command = [python, "-W", "ignore", *record, *([] if is_old else [flag])]
    subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    return json.loads(result.read_text()) if result.exists() else None


def translate(originals: Path, results: Path) -> Path:
    """Returns the folder with the programs in Python 2 as ones in Python 3."""
    folder = results / "python_3"
    folder.mkdir(exist_ok=True)
    program, _ = parse_program(originals / "keras_resnet_first/resnet.py")
    text = DIVISION + ast.unparse(translate_expressions(program))
    (folder / "resnet.py").write_text(text)
    return folder


def chosen(program: Program, originals: Path, results: Path) -> str:
    """Returns what `cornu run` chooses, and the first reason."""
    path = program.driver if program.file is None else originals / program.file
    if path.suffix == ".md":
        text = path.read_text()
        blocks = [part.partition("```")[0] for part in text.split("```python\n")[1:]]
        path = results / f"{path.stem}.py"
        path.write_text("\n".join(blocks))
    choice = detect(path)
    return f"{choice.dialect}: {choice.reasons[0].what}" if choice.reasons else choice.dialect


def main() -> None:
    """Runs all programs."""
    originals, results = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    results.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, program in PROGRAMS.items():
        old, new = (run(name, program, originals, results, is_old) for is_old in (True, False))
        row = {"title": program.title, "auto": chosen(program, originals, results)}
        row |= {"seconds": [one and one["seconds"] for one in (old, new)]}
        if old and new:
            row |= {"losses": len(new["losses"]), "difference": difference(old, new)}
        rows.append(row)
        print(json.dumps(row), flush=True)
    STORED.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")


if __name__ == "__main__":
    main()
