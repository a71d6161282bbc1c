"""Switches: environment variables that disable features that are enabled by default."""

from __future__ import annotations

import os

__all__ = ["is_off"]

_OFF = ("off", "false", "0")


def is_off(name: str) -> bool:
    """Tells whether an environment variable is set to `off`, `false` or `0`."""
    return os.environ.get(name, "").lower() in _OFF
