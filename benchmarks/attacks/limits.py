"""What takes away from this process what it needs: space on the disk, rights."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator

__all__ = ["file_size_limit", "without_rights"]

_NOBODY = 65534


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Makes writes beyond a size fail, in libraries in C as well; Python ignores the signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """Gives up the rights of the superuser, to whom no folder is closed."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(user)
