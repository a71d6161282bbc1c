"""Command: one command of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Command"]


class Command(NamedTuple):
    """One command.

    Attributes:
        name: its name on the command line.
        summary: what it does, in the list of commands.
        add_arguments: adds its arguments to a parser.
        run: runs it with the parsed arguments, and returns the exit status.
    """

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
