"""`cornu launch`: runs a program in several processes, as one training."""

from __future__ import annotations

from cornu import launcher
from cornu.cli.command import Command

__all__ = ["COMMAND"]

COMMAND = Command(
    "launch",
    "run a program in several processes, as one training",
    launcher.add_arguments,
    launcher.run,
)
