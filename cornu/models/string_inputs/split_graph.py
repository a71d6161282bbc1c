"""SplitGraph: the graph of a model with inputs of strings, divided into a host and a device part.

JAX has no strings. The host part leads from the inputs to the first numbers that follow from
strings; the device part is compiled. The host part is the last step of reading data: `InputReader`
applies it to all rows of arrays, or to each batch of other data, and the steps of training receive
`StepInputs`, the numbers between the two parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from cornu import tree
from cornu.core.graph.op import Op
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.sparse.arrays import is_sparse, to_rows
from cornu.data.lazy_columns import Column
from cornu.data.strings import arrays_with_strings
from cornu.layers.preprocessing.base import host_outputs
from cornu.models.functional import FunctionalGraph
from cornu.models.string_inputs.host_columns import (
    HostColumn,
    HostRows,
    HostTable,
    is_strings,
    slice_rows,
    with_rank,
)
from cornu.models.string_inputs.host_nodes import find_host_nodes, split_model
from cornu.models.string_inputs.step_inputs import DeviceGraph, StepInputs
from cornu.names import make_unique
from cornu.types import PyTree

__all__ = ["SplitGraph", "functional_graph"]

# Host outputs above this size are not kept: they are computed for each batch again.
_KEPT_BYTES = 2 << 30
_ROWS = 4096  # of whole data that are converted at once


def functional_graph(
    inputs: PyTree, outputs: PyTree, owner: str, strict: bool = True
) -> FunctionalGraph:
    """Returns a FunctionalGraph, which is split if an input consists of strings."""
    strings = any(isinstance(t, Tensor) and t.dtype == "string" for t in tree.leaves(inputs))
    kind = SplitGraph if strings else FunctionalGraph
    return kind(inputs, outputs, owner, strict)


class SplitGraph(FunctionalGraph):
    """A functional graph with inputs of strings.

    Attributes:
        device_graph: the part that is compiled.
        read: converts data to StepInputs, as the last step of reading it.
    """

    splits = True

    def __init__(self, inputs: PyTree, outputs: PyTree, owner: str, strict: bool = True) -> None:
        super().__init__(inputs, outputs, owner, strict)
        self._host = HostPart(self, owner)
        self._device = self._host.device_graph(strict)

    @property
    def device_graph(self) -> FunctionalGraph:
        """The part that is compiled."""
        return self._device

    def to_step_inputs(self, x: Any) -> StepInputs:
        """Returns what the compiled part takes, for data in the structure of the inputs."""
        if isinstance(x, StepInputs):
            return x
        return self._host.run(self.match(arrays_with_strings(x, "x", lazy=False)))

    def read_all(self, x: Any) -> StepInputs:
        """Like `to_step_inputs`, for all rows of data, which may contain Columns."""
        return self._host.run_all(self.match(x))

    def run(self, value: Any, mask: PyTree = None) -> Any:
        """Computes the outputs from StepInputs, or from data in the structure of the inputs."""
        return self._device.run(self.to_step_inputs(value))

    def masks(self, value: Any) -> Any:
        """Returns the masks of the outputs, or None without masks."""
        return self._device.masks(self.to_step_inputs(value))

    def bind(self, value: Any) -> list[Any]:
        """Returns the arrays that the compiled part takes."""
        return self._device.bind(self.to_step_inputs(value))

    def rowwise(self) -> bool:
        """Whether each row of the outputs depends on the same row of StepInputs alone."""
        return self._device.rowwise()

    def record_masks(self, op: Op, inputs: PyTree, masks: PyTree) -> Any:
        """Adds a node for the masks of a call on Tensors; returns them, or None without masks."""
        if not self._masked:
            return None
        own = [tensor.mask for tensor in self.output_tensors]
        found = [_copy_of(own[i]) if i in self._masked else None for i in range(len(own))]
        return Node(op, (inputs, masks), {}, self._to_structure(found)).outputs

    def specs_match(self, values: Sequence[Any]) -> bool:
        """Whether Tensors can be inputs of the graph, up to last axes of size 1."""
        for x, tensor, name in zip(values, self.input_tensors, self.input_names, strict=True):
            if not isinstance(x, Tensor):
                return False
            self.check_kind(x.dtype == "string", x.dtype, tensor, name)
            self.check_shape(x, tensor, name)
        return True

    def check_kind(self, strings: bool, found: Any, tensor: Tensor, name: str) -> None:
        """Raises a TypeError for numbers where strings are expected, and vice versa."""
        if strings == (tensor.dtype == "string"):
            return
        if strings:
            raise TypeError(
                f"{self._owner}: input {name!r} expects numbers ({tensor.dtype}); received "
                "strings.\nConvert them to numbers, or create the input with Input(shape, "
                "dtype='string') and a layer that converts them, such as StringLookup."
            )
        raise TypeError(
            f"{self._owner}: input {name!r} expects strings; received {found}.\n"
            "Convert the numbers to strings, x.astype(str), or create the input with Input(shape, "
            "dtype=...) of numbers and a layer for numbers, such as IntegerLookup."
        )

    def check_values(self, values: Sequence[Any]) -> list[Any]:
        """Returns the data of each input, with its number of axes; raises an error for others."""
        checked = []
        for x, tensor, name in zip(values, self.input_tensors, self.input_names, strict=True):
            if x is None:
                self.check_optional(tensor, name)
            else:
                self.check_kind(is_strings(x), getattr(x, "dtype", type(x)), tensor, name)
                self.check_shape(x, tensor, name)
                if tensor.dtype == "string" and not isinstance(x, Column):
                    x = with_rank(x, len(tensor.shape))
            checked.append(x)
        return checked


class _Step(NamedTuple):
    """A node that runs on the host.

    Attributes:
        node: the node.
        names: for a nested model with inputs of strings, the names of its StepInputs in the outer
            model; the rest of the nested model is compiled. None for other nodes.
    """

    node: Node
    names: tuple[str, ...] | None = None


class HostPart:
    """The nodes of a graph that run on the host: those that take strings, and those before them.

    Args:
        graph: the graph.
        owner: the model, in error messages.

    Raises:
        TypeError: a layer that takes strings cannot run on the host, or depends on trained weights.
    """

    def __init__(self, graph: SplitGraph, owner: str) -> None:
        self._graph = graph
        self._owner = owner
        nodes = graph.graph.nodes
        on_host = find_host_nodes(nodes)
        self._device_nodes = [node for node in nodes if node.number not in on_host]
        produced = {id(t): t for t in graph.input_tensors}
        taken: dict[str, int] = {}
        # Calls of nested models with inputs of strings, and what they take instead, by number of
        # the node; and the Tensors between the two parts.
        self._inlined: list[Node] = []
        self._nested: dict[int, StepInputs] = {}
        self._calls: dict[tuple[int, ...], StepInputs] = {}
        self._steps: list[_Step] = []
        self._between: dict[str, Tensor] = {}
        used = _used_by(self._device_nodes, graph)
        for tensor in graph.input_tensors:
            if id(tensor) in used:
                self._add(tensor, graph.input_names[_index(graph.input_tensors, tensor)], taken)
        for node in nodes:
            if node.number not in on_host:
                continue
            if on_host[node.number]:
                self._add_nested(node, taken)
                continue
            self._steps.append(_Step(node))
            produced.update((id(t), t) for t in node.output_tensors)
            for tensor in node.output_tensors:
                if id(tensor) in used:
                    self._add(tensor, graph.layer_names.get(id(node.op), node.name), taken)
        self._check_outputs()

    def _add(self, tensor: Tensor, name: str, taken: dict[str, int]) -> str:
        name = make_unique(name, taken)
        self._between[name] = tensor
        return name

    def _add_nested(self, node: Node, taken: dict[str, int]) -> None:
        """Adds a call of a nested model, or of its masks, which depend on the same StepInputs."""
        model = split_model(node)
        key = (id(model), *(id(t) for t in node.inputs))
        if key not in self._calls:
            inner = model._string_graph_.device_graph
            tensors = [_copy_of(t) for t in inner.input_tensors]
            pairs = zip(inner.input_names, tensors, strict=True)
            names = tuple(self._add(t, f"{model.name}/{name}", taken) for name, t in pairs)
            self._calls[key] = StepInputs(dict(zip(inner.input_names, tensors, strict=True)))
            self._steps.append(_Step(node, names))
        self._nested[node.number] = self._calls[key]
        self._inlined.append(node)

    def _check_outputs(self) -> None:
        for name, tensor in self._between.items():
            if tensor.dtype == "string":
                raise TypeError(
                    f"{self._owner}: {name!r} consists of strings, which the compiled part "
                    "of a model cannot take or return.\nConvert them to numbers, with "
                    "TextVectorization, StringLookup or Hashing."
                )

    def device_graph(self, strict: bool) -> DeviceGraph:
        """Returns the graph of the nodes that are compiled."""
        outputs = self._graph.outputs
        if self._nested:
            new = self._without_nested()
            outputs = tree.map(lambda t: new.get(id(t), t), outputs)
        graph = DeviceGraph(list(self._between.values()), outputs, self._owner, strict)
        graph.name_inputs(list(self._between))
        return graph

    def _without_nested(self) -> dict[int, Tensor]:
        """Returns the Tensors of the graph in which nested models take StepInputs, by old `id`."""
        new: dict[int, Tensor] = {}
        made: list[tuple[Node, Node]] = []
        for node in sorted([*self._device_nodes, *self._inlined], key=lambda node: node.number):
            args, kwargs = node.substitute_inputs([new.get(id(t), t) for t in node.inputs])
            if node.number in self._nested:
                args, kwargs = _replace_first(args, kwargs, self._nested[node.number])
            outputs = tree.map(lambda t: _copy_of(t) if isinstance(t, Tensor) else t, node.outputs)
            copy = Node(node.op, args, kwargs, outputs)
            copy.call, copy.location = node.call, node.location
            # What measures a model finds the calls of the whole graph by number.
            copy.number = node.number
            olds = zip(node.output_tensors, copy.output_tensors, strict=True)
            new.update((id(old), tensor) for old, tensor in olds)
            made.append((node, copy))
        for node, copy in made:
            for old, tensor in zip(node.output_tensors, copy.output_tensors, strict=True):
                tensor.mask = None if old.mask is None else new.get(id(old.mask), old.mask)
            copy.input_masks = tuple(
                (new.get(id(t), t), new.get(id(mask), mask)) for t, mask in node.input_masks
            )
        return new

    # ------------------------------------------------------------------------------------ running

    def run(self, values: Sequence[Any]) -> StepInputs:
        """Computes what the compiled part takes, from the data of each input."""
        checked = self._graph.check_values(values)
        known = {id(t): x for t, x in zip(self._graph.input_tensors, checked, strict=True)}
        found: dict[str, Any] = {}
        # On the CPU, so that reading does not wait for the device that trains.
        with jax.default_device(jax.devices("cpu")[0]), host_outputs():
            for node, names in self._steps:
                args, kwargs = node.substitute_inputs([known[id(t)] for t in node.inputs])
                if names is not None:
                    inner = split_model(node)._string_graph_.to_step_inputs(_first(args, kwargs))
                    found.update(zip(names, inner.values(), strict=True))
                else:
                    node.store_outputs(known, node.op(*args, **kwargs))
        for name, tensor in self._between.items():
            if name not in found:
                found[name] = _to_numpy(known[id(tensor)])
        return StepInputs({name: found[name] for name in self._between})

    def run_all(self, values: Sequence[Any]) -> StepInputs:
        """Like `run`, for all rows: in parts if the sizes of all outputs are known.

        Results that are too large for the memory become Columns, which compute the rows of a batch.
        """
        checked = self._graph.check_values(values)
        given = [x for x in checked if x is not None]
        rows = {x.shape[0] for x in given if x.ndim}
        by_host = [t for t in self._between.values() if not _is_one_of(t, self._graph)]
        known = all(None not in t.shape[1:] for t in by_host)
        if not known or len(rows) != 1 or any(not x.ndim for x in given):
            return self.run([np.asarray(x) if isinstance(x, Column) else x for x in checked])
        count = rows.pop()
        size = count * sum(math.prod(_sizes(t)) * np.dtype(t.dtype).itemsize for t in by_host)
        sparse = any(t.sparse for t in by_host)
        if size > _KEPT_BYTES or sparse:
            table = HostTable(self.run, checked)
            return StepInputs(
                {
                    name: _passed(t, checked, self._graph)
                    if _is_one_of(t, self._graph)
                    else (HostRows if t.sparse else HostColumn)(
                        table, name, (count, *_sizes(t)), t.dtype
                    )
                    for name, t in self._between.items()
                }
            )
        if count <= _ROWS:
            return self.run([slice_rows(x, 0, count) for x in checked])
        kept: dict[str, Any] = {}
        for start in range(0, count, _ROWS):
            part = self.run([slice_rows(x, start, min(start + _ROWS, count)) for x in checked])
            for name, tensor in self._between.items():
                if _is_one_of(tensor, self._graph):
                    kept[name] = _passed(tensor, checked, self._graph)
                    continue
                if name not in kept:
                    kept[name] = np.empty((count, *part[name].shape[1:]), part[name].dtype)
                kept[name][start : start + _ROWS] = part[name]
        return StepInputs({name: kept[name] for name in self._between})


def _used_by(nodes: Sequence[Node], graph: FunctionalGraph) -> set[int]:
    """Returns the `id` of all Tensors that nodes take or that the graph returns."""
    used = {id(t) for node in nodes for t in node.inputs}
    used |= {id(mask) for node in nodes for _, mask in graph.graph.masks_of(node)}
    return used | {id(t) for t in graph.graph.outputs}


def _is_one_of(tensor: Tensor, graph: FunctionalGraph) -> bool:
    return any(tensor is given for given in graph.input_tensors)


def _index(tensors: Sequence[Tensor], tensor: Tensor) -> int:
    return next(i for i, given in enumerate(tensors) if given is tensor)


def _copy_of(tensor: Tensor) -> Tensor:
    return Tensor(
        tensor.shape, tensor.dtype, tensor.sparse, name=tensor.name, optional=tensor.optional
    )


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else next(iter(kwargs.values()))


def _replace_first(args: tuple[Any, ...], kwargs: dict[str, Any], value: Any) -> Any:
    if args:
        return (value, *args[1:]), kwargs
    return args, {**kwargs, next(iter(kwargs)): value}


def _to_numpy(x: Any) -> Any:
    if is_sparse(x):
        return to_rows(x)
    # What a layer returned is an array of JAX on the CPU, and is not copied.
    return np.asarray(x) if isinstance(x, jax.Array) and not isinstance(x, jax.core.Tracer) else x


def _sizes(tensor: Tensor) -> tuple[int, ...]:
    return tuple(size or 0 for size in tensor.shape[1:])


def _passed(tensor: Tensor, values: Sequence[Any], graph: FunctionalGraph) -> Any:
    return values[_index(graph.input_tensors, tensor)]
