"""ArrayRow: how the arrays of a layer of an old version become those of today."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.legacy.source import Source

__all__ = ["ArrayConversion", "ArrayRow"]

Arrays: TypeAlias = list[np.ndarray]
# Takes the layer of today, its arrays in the file and what wrote the file; returns the values of
# its Variables, those that are trained first. It must be linear, since the optimizer's averages
# are converted by it, too.
ArrayConversion: TypeAlias = Callable[[Any, Arrays, Source], Arrays]


def _keep(layer: Layer, arrays: Arrays, source: Source) -> Arrays:
    return arrays


def _count(layer: Layer, source: Source) -> tuple[int, int]:
    return len(layer.trainable_weights), len(layer.non_trainable_weights)


@dataclass(frozen=True)
class ArrayRow:
    """One class of layers.

    Attributes:
        convert: converts its arrays.
        count: returns how many arrays of a layer a file has: of those that are trained, and others.
    """

    convert: ArrayConversion = _keep
    count: Callable[[Any, Source], tuple[int, int]] = _count
