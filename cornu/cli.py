"""The command line: `cornu demo`, `cornu run --as keras1 FILE`."""

from __future__ import annotations

import argparse
import importlib
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from cornu._version import __version__

__all__ = ["main"]

_DIALECTS = ("keras1",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="cornu", description="Models drawn by calling functions.")
    parser.add_argument("--version", action="version", version=f"cornu {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="train two models on handwritten digits")
    demo.add_argument("--out", default="runs/demo", help="folder for the files it writes")
    run = commands.add_parser("run", help="run an old Keras program unchanged")
    run.add_argument("--as", dest="dialect", choices=_DIALECTS, required=True)
    run.add_argument("file", help="the program")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="its own arguments")
    chosen = parser.parse_args(arguments)
    if chosen.command == "demo":
        importlib.import_module("cornu.demo").run(Path(chosen.out))
        return 0
    return _run_as(chosen.dialect, chosen.file, chosen.arguments)


def _run_as(dialect: str, file: str, arguments: list[str]) -> int:
    if not Path(file).is_file():
        print(f"cornu run: there is no file {file!r}", file=sys.stderr)
        return 2
    importlib.import_module(f"cornu.dialects.{dialect}").install()
    sys.argv = [file, *arguments]
    sys.path.insert(0, str(Path(file).resolve().parent))
    runpy.run_path(file, run_name="__main__")
    return 0
