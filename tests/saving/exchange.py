"""A model is saved by one library and loaded by the other: how far apart they compute."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import keras
import numpy as np

import cornu
from cornu import tree
from tests.conformance.rows import jax as rows
from tests.conformance.table import LayerRow

# From the library that saves to the one that loads.
DIRECTIONS = {"Keras to cornu": (keras, cornu), "cornu to Keras": (cornu, keras)}
# The objects in rows that are registered in one of the libraries only.
_OWN = {"scale": rows.scale, "scale_init": rows.scale_init, "Perceptron": rows.Perceptron}
CUSTOM_OBJECTS = {
    "Keras to cornu": _OWN,
    "cornu to Keras": {f"Custom>{name}": value for name, value in _OWN.items()},
}
# As often random layers are called before they count as layers that do nothing.
_DRAWS = 32


# Rows that cannot be exchanged, or whose results differ, and why.
EXCEPTIONS = {
    "grouped_key": "Keras cannot call the layer in a functional model with keys of another size",
    "equalization": "Keras cannot call the layer in a functional model",
    "lambda": "a Python lambda is code, which files do not hold; `custom_objects` passes it",
    "lambda_dict": "a Python lambda is code, which files do not hold; `custom_objects` passes it",
    "random_shear": "Keras cannot read its own config of a factor that is one number",
    "random_crop": "outside of training, Keras does not crop to the size that the model declares",
    **{
        name: "its functions and classes are registered with one of the two libraries only; "
        "`custom_objects` passes them"
        for name in ("jax_layer", "flax_layer")
    },
    "integer_lookup_farmhash": "Keras's model declares float32, and returns int32; equal numbers",
}


class Example(NamedTuple):
    """A model, and the arrays that it is called on."""

    model: Any
    arrays: Any


class Exchange(NamedTuple):
    """What the model that was loaded has in common with the one that was saved.

    Attributes:
        inference: the largest difference of outputs with `training=False`.
        training: that of outputs and states with `training=True`; None where they are random.
        weights: whether the weights by `.weights.h5` are equal, bit for bit.
        described: whether the JSON gives a model with equal names and shapes of weights.
    """

    inference: float
    training: float | None
    weights: bool
    described: bool


def layer_model(library: Any, row: LayerRow) -> Example:
    """Returns a functional model of the layer of a row, with weights that are not all zero."""
    call = row.call()
    inputs: list[Any] = []

    def to_input(leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray):
            return leaf
        inputs.append(library.Input(batch_shape=leaf.shape, dtype=leaf.dtype.name))
        return inputs[-1]

    args, kwargs = tree.map(to_input, (call.args, call.kwargs))
    layer = row.make(library)
    outputs = layer(*args, **kwargs)
    arrays = [x for x in tree.leaves((call.args, call.kwargs)) if isinstance(x, np.ndarray)]
    one = len(arrays) == 1
    model = library.Model(inputs[0] if one else inputs, outputs)
    if type(layer).__name__ != "Normalization":  # Keras's computes with copies of its weights
        move_weights(model)
    return Example(model, arrays[0] if one else arrays)


def move_weights(model: Any) -> None:
    """Adds a little to the weights of a model, the same at every call."""
    rng = np.random.default_rng(3)
    for weight in model.weights:
        value = np.asarray(weight.value)
        if np.issubdtype(value.dtype, np.floating):
            weight.assign(value + rng.uniform(0, 0.2, value.shape).astype(value.dtype))


def exchange(
    make: Callable[[Any], Example],
    direction: str,
    folder: Path,
    random: bool = False,
    compiled: bool = True,
    lossy: bool = False,
) -> Exchange:
    """Saves a model in one library, loads it in the other, and compares what they compute.

    Args:
        make: returns the model of a library.
        direction: a key of `DIRECTIONS`.
        folder: an empty folder.
        random: whether the outputs in training are random: then it is compared whether they
            differ from those in inference.
        compiled: whether the models compile. Compiled programs round to short floats at fewer
            places, so that only results of single ops can be compared to full precision.
        lossy: whether files hold other weights than the model, as those of LoRA, which are merged:
            what the loading library computes is compared with the saving library after loading.
    """
    source, target = DIRECTIONS[direction]
    with warnings.catch_warnings(), jax.disable_jit(not compiled):
        warnings.simplefilter("ignore")
        saved, arrays = make(source)
        saved.save(folder / "model.keras")
        saved.save_weights(folder / "model.weights.h5")
        custom = CUSTOM_OBJECTS[direction]
        loaded = target.models.load_model(folder / "model.keras", custom)
        other = make(target).model
        for weight in other.weights:
            weight.assign(np.zeros_like(weight.value))
        other.load_weights(folder / "model.weights.h5")
        described = target.models.model_from_json(saved.to_json(), custom)
        if lossy:
            saved = source.models.load_model(folder / "model.keras")
        expected = source.models.model_from_json(saved.to_json())
        same_names = not expected.built or _names(described) == _names(expected)
        if lossy:  # the matrices of adapters start with random values, and their product is zero
            results = [call(model, arrays, training=False) for model in (other, loaded)]
            weights = difference(*results) == 0
        else:
            weights = _same_values(other, loaded)
        still = [call(model, arrays, training=False) for model in (saved, loaded)]
        inference = difference(*still)
        training = None
        if takes_phase(saved) and not random:
            training = difference(*(_train(model, arrays) for model in (saved, loaded)))
        elif random:
            changes = [
                any(difference(y, call(model, arrays, training=True)) > 0 for _ in range(_DRAWS))
                for model, y in zip((saved, loaded), still, strict=True)
            ]
            if changes[0] != changes[1]:
                training = float("inf")
    return Exchange(inference, training, weights, same_names)


def takes_phase(model: Any) -> bool:
    """Returns whether a layer of a model computes otherwise in training."""
    return any("training" in inspect.signature(layer.call).parameters for layer in _layers(model))


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)


def call(model: Any, arrays: Any, training: bool) -> list[np.ndarray]:
    """Returns the outputs of a model."""
    return [np.asarray(y) for y in tree.leaves(model(arrays, training=training))]


def _train(model: Any, arrays: Any) -> list[np.ndarray]:
    outputs = call(model, arrays, training=True)
    return [*outputs, *(np.asarray(v.value) for v in model.non_trainable_weights)]


def difference(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    """Returns the largest difference of arrays, relative to the largest number if that is above 1.

    It is infinite if shapes, dtypes or the positions of NaN differ.
    """
    if [(x.shape, x.dtype) for x in one] != [(x.shape, x.dtype) for x in other]:
        return float("inf")
    worst = 0.0
    for x, y in zip(one, other, strict=True):
        x, y = np.asarray(x, "float64"), np.asarray(y, "float64")
        if not np.array_equal(np.isnan(x), np.isnan(y)):
            return float("inf")
        if x.size and not np.isnan(x).all():
            worst = max(worst, float(np.nanmax(abs(x - y)) / max(1.0, np.nanmax(abs(x)))))
    return worst


def _names(model: Any) -> list[tuple[str, tuple[int, ...]]]:
    return [(v.name, tuple(v.shape)) for v in model.weights]


def _same_values(one: Any, other: Any) -> bool:
    # A layer that is quantized later has its weights in another order than one that is so at first.
    pairs = zip(_sorted_weights(one), _sorted_weights(other), strict=True)
    return all(np.array_equal(np.asarray(a.value), np.asarray(b.value)) for a, b in pairs)


def _sorted_weights(model: Any) -> list[Any]:
    layers = list(_layers(model))
    found = [v for layer in layers for v in sorted(layer.weights, key=lambda v: v.name)]
    return found or model.weights
