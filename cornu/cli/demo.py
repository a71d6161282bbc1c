"""`cornu demo`: trains two models on handwritten digits."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from cornu.cli.command import Command

__all__ = ["COMMAND"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="runs/demo", help="output directory")


def _run(chosen: argparse.Namespace) -> int:
    importlib.import_module("cornu.demo").run(Path(chosen.out))
    return 0


COMMAND = Command("demo", "train two models on handwritten digits", _add_arguments, _run)
