"""Every op gives what Keras gives, and symbolic Tensors have the shapes of the arrays to come."""

from __future__ import annotations

import operator
import traceback
import warnings
from typing import Any

import jax
import keras
import numpy as np
import pytest

from cornu import ops
from cornu.core.graph.tensor import Tensor
from tests.compiling import jit_reference
from tests.ops.cases import CASES, Case

# Shapes that depend on data, or results that are no arrays: these have no symbolic form.
EAGER = {"nonzero", "unique", "bincount", "histogram", "array", "convert_to_tensor"}
EAGER |= {"where(bool[3,4])", "repeat(float32[3,4], int64[4], axis=1)"}
# Cases without a symbolic result when the first size is unknown.
WHOLE = set("det inv slogdet logdet cholesky cholesky_inverse eigh eig solve".split())
WHOLE |= {"solve_triangular", "broadcast_to", "diagonal", "image.pad_images"}


THEMES = tuple(dict.fromkeys(case.theme for case in CASES))
FIRST = {case.name: case for case in reversed(CASES)}


@pytest.mark.parametrize("theme", THEMES)
def test_every_op_equals_keras(theme: str) -> None:
    check_cases([case for case in CASES if case.theme == theme and case is FIRST[case.name]])


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
def test_all_arguments_equal_keras(theme: str) -> None:
    check_cases([case for case in CASES if case.theme == theme and case is not FIRST[case.name]])


def check_cases(cases: list[Case]) -> None:
    complaints = []
    for case, expected in zip(cases, _compute_with_keras(cases), strict=True):
        try:
            _check(case, expected)
        except Exception as error:
            text = traceback.format_exc(limit=-2)
            complaints.append(f"{case.title}: {type(error).__name__}\n{text}")
    assert not complaints, "\n\n" + "\n".join(complaints)


def _compute_with_keras(cases: list[Case]) -> list[list[np.ndarray]]:
    """Returns what Keras gives: all cases in one program, as far as they can be compiled."""

    def compute(arrays: list[list[np.ndarray]]) -> list[Any]:
        results = []
        for case, given in zip(cases, arrays, strict=True):
            try:
                results.append(_call_keras(case, given))
            except Exception:  # its values decide on shapes, or it runs outside of JAX
                results.append(None)
        return results

    arrays = [[x for x in _arguments(case) if isinstance(x, np.ndarray)] for case in cases]
    # JAX takes NumPy's 64 bits for 32 on the way into a program.
    compiled = [not any(x.dtype.itemsize == 8 and x.dtype.kind != "c" for x in a) for a in arrays]
    results = jit_reference(compute)(arrays)
    return [
        _leaves(result if result is not None and ok else _call_keras(case, given))
        for case, given, result, ok in zip(cases, arrays, results, compiled, strict=True)
    ]


def _call_keras(case: Case, arrays: list[Any]) -> Any:
    leaves, definition = jax.tree_util.tree_flatten((case.args, case.kwargs))
    remaining = iter(arrays)
    leaves = [next(remaining) if isinstance(x, np.ndarray) else x for x in leaves]
    args, kwargs = jax.tree_util.tree_unflatten(definition, leaves)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return operator.attrgetter(case.name)(keras.ops)(*args, **kwargs)


def _arguments(case: Case) -> list[Any]:
    return jax.tree_util.tree_leaves((case.args, case.kwargs))


def _check(case: Case, expected: list[np.ndarray]) -> None:
    function = operator.attrgetter(case.name)(ops)
    result = function(*case.args, **case.kwargs)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree_util.tree_leaves(result))
    got = _leaves(result)
    assert [_spec(a) for a in got] == [_spec(b) for b in expected]
    if not case.name.startswith("empty"):
        _assert_close(got, expected)
    if not {case.name, case.title} & EAGER:
        _assert_symbolic(case, function, got, unknown=False)
        if not {case.name, case.title} & WHOLE:
            _assert_symbolic(case, function, got, unknown=True)


def _assert_symbolic(case: Case, function: Any, got: list[np.ndarray], unknown: bool) -> None:
    """Calls the op with symbolic Tensors and compares shapes, and what the node computes."""
    leaves, definition = jax.tree_util.tree_flatten((case.args, case.kwargs))
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray) and leaf.ndim]
    if not places:
        return
    batch = len(leaves[places[0]])
    symbolic = list(leaves)
    for i in places:
        size, *rest = leaves[i].shape
        symbolic[i] = Tensor((None if unknown and size == batch else size, *rest), leaves[i].dtype)
    args, kwargs = jax.tree_util.tree_unflatten(definition, symbolic)
    tensors = jax.tree_util.tree_leaves(function(*args, **kwargs))
    for tensor, array in zip(tensors, got, strict=True):
        assert tensor.dtype == array.dtype.name
        assert len(tensor.shape) == array.ndim
        for inferred, size in zip(tensor.shape, array.shape, strict=True):
            assert inferred == size or (unknown and inferred is None)
    node = tensors[0].node
    args, kwargs = node.substitute_inputs([leaves[i] for i in places])
    _assert_close(_leaves(node.op._run_(args, kwargs)), got)


def _leaves(out: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(out)]


def _spec(array: np.ndarray) -> tuple[Any, str]:
    return array.shape, array.dtype.name


def _assert_close(got: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for a, b in zip(got, expected, strict=True):
        wide = "complex128" if a.dtype.kind == "c" else "float64"
        np.testing.assert_allclose(a.astype(wide), b.astype(wide), rtol=1e-5, atol=1e-6)
