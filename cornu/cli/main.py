"""The table of commands, and the function that runs one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from cornu._version import __version__
from cornu.cli import (
    demo,
    doctor,
    info,
    keras_path,
    launch,
    modernize,
    plan,
    run,
    serve,
    summary,
)
from cornu.cli.command import Command

__all__ = ["COMMANDS", "main"]

COMMANDS: tuple[Command, ...] = (
    demo.COMMAND,
    info.COMMAND,
    summary.COMMAND,
    run.COMMAND,
    modernize.COMMAND,
    doctor.COMMAND,
    keras_path.COMMAND,
    launch.COMMAND,
    plan.COMMAND,
    serve.COMMAND,
)

# As if the signal SIGPIPE (13) had ended the process, which `head` and others expect.
_READER_ENDED = 128 + 13


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="cornu", description="Command-line tools of cornu.")
    parser.add_argument("--version", action="version", version=f"cornu {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add_arguments(commands.add_parser(command.name, help=command.summary))
    chosen = parser.parse_args(arguments)
    by_name = {command.name: command for command in COMMANDS}
    try:
        status = by_name[chosen.command].run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:
        if not _discard_output():
            raise  # by another pipe or socket of the program
        return _READER_ENDED
    return status


def _discard_output() -> bool:
    """Discards what is printed from now on if the reader of standard output has ended.

    Returns:
        Whether it has ended.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes again when it ends, and would report the error then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False
