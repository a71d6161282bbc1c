"""`cornu run`: runs a program with the version of Keras that it was written for."""

from __future__ import annotations

import argparse
import importlib

from cornu.cli.command import Command
from cornu.cli.keras_path import KERAS_PATH

__all__ = ["COMMAND", "VERSIONS"]

# What `import keras` can become; `cornu.dialects.runner` installs it.
VERSIONS = ("auto", "keras1", "keras2", "keras2.3", "keras3")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as",
        dest="version",
        choices=VERSIONS,
        default="auto",
        help="the version of Keras; auto, the default, reads the program",
    )
    parser.add_argument(
        "--modernize-notes", action="store_true", help="print how old classes are called today"
    )
    parser.add_argument(
        "--shims",
        action="store_true",
        help="provide np.float, xrange, scipy.misc.imread, ..., and translate Python 2",
    )
    parser.add_argument("-m", dest="is_module", action="store_true", help="FILE is a module's name")
    parser.add_argument("file", help="the program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the program")


def _run(chosen: argparse.Namespace) -> int:
    status: int = importlib.import_module("cornu.dialects.runner").run(
        chosen.version,
        chosen.file,
        chosen.arguments,
        chosen.is_module,
        KERAS_PATH,
        chosen.modernize_notes,
        chosen.shims,
    )
    return status


COMMAND = Command("run", "run a program that imports Keras", _add_arguments, _run)
