"""Structural keys: equal for parts of a graph that compute the same function.

Two parts with equal keys differ only in the values of their Variables, the seed indices of their
random sources and their inputs. One compiled function computes both, with these as arguments.

The key of a layer is derived from its attributes, not from its config, so that changes after
construction are included. Attributes that are not plain data are compared by identity: an
unnecessary difference costs a compilation, while a wrong equality would give wrong results.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import Op
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.input_spec import InputSpec
from cornu.core.layer.layer import Layer
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.core.state.scope import RandomSource
from cornu.core.state.variable import Variable
from cornu.names import is_library_class
from cornu.registry import Configurable

__all__ = ["Subgraph", "describe_subgraph"]

_PLAIN = (bool, int, complex, str, bytes, types.EllipsisType, types.NoneType, np.generic)
# Larger constants are compared by identity, since hashing their bytes takes too long.
_ARRAY_BYTES = 4096


class Subgraph(NamedTuple):
    """A part of a graph: its structural key, inputs, outputs and state.

    Attributes:
        structural_key: a key that is equal for parts that compute the same function.
        inputs: the Tensors of other parts that it uses, in the order of first use.
        outputs: the Tensors that other parts use, in the order of the nodes.
        variables, sources: its Variables and random sources, in the order of occurrence.
        layers: its layers and their sublayers.
    """

    structural_key: Hashable
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    variables: tuple[Variable, ...]
    sources: tuple[RandomSource, ...]
    layers: tuple[Layer, ...]


def describe_subgraph(
    nodes: Sequence[Node],
    outputs: Iterable[Tensor],
    masks_of: Callable[[Node], Sequence[tuple[Tensor, Tensor]]] = lambda node: (),
) -> Subgraph:
    """Returns the subgraph of some nodes of a graph.

    Args:
        nodes: the nodes, in the order of the graph.
        outputs: the Tensors that they produce and other nodes use.
        masks_of: returns the masks that a layer may look up; see `Graph.masks_of`.
    """
    outputs = tuple(outputs)
    produced = {id(t) for node in nodes for t in node.output_tensors}
    used = [*(t for n in nodes for t in n.inputs), *(m for n in nodes for _, m in masks_of(n))]
    inputs = {id(t): t for t in used if id(t) not in produced}
    builder = _KeyBuilder()
    key = (
        tuple(builder.tensor(t) for t in inputs.values()),
        tuple(builder.node(node) for node in nodes),
        tuple(builder.tensor(t) for t in outputs),
    )
    objects = builder.objects
    return Subgraph(
        key,
        tuple(inputs.values()),
        outputs,
        tuple(t for t in objects if isinstance(t, Variable)),
        tuple(t for t in objects if isinstance(t, RandomSource)),
        tuple(t for t in objects if isinstance(t, Layer)),
    )


class _KeyBuilder:
    """Converts objects to hashable keys.

    Tensors, Variables, layers and other objects that may occur twice are numbered. A repeated
    occurrence has only the number as its key, so two parts have equal keys only if they share
    objects in the same pattern.
    """

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self.objects: list[Any] = []

    def _is_first(self, obj: Any) -> bool:
        """Numbers an object, and tells whether it had no number before."""
        if id(obj) in self.numbers:
            return False
        self.numbers[id(obj)] = len(self.objects)
        self.objects.append(obj)
        return True

    def tensor(self, tensor: Tensor) -> Hashable:
        if self._is_first(tensor):
            return ("tensor", tensor.shape, tensor.dtype, tensor.sparse)
        return self.numbers[id(tensor)]

    def node(self, node: Node) -> Hashable:
        # The op before the arguments, so that the numbers of its parts do not depend on them.
        op = self.key_of(node.op)
        arguments = tuple(self.key_of(leaf) for leaf in node.argument_leaves)
        return (
            "node",
            op,
            node.argument_treedef,
            arguments,
            tuple((self.tensor(t), self.tensor(mask)) for t, mask in node.input_masks),
            tuple(map(self.tensor, node.output_tensors)),
        )

    def key_of(self, x: Any) -> Hashable:
        if isinstance(x, float):
            return (type(x), x.hex())  # 0.0 == -0.0, but they compute different functions
        if isinstance(x, _PLAIN):
            return (type(x), x)
        if isinstance(x, Tensor):
            return self.tensor(x)
        if isinstance(x, Variable):
            return self._variable(x)
        if isinstance(x, Layer):
            return self._layer(x)
        if isinstance(x, RandomSource):
            is_first = self._is_first(x)
            return ("source", x.seed if x.explicit else None) if is_first else self.numbers[id(x)]
        if isinstance(x, (list, tuple)):
            return (type(x), tuple(self.key_of(item) for item in x))
        if isinstance(x, dict):
            return (dict, tuple((self.key_of(k), self.key_of(v)) for k, v in x.items()))
        if isinstance(x, (set, frozenset)) and all(isinstance(item, _PLAIN) for item in x):
            return (type(x), frozenset(x))
        if isinstance(x, slice):
            return (slice, self.key_of(x.start), self.key_of(x.stop), self.key_of(x.step))
        if isinstance(x, (type, np.dtype)):
            return ("type", x)
        return self._object(x)

    def _object(self, x: Any) -> Hashable:
        if isinstance(x, Node):
            return self.node(x)
        if isinstance(x, Op):
            return ("op", x.name, self.key_of(x.function))
        if isinstance(x, DTypePolicy):
            return ("policy", x.name)
        if isinstance(x, types.FunctionType):
            return self._function(x)
        if isinstance(x, types.MethodType):
            return ("method", self.key_of(x.__func__), self.key_of(x.__self__))
        if isinstance(x, functools.partial):
            return ("partial", *(self.key_of(part) for part in (x.func, x.args, x.keywords)))
        if _is_small_array(x):
            return ("array", type(x), x.shape, x.dtype.name, np.asarray(x).tobytes())
        if isinstance(x, Configurable) and is_library_class(type(x)):
            if x._category_ == "initializers":  # have no effect after the Variables are created
                return ("initializer", type(x))
            return self._by_attributes(x, vars(x))
        if isinstance(x, InputSpec):
            return self._by_attributes(x, vars(x))
        return ("object", id(x))

    def _by_attributes(self, x: Any, attributes: dict[str, Any]) -> Hashable:
        if not self._is_first(x):
            return self.numbers[id(x)]
        items = (
            (name, self.key_of(value))
            for name, value in attributes.items()
            if name != "_constructed_with_"
        )
        return (type(x), tuple(items))

    def _variable(self, variable: Variable) -> Hashable:
        if not self._is_first(variable):
            return self.numbers[id(variable)]
        return (
            *("variable", variable.shape, variable.dtype, variable.role),
            *(variable.trainable, variable.autocast, variable.overwrite_with_gradient),
        )

    def _layer(self, layer: Layer) -> Hashable:
        if not self._is_first(layer):
            return self.numbers[id(layer)]
        parts = layer._structural_attributes_()
        return ("layer", type(layer), tuple((name, self.key_of(v)) for name, v in parts.items()))

    def _function(self, fn: types.FunctionType) -> Hashable:
        # A recursive function is a cell of its own closure, so it is numbered before its cells.
        cells = tuple(cell.cell_contents for cell in fn.__closure__ or ())
        if not self._is_first(fn):
            return self.numbers[id(fn)]
        return (
            # The same code may read other global values in another module.
            *("function", fn.__code__, id(fn.__globals__)),
            *(self.key_of(fn.__defaults__), self.key_of(fn.__kwdefaults__), self.key_of(cells)),
        )


def _is_small_array(x: Any) -> bool:
    if isinstance(x, np.ndarray):
        # The bytes of an object array are addresses.
        return x.nbytes <= _ARRAY_BYTES and x.dtype.kind != "O"
    if not isinstance(x, jax.Array) or isinstance(x, jax.core.Tracer):
        return False
    # Random keys have an extended dtype, which NumPy does not know.
    return not jnp.issubdtype(x.dtype, jax.dtypes.extended) and x.nbytes <= _ARRAY_BYTES
