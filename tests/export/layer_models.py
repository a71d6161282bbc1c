"""Rows of the conformance table as models with named inputs, and the data of these."""

import warnings

import jax
import numpy as np

import cornu
from cornu import tree


def model_of(row):
    """Returns a model with the layer of a row, and its inputs by name.

    The masks of a row are inputs too. Weights are changed, so that none is at its initial value.
    """
    call, masks = row.call(), row.masks()
    leaves, definition = tree.flatten_with_treedef((call.args, call.kwargs))
    inputs, data = {}, {}

    def add(name, array):
        array = np.asarray(array)
        shape = (None, *array.shape[1:]) if array.ndim else ()
        inputs[name] = cornu.Input(batch_shape=shape, dtype=str(array.dtype), name=name)
        data[name] = array
        return inputs[name]

    for i, leaf in enumerate(leaves):
        if isinstance(leaf, (np.ndarray, jax.Array)):
            leaves[i] = add(f"input_{i}", leaf)
    args, kwargs = tree.unflatten(definition, leaves)
    if masks is not None:
        pairs = zip(tree.leaves(args[0]), tree.leaves(masks), strict=True)
        for i, (tensor, mask) in enumerate(pairs):
            if mask is not None:
                tensor.mask = add(f"mask_{i}", mask)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = row.make(cornu)
        outputs = layer(*args, **kwargs)
    rng = np.random.default_rng(3)
    layer.set_weights([_moved(np.asarray(v.value), rng) for v in layer.weights])
    return cornu.Model(inputs, outputs), data


def _moved(array, rng):
    return array + rng.uniform(0.05, 0.2, array.shape) if array.dtype.kind == "f" else array


def error_of(found, expected):
    """Returns the largest difference, relative to numbers above 1."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    a, b = (x.astype("complex128" if x.dtype.kind == "c" else "float64") for x in (found, expected))
    assert (np.isnan(a) == np.isnan(b)).all()
    equal = (a == b) | np.isnan(a)
    with np.errstate(invalid="ignore"):
        difference = np.where(equal, 0, abs(a - b) / np.maximum(1, abs(b)))
    return float(difference.max(initial=0))
