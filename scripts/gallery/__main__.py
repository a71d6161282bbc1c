"""Runs the programs of the gallery and writes their notebooks, and the tables of docs/gallery.md.

    python -m scripts.gallery            # all programs that changed since their notebook was made
    python -m scripts.gallery NAME ...   # these programs
    python -m scripts.gallery --tables   # only the tables

Each program runs in a process and a directory of its own. `--python` is the interpreter, for
programs that need packages which the environment lacks.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from scripts.gallery.catalog import SUBJECTS, names
from scripts.gallery.notebook import (
    FOLDER,
    fingerprint,
    make_notebook,
    notebook_path,
    read_notebook,
)
from scripts.gallery.tables import write_tables

ROOT = Path(__file__).parents[2]

# The seconds that a notebook states include the time that compiling takes.
_WITHOUT_CACHES = {"JAX_ENABLE_COMPILATION_CACHE": "false", "CORNU_COMPILATION_CACHE": "off"}


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser("python -m scripts.gallery", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *names()], metavar="NAME")
    parser.add_argument("--tables", action="store_true", help="run no program")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--here", metavar="FILE", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        nbformat.write(make_notebook(FOLDER / f"{given.names[0]}.py"), given.here)
        return
    if not given.tables:
        for name in given.names or [name for name in names() if _is_old(name)]:
            print(name, flush=True)
            run(name, notebook_path(FOLDER / f"{name}.py"), given.python)
    write_tables(SUBJECTS)


def run(name: str, to_file: Path, python: str = sys.executable) -> None:
    """Writes the notebook of a program, which runs in a process and a directory of its own.

    Args:
        name: the name of the program.
        to_file: the path of the notebook.
        python: the interpreter.

    Raises:
        CalledProcessError: the program failed.
    """
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [python, "-m", "scripts.gallery", name, "--here", str(to_file.resolve())],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, **_WITHOUT_CACHES},
            check=True,
        )


def _is_old(name: str) -> bool:
    program = FOLDER / f"{name}.py"
    path = notebook_path(program)
    if not path.exists():
        return True
    made_from = read_notebook(path).metadata.made_from
    return made_from.sha256 != fingerprint(program.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
