"""Switches: environment variables that turn off what is on by default."""

from __future__ import annotations

import os

__all__ = ["is_off"]

_OFF = ("off", "false", "0")


def is_off(name: str) -> bool:
    """Tells whether an environment variable says off, false or 0."""
    return os.environ.get(name, "").lower() in _OFF
