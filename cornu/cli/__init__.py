"""The command line, `python -m cornu COMMAND`: one module for each command.

A module of a command imports what the command needs when it runs, because importing JAX takes
longer than `--version` or `--help`.
"""

from cornu.cli.main import main

__all__ = ["main"]
