"""`cornu doctor`: lists the paths of Keras that a package imports."""

from __future__ import annotations

import argparse
import importlib
import sys

from cornu.cli.command import Command

__all__ = ["COMMAND"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("packages", nargs="+", help="installed packages, or folders of programs")


def _run(chosen: argparse.Namespace) -> int:
    doctor = importlib.import_module("cornu.compat.doctor")
    try:
        reports = [doctor.examine(package) for package in chosen.packages]
    except ValueError as error:
        print(f"cornu doctor: {error}", file=sys.stderr)
        return 2
    print("\n\n".join(report.describe() for report in reports))
    return int(any(report.missing for report in reports))


COMMAND = Command("doctor", "list the paths of Keras that a package imports", _add_arguments, _run)
