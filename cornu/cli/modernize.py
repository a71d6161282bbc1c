"""`cornu modernize`: rewrites programs of older versions of Keras to today's API."""

from __future__ import annotations

import argparse
import importlib
import sys

from cornu.cli.command import Command

__all__ = ["COMMAND"]

_VERSIONS = ("auto", "keras1", "keras2", "keras2.3")
_PACKAGES = ("keras", "cornu")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="path", help="programs, or folders of programs")
    parser.add_argument(
        "--as",
        dest="version",
        choices=_VERSIONS,
        default="auto",
        help="the version of Keras; auto, the default, reads the program",
    )
    parser.add_argument(
        "--import",
        dest="package",
        choices=_PACKAGES,
        default="keras",
        help="what the programs import afterwards (keras)",
    )
    parser.add_argument("--write", action="store_true", help="change the files")


def _run(chosen: argparse.Namespace) -> int:
    try:
        files = importlib.import_module("cornu.modernize.files")
    except ImportError as error:
        print(f"cornu modernize: {error}", file=sys.stderr)
        return 2
    status: int = files.modernize_files(chosen.paths, chosen.version, chosen.package, chosen.write)
    return status


COMMAND = Command("modernize", "rewrite old programs to today's API", _add_arguments, _run)
