"""Calls layers of either library, eagerly, compiled, symbolically and differentiated."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

import cornu
from cornu import tree
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Tensor
from cornu.core.state import scope
from tests.conformance.arguments.layer_arguments import LayerArguments
from tests.conformance.arguments.layer_rows import LAYERS
from tests.conformance.arguments.preprocessing_rows import LAYERS as PREPROCESSING
from tests.conformance.arguments.subject import MODE, TRAINING, Arguments, Subject

ROWS = (*LAYERS, *PREPROCESSING)

# Layers without combinations of their own.
WITHOUT_ROW = {
    "AugMix": "is random: tests/layers/preprocessing/test_image_against_keras.py",
    "ContrastLimitedAdaptiveHistogramEqualization": "all arguments are in rows/image.py",
    "FlaxLayer": "has a module: tests/layers/test_flax_layer.py",
    "InputLayer": "computes nothing: tests/layers/test_input.py",
    "JaxLayer": "has functions: tests/layers/test_jax_layer.py",
    "Layer": "is the base class",
    "MaxNumBoundingBoxes": "has one argument: rows/image.py",
    "MixUp": "is random: test_image_against_keras.py",
    "Pipeline": "has layers only: rows/preprocess.py",
    "RandAugment": "is random: test_image_against_keras.py",
    "StackedRNNCells": "has cells only: rows/rnn.py",
    "TFSMLayer": "has a SavedModel: tests/layers/test_tfsm_layer.py",
    "Wrapper": "is the base of wrappers",
}


def subjects() -> Iterator[Subject]:
    """Yields every layer that has a row."""
    for row in ROWS:
        yield Subject(
            f"layers.{row.name}",
            row.options(parameters_of(getattr(keras.layers, row.name))),
            lambda library, options, row=row: _compute(row, library, options),
            not row.alike,
        )


def parameters_of(cls: type) -> list[str]:
    """Returns the names of the parameters of a constructor."""
    return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]


def _compute(row: LayerArguments, library: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Returns outputs, penalties and weights; for gradients, those of the inputs."""
    mode, training = options.pop(MODE), options.pop(TRAINING, row.training)
    inputs = row.inputs({**row.required, **options})
    layer = _make(library, row, options)
    layer(*inputs, training=training)  # creates the weights
    initial = [_constant(np.asarray(v.value)) for v in _weights(layer)]
    values = [_value(i, v.name, v.value) for i, v in enumerate(_weights(layer))]
    _assign(layer, values)
    call = _call_keras if library is keras else _call
    return {"initial": initial, **call(layer, values, inputs, training, mode)}


def _make(library: Any, row: LayerArguments, arguments: Arguments) -> Any:
    """Makes a layer; an argument that is a function gets the library."""
    values = {**row.required, **arguments}
    return getattr(library.layers, row.name)(
        **{name: value(library) if callable(value) else value for name, value in values.items()}
    )


def _constant(value: np.ndarray) -> Any:
    """Returns the number that an initializer has repeated, or NaN if there is none."""
    if value.dtype.kind not in "fV" or value.size < 2:
        return np.nan
    wide = value.astype("float32").ravel()
    return wide[0] if (wide == wide[0]).all() else np.nan


def _value(index: int, name: str, value: Any) -> np.ndarray:
    """Returns a value of a weight that hides no difference, the same in both libraries."""
    value = np.asarray(value)
    if value.dtype.kind not in "fV" or value.size == 0:
        return value
    rng = np.random.default_rng(index)
    if any(word in name for word in ("variance", "stddev")):
        return rng.uniform(0.3, 1.5, value.shape).astype(value.dtype)
    return rng.normal(0.1, 0.4, value.shape).astype(value.dtype)


def _weights(layer: Any) -> list[Any]:
    """Returns the weights that both libraries have: in Keras, states are not among them."""
    return [v for v in layer.weights if not (v.name.startswith("state") and not v.trainable)]


def _assign(layer: Any, values: list[np.ndarray]) -> None:
    """Sets the weights, and states to zero."""
    for variable, value in zip(_weights(layer), values, strict=True):
        variable.assign(value)
    if getattr(layer, "stateful", False):
        layer.reset_state()


def _call_keras(
    layer: Any, values: list[np.ndarray], inputs: Any, training: bool, mode: str
) -> dict[str, Any]:
    if mode == "gradient":
        call = _gradient(lambda *x: _stateless(layer, x, training))
        return {"gradients": _numpy(jax.jit(call)(*_arrays(inputs)))}
    outputs = layer(*inputs, training=training)
    losses = float(sum(jnp.asarray(loss, "float32") for loss in layer.losses))
    return {"outputs": _numpy(outputs), "losses": losses, "weights": _constrained(layer)}


def _stateless(layer: Any, inputs: Any, training: bool) -> Any:
    with keras.StatelessScope([(v, v.value) for v in layer.variables]):
        return layer(*inputs, training=training)


def _call(
    layer: Any, values: list[np.ndarray], inputs: Any, training: bool, mode: str
) -> dict[str, Any]:
    if mode == "eager":
        outputs = layer(*inputs, training=training)
        losses = float(sum(layer.losses))
        return {"outputs": _numpy(outputs), "losses": losses, "weights": _constrained(layer)}
    arrays, key = _arrays(inputs), jax.random.key(0)
    state = [v.value for v in layer.variables]

    def call(*x: Any) -> Any:
        functional = scope.pure(lambda _: layer(*x, training=training), layer.variables)
        return functional(state, key, key)

    if mode == "gradient":
        return {"gradients": _numpy(jax.jit(_gradient(lambda *x: call(*x)[0]))(*arrays))}
    if mode == "symbolic":
        tensors = _tensors(arrays, batch=getattr(layer, "stateful", False))
        results = tree.leaves(layer(*tensors, training=training))
        leaves = [x for x in tree.leaves(tensors) if isinstance(x, Tensor)]
        outputs = Graph(leaves, results).run(
            [x for x in tree.leaves(arrays) if isinstance(x, jax.Array)]
        )
    else:
        outputs, after, _ = jax.jit(call)(*arrays)
        for variable, value in zip(layer.variables, after, strict=True):
            variable.assign(value)
    weights = _constrained(layer)
    _assign(layer, values)
    layer(*inputs, training=training)
    return {"outputs": _numpy(outputs), "losses": float(sum(layer.losses)), "weights": weights}


def _gradient(call: Callable[..., Any]) -> Callable[..., Any]:
    def total(*inputs: Any) -> Any:
        leaves = [y for y in tree.leaves(call(*inputs)) if jnp.issubdtype(y.dtype, jnp.floating)]
        return sum(jnp.sum(jnp.sin(y.astype("float32")) * (1 + i)) for i, y in enumerate(leaves))

    return lambda *inputs: jax.grad(total, argnums=tuple(range(len(inputs))))(*inputs)


def _constrained(layer: Any) -> list[np.ndarray]:
    """Returns the weights, after their constraints."""
    found = []
    for variable in _weights(layer):
        constraint = getattr(variable, "constraint", None)
        value = variable.value if constraint is None else constraint(variable.value)
        found.append(np.asarray(value))
    return found


def _tensors(arrays: Any, batch: bool) -> Any:
    """Returns Tensors, with the size of the batch if that must be known."""
    return tree.map(
        lambda x: (
            Tensor((x.shape[0] if batch else None, *x.shape[1:]), x.dtype.name)
            if isinstance(x, jax.Array)
            else x
        ),
        arrays,
    )


def _arrays(inputs: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # integers become 32-bit
        return tree.map(
            lambda x: jnp.asarray(x) if isinstance(x, np.ndarray) and x.dtype.kind in "iuf" else x,
            inputs,
        )


def _numpy(outputs: Any) -> list[np.ndarray]:
    return [np.asarray(y) for y in tree.leaves(outputs)]


def missing_rows() -> list[str]:
    """Returns the layers without a row and without a reason for that."""
    rows = {getattr(cornu.layers, row.name) for row in ROWS}
    layers = {
        name: getattr(cornu.layers, name)
        for name in cornu.layers.__all__
        if hasattr(keras.layers, name)
    }
    return [
        name
        for name, cls in layers.items()
        if isinstance(cls, type)
        and issubclass(cls, cornu.layers.Layer)
        and cls not in rows
        and cls.__name__ not in WITHOUT_ROW
    ]
