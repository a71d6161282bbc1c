"""Errors about the classes and functions of a file that the program does not have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from cornu import registry

__all__ = ["list_missing_objects"]


@contextlib.contextmanager
def list_missing_objects(config: Any, archive: registry.Archive, compile: bool) -> Iterator[None]:
    """Replaces an error about one unknown class or function by one about all of them.

    Args:
        config: the config of the model that is created in the block.
        archive: the archive that is being read.
        compile: whether the model is compiled as it was.
    """
    try:
        yield
    except ValueError as error:
        if archive.has_unknown:
            known = config if compile or not isinstance(config, dict) else {**config}
            if not compile and isinstance(known, dict):
                known.pop("compile_config", None)
            text = registry.describe_missing(known)
            if text is not None:
                raise ValueError(text) from error
        raise
