"""The cost and the output specs of a call of a layer or op, found by abstract tracing."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from cornu import registry, tree
from cornu.core.graph.inference import infer_outputs
from cornu.core.graph.op import MaskOp, Op, unwrap
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.inspect.layer_hooks import around_inner_calls
from cornu.inspect.profile.primitive_flops import SCOPE, count_flops
from cornu.types import PyTree

__all__ = [
    "CallTrace",
    "InnerCalls",
    "call_key",
    "first_argument",
    "infer_inner_outputs",
    "is_spec",
    "nbytes",
    "to_specs",
    "trace_call",
]


@dataclass(eq=False)
class InnerCalls:
    """The calls of one layer inside another.

    Attributes:
        args, kwargs: the arguments of the first call, with specs instead of arrays.
        outputs: the specs of the outputs of each call.
        flops: the operations of all calls together; None if unknown.
    """

    args: Any
    kwargs: Any
    outputs: list[Any] = field(default_factory=list)
    flops: int | None = None


@dataclass(eq=False)
class CallTrace:
    """A traced call.

    Attributes:
        flops: its floating-point operations; None if unknown.
        outputs: its outputs, with specs instead of arrays; None if unknown.
        inner: the calls of the layers inside, by `id` of the layer.
    """

    flops: int | None
    outputs: Any
    inner: dict[int, InnerCalls] = field(default_factory=dict)


_remembered: dict[Any, CallTrace] = {}


def trace_call(
    op: Layer | Op,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    inside: bool = False,
    training: bool = False,
) -> CallTrace:
    """Traces a call of a layer or op with specs instead of arrays; nothing is computed.

    Args:
        op: a built layer, or an op.
        args, kwargs: the arguments.
        inside: whether the calls of inner layers are recorded.
        training: whether layers behave as in training.

    Equal layers (class, constructor arguments, dtypes) called on equal specs are traced once.
    """
    # Calls of inner layers are recorded by `id`, so such a trace is valid for one layer only.
    key = None if inside else call_key(op, args, kwargs)
    if key is None:
        return _trace(op, args, kwargs, inside, training)
    key = (key, training)
    if key not in _remembered:
        # A bound on memory in long processes; the counts are cheap to compute again.
        if len(_remembered) >= 4096:
            _remembered.clear()
        _remembered[key] = _trace(op, args, kwargs, False, training)
    return _remembered[key]


def call_key(op: Layer | Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Returns a key that is equal for calls that compute the same; None if that is unknown."""
    try:
        if isinstance(op, Layer):
            if not type(op).__module__.startswith("cornu.") or op._graph_ is not None:
                return None
            made, kwargs_given = op._constructor_call_
            weights = tuple((v.shape, v.dtype) for v in op.weights)
            settings = (op.dtype_policy.name, op.autocast, op.data_format, op.trainable, weights)
            named = {key: value for key, value in kwargs_given.items() if key != "name"}
            return (type(op), settings, _key(made), _key(named), _key(args), _key(kwargs))
        # A mask is computed by a bound method, which would keep its layer alive.
        if isinstance(op, MaskOp) or not isinstance(op, Op):
            return None
        return (op.name, op.function, _key(args), _key(kwargs))
    except TypeError:
        return None


def _key(x: Any) -> Any:
    """Returns something hashable for plain data and specs."""
    if x is None or isinstance(x, (bool, int, float, str, np.dtype)):
        return (type(x), x)
    if is_spec(x) or isinstance(x, jax.Array):
        return (tuple(x.shape), str(x.dtype))
    if isinstance(x, (list, tuple)):
        return (type(x), *(_key(item) for item in x))
    if isinstance(x, dict):
        return tuple((name, _key(x[name])) for name in sorted(x))
    if isinstance(x, slice):
        return (slice, _key((x.start, x.stop, x.step)))
    if isinstance(x, types.FunctionType):
        return x
    if isinstance(x, registry.Configurable) and not isinstance(x, Layer):
        return (type(x), _key(x._constructor_call_))
    raise TypeError(f"{x!r} is not plain data")


def _trace(
    op: Any, args: tuple[Any, ...], kwargs: dict[str, Any], inside: bool, training: bool
) -> CallTrace:
    leaves, definition = tree.flatten_with_treedef((args, kwargs))
    slots = [i for i, leaf in enumerate(leaves) if is_spec(leaf)]
    inner: dict[int, InnerCalls] = {}

    def around(
        layer: Layer, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        entry = inner.setdefault(id(layer), InnerCalls(*to_specs((args, kwargs))))
        with jax.named_scope(f"{SCOPE}{id(layer)}"):
            outputs = call(*args, **kwargs)
        entry.outputs.append(to_specs(outputs))
        return outputs

    def run(*values: Any) -> Any:
        filled = list(leaves)
        for slot, value in zip(slots, values, strict=True):
            filled[slot] = value
        args, kwargs = tree.unflatten(definition, filled)
        with scope.abstract_scope(), scope.training_phase(training):
            return unwrap(op._run_(args, kwargs))

    def make() -> Any:
        return jax.make_jaxpr(run, return_shape=True)(*[leaves[slot] for slot in slots])

    try:
        if inside:
            with around_inner_calls(op, around):
                closed, outputs = make()
        else:
            closed, outputs = make()
    except Exception:
        # The layer does not accept the assumed sizes: its cost is unknown.
        return CallTrace(None, None)
    counted = count_flops(closed.jaxpr)
    for number, entry in inner.items():
        entry.flops = counted.get(f"{SCOPE}{number}", 0)
    return CallTrace(counted[""], to_specs(outputs), inner)


def infer_inner_outputs(
    layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[int, Any]:
    """Returns the outputs of the inner layers of a layer called on Tensors.

    Args:
        layer: a built layer.
        args, kwargs: the arguments, with Tensors in them.

    Returns:
        The outputs of each layer's first call, as Tensors, by `id` of the layer. Layers that are
        not called are missing; all are missing if the layer cannot be traced.
    """
    found: dict[int, Any] = {}

    def around(
        inner: Layer, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        outputs = call(*args, **kwargs)
        made = tree.map(
            lambda x: Tensor(x.shape, x.dtype) if isinstance(x, jax.Array) else x, outputs
        )
        found.setdefault(id(inner), made)
        return outputs

    with contextlib.suppress(Exception), around_inner_calls(layer, around):
        infer_outputs(lambda *a, **k: layer._run_(a, k), args, kwargs)
    return found


def first_argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Returns the first argument of a model call, passed by position or by name."""
    return args[0] if args else kwargs.get("inputs")


def is_spec(x: object) -> bool:
    """Returns whether an object is a `jax.ShapeDtypeStruct`."""
    return isinstance(x, jax.ShapeDtypeStruct)


def to_specs(structure: PyTree) -> Any:
    """Replaces arrays in a structure with `jax.ShapeDtypeStruct`s."""

    def spec(x: Any) -> Any:
        if isinstance(x, (jax.Array, np.ndarray, jax.ShapeDtypeStruct)):
            return jax.ShapeDtypeStruct(tuple(x.shape), x.dtype)
        return x

    return tree.map(spec, structure)


def nbytes(structure: PyTree) -> int:
    """Returns the bytes of the arrays or specs in a structure."""
    return sum(
        int(np.prod(x.shape, dtype=np.int64)) * x.dtype.itemsize
        for x in tree.leaves(structure)
        if isinstance(x, (jax.Array, jax.ShapeDtypeStruct))
    )
