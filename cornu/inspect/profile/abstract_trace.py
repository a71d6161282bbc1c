"""trace: what one call of a layer or op costs and returns, found by tracing it abstractly."""

from __future__ import annotations

import contextlib
import types
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from cornu import registry, tree
from cornu.core.graph.inference import infer_outputs
from cornu.core.graph.op import Op, unwrap
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.inspect.layer_hooks import around_inner_calls
from cornu.inspect.profile.primitive_flops import SCOPE, count

__all__ = [
    "Inner",
    "Traced",
    "described",
    "first_argument",
    "identity",
    "is_spec",
    "nbytes",
    "outputs_inside",
    "specs",
    "trace",
]


@dataclass(eq=False)
class Inner:
    """The calls of one layer inside another.

    Attributes:
        args, kwargs: of the first call, with specs in the place of arrays.
        outputs: specs of all that the calls returned.
        flops: the operations of all calls together; None if they are not known.
    """

    args: Any
    kwargs: Any
    outputs: list[Any] = field(default_factory=list)
    flops: int | None = None


@dataclass(eq=False)
class Traced:
    """What was found about a call.

    Attributes:
        flops: its floating-point operations; None if they are not known.
        outputs: what it returns, with specs in the place of arrays; None if it is not known.
        inner: the calls of the layers inside, by `id` of the layer.
    """

    flops: int | None
    outputs: Any
    inner: dict[int, Inner] = field(default_factory=dict)


_remembered: dict[Any, Traced] = {}


def trace(
    op: Layer | Op, args: Any, kwargs: Any, inside: bool = False, training: bool = False
) -> Traced:
    """Traces a call of a layer or op with specs in the place of arrays; nothing is computed.

    Args:
        op: a built layer, or an op.
        args, kwargs: the arguments.
        inside: whether the layers inside are of interest.
        training: whether layers are to behave as in training.

    Equal layers (class, constructor arguments, dtypes) called on equal specs are traced once.
    """
    key = None if inside else identity(op, args, kwargs)
    if key is None:
        return _trace(op, args, kwargs, inside, training)
    key = (key, training)
    if key not in _remembered:
        if len(_remembered) >= 4096:
            _remembered.clear()
        _remembered[key] = _trace(op, args, kwargs, False, training)
    return _remembered[key]


def identity(op: Any, args: Any, kwargs: Any) -> Any:
    """Returns a key that is equal for calls that compute the same; None if that is not known."""
    try:
        if isinstance(op, Layer):
            if not type(op).__module__.startswith("cornu.") or op.functional_graph is not None:
                return None
            made, words = op._constructed_with
            weights = tuple((v.shape, v.dtype) for v in op.weights)
            settled = (op.dtype_policy.name, op.autocast, op.data_format, op.trainable, weights)
            words = {name: value for name, value in words.items() if name != "name"}
            return (type(op), settled, _key(made), _key(words), _key(args), _key(kwargs))
        if op.name == "compute_mask":  # a method of a layer, which should not be kept alive
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
        return (type(x), _key(x._constructed_with))
    raise TypeError(f"{x!r} is not plain data")


def _trace(op: Any, args: Any, kwargs: Any, inside: bool, training: bool) -> Traced:
    leaves, definition = tree.flatten_with_treedef((args, kwargs))
    slots = [i for i, leaf in enumerate(leaves) if is_spec(leaf)]
    inner: dict[int, Inner] = {}

    def around(layer: Layer, call: Any, args: Any, kwargs: Any) -> Any:
        entry = inner.setdefault(id(layer), Inner(*specs((args, kwargs))))
        with jax.named_scope(f"{SCOPE}{id(layer)}"):
            outputs = call(*args, **kwargs)
        entry.outputs.append(specs(outputs))
        return outputs

    def run(*values: Any) -> Any:
        filled = list(leaves)
        for slot, value in zip(slots, values, strict=True):
            filled[slot] = value
        args, kwargs = tree.unflatten(definition, filled)
        with scope.abstract_scope(), scope.training_phase(training):
            return unwrap(op.run(args, kwargs))

    def make() -> Any:
        return jax.make_jaxpr(run, return_shape=True)(*[leaves[slot] for slot in slots])

    try:
        if inside:
            with around_inner_calls(op, around):
                closed, outputs = make()
        else:
            closed, outputs = make()
    except Exception:
        # The sizes that were put in do not suit the layer: then nothing is known.
        return Traced(None, None)
    counted = count(closed.jaxpr)
    for number, entry in inner.items():
        entry.flops = counted.get(f"{SCOPE}{number}", 0)
    return Traced(counted[""], specs(outputs), inner)


def outputs_inside(layer: Layer, args: Any, kwargs: Any) -> dict[int, Any]:
    """Returns what the layers inside a layer return if it is called on Tensors.

    Args:
        layer: a built layer.
        args, kwargs: the arguments, with Tensors in them.

    Returns:
        The outputs of each layer's first call, as Tensors, by `id` of the layer. Layers that are
        not called are missing, and all are if the layer cannot be traced.
    """
    found: dict[int, Any] = {}

    def around(inner: Layer, call: Any, args: Any, kwargs: Any) -> Any:
        outputs = call(*args, **kwargs)
        made = tree.map(
            lambda x: Tensor(x.shape, x.dtype) if isinstance(x, jax.Array) else x, outputs
        )
        found.setdefault(id(inner), made)
        return outputs

    with contextlib.suppress(Exception), around_inner_calls(layer, around):
        infer_outputs(lambda *a, **k: layer.run(a, k), args, kwargs)
    return found


def described(inputs: Any) -> Any:
    """Returns Tensors in the structure of what a model says about the inputs it was built with."""
    if isinstance(inputs, dict):
        return {name: described(item) for name, item in inputs.items()}
    if len(inputs) == 2 and isinstance(inputs[1], str):
        return Tensor(tuple(inputs[0]), inputs[1])
    return [described(item) for item in inputs]


def first_argument(args: Any, kwargs: Any) -> Any:
    """Returns what a model was called on, whether it was passed by position or by name."""
    return args[0] if args else kwargs.get("inputs")


def is_spec(x: Any) -> bool:
    """Tells whether something is a shape and dtype in the place of an array."""
    return isinstance(x, jax.ShapeDtypeStruct)


def specs(structure: Any) -> Any:
    """Puts shapes and dtypes in the place of arrays."""

    def spec(x: Any) -> Any:
        if isinstance(x, (jax.Array, np.ndarray, jax.ShapeDtypeStruct)):
            return jax.ShapeDtypeStruct(tuple(x.shape), x.dtype)
        return x

    return tree.map(spec, structure)


def nbytes(structure: Any) -> int:
    """Returns the bytes of the arrays or specs in a structure."""
    return sum(
        int(np.prod(x.shape, dtype=np.int64)) * x.dtype.itemsize
        for x in tree.leaves(structure)
        if isinstance(x, (jax.Array, jax.ShapeDtypeStruct))
    )
