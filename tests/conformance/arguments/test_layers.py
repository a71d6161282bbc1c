"""Layers give the results of Keras for pairwise combinations of all of their arguments.

The dtype, and whether the layer is called eagerly, compiled, symbolically or differentiated, are
options like the arguments: each of their values meets each value of each argument.
"""

from __future__ import annotations

import inspect
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu import tree
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Tensor
from cornu.core.state import scope
from tests.conformance.arguments.layers import LAYERS, MODE, TRAINING, Arguments, LayerArguments
from tests.conformance.arguments.pairwise import pairwise

# How far results may be from Keras's, relative to the largest one.
TOLERANCES = {"float32": 1e-5, "bfloat16": 4e-2, "float16": 5e-3}


class Result(NamedTuple):
    """What a call gave, as NumPy arrays."""

    outputs: list[np.ndarray]
    losses: float
    weights: list[np.ndarray]  # after the call, and after their constraints


def parameters_of(cls: type) -> list[str]:
    """Returns the names of the parameters of a constructor."""
    return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]


def combinations(row: LayerArguments) -> list[dict[str, Any]]:
    """Returns the combinations of the arguments of a layer."""
    return pairwise(row.options(parameters_of(getattr(keras.layers, row.name))))


@pytest.mark.slow
@pytest.mark.parametrize("row", LAYERS, ids=lambda row: row.name)
@pytest.mark.filterwarnings("ignore")
def test_combinations_of_arguments(row: LayerArguments) -> None:
    complaints = []
    for combination in combinations(row):
        try:
            _compare(row, combination)
        except Exception as error:
            title = ", ".join(f"{k}={v}" for k, v in combination.items())
            trace = "" if isinstance(error, AssertionError) else traceback.format_exc(limit=-3)
            complaints.append(f"{row.name}({title}):\n{type(error).__name__}: {error}\n{trace}")
    assert not complaints, f"{len(complaints)} complaints\n\n" + "\n".join(complaints)


def _compare(row: LayerArguments, combination: dict[str, Any]) -> None:
    arguments = dict(combination)
    mode = arguments.pop(MODE)
    training = arguments.pop(TRAINING, row.training)
    inputs = row.inputs({**row.required, **arguments})
    try:
        theirs = _make(keras, row, arguments)
        theirs(*inputs, training=training)
        for variable in theirs.weights:
            variable.assign(_initial(variable.value))
        expected = _call_keras(theirs, inputs, training, mode)
    except Exception as refused:
        if row.better:
            return
        with pytest.raises(Exception):  # noqa: B017, PT011
            _call(_make(cornu, row, arguments), None, inputs, training, mode)
            pytest.fail(f"Keras refuses it: {type(refused).__name__}: {str(refused)[:300]}")
        return
    initial = [np.asarray(v.value) for v in theirs.weights]
    found = _call(_make(cornu, row, arguments), initial, inputs, training, mode)
    assert [_spec(y) for y in found.outputs] == [_spec(y) for y in expected.outputs]
    if row.alike:
        return
    dtype = arguments.get("dtype", "float32").removeprefix("mixed_")
    tolerance = TOLERANCES[dtype] * (10 if mode == "gradient" else 1)
    for name in ("outputs", "weights"):
        for a, b in zip(getattr(found, name), getattr(expected, name), strict=True):
            _close(a, b, tolerance, name)
    np.testing.assert_allclose(found.losses, expected.losses, max(tolerance, 1e-5), err_msg="loss")


def _make(library: Any, row: LayerArguments, arguments: Arguments) -> Any:
    """Makes a layer; an argument that is a function gets the library."""
    values = {**row.required, **arguments}
    return getattr(library.layers, row.name)(
        **{name: value(library) if callable(value) else value for name, value in values.items()}
    )


def _initial(value: Any) -> Any:
    """Returns the values plus 0.05 to 0.2: initial zeros would hide differences."""
    rng = np.random.default_rng(3)
    value = np.asarray(value)
    if value.dtype.kind not in "fV" or value.size == 0:
        return value
    moved = value.astype("float32") + rng.uniform(0.05, 0.2, value.shape)
    return moved.astype(value.dtype)


def _call_keras(layer: Any, inputs: Any, training: bool, mode: str) -> Result:
    if mode == "gradient":
        outputs = jax.jit(_gradient(lambda *x: _stateless(layer, x, training)))(*_arrays(inputs))
        return Result(_numpy(outputs), 0.0, [])
    outputs = layer(*inputs, training=training)
    losses = float(sum(jnp.asarray(loss, "float32") for loss in layer.losses))
    return Result(_numpy(outputs), losses, _weights(layer))


def _stateless(layer: Any, inputs: Any, training: bool) -> Any:
    with keras.StatelessScope([(v, v.value) for v in layer.variables]):
        return layer(*inputs, training=training)


def _call(layer: Any, initial: Any, inputs: Any, training: bool, mode: str) -> Result:
    layer(*inputs)
    if initial is not None:
        layer.set_weights(initial)
    if mode == "eager":
        outputs = layer(*inputs, training=training)
        return Result(_numpy(outputs), float(sum(layer.losses)), _weights(layer))
    arrays, key = _arrays(inputs), jax.random.key(0)
    values = [v.value for v in layer.variables]

    def call(*x: Any) -> Any:
        functional = scope.pure(lambda _: layer(*x, training=training), layer.variables)
        return functional(values, key, key)

    if mode == "gradient":
        gradient = jax.jit(_gradient(lambda *x: call(*x)[0]))
        return Result(_numpy(gradient(*arrays)), 0.0, [])
    if mode == "symbolic":
        tensors = _tensors(arrays)
        results = tree.leaves(layer(*tensors, training=training))
        leaves = [x for x in tree.leaves(tensors) if isinstance(x, Tensor)]
        outputs = Graph(leaves, results).run(
            [x for x in tree.leaves(arrays) if isinstance(x, jax.Array)]
        )
    else:
        outputs, after, _ = jax.jit(call)(*arrays)
        for variable, value in zip(layer.variables, after, strict=True):
            variable.assign(value)
    return Result(_numpy(outputs), _losses(layer, inputs, initial, training), _weights(layer))


def _losses(layer: Any, inputs: Any, initial: Any, training: bool) -> float:
    """Returns the penalties of an eager call; the weights are then as before."""
    weights = layer.get_weights()
    if initial is not None:
        layer.set_weights(initial)
    layer(*inputs, training=training)
    losses = float(sum(layer.losses))
    layer.set_weights(weights)
    return losses


def _gradient(call: Callable[..., Any]) -> Callable[..., Any]:
    def total(*inputs: Any) -> Any:
        leaves = [y for y in tree.leaves(call(*inputs)) if jnp.issubdtype(y.dtype, jnp.floating)]
        return sum(jnp.sum(jnp.sin(y.astype("float32")) * (1 + i)) for i, y in enumerate(leaves))

    return lambda *inputs: jax.grad(total, argnums=tuple(range(len(inputs))))(*inputs)


def _weights(layer: Any) -> list[np.ndarray]:
    found = []
    for variable in layer.weights:
        value = variable.value
        if getattr(variable, "constraint", None) is not None:
            value = variable.constraint(value)
        found.append(np.asarray(value))
    return found


def _tensors(arrays: Any) -> Any:
    return tree.map(
        lambda x: Tensor((None, *x.shape[1:]), x.dtype.name) if isinstance(x, jax.Array) else x,
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


def _spec(array: np.ndarray) -> tuple[tuple[int, ...], str]:
    return array.shape, array.dtype.name


def _close(a: np.ndarray, b: np.ndarray, tolerance: float, what: str) -> None:
    if a.dtype.kind in "US" or b.dtype.kind == "O":
        assert a.tolist() == b.tolist(), what
        return
    a, b = (np.asarray(x, "float64") for x in (a, b))
    scale = max(1.0, np.abs(b[np.isfinite(b)]).max(initial=0))
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def test_every_argument_of_the_layers_is_varied() -> None:
    assert len({row.name for row in LAYERS}) == len(LAYERS)
    for row in LAYERS:
        options = row.options(parameters_of(getattr(cornu.layers, row.name)))
        assert all(len(values) > 1 for values in options.values()), row.name


def test_pairs_of_all_values_occur() -> None:
    options = {"a": (0, 1, 2), "b": (0, 1), "c": ("x", "y", "z"), "d": (None, 1)}
    rows = pairwise(options)
    assert len(rows) <= 14 and rows[0] == {"a": 0, "b": 0, "c": "x", "d": None}
    for one in options:
        for two in options:
            pairs = {(row[one], row[two]) for row in rows}
            expected = {(x, y) for x in options[one] for y in options[two]}
            assert one == two or pairs == expected
