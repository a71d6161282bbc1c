"""Every row of the table through every check."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu import tree
from cornu.core.graph.graph import Graph
from cornu.core.graph.structural_key import describe_subgraph
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state.dtype_policy import dtype_policy, set_dtype_policy
from tests.conformance.case import Case, Outputs, Result, compute_outputs, config_of
from tests.conformance.table import CHECKS, Call, LayerRow, all_rows

# Classes in cornu.layers that no row can be written for.
WITHOUT_ROW = {
    "InputLayer": "computes nothing; tests/layers/test_input.py",
    "Layer": "is the base; tests/core/test_layer.py",
    "MixUp": "Keras's warns of its integers; tests/layers/preprocessing",
    "StringLookup": "takes strings; tests/layers/preprocessing/test_string_lookup.py",
    "TFSMLayer": "needs TensorFlow; tests/layers/test_tfsm_layer.py",
    "TextVectorization": "takes strings; tests/layers/preprocessing/test_text_vectorization.py",
    "Wrapper": "is the base of wrappers; tests/layers/test_wrappers.py",
}

ROWS = all_rows()


def _parameters() -> list[Any]:
    """Returns the rows with their checks.

    The first row of each module of the library goes through all checks. Of the others `make test`
    only compares the outputs with Keras's: the rest of the product is slow.
    """
    parameters, seen = [], set()
    for row in ROWS:
        module = type(row.make(cornu)).__module__
        marks = [pytest.mark.slow] if module in seen else []
        seen.add(module)
        if marks and "keras" not in row.skip:
            parameters.append(pytest.param(row, "outputs", id=f"{row.name}-outputs"))
        parameters += [
            pytest.param(row, check, id=f"{row.name}-{check}", marks=marks) for check in CHECKS
        ]
    return parameters


PARAMETERS = _parameters()
WITH_OUTPUTS = [row for row, check in (p.values for p in PARAMETERS) if check == "outputs"]
OUTPUT_GROUPS = [tuple(WITH_OUTPUTS[i : i + 16]) for i in range(0, len(WITH_OUTPUTS), 16)]


@functools.lru_cache(maxsize=4)
def case(row: LayerRow) -> Case:
    return Case(row)


@pytest.mark.parametrize(("row", "check"), PARAMETERS)
def test_layer(row: LayerRow, check: str) -> None:
    if check in row.skip:
        pytest.skip(row.skip[check])
    if check == "outputs":
        check_outputs(row)
    else:
        globals()[f"check_{check}"](case(row))


def check_outputs(row: LayerRow) -> None:
    case, (layer, result, expected) = _outputs(row)
    _equal(case, result, expected)
    if row.mask is not None:
        _equal_masks(result, expected)
    if "config" not in row.skip:
        config = config_of(layer)
        assert config_of(type(layer).from_config(config)) == config


def _outputs(row: LayerRow) -> tuple[Case, Outputs]:
    """Returns the results of a row, computed together with those of its neighbors."""
    group = next(group for group in OUTPUT_GROUPS if row in group)
    try:
        return _compute_group(group)[row.name]
    except Exception:  # of any row of the group: each one fails or passes for itself
        return _compute_group((row,))[row.name]


@functools.lru_cache(maxsize=1)
def _compute_group(rows: tuple[LayerRow, ...]) -> dict[str, tuple[Case, Outputs]]:
    cases = [Case(row) for row in rows]
    pairs = zip(cases, compute_outputs(cases), strict=True)
    return {case.row.name: (case, outputs) for case, outputs in pairs}


def check_weights(case: Case) -> None:
    ours, theirs = case.ours.weights, case.theirs.weights
    trained = {id(v) for layer in (case.ours, case.theirs) for v in layer.trainable_weights}
    assert [v.name for v in ours] == [v.name for v in theirs]
    assert [v.shape for v in ours] == [tuple(v.shape) for v in theirs]
    assert [v.dtype for v in ours] == [v.dtype for v in theirs]
    assert [id(v) in trained for v in ours] == [id(v) in trained for v in theirs]


def check_keras(case: Case) -> None:
    _equal(case, case.eager_inference, case.keras_inference)
    _equal(case, case.gradients.result, case.keras_gradients.result)
    if case.row.random:
        # Numbers differ from Keras's; their distribution can be compared.
        random = case.eager(case.ours, training=True)
        for y, still in zip(random.outputs, case.eager_inference.outputs, strict=True):
            assert (y.shape, y.dtype) == (still.shape, still.dtype) and np.isfinite(y).all()


def check_gradient(case: Case) -> None:
    ours, theirs = case.gradients, case.keras_gradients
    for what, a, b in (
        ("weight", ours.weights, theirs.weights),
        ("input", ours.inputs, theirs.inputs),
    ):
        for i, (gradient, expected) in enumerate(zip(a, b, strict=True)):
            assert np.isfinite(gradient).all(), f"gradient by {what} {i}"
            _close(case, gradient, expected, f"gradient by {what} {i}", looser=10)


def check_compiled(case: Case) -> None:
    values = tuple(v.value for v in case.ours.variables)
    outputs, after = case.inference(values, jax.random.key(0))
    for y, expected in zip(tree.leaves(outputs), case.eager_inference.outputs, strict=True):
        _close(case, np.asarray(y), expected, "compiled")
    # What a step leaves behind must be what the next one begins with, down to weak types.
    case.inference(after, jax.random.key(1))
    assert case.traces == 1


def check_symbolic(case: Case) -> None:
    expected = [(y.shape, y.dtype.name) for y in case.eager_inference.outputs]
    _, outputs = _call_new(case, batch=True)
    assert [(y.shape, y.dtype) for y in outputs] == expected

    inputs, outputs = _call_new(case, batch=False)
    for y, (shape, dtype) in zip(outputs, expected, strict=True):
        assert y.dtype == dtype and len(y.shape) == len(shape)
        assert all(n in (None, m) for n, m in zip(y.shape, shape, strict=True)), (y.shape, shape)
        assert None not in y.shape[1:], y.shape
    arrays = [*_array_leaves(case.call), *[m for m in tree.leaves(case.masks) if m is not None]]
    results = Graph(inputs, outputs).run(arrays)
    for y, target in zip(results, case.eager_inference.outputs, strict=True):
        _close(case, np.asarray(y), target, "symbolic")


def check_form(case: Case) -> None:
    one, two = (describe_subgraph(Graph(*_call_new(case, batch=True)).nodes, ()) for _ in range(2))
    assert one.structural_key == two.structural_key


def _call_new(case: Case, batch: bool) -> tuple[list[Tensor], list[Tensor]]:
    return case.call_on_tensors(case.row.make(cornu), batch)


def _array_leaves(call: Call) -> list[Any]:
    return [x for x in tree.leaves((call.args, call.kwargs)) if isinstance(x, jax.Array)]


def check_config(case: Case) -> None:
    config = config_of(case.ours)
    clone = type(case.ours).from_config(config)
    assert config_of(clone) == config
    result = case.eager(case.built(clone))
    _equal(case, result, case.eager_inference)


def check_keras_config(case: Case) -> None:
    config = json.loads(json.dumps(case.theirs.get_config()))
    message = {name for name, value in config.items() if value is not None}
    missing = message - set(case.ours.get_config())
    assert not missing, f"Keras's config has {missing}, which ours has not"
    clone = type(case.ours).from_config(config)
    _equal(case, case.eager(case.built(clone)), case.eager_inference)


def check_mask(case: Case) -> None:
    ours, theirs = case.eager_inference, case.keras_inference
    if [m is None for m in ours.masks] != [m is None for m in theirs.masks]:
        # Only where it is compiled, Keras leaves the mask of an inner softmax on its result.
        theirs = case.keras_eager
    assert ours.warned == theirs.warned, f"warns that a mask is lost: {ours.warned}"
    _equal_masks(ours, theirs)


def check_mixed(case: Case) -> None:
    before = dtype_policy()
    set_dtype_policy("mixed_bfloat16")
    try:
        layer = case.row.make(cornu)
    finally:
        set_dtype_policy(before)
    result = case.eager(case.built(layer))
    for y, exact in zip(result.outputs, case.eager_inference.outputs, strict=True):
        if jnp.issubdtype(exact.dtype, jnp.floating):
            assert y.dtype == jnp.bfloat16
            scale = max(1.0, np.abs(exact).max(initial=0))
            np.testing.assert_allclose(
                y.astype("float32"), exact, rtol=5e-2, atol=5e-2 * scale, err_msg="bfloat16"
            )
    assert all(v.dtype != "bfloat16" for v in layer.weights)


def check_rowwise(case: Case) -> None:
    """If a layer declares its rows independent, changing the last row changes no other."""
    if not case.ours._rowwise_:
        return
    arrays = _array_leaves(case.call)
    rows = arrays[0].shape[0]
    changed = tree.map(
        lambda x: x.at[-1].set(x[0]) if isinstance(x, jax.Array) and x.shape[:1] == (rows,) else x,
        (case.call.args, case.call.kwargs),
    )
    training = not case.row.random
    before = case.eager(case.ours, training)
    after = case.eager(case.ours, training, Call(*changed))
    for a, b in zip(before.outputs, after.outputs, strict=True):
        _close(case, b[:-1], a[:-1], "rows other than the changed one")


def _equal(case: Case, result: Result, expected: Result) -> None:
    assert len(result.outputs) == len(expected.outputs)
    for i, (y, target) in enumerate(zip(result.outputs, expected.outputs, strict=True)):
        _close(case, y, target, f"output {i}")
    for i, (value, target) in enumerate(zip(result.rest, expected.rest, strict=True)):
        _close(case, value, target, f"state {i}")
    np.testing.assert_allclose(result.loss, expected.loss, rtol=1e-5, atol=1e-6, err_msg="loss")


def _equal_masks(result: Result, expected: Result) -> None:
    for a, b in zip(result.masks, expected.masks, strict=True):
        assert (a is None) == (b is None), f"mask {a}, Keras's {b}"
        if a is not None:
            np.testing.assert_array_equal(a, b)


def _close(case: Case, a: np.ndarray, b: np.ndarray, what: str, looser: float = 1) -> None:
    assert a.shape == b.shape and a.dtype == b.dtype, (what, a.shape, b.shape, a.dtype, b.dtype)
    np.testing.assert_allclose(
        a, b, rtol=case.row.rtol * looser, atol=case.row.atol * looser, err_msg=what
    )


def test_every_layer_has_a_row() -> None:
    made = {type(row.make(cornu)) for row in ROWS}
    classes: list[tuple[str, Callable[..., Any]]] = [
        (name, getattr(cornu.layers, name)) for name in cornu.layers.__all__
    ]
    for name, cls in classes:
        if isinstance(cls, type) and issubclass(cls, Layer) and cls not in made:
            assert name in WITHOUT_ROW, f"{name} has no row in tests/conformance/rows"
    assert not [name for name, cls in classes if cls in made and name in WITHOUT_ROW]


def test_layers_without_weights_are_built_from_birth():
    # As in Keras; also preprocessing layers, which Keras builds in their first call.
    for row in ROWS:
        layer = row.make(cornu)
        keras_layer = row.make(keras)
        assert layer.built or not keras_layer.built, row.name
        if layer.built and type(layer).build is not Layer.build:
            assert keras_layer.built, row.name
