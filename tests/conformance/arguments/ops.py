"""Calls ops of either library, eagerly, compiled and symbolically, in three dtypes."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Tensor
from tests.conformance.arguments.op_rows import ROWS
from tests.conformance.arguments.subject import ARRAYS, FLOATS, MODE, Differs, Subject
from tests.ops.cases import CASES, Case

MODES = ("eager", "compiled", "symbolic")

# Ops and arguments of ops that other tests vary, or that have one value on JAX.
ELSEWHERE = {
    "associative_scan cond custom_gradient fori_loop jvp map scan switch vectorize vectorized_map "
    "while_loop": "take functions: tests/ops/test_control.py",
    "convert_to_numpy convert_to_tensor dtype is_tensor ndim shape size": "tests/ops/test_table.py",
    "einsum": "the arguments of TensorFlow only",
    "sparsemax image.elastic_transform image.gaussian_blur": "tests/conformance/test_faults.py",
}
ARGUMENTS_ELSEWHERE = {
    "sparse": "tests/core/sparse",
    "kwargs": "of other backends",
    "synchronized": "Keras on JAX refuses it",
    "axisa": "instead of axis: tests/ops",
    "axisb": "instead of axis: tests/ops",
    "axisc": "instead of axis: tests/ops",
    "sorted": "results are sorted on JAX",
}


def subjects() -> Iterator[Subject]:
    """Yields the ops with combinations, and the calls of the table of ops."""
    for name, (args, options) in ROWS.items():
        yield Subject(
            f"ops.{name}",
            {**options, ARRAYS: FLOATS, MODE: MODES},
            lambda library, options, name=name, args=args: _compute(library, name, args, options),
            not name.startswith("empty"),
        )
    for name, cases in _cases_by_name().items():
        yield Subject(
            f"ops.{name}",
            {"(call)": tuple(case.title for case in cases), ARRAYS: FLOATS, MODE: MODES},
            lambda library, options, cases=cases: _compute_case(library, cases, options),
            not name.startswith("empty"),
        )


def _cases_by_name() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in CASES:
        found.setdefault(case.name, []).append(case)
    return found


def _compute_case(library: Any, cases: list[Case], options: dict[str, Any]) -> Any:
    title = options.pop("(call)")
    case = next(case for case in cases if case.title == title)
    return _compute(library, case.name, case.args, {**case.kwargs, **options})


def _compute(library: Any, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    dtype, mode = options.pop(ARRAYS), options.pop(MODE)
    if options.get("data_format") == "channels_first" and name in ROWS:
        args = (np.moveaxis(args[0], -1, 1), *args[1:])
    op = operator.attrgetter(name)(library.ops)
    args, kwargs = _cast(args, dtype), _cast(options, dtype)
    if library is not keras:
        return _call(op, args, kwargs, mode)
    # One program is faster than the many of an eager call, and gives the same.
    try:
        return _call(op, args, kwargs, "compiled")
    except Exception:
        if mode == "compiled":
            raise
        return _call(op, args, kwargs, mode)


def _cast(given: Any, dtype: str) -> Any:
    """Converts the arrays of floats among arguments."""
    return jax.tree.map(
        lambda x: (
            jnp.asarray(x, dtype) if isinstance(x, np.ndarray) and x.dtype == "float32" else x
        ),
        given,
    )


def _call(op: Any, args: Any, kwargs: dict[str, Any], mode: str) -> Any:
    leaves, definition = jax.tree.flatten((args, kwargs))
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, jax.Array) and leaf.ndim]
    arrays = [leaves[i] for i in places]

    def run(*arrays: Any) -> Any:
        filled = list(leaves)
        for i, array in zip(places, arrays, strict=True):
            filled[i] = array
        args, kwargs = jax.tree.unflatten(definition, filled)
        return op(*args, **kwargs)

    if mode == "compiled":
        return jax.jit(run)(*arrays)
    if mode == "eager" or not arrays:
        return run(*arrays)
    tensors = [Tensor(x.shape, x.dtype.name) for x in arrays]
    results = jax.tree.leaves(run(*tensors), is_leaf=lambda x: isinstance(x, Tensor))
    found = Graph(tensors, results).run(arrays)
    for tensor, value in zip(results, found, strict=True):
        if (tuple(tensor.shape), tensor.dtype) != (value.shape, value.dtype.name):
            raise Differs("shape", f"Tensor {tensor.shape} {tensor.dtype} of {value.shape}")
    return found


def missing_arguments() -> list[str]:
    """Returns the arguments of ops that no row varies."""
    varied: dict[Any, set[str]] = {}
    for name, args, kwargs in (
        *((case.name, case.args, case.kwargs) for case in CASES),
        *((name, args, options) for name, (args, options) in ROWS.items()),
    ):
        op = operator.attrgetter(name)(keras.ops)
        varied.setdefault(op, set()).update(inspect.signature(op).bind(*args, **kwargs).arguments)
    elsewhere = {name for names in ELSEWHERE for name in names.split()}
    return [
        f"{name}({parameter})"
        for module in ("", "nn", "numpy", "linalg", "image")
        for name, op in _functions(module)
        for parameter in inspect.signature(op).parameters
        if parameter not in varied.get(op, ())
        and parameter not in ARGUMENTS_ELSEWHERE
        and name not in elsewhere
    ]


def _functions(module: str) -> Iterator[tuple[str, Any]]:
    namespace = operator.attrgetter(f"ops.{module}".rstrip("."))(keras)
    for name in dir(namespace):
        value = getattr(namespace, name)
        if inspect.isfunction(value):
            yield f"image.{name}" if module == "image" else name, value
