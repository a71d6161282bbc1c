"""Tensor and Node: a symbolic value, and the call that produced it."""

from __future__ import annotations

import inspect
import itertools
import math
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.graph.call_stack import UserCall, current_call
from cornu.core.graph.foreign_calls import (
    call_numpy_function,
    call_numpy_ufunc,
    describe_method,
    symbolic_error,
)
from cornu.core.graph.op import MaskOp, Op, TensorBase, library_op_name
from cornu.core.graph.operators import Operators
from cornu.core.state.dtypes import standardize_dtype
from cornu.deviations import is_enabled
from cornu.names import auto_name, printable
from cornu.types import Axes, DTypeLike, Shape, ShapeLike

try:
    # Where a primitive takes an argument, JAX discards errors of `__jax_array__`. It has no public
    # function for types that it shall convert, or refuse, itself.
    from jax._src.dtypes import register_canonicalize_value_handler as _register_with_jax
except ImportError:  # pragma: no cover - another version of JAX, whose own message is then shown
    _register_with_jax = None

__all__ = [
    "Node",
    "Tensor",
    "TensorSpec",
    "format_shape",
    "is_keras_tensor",
    "register_attribute",
    "register_shape_type",
    "standardize_shape",
]

STRINGS_NOT_ACCEPTED = (
    "expected numbers, received a Tensor of strings.\n"
    "Convert strings to numbers first, with TextVectorization, StringLookup or Hashing."
)
_numbers = itertools.count()


def _reshape(x: jax.Array, newshape: ShapeLike | int) -> jax.Array:
    return jnp.reshape(x, newshape)


def _squeeze(x: jax.Array, axis: Axes = None) -> jax.Array:
    return jnp.squeeze(x, axis=axis)


# The ops of these names in `cornu.ops`, which this module cannot import.
_reshape_op = Op("reshape", _reshape, inspect.signature(_reshape))
_squeeze_op = Op("squeeze", _squeeze, inspect.signature(_squeeze))


class Tensor(Operators, TensorBase):
    """A symbolic array: a shape and a dtype without values.

    `Input()` and layers that are called on Tensors return Tensors. Operators, `cornu.ops` and the
    functions of NumPy that have the same name there accept them.

    Args:
        shape: the shape, with None for sizes that are unknown until data arrives.
        dtype: the dtype; "string" for an input of strings.
        sparse: whether the values are given as sparse arrays; see `Input`.
        ragged: must be False.
        record_history, ragged_rank, row_splits_dtype: have no effect; accepted for compatibility
            with Keras.
        name: the name; by default an automatic one.
        optional: whether a model accepts None instead of an array for this input.

    Attributes:
        shape: a tuple of integers and None.
        dtype: the name of the dtype.
        node: the call that produced the Tensor, or None.
        index: the position among the outputs of that call.
        mask: the Tensor that is True at valid time steps, or None.

    Example:

    >>> import cornu
    >>> x = cornu.Input((3,))
    >>> isinstance(x, cornu.KerasTensor), (2 * x).shape
    (True, (None, 3))
    """

    __slots__ = (
        "__weakref__",
        "dtype",
        "index",
        "mask",
        "name",
        "node",
        "optional",
        "shape",
        "sparse",
    )

    __hash__ = object.__hash__

    def __init__(
        self,
        shape: ShapeLike,
        dtype: DTypeLike | None = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        ragged_rank: int | None = None,
        row_splits_dtype: str | None = None,
        *,
        optional: bool = False,
    ) -> None:
        if ragged:
            raise NotImplementedError(
                "Ragged Tensors are not supported. Use dense arrays with a mask."
            )
        self.sparse = bool(sparse)
        self.shape = _shape_types[-1](standardize_shape(shape))
        # Not among the dtypes of arrays: only layers that run on the host take such Tensors.
        self.dtype = "string" if dtype == "string" else standardize_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self.node: Node | None = None
        self.index = 0
        self.mask: Any = None
        self.optional = optional

    @property
    def _keras_mask(self) -> Any:
        """The mask, under the name that it has in Keras."""
        return self.mask

    @_keras_mask.setter
    def _keras_mask(self, mask: Any) -> None:
        self.mask = mask

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int | None:
        """The number of elements, or None if it is unknown."""
        return None if None in self.shape else math.prod(s or 0 for s in self.shape)

    @property
    def ragged(self) -> bool:
        """False: all rows of a Tensor have the same length."""
        return False

    @property
    def ragged_rank(self) -> None:
        """None: Tensors have no axis of varying lengths."""

    @property
    def row_splits_dtype(self) -> None:
        """None: Tensors have no axis of varying lengths."""

    def reshape(self, newshape: ShapeLike | int) -> Tensor:
        """Returns the elements in a new shape.

        Args:
            newshape: the sizes, or one integer for a single axis. One size may be -1 and is then
                inferred.
        """
        out: Tensor = _reshape_op(self, newshape)
        return out

    def squeeze(self, axis: Axes = None) -> Tensor:
        """Removes axes of size 1.

        Args:
            axis: an axis or several; by default all axes of size 1.
        """
        out: Tensor = _squeeze_op(self, axis)
        return out

    def __pos__(self) -> Tensor:
        return self

    def __repr__(self) -> str:
        return f"<Tensor shape={self.shape}, dtype={self.dtype}, name={printable(self.name)}>"

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise symbolic_error(
                self,
                "has no length: the size of its first axis is not known",
                "Use `cornu.ops.shape(x)[0]` in an op or a layer.",
            )
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape or self.shape[0] is None:
            raise symbolic_error(
                self,
                "cannot be iterated over: the size of its first axis is not known",
                "Use indexing, or `cornu.ops.unstack` on another axis.",
            )
        return (self[i] for i in range(self.shape[0]))

    def __bool__(self) -> bool:
        # Python compares the items of a list when it searches one (`x in tensors`). The result of
        # `==` between two Tensors is a Tensor; its truth value tells whether they are the same.
        node = self.node
        if node is not None and library_op_name(node.op) == "equal" and len(node.inputs) == 2:
            return node.inputs[0] is node.inputs[1]
        raise symbolic_error(
            self,
            "has no truth value: it is symbolic",
            "Use `cornu.ops.where` or `cornu.ops.cond` instead of `if`.",
        )

    def __float__(self) -> float:
        raise symbolic_error(
            self,
            "cannot be converted to a number: it is symbolic",
            "Build a model from it and call the model on arrays.",
        )

    __int__ = __index__ = __float__

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise symbolic_error(
            self,
            "cannot be converted to a NumPy array: it is symbolic",
            "Use the function of the same name in `cornu.ops` instead of NumPy's; or build a model "
            "and call it on arrays.",
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return call_numpy_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return call_numpy_function(function, args, kwargs)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        tensor = next((x for x in args if isinstance(x, cls)), None)
        raise symbolic_error(tensor, "cannot be an argument of a function of torch: it is symbolic")

    if not TYPE_CHECKING:  # a type checker would accept any attribute

        @property
        def __jax_array__(self):
            # JAX asks for this attribute where it converts arguments, the only place where an
            # object that is not an array can say why. A TypeError would be replaced by JAX's own.
            # Elsewhere, and in the operators of arrays, which defer to those of the Tensor, the
            # attribute does not exist.
            module = sys._getframe(1).f_globals.get("__name__", "")
            if not module.startswith("jax.") or module.endswith(".array_methods"):
                raise AttributeError("__jax_array__")
            _refuse_jax(self)

        def __getattr__(self, name):
            if name in _attributes:
                return _attributes[name](self)
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}{describe_method(name)}",
                name=name,
                obj=None,  # with an object, Python would add a suggestion of its own
            )


_attributes: dict[str, Callable[[Tensor], Any]] = {}


def register_attribute(name: str, compute: Callable[[Tensor], Any]) -> None:
    """Gives all Tensors a further attribute, for programs of another version.

    Args:
        name: the name of the attribute.
        compute: returns its value for a Tensor.
    """
    _attributes[name] = compute


# The type of shapes; a subclass of tuple for programs of another version.
_shape_types: list[type[tuple[int | None, ...]]] = [tuple]


def register_shape_type(cls: type[tuple[int | None, ...]]) -> None:
    """Gives the shapes of Tensors that are created from now on the methods of a class.

    Args:
        cls: a subclass of tuple.
    """
    _shape_types.append(cls)


def _refuse_jax(tensor: Tensor) -> NoReturn:
    problem = "cannot be an argument of a function of JAX: it is symbolic"
    raise ValueError(str(symbolic_error(tensor, problem)))


if _register_with_jax is not None and is_enabled("jax_type_handler"):
    _register_with_jax(Tensor, _refuse_jax)


class Node:
    """The call of a layer or op that produced one or several Tensors.

    Attributes:
        number: a number that increases with each node, so the order by number is topological.
        op: the layer or `Op`.
        args, kwargs: the arguments, nested structures of Tensors and constants.
        inputs: the Tensors in the arguments.
        input_masks: pairs of an input and its mask, for layers whose `call` may look masks up.
        outputs: the Tensors produced, in the structure that the call returned.
        argument_leaves: the leaves of `(args, kwargs)`.
        argument_treedef: the treedef of `(args, kwargs)`.
        call: the innermost call of a function of the user that contains this call, or None.
        location: the user's `file:line`.
    """

    __slots__ = (
        "__weakref__",
        "_slots",
        "args",
        "argument_leaves",
        "argument_treedef",
        "call",
        "input_masks",
        "inputs",
        "kwargs",
        "number",
        "op",
        "outputs",
        "location",
    )

    def __init__(
        self, op: Any, args: Any, kwargs: Any, outputs: Any, looks_up_masks: bool = False
    ) -> None:
        self.number = next(_numbers)
        self.op = op
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs
        self.call: UserCall | None
        self.call, self.location = current_call()
        leaves, self.argument_treedef = tree.flatten_with_treedef((args, kwargs))
        self.argument_leaves = leaves
        self._slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
        self.inputs: tuple[Tensor, ...] = tuple(leaves[i] for i in self._slots)
        self.input_masks: tuple[tuple[Tensor, Tensor], ...] = ()
        if looks_up_masks:
            self.input_masks = tuple((t, t.mask) for t in self.inputs if isinstance(t.mask, Tensor))
        for index, tensor in enumerate(self.output_tensors):
            tensor.node = self
            tensor.index = index

    @property
    def name(self) -> str:
        """The name of the layer or op."""
        name: str = self.op.name
        return name

    @property
    def is_mask(self) -> bool:
        """Whether the node computes a mask that the call of a layer added to the graph."""
        return isinstance(self.op, MaskOp)

    @property
    def output_tensors(self) -> list[Tensor]:
        """A flat list of the Tensors in `outputs`."""
        if isinstance(self.outputs, Tensor):
            return [self.outputs]
        return [leaf for leaf in tree.leaves(self.outputs) if isinstance(leaf, Tensor)]

    def store_outputs(self, known: dict[int, Any], result: Any) -> None:
        """Adds the arrays that a call returned to `known`, which maps ids of Tensors to arrays."""
        if isinstance(self.outputs, Tensor):
            known[id(self.outputs)] = result
        else:
            leaves = [leaf for leaf in tree.leaves(result) if leaf is not None]
            pairs = zip(self.output_tensors, leaves, strict=True)
            known.update((id(tensor), leaf) for tensor, leaf in pairs)

    def substitute_inputs(self, values: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Returns args and kwargs with arrays in place of `inputs`."""
        leaves = list(self.argument_leaves)
        for slot, value in zip(self._slots, values, strict=True):
            leaves[slot] = value
        args, kwargs = tree.unflatten(self.argument_treedef, leaves)
        return args, kwargs

    def __repr__(self) -> str:
        return f"<Node {self.number}: {printable(self.name)}>"


class TensorSpec(NamedTuple):
    """The shape and dtype of a Tensor, and whether its values are sparse arrays."""

    shape: Shape
    dtype: str
    sparse: bool = False


def is_keras_tensor(x: Any) -> bool:
    """Tells whether `x` is a symbolic Tensor.

    Args:
        x: any object.

    Example:

    >>> import cornu
    >>> cornu.backend.is_keras_tensor(cornu.Input((2,)))
    True
    """
    return isinstance(x, Tensor)


def format_shape(x: Any) -> str:
    """Formats the shape of a Tensor or array, with None for unknown sizes."""
    return str(standardize_shape(x.shape)) if hasattr(x, "shape") else "?"


def standardize_shape(shape: ShapeLike) -> Shape:
    """Returns a shape as a tuple of integers and None.

    Raises:
        ValueError: it is not a sequence, or contains anything else.
    """
    if isinstance(shape, (int, np.integer)) or shape is None:
        raise ValueError(f"A shape must be a tuple such as (None, 32). Received: {shape!r}")
    out: list[int | None] = []
    for size in tuple(shape):
        if size is None:
            out.append(None)
        elif isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size >= 0:
            out.append(int(size))
        elif type(size).__name__ == "_DimExpr":  # JAX's symbolic dimension, a private class
            out.append(None)
        else:
            raise ValueError(
                f"A shape must contain non-negative integers and None. Received: {tuple(shape)}"
            )
    return tuple(out)
