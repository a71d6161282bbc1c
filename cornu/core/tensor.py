"""Tensor and Node: a symbolic value, and the event that made it."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from cornu import tree
from cornu.core import op as op_module
from cornu.core import scope
from cornu.core.blocks import Call, here, inside
from cornu.core.dtypes import standardize_dtype
from cornu.core.op import Op, Symbol
from cornu.core.operators import Operators
from cornu.errors import at
from cornu.names import auto_name

__all__ = ["Node", "Spec", "Tensor", "infer", "is_keras_tensor", "record"]

_numbers = itertools.count()


class Tensor(Operators, Symbol):
    """A symbolic value: shape and dtype are known, the numbers are not.

    What `Input()` and layers called on Tensors return. Operators and `cornu.ops` take it.

    Attributes:
        shape: a tuple; `None` for a size that is only known with data.
        dtype: the name of the dtype.
        node: the call that made it; `None` for one that nothing made.
        index: its position among the outputs of that call.
        mask: the Tensor that tells which steps count, or None.
    """

    __slots__ = ("__weakref__", "dtype", "index", "mask", "name", "node", "optional", "shape")

    __hash__ = object.__hash__
    __array_priority__ = 100

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        ragged_rank: int | None = None,
        row_splits_dtype: str | None = None,
        *,
        optional: bool = False,
    ) -> None:
        if sparse or ragged:
            raise NotImplementedError(
                "Sparse and ragged Tensors do not exist here. Use dense arrays with a mask."
            )
        self.shape = standardize_shape(shape)
        self.dtype = standardize_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self.node: Node | None = None
        self.index = 0
        self.mask: Any = None
        self.optional = optional

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int | None:
        """The number of elements, or None when it is not known."""
        return None if None in self.shape else math.prod(s or 0 for s in self.shape)

    def __repr__(self) -> str:
        return f"<Tensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise TypeError(f"{self!r} has no known length.")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.shape or self.shape[0] is None:
            raise TypeError(
                f"{self!r} cannot be iterated over: its first size is not known while the model "
                "is being drawn. Use indexing or `cornu.ops.unstack` on another axis."
            )
        return (self[i] for i in range(self.shape[0]))

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self!r} has no truth value while the model is being drawn. "
            "Use `cornu.ops.where` or `cornu.ops.cond`, or put the branch into a layer."
        )

    def __float__(self) -> float:
        raise TypeError(f"{self!r} has no number in it: it is symbolic. {_NO_NUMBERS}")

    __int__ = __index__ = __float__

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{self!r} cannot become a NumPy array: it is symbolic. {_NO_NUMBERS}")


_NO_NUMBERS = "Build a model from it and call that on arrays."


class Node:
    """The event that made one or several Tensors: a layer or op called with some arguments.

    Attributes:
        number: nodes count up, so that sorting by number is a topological order.
        op: the layer or `Op`.
        args, kwargs: the arguments, Tensors and constants in their structure.
        inputs: the Tensors among them.
        outputs: the Tensors made, in their structure.
        call: the innermost function of the user in which this happened.
        place: the user's `file:line`.
    """

    __slots__ = (
        "__weakref__",
        "_plan",
        "args",
        "call",
        "inputs",
        "kwargs",
        "number",
        "op",
        "outputs",
        "place",
    )

    def __init__(self, op: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        self.number = next(_numbers)
        self.op = op
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs
        self.call: Call | None
        self.call, self.place = here()
        leaves, definition = tree.take_apart((args, kwargs))
        slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
        self.inputs: tuple[Tensor, ...] = tuple(leaves[i] for i in slots)
        self._plan = (leaves, definition, slots)
        for index, tensor in enumerate(self.output_tensors):
            tensor.node = self
            tensor.index = index

    @property
    def name(self) -> str:
        """The name of the layer or op."""
        return self.op.name

    @property
    def output_tensors(self) -> list[Tensor]:
        """The Tensors made, in a list."""
        if isinstance(self.outputs, Tensor):
            return [self.outputs]
        return [leaf for leaf in tree.leaves(self.outputs) if isinstance(leaf, Tensor)]

    def fill(self, values: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Returns args and kwargs with arrays in the place of the Tensors."""
        leaves, definition, slots = self._plan
        filled = list(leaves)
        for slot, value in zip(slots, values, strict=True):
            filled[slot] = value
        return tree.unflatten(definition, filled)

    def __repr__(self) -> str:
        return f"<Node {self.number}: {self.name}>"


class Spec(NamedTuple):
    """Shape and dtype of a Tensor."""

    shape: tuple[int | None, ...]
    dtype: str


def is_keras_tensor(x: Any) -> bool:
    """Tells whether something is a symbolic Tensor."""
    return isinstance(x, Tensor)


def standardize_shape(shape: Any) -> tuple[int | None, ...]:
    """Returns a shape as a tuple of integers and None."""
    if isinstance(shape, (int, np.integer)) or shape is None:
        raise ValueError(f"A shape is a tuple such as (None, 32). Received: {shape!r}")
    out: list[int | None] = []
    for size in tuple(shape):
        if size is None:
            out.append(None)
        elif isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size >= 0:
            out.append(int(size))
        elif type(size).__name__ == "_DimExpr":
            out.append(None)
        else:
            raise ValueError(
                f"A shape is made of integers from 0 on and None. Received: {tuple(shape)}"
            )
    return tuple(out)


# ---------------------------------------------------------------------------- shape inference

_unknown: list[Any] = []


def unknown() -> Any:
    """The symbol that stands for every unknown size while shapes are inferred.

    One symbol for all: whatever could be equal is taken to be so, and checked with real data.
    """
    if not _unknown:
        from jax import export

        _unknown.append(export.symbolic_shape("n", constraints=["n >= 2"])[0])
    return _unknown[0]


def infer(fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Returns new Tensors of the shapes and dtypes that `fn(*args, **kwargs)` would have.

    `fn` is traced abstractly: nothing is computed, what it assigns to Variables is dropped.
    """
    leaves, definition = tree.take_apart((args, kwargs))
    slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Symbol)]

    def run(*values: Any) -> Any:
        filled = list(leaves)
        for slot, value in zip(slots, values, strict=True):
            filled[slot] = value
        args, kwargs = tree.unflatten(definition, filled)
        with scope.drawn():
            return op_module.unwrap(fn(*args, **kwargs))

    tensors = [leaves[slot] for slot in slots]

    def shapes(size: Any, known: Any = None) -> Any:
        filled = [[size if d is None else d for d in s] for s in known or [t.shape for t in tensors]]
        pairs = zip(filled, tensors, strict=True)
        return jax.eval_shape(run, *[jax.ShapeDtypeStruct(tuple(s), t.dtype) for s, t in pairs])

    try:
        out = shapes(unknown())
    except Exception:
        if not any(None in t.shape for t in tensors):
            raise
        # Not every comparison of unknown sizes can be decided: two concrete sizes with many
        # divisors tell which sizes follow the unknown one. Or an unknown size must be that of
        # another Tensor on the same axis. If that fails as well, the first error is the one
        # that speaks of the user's shapes.
        with contextlib.suppress(Exception):
            return jax.tree_util.tree_map(_common, shapes(5040), shapes(10080))
        with contextlib.suppress(Exception):
            out = shapes(unknown(), _aligned(tensors))
            return jax.tree_util.tree_map(lambda s: Tensor(s.shape, s.dtype), out)
        raise
    return jax.tree_util.tree_map(lambda s: Tensor(s.shape, s.dtype), out)


def _aligned(tensors: list[Any]) -> list[list[int | None]]:
    """Returns shapes whose unknown sizes are those of the other Tensors, aligned at the end."""
    sizes: dict[int, set[int | None]] = {}
    for tensor in tensors:
        for axis, size in enumerate(reversed(tensor.shape)):
            sizes.setdefault(axis, set()).add(size)
    found = {axis: known - {None, 1} for axis, known in sizes.items()}

    def fill(axis: int, size: int | None) -> int | None:
        return next(iter(found[axis])) if size is None and len(found[axis]) == 1 else size

    return [[fill(a, s) for a, s in enumerate(reversed(t.shape))][::-1] for t in tensors]


def _common(a: Any, b: Any) -> Tensor:
    return Tensor(
        tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)), a.dtype
    )


_inferred: dict[Any, Any] = {}


def _cached_infer(op: Op, args: Any, kwargs: Any) -> Any:
    """Infers shapes, remembering them by function, static arguments and input specs."""
    leaves, definition = tree.take_apart((args, kwargs))
    key: Any = None
    try:
        key = (op.name, op.function, definition, tuple(_static_key(leaf) for leaf in leaves))
        known = _inferred.get(key)
    except TypeError:  # something unhashable, such as an array
        key = known = None
    if known is None:
        outputs = infer(op.function, args, kwargs)
        if key is not None:
            specs = jax.tree_util.tree_map(_spec, outputs)
            if len(_inferred) >= 4096:
                _inferred.clear()
            _inferred[key] = specs
        return outputs
    return jax.tree_util.tree_map(lambda s: Tensor(*s), known, is_leaf=is_spec)


def _spec(tensor: Tensor) -> Spec:
    return Spec(tensor.shape, tensor.dtype)


def is_spec(x: Any) -> bool:
    """Tells whether something is a Spec (which, being a tuple, is no leaf by itself)."""
    return isinstance(x, Spec)


def _static_key(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return ("tensor", leaf.shape, leaf.dtype)
    if isinstance(leaf, slice):
        return ("slice", leaf.start, leaf.stop, leaf.step)
    if isinstance(leaf, op_module.Holder):
        raise TypeError("a Variable's value is not part of a key")
    hash(leaf)
    return (type(leaf), leaf)


def record(op: Op, args: Any, kwargs: Any) -> Any:
    """Makes the node of an op called on symbolic Tensors, and returns its outputs."""
    try:
        outputs = _cached_infer(op, args, kwargs)
    except Exception as error:
        shapes = ", ".join(
            str(leaf.shape) for leaf in tree.leaves((args, kwargs)) if isinstance(leaf, Tensor)
        )
        where = f"{op.name} {inside()}, called on Tensors of shape {shapes}"
        raise at(error, where) from error
    return Node(op, args, kwargs, outputs).outputs


op_module.record = record  # type: ignore[assignment]
