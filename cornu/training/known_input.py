"""KnownInput: remembers the checks of an array that is the only batch of `predict`."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.data import Arrays
from cornu.training import steps
from cornu.training.batch_check import BatchCheck
from cornu.training.protocols import TrainableModel
from cornu.types import DataLike

__all__ = ["KnownInput", "remember"]


class KnownInput:
    """An array that a model has accepted as the only batch of `predict`.

    What follows from the shape of its rows and its dtype, for the same functional graph, is not
    computed again for the next array: that takes longer than a small program. Values are checked
    each time. Threads may share the object, which does not change.

    Args:
        model: a model that computes its functional graph and nothing else.
        check: the checks of the inputs of the model.
        x: the array.
    """

    def __init__(self, model: TrainableModel, check: BatchCheck, x: np.ndarray) -> None:
        self._graph = model._graph_
        self._row_shape, self._dtype = x.shape[1:], x.dtype
        check((x, None, None), 0)
        self._checks = check.checks_of_values()

    def accepts(self, model: TrainableModel, x: DataLike, batch_size: int) -> bool:
        """Whether an array is the only batch, and of the same kind for the same graph."""
        return (
            type(x) is np.ndarray
            and x.dtype == self._dtype
            and x.shape[1:] == self._row_shape
            and x.ndim > 0
            and 1 <= len(x) <= batch_size
            and model._graph_ is self._graph
            and model._is_purely_functional_
        )

    def check_values(self, x: np.ndarray) -> None:
        """Raises a ValueError for wrong values."""
        for check in self._checks:
            check(x)


def remember(
    model: TrainableModel, x: DataLike, source: Any, check: BatchCheck
) -> KnownInput | None:
    """Returns the KnownInput of the data of `predict`, if it is one array that is not converted.

    Args:
        model: the model.
        x: the data that the user passed.
        source: the source of batches that was made from it.
        check: a new check of the inputs.
    """
    if type(x) is not np.ndarray or not isinstance(source, Arrays) or not _is_plain(model):
        return None
    # A model with a custom structure of inputs receives another object.
    if source.steps > 1 or source.structure[0] is not x:
        return None
    return KnownInput(model, check, x)


def _is_plain(model: TrainableModel) -> bool:
    """Whether `predict` computes the functional graph of a model and nothing else."""
    return model._is_purely_functional_ and not steps.has_own_step(model, "predict_step")
