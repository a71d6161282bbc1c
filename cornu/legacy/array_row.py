"""ArrayRow: how the arrays of a layer of an old version become those of today."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.layers import RNN
from cornu.legacy.layers.batch_normalization import DebiasedBatchNormalization
from cornu.legacy.source import Source

__all__ = ["ArrayConversion", "ArrayRow", "find_counters", "stored_weights"]

Arrays: TypeAlias = list[np.ndarray]
# Takes the layer of today, its arrays in the file and what wrote the file; returns the values of
# its Variables, those that are trained first. It must be linear, since the optimizer's averages
# are converted by it, too.
ArrayConversion: TypeAlias = Callable[[Any, Arrays, Source], Arrays]


def _keep(layer: Layer, arrays: Arrays, source: Source) -> Arrays:
    return arrays


def stored_weights(layer: Layer) -> tuple[list[Variable], list[Variable]]:
    """Returns the weights of a layer that files have: those that are trained, and others.

    Files do not have the states of stateful layers, nor the counters of batch normalization.
    """
    unstored = {id(variable) for variable in (*_states(layer), *find_counters(layer))}
    fixed = [v for v in layer.non_trainable_weights if id(v) not in unstored]
    return list(layer.trainable_weights), fixed


def _states(layer: Layer) -> list[Variable]:
    found = [state for part in layer._sublayers_() for state in _states(part)]
    return found + (tree.leaves(layer.states) if isinstance(layer, RNN) else [])


def find_counters(layer: Layer) -> list[Variable]:
    """Returns the numbers of updates of batch normalization, which files do not have."""
    found = [counter for part in layer._sublayers_() for counter in find_counters(part)]
    if isinstance(layer, DebiasedBatchNormalization):
        found.append(layer.updates)
    return list({id(counter): counter for counter in found}.values())


def _count(layer: Layer, source: Source) -> tuple[int, int]:
    trained, fixed = stored_weights(layer)
    return len(trained), len(fixed)


@dataclass(frozen=True)
class ArrayRow:
    """One class of layers.

    Attributes:
        convert: converts its arrays.
        count: returns how many arrays of a layer a file has: of those that are trained, and others.
        restore: the inverse of `convert`.
    """

    convert: ArrayConversion = _keep
    count: Callable[[Any, Source], tuple[int, int]] = _count
    restore: ArrayConversion = _keep
