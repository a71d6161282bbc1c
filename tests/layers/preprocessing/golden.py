"""The same layer in both libraries, and a comparison of their results."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import cornu


def compare(make: Callable[[Any], Any], *inputs: Any, adapt: Any = None, **kwargs: Any) -> Any:
    """Checks that the layers return the same (up to the dtype of vectors), and returns ours.

    Args:
        make: makes the layer; called with cornu, and with keras.
        inputs: what the layers are called on, one after another.
        adapt: what they are adapted to first, if anything.
        kwargs: further arguments of `adapt`.
    """
    ours, theirs = make(cornu), make(keras)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras converts int64 to int32 aloud
        if adapt is not None:
            theirs.adapt(adapt, **kwargs)
            ours.adapt(adapt, **kwargs)
        for x in inputs:
            expected = np.asarray(theirs(x))
            got = np.asarray(ours(x))
            assert got.shape == expected.shape, (x, got.shape, expected.shape)
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6, err_msg=str(x))
    return ours
