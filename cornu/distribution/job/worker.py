"""A process of `cornu launch`: connects to the others, and runs the program of the user."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import jax

from cornu import distribution
from cornu.distribution.job.connect import initialize, set_exit_status
from cornu.distribution.job.ending import watch_launcher
from cornu.process import job

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a program as a process of a job.

    Args:
        arguments: the distribution, and the program with its arguments, as `cornu launch` writes
            them; by default those of the command line.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--distribution", required=True)
    parser.add_argument("-m", dest="module", action="store_true")
    parser.add_argument("program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    watch_launcher()
    initialize()
    if options.distribution == "none":
        job.separate()
    elif jax.device_count() > 1:
        distribution.set_distribution(distribution.get(options.distribution))
    try:
        _run(options.program, options.module, options.arguments)
    except SystemExit as error:
        if error.code is not None:
            set_exit_status(error.code if isinstance(error.code, int) else 1)
        raise


def _run(program: str, is_module: bool, arguments: Sequence[str]) -> None:
    """Runs a file or a module as Python does."""
    sys.argv = [program, *arguments]
    if is_module:
        sys.path[0] = str(Path.cwd())
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(program).resolve().parent)
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
