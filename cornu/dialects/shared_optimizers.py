"""One optimizer for several models, or for other weights of a model after the first ones."""

from __future__ import annotations

import weakref
from typing import Any

__all__ = ["with_own_slots"]

# Optimizer -> the model that was compiled with it first.
_owners: weakref.WeakKeyDictionary[Any, weakref.ref[Any]] = weakref.WeakKeyDictionary()


def with_own_slots(model: Any, optimizer: Any, shares_slots: bool) -> Any:
    """Returns the optimizer that a model is compiled with.

    Programs pass the same optimizer to both models of a GAN, or to `compile` before and after they
    unfreeze layers. Each `compile` of Keras then made new slots, such as momentums; the learning
    rate and the number of steps are those of the optimizer.

    Args:
        model: the model.
        optimizer: the optimizer of the program.
        shares_slots: whether a model keeps its slots when it is compiled again, as in tf.keras.
    """
    owner = _owners.get(optimizer)
    if owner is None:
        _owners[optimizer] = weakref.ref(model)
        return optimizer
    if shares_slots and owner() is model:
        return optimizer
    return optimizer._for_other_variables_()
