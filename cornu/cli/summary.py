"""`cornu summary`: shows the layers of a saved model."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from cornu.cli.command import Command

__all__ = ["COMMAND"]

_FLAGS = {
    "expand_nested": "list the layers of nested models",
    "show_trainable": "show which layers are trainable",
    "flops": "count floating-point operations",
    "memory": "count the bytes of outputs and weights",
    "dtype": "show dtypes",
    "masks": "show which outputs carry a mask",
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a file that load_model reads")
    parser.add_argument("--depth", type=int, help="the number of levels of blocks to show")
    for flag, text in _FLAGS.items():
        parser.add_argument(f"--{flag.replace('_', '-')}", action="store_true", help=text)


def _run(chosen: argparse.Namespace) -> int:
    if not Path(chosen.file).exists():
        print(f"cornu summary: file {chosen.file!r} does not exist", file=sys.stderr)
        return 2
    try:
        model = importlib.import_module("cornu.models").load_model(chosen.file, compile=False)
    except ValueError as error:
        print(f"cornu summary: {error}", file=sys.stderr)
        return 1
    model.summary(depth=chosen.depth, **{flag: getattr(chosen, flag) for flag in _FLAGS})
    return 0


COMMAND = Command("summary", "show the layers of a saved model", _add_arguments, _run)
