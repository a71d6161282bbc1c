"""`cornu keras-path`: prints the directory that has `keras`."""

from __future__ import annotations

import argparse
from pathlib import Path

from cornu.cli.command import Command

__all__ = ["COMMAND", "KERAS_PATH"]

# Holds a module `keras` that is cornu.
KERAS_PATH = Path(__file__).parents[1] / "compat" / "as_keras"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds nothing: the command has no arguments."""


def _run(chosen: argparse.Namespace) -> int:
    print(KERAS_PATH)
    return 0


COMMAND = Command(
    "keras-path", "print the directory for PYTHONPATH that has keras", _add_arguments, _run
)
