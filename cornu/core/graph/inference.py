"""Shape inference by abstract tracing; calls of ops on symbolic Tensors become nodes."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import jax

from cornu import tree
from cornu.core.graph.op import (
    Op,
    OpHandlers,
    TensorBase,
    VariableBase,
    register_op_handlers,
    unwrap,
)
from cornu.core.graph.tensor import STRINGS_NOT_ACCEPTED, Node, Tensor, TensorSpec, format_shape
from cornu.core.sparse.arrays import is_sparse, sparse_spec
from cornu.core.state import scope
from cornu.core.tracebacks.api_boundary import locate_error
from cornu.core.tracebacks.user_frames import user_location
from cornu.errors import quantity
from cornu.foreign import explain_argument

__all__ = ["infer_op_outputs", "infer_outputs", "infer_outputs_by_config", "record_op"]

_unknown: list[Any] = []


class Named(Protocol):
    """An op, for messages."""

    @property
    def name(self) -> str: ...


# Names of parameters that are axes of the first argument.
_AXES = ("axis", "axis1", "axis2", "source", "destination")


def unknown_size() -> Any:
    """Returns the symbolic dimension for unknown sizes.

    There is only one, so all unknown sizes are assumed to be equal. Calls with arrays check it.
    """
    if not _unknown:
        from jax import export  # not needed by programs that do not build a graph

        # With this bound, comparisons with 0 and 1, as broadcasting makes them, are decidable.
        _unknown.append(export.symbolic_shape("n", constraints=["n >= 2"])[0])
    return _unknown[0]


def infer_outputs(
    fn: Callable[..., Any], args: Any, kwargs: Any, declared: Callable[[], Any] | None = None
) -> Any:
    """Returns new Tensors with the shapes and dtypes of `fn(*args, **kwargs)`.

    `fn` is traced abstractly: nothing is computed, and values assigned to Variables are discarded.

    Args:
        fn: a function of arrays.
        args, kwargs: its arguments, with Tensors in place of arrays.
        declared: returns the Tensors if `fn` cannot be traced with unknown sizes.
    """
    leaves, definition = tree.flatten_with_treedef((args, kwargs))
    slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, TensorBase)]

    def run(*values: Any) -> Any:
        filled = list(leaves)
        for slot, value in zip(slots, values, strict=True):
            filled[slot] = value
        args, kwargs = tree.unflatten(definition, filled)
        with scope.abstract_scope():
            return unwrap(fn(*args, **kwargs))

    tensors = [leaves[slot] for slot in slots]
    if any(t.dtype == "string" for t in tensors):
        raise TypeError(STRINGS_NOT_ACCEPTED)

    def trace(*sizes: Any) -> Any:
        """Returns the outputs if the unknown sizes are these, in order."""
        remaining = iter(sizes)
        shapes = [tuple(next(remaining) if d is None else d for d in t.shape) for t in tensors]
        pairs = zip(shapes, tensors, strict=True)
        return jax.eval_shape(run, *[_spec_of(t, shape) for shape, t in pairs])

    unknown = sum(t.shape.count(None) for t in tensors)
    try:
        out = trace(*[unknown_size()] * unknown)
    except Exception:
        if declared is not None:
            return declared()
        # Some comparisons of symbolic sizes are undecidable, and an unknown size may meet a known
        # one. The first error is raised if no sizes are possible: it contains the user's shapes.
        # Sizes may also be given by arguments, such as the shape of `broadcast_to`.
        known = {d for t in tensors for d in t.shape if d is not None}
        known |= {leaf for leaf in leaves if type(leaf) is int}
        found = _infer_from_examples(trace, unknown, known) if unknown else []
        if not found:
            raise
        return tree.map(_common, *found)
    return tree.map(_tensor_of, out)


def _spec_of(tensor: Any, shape: tuple[Any, ...]) -> Any:
    """Returns what is traced in place of a Tensor."""
    if tensor.sparse:
        return sparse_spec(shape, tensor.dtype)
    return jax.ShapeDtypeStruct(shape, tensor.dtype)


def _tensor_of(spec: Any) -> Tensor | None:
    return None if spec is None else Tensor(spec.shape, spec.dtype, sparse=is_sparse(spec))


# Sizes with many divisors, so that they can be divided by strides, groups and heads.
_LARGE = (5040, 10080)
# The number of combinations of sizes to trace, each of which takes milliseconds.
_MOST_EXAMPLES = 64


def _infer_from_examples(trace: Callable[..., Any], unknown: int, known: set[int]) -> list[Any]:
    """Returns outputs for several sizes that are possible.

    The sizes of the outputs that differ depend on the unknown ones.
    """

    def outputs(examples: Iterable[tuple[int, ...]]) -> list[Any]:
        found = []
        for sizes in examples:
            with contextlib.suppress(Exception):
                found.append(trace(*sizes))
        return found

    found = outputs((size,) * unknown for size in _LARGE)
    if len(found) == len(_LARGE):
        # A small size, too: `min(n, 4)` is 4 for both large ones.
        small = outputs([(2,) * unknown])
        return [*found, *_like(found[0], small)] if _like(found[0], found[1:]) else []
    candidates = sorted(size for size in known if size > 1)
    sizes = (*_LARGE, *candidates)
    if len(sizes) ** unknown > _MOST_EXAMPLES:
        found += outputs((size,) * unknown for size in candidates)
    else:
        found = outputs(itertools.product(sizes, repeat=unknown))
    return _like(found[0], found) if found else []


def _like(first: Any, found: list[Any]) -> list[Any]:
    """Returns the outputs with the same structure and the same numbers of axes as the first."""

    def ranks(out: Any) -> Any:
        leaves, structure = tree.flatten_with_treedef(out)
        return structure, [None if leaf is None else len(leaf.shape) for leaf in leaves]

    return [out for out in found if ranks(out) == ranks(first)]


def _common(*specs: Any) -> Tensor | None:
    first = specs[0]
    if first is None:
        return None
    sizes = zip(*(spec.shape for spec in specs), strict=True)
    shape = tuple(n[0] if len(set(n)) == 1 else None for n in sizes)
    return Tensor(shape, first.dtype, sparse=is_sparse(first))


_cache: dict[Any, Any] = {}


def _cached(key: Any, compute: Callable[[], Any]) -> Any:
    """Returns new Tensors with the cached specs of a key; computes them if there are none."""
    try:
        known = _cache.get(key)
    except TypeError:  # an unhashable argument, such as an array
        return compute()
    if known is None:
        outputs = compute()
        if len(_cache) >= 4096:  # a bound on memory; real programs have a few hundred keys
            _cache.clear()
        _cache[key] = jax.tree_util.tree_map(
            lambda t: TensorSpec(t.shape, t.dtype, t.sparse), outputs
        )
        return outputs
    return jax.tree_util.tree_map(lambda spec: Tensor(*spec), known, is_leaf=is_spec)


def is_spec(x: Any) -> bool:
    """Tells whether `x` is a TensorSpec, which as a tuple is not a leaf by itself."""
    return isinstance(x, TensorSpec)


def _static_key(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return ("tensor", leaf.shape, leaf.dtype, leaf.sparse)
    if isinstance(leaf, slice):
        return ("slice", leaf.start, leaf.stop, leaf.step)
    if isinstance(leaf, VariableBase):
        raise TypeError("a Variable's value is not part of a key")
    hash(leaf)
    # With the type, because 1 == 1.0 == True, and their results have different dtypes.
    return (type(leaf), leaf)


def infer_op_outputs(op: Op, args: Any, kwargs: Any) -> Any:
    """Infers the outputs of an op, cached by function and static arguments."""

    def compute() -> Any:
        return infer_outputs(lambda *a, **k: op._run_(a, k), args, kwargs)

    leaves, definition = tree.flatten_with_treedef((args, kwargs))
    try:
        key = (op.name, op.function, definition, tuple(_static_key(leaf) for leaf in leaves))
    except TypeError:
        return compute()
    return _cached(key, compute)


def infer_outputs_by_config(layer: Any, args: Any, kwargs: Any) -> Any:
    """Infers the outputs of a layer, cached by class and constructor arguments."""

    def compute() -> Any:
        return infer_outputs(lambda *a, **k: layer._run_(a, k), args, kwargs)

    leaves, definition = tree.flatten_with_treedef((args, kwargs))
    positional, keywords = layer._constructor_call_
    config = tuple((k, v) for k, v in sorted(keywords.items()) if k != "name")
    try:
        specs = tuple(_static_key(leaf) for leaf in leaves)
    except TypeError:
        return compute()
    # The process-wide defaults of these may have changed since an equal layer was created.
    defaults = (layer._active_policy_, layer.data_format)
    return _cached((type(layer), positional, config, defaults, definition, specs), compute)


def record_op(op: Op, args: Any, kwargs: Any) -> Any:
    """Adds a node for an op called on symbolic Tensors, and returns its outputs."""
    try:
        outputs = infer_op_outputs(op, args, kwargs)
    except Exception as error:
        raise _locate(op, error, args, kwargs)  # noqa: B904
    return Node(op, args, kwargs, outputs).outputs


def locate_op_error(op: Op | Named, error: Exception, args: Any, kwargs: Any) -> Exception:
    """Returns the error to raise if an op fails on arrays; within a layer, the layer locates it."""
    around = scope.current()
    if around.parent is not None or around.layer_path:
        return error
    return _locate(op, error, args, kwargs)


def _locate(op: Op | Named, error: Exception, args: Any, kwargs: Any) -> Exception:
    arrays = [leaf for leaf in tree.leaves((args, kwargs)) if hasattr(leaf, "shape")]
    shapes = ", ".join(format_shape(leaf) for leaf in arrays)
    error = explain_argument(error, (args, kwargs))
    if isinstance(error, IndexError):
        error = _axis_error(op, args, kwargs) or error
    return locate_error(error, f"{op.name} {user_location()}, called on shapes {shapes}", op.name)


def _axis_error(op: Op | Named, args: Any, kwargs: Any) -> Exception | None:
    """Returns the error for an axis that the first argument does not have, or None."""
    if not isinstance(op, Op) or op.signature is None:
        return None
    bound = op.signature.bind(*args, **kwargs).arguments
    first = next(iter(bound.values()), None)
    count = len(getattr(first, "shape", ()))
    for name in _AXES:
        axes = bound.get(name)
        for axis in axes if isinstance(axes, (list, tuple)) else [axes]:
            if isinstance(axis, int) and not -count <= axis < count:
                return ValueError(
                    f"{name} {axis} is out of bounds for an array with {quantity(count, 'axis')}."
                    "\nPrint the shape; -1 is always the index of the last axis."
                )
    return None


register_op_handlers(OpHandlers(record_op, locate_op_error))
