"""Signatures of functions, each of which is computed once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["signature_of"]


@functools.lru_cache(maxsize=1024)
def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Returns the signature of a function, such as the `__init__` of a class.

    It must not be that of an instance, which would then exist as long as the process.
    """
    return inspect.signature(function)
