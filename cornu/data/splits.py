"""Splits: data that has rows, cut in two."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from cornu import tree

__all__ = ["split"]


def split(structure: Any, fraction: float) -> tuple[Any, Any]:
    """Splits nested arrays: the last `fraction` of the rows is the second part."""
    if not 0 < fraction < 1:
        hint = f"\nWrite {fraction / 100} for {fraction} percent." if 1 < fraction <= 100 else ""
        raise ValueError(f"validation_split lies between 0 and 1. Received: {fraction!r}{hint}")
    leaves = [leaf for leaf in tree.leaves(structure) if leaf is not None]
    count = len(leaves[0])
    at = int(np.floor(count * (1.0 - fraction)))
    if at == 0 or at == count:
        raise ValueError(
            f"validation_split={fraction} of {count} rows leaves one part without any."
        )
    first = jax.tree_util.tree_map(lambda a: a[:at], structure)
    return first, jax.tree_util.tree_map(lambda a: a[at:], structure)
