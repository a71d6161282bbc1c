"""GraphWriter: nodes, constants and weights of an ONNX graph that is being written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from cornu.export.onnx.sizes import write_size

__all__ = [
    "OPSET",
    "GraphWriter",
    "Known",
    "Size",
    "Value",
    "element_type",
    "is_known",
    "used_names",
]

OPSET = 18
"""The version of the operators: reductions take axes as inputs, and integers have bitwise ones."""

Size: TypeAlias = Any  # an int, or a symbolic size of JAX
Known: TypeAlias = Any  # an array of NumPy, or an array of keys of JAX


class Value(NamedTuple):
    """An array of the graph.

    Attributes:
        name: its name; empty for a constant that is no part of the graph yet.
        shape: its sizes, which are ints or symbolic sizes of JAX.
        dtype: its dtype.
        known: the array, if it is constant.
    """

    name: str
    shape: tuple[Size, ...]
    dtype: Any
    known: Known = None

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)


def is_known(size: Size) -> bool:
    """Returns whether a size is an int."""
    return isinstance(size, (int, np.integer))


def element_type(dtype: Any) -> int:
    """Returns the number of a dtype in ONNX.

    Raises:
        NotImplementedError: ONNX has no such dtype.
    """
    import onnx

    try:
        return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    except (TypeError, KeyError, ValueError) as error:
        raise NotImplementedError(f"ONNX has no dtype {dtype}.") from error


def used_names(nodes: Iterable[Any]) -> frozenset[str]:
    """Returns the names that nodes take, also those within loops."""
    found: set[str] = set()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        found.update(node.input)
        for attribute in node.attribute:
            pending += attribute.g.node
    return frozenset(found)


class GraphWriter:
    """The nodes, constants and weights of a graph, or of the body of a loop.

    Args:
        parent: the graph around a body; None for the outermost graph.
    """

    def __init__(self, parent: GraphWriter | None = None) -> None:
        self.parent = parent
        self.root: GraphWriter = self if parent is None else parent.root
        self.nodes: list[Any] = []
        self.scope: str = "" if parent is None else parent.scope
        if parent is None:
            self.initializers: dict[str, np.ndarray] = {}
            self._constants: dict[tuple[Any, ...], str] = {}
            self._counts: dict[str, int] = {}
            self.size_sources: dict[str, tuple[str, int]] = {}

    @property
    def sources(self) -> dict[str, tuple[str, int]]:
        """The input and the axis of each symbol in sizes."""
        return self.root.size_sources

    def new_name(self, kind: str) -> str:
        """Returns a name that the graph does not have yet, within the current scope."""
        base = f"{self.scope}/{kind}" if self.scope else kind
        count = self.root._counts.get(base, 0)
        self.root._counts[base] = count + 1
        return f"{base}_{count}" if count else base

    def reserve(self, name: str) -> str:
        """Returns a name for an input or weight, which is unchanged if it is new."""
        count = self.root._counts.get(name, 0)
        self.root._counts[name] = count + 1
        return f"{name}_{count}" if count else name

    def add_weight(self, path: str, array: np.ndarray) -> Value:
        """Returns a weight as an initializer of the graph, with its path as its name."""
        name = self.reserve(path)
        self.root.initializers[name] = array
        return Value(name, array.shape, array.dtype)

    def constant(self, array: Any, dtype: Any = None) -> str:
        """Returns the name of a constant of the graph; equal constants are one."""
        array = np.asarray(array, dtype)
        key = (array.dtype, array.shape, array.tobytes())
        names = self.root._constants
        if key not in names:
            names[key] = self.reserve(f"constant_{len(names)}")
            self.root.initializers[names[key]] = array
        return names[key]

    def name_of(self, value: Value) -> str:
        """Returns the name of a value; a constant becomes a part of the graph."""
        return value.name or self.constant(value.known)

    def node(self, kind: str, inputs: Sequence[Value | str], **attributes: Any) -> str:
        """Adds a node with one output, and returns the name of the output."""
        return self.nodes_of(kind, inputs, 1, **attributes)[0]

    def nodes_of(
        self, kind: str, inputs: Sequence[Value | str], count: int, **attributes: Any
    ) -> list[str]:
        """Adds a node with several outputs, and returns their names."""
        import onnx

        names = [x if isinstance(x, str) else self.name_of(x) for x in inputs]
        name = self.new_name(kind)
        outputs = [name] if count == 1 else [f"{name}:{i}" for i in range(count)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(onnx.helper.make_node(kind, names, outputs, name=name, **given))
        return outputs

    # ------------------------------------------------------------------------------------ shapes

    def reshape(self, x: Value | str, shape: Sequence[Size]) -> str:
        """Adds a reshape, the shape of which may have symbolic sizes."""
        unknown = [i for i, size in enumerate(shape) if not is_known(size)]
        sizes = [size for size in shape if is_known(size)]
        if len(unknown) == 1 and math.prod(sizes):
            fixed = [size if is_known(size) else -1 for size in shape]
            return self.node("Reshape", [x, self.constant(fixed, np.int64)])
        return self.node("Reshape", [x, self.shape(shape)], allowzero=1)

    def shape(self, shape: Sequence[Size]) -> str:
        """Returns the name of a shape, a vector of int64."""
        if all(is_known(size) for size in shape):
            return self.constant(list(map(int, shape)), np.int64)
        return self.node("Concat", [self.size(size) for size in shape], axis=0)

    def size(self, size: Size) -> str:
        """Returns the name of a vector of int64 with one size."""
        return write_size(self, size)

    def transpose(self, x: Value | str, axes: Sequence[int]) -> str:
        """Adds a transpose, unless it changes nothing."""
        if list(axes) == list(range(len(axes))):
            return x if isinstance(x, str) else self.name_of(x)
        return self.node("Transpose", [x], perm=list(axes))

    def cast(self, x: Value | str, dtype: Any) -> str:
        """Adds a conversion to a dtype."""
        return self.node("Cast", [x], to=element_type(dtype))
