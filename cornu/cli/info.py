"""`cornu info`: shows versions, devices and deviations from JAX."""

from __future__ import annotations

import argparse
import importlib
import sys

from cornu.cli.command import Command

__all__ = ["COMMAND"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", help="deviations to describe in full")


def _run(chosen: argparse.Namespace) -> int:
    try:
        print(importlib.import_module("cornu.info").describe(*chosen.names))
    except ValueError as error:
        print(f"cornu info: {error}", file=sys.stderr)
        return 2
    return 0


COMMAND = Command("info", "show versions, devices, deviations from JAX", _add_arguments, _run)
