"""ONNX graphs in float16: products of matrices in float16, sums and exponentials in float32.

As in mixed precision of training, the other operators compute in the wider dtype of their inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu.export.onnx.graph import element_type, used_names

__all__ = ["to_float16", "to_half"]

Arrays = dict[str, np.ndarray]

# Computed in float16, of which the sums are exact enough, and most of the time is spent on them.
_PRODUCTS = frozenset(("Conv", "ConvTranspose", "Einsum", "Gemm", "MatMul"))
# Computed in float32: their results or intermediate sums leave the range of float16, +-65504.
_WIDE = frozenset(
    ("CumSum", "DFT", "Exp", "Log", "Pow", "ReduceProd", "ReduceSum", "Sinh", "Cosh", "Reciprocal")
)
# These move numbers, and do not compute.
_MOVES = frozenset(
    ("Concat", "Expand", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose")
    + ("Unsqueeze",)
)
_MOST_WIDE = 1 << 14  # elements of an initializer that is also stored in float32
_TO_BOOL = frozenset(
    ("And", "Equal", "Greater", "GreaterOrEqual", "IsNaN", "Less", "LessOrEqual", "Not", "Or")
)
_TO_INT64 = frozenset(("ArgMax", "ArgMin", "Range", "Shape", "Size"))
_FLOAT, _HALF, _BOOL, _INT64 = 1, 10, 9, 7  # numbers of dtypes in onnx.TensorProto
_SUFFIXES = {_FLOAT: "float32", _HALF: "float16"}


def to_float16(model: Any, arrays: Mapping[str, np.ndarray], keep_io_types: bool) -> Arrays:
    """Converts a graph in place, and returns its initializers, which are in float16.

    Args:
        model: the message of ONNX, without initializers.
        arrays: the initializers.
        keep_io_types: whether inputs and outputs remain in float32.
    """
    converter = _Converter(arrays)
    graph = model.graph
    for value in graph.input:
        kind = value.type.tensor_type
        converter.kinds[value.name] = kind.elem_type
        if not keep_io_types and kind.elem_type == _FLOAT:
            kind.elem_type = converter.kinds[value.name] = _HALF
    nodes = converter.convert(graph.node)
    for value in graph.output:
        kind = value.type.tensor_type
        if kind.elem_type == _FLOAT:
            kind.elem_type = _FLOAT if keep_io_types else _HALF
            nodes = converter.rename_output(nodes, value.name, kind.elem_type)
    del graph.node[:]
    graph.node.extend(nodes)
    used = used_names(nodes)
    return {name: array for name, array in converter.arrays.items() if name in used}


class _Converter:
    """Converts the nodes of a graph and of the bodies in it.

    Attributes:
        arrays: the initializers.
        kinds: the dtype of each name, as a number of `onnx.TensorProto`.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays: Arrays = {}
        self.kinds: dict[str, int] = {}
        self._constants = {name for name, array in arrays.items() if array.dtype == np.float32}
        # Exponents, for example, and parameters of normalizations, which float16 would round.
        names = [name for name in self._constants if arrays[name].size <= _MOST_WIDE]
        self._small = {name: arrays[name] for name in names}
        for name, array in arrays.items():
            is_float = name in self._constants
            self.arrays[name] = to_half(array) if is_float else array
            self.kinds[name] = _HALF if is_float else element_type(array.dtype)
        self._nodes: list[Any] = []
        self._casts: dict[tuple[str, int], str] = {}

    def convert(self, nodes: Any) -> list[Any]:
        """Returns nodes with the casts that they need."""
        outer = self._nodes, dict(self._casts)
        self._nodes = []
        for node in nodes:
            self._convert_node(node)
        done = self._nodes
        # Casts within a body are unknown outside of it.
        self._nodes, self._casts = outer
        return done

    def cast(self, name: str, kind: int) -> str:
        """Returns the name of a value in a dtype; adds a node if it has another one."""
        from onnx import helper

        if self.kinds[name] == kind:
            return name
        key = (name, kind)
        if key not in self._casts:
            output = self._casts[key] = self._new_name(f"{name}:{_SUFFIXES[kind]}")
            self.kinds[output] = kind
            if name in self._small:
                self.arrays[output] = self._small[name]
            else:
                node = helper.make_node("Cast", [name], [output], name=f"{output}/Cast", to=kind)
                self._nodes.append(node)
        return self._casts[key]

    def _new_name(self, name: str) -> str:
        # Names of bodies must differ from those around them, also from later ones.
        count = sum(other.startswith(name) for other in self.kinds)
        return f"{name}_{count}" if count else name

    def rename_output(self, nodes: list[Any], name: str, kind: int) -> list[Any]:
        """Returns nodes of which the last one, that of an output, returns a dtype."""
        from onnx import helper

        if self.kinds[name] == kind:
            return nodes
        node = next(node for node in nodes if name in node.output)
        cast = helper.make_node("Cast", list(node.input), [name], name=node.name, to=kind)
        return [cast if other is node else other for other in nodes]

    def _convert_node(self, node: Any) -> None:
        if any(attribute.g.node for attribute in node.attribute):
            self._convert_bodies(node)
            return
        kind = self._computed_in(node)
        if kind is not None:
            floats = [self.kinds.get(name) in (_FLOAT, _HALF) for name in node.input]
            pairs = zip(list(node.input), floats, strict=True)
            node.input[:] = [
                self.cast(name, kind) if is_float else name for name, is_float in pairs
            ]
        if node.op_type == "Cast" and node.attribute[0].i == _FLOAT:
            # Truth values are exact in float16; large integers are not.
            if self.kinds[node.input[0]] in (_BOOL, _HALF):
                node.attribute[0].i = _HALF
        self._nodes.append(node)
        for i, name in enumerate(node.output):
            self.kinds[name] = self._kind_of_output(node, i, kind)

    def _computed_in(self, node: Any) -> int | None:
        """Returns the dtype of floats that a node computes with; None if it has no floats."""
        kinds = [self.kinds.get(name) for name in node.input]
        if _FLOAT not in kinds and _HALF not in kinds:
            return None
        if node.op_type == "Cast":
            return self.kinds[node.input[0]]
        if node.op_type in _PRODUCTS:
            return _HALF
        if node.op_type in _WIDE or _is_square(node):
            return _FLOAT
        variable = [
            kind
            for name, kind in zip(node.input, kinds, strict=True)
            if name not in self._constants and kind in (_FLOAT, _HALF)
        ]
        if variable:  # constants take the dtype of what they are combined with
            return _FLOAT if _FLOAT in variable else _HALF
        self._constants.update(node.output)
        return kinds[0] if node.op_type in _MOVES else _FLOAT

    def _kind_of_output(self, node: Any, number: int, kind: int | None) -> int:
        if node.op_type == "Cast":
            return int(node.attribute[0].i)
        if node.op_type in _TO_BOOL:
            return _BOOL
        if node.op_type in _TO_INT64 or (node.op_type == "TopK" and number == 1):
            return _INT64
        first = 1 if node.op_type == "Where" else 0
        found = self.kinds[node.input[first]]
        return kind if kind is not None and found in (_FLOAT, _HALF) else found

    def _convert_bodies(self, node: Any) -> None:
        """Converts a loop or branch, whose floats are in float16."""
        names = list(node.input)
        node.input[:] = [
            self.cast(name, _HALF) if self.kinds.get(name) == _FLOAT else name for name in names
        ]
        outputs: list[int] = []
        for attribute in node.attribute:
            if not attribute.g.node:
                continue
            body = attribute.g
            for value in [*body.input, *body.output]:
                kind = value.type.tensor_type
                kind.elem_type = _HALF if kind.elem_type == _FLOAT else kind.elem_type
            self.kinds.update({v.name: v.type.tensor_type.elem_type for v in body.input})
            nodes = self.convert(body.node)
            for value in body.output:
                nodes = self.rename_output(nodes, value.name, value.type.tensor_type.elem_type)
            del body.node[:]
            body.node.extend(nodes)
            outputs = [value.type.tensor_type.elem_type for value in body.output]
        # The first output of the body of a Loop is whether it continues.
        outputs = outputs[1:] if node.op_type == "Loop" else outputs
        self._nodes.append(node)
        self.kinds.update(zip(node.output, outputs, strict=True))


def _is_square(node: Any) -> bool:
    return bool(node.op_type == "Mul" and node.input[0] == node.input[1])


def to_half(array: np.ndarray) -> np.ndarray:
    """Returns numbers in float16; those out of its range, apart from 0, become its limits."""
    limits = np.finfo(np.float16)
    with np.errstate(over="ignore", under="ignore"):
        half = array.astype(np.float16)
    over = np.isinf(half) & np.isfinite(array)
    half[over] = np.copysign(limits.max, array[over])
    under = (half == 0) & (array != 0)
    half[under] = np.copysign(limits.smallest_subnormal, array[under])
    return half
