"""Models with inputs of strings: the part of the graph that needs them runs on the host.

JAX has no strings. `SplitGraph` divides a functional graph into a host part, from the inputs to the
first numbers that follow from strings, and a device part, which is compiled. The host part is the
last step of reading data: `InputReader` applies it to all rows of arrays, or to each batch of other
data, and the steps of training receive `StepInputs`, the numbers between the two parts.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from cornu import tree
from cornu.core.graph.op import Op
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.layer.signature import call_signature
from cornu.core.layer.walk import nested_layers
from cornu.data.lazy_columns import Column
from cornu.data.strings import arrays_with_strings, has_strings
from cornu.models.functional import FunctionalGraph
from cornu.models.retrace import new_input
from cornu.names import make_unique
from cornu.types import PyTree

__all__ = [
    "InputReader",
    "SplitGraph",
    "StepInputs",
    "TracedCall",
    "contains_strings",
    "functional_graph",
    "reads_strings",
]

# Host outputs above this size are not kept: they are computed for each batch again.
_KEPT_BYTES = 2 << 30
_ROWS = 4096  # of whole data that are converted at once


class StepInputs(Mapping[str, Any]):
    """The numbers that the compiled part of a model takes, by the name of their layer or input.

    A custom `train_step` receives them as x and passes them to the model.
    """

    __slots__ = ("_arrays",)

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._arrays = dict(arrays)

    def __getitem__(self, name: str) -> Any:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return f"StepInputs({self._arrays!r})"


def _flatten(inputs: StepInputs) -> tuple[list[tuple[Any, Any]], tuple[str, ...]]:
    names = tuple(inputs)
    return [(jax.tree_util.DictKey(name), inputs[name]) for name in names], names


def _unflatten(names: tuple[str, ...], arrays: Iterable[Any]) -> StepInputs:
    return StepInputs(dict(zip(names, arrays, strict=True)))


jax.tree_util.register_pytree_with_keys(StepInputs, _flatten, _unflatten)


def functional_graph(
    inputs: PyTree, outputs: PyTree, owner: str, strict: bool = True
) -> FunctionalGraph:
    """Returns a FunctionalGraph, which is split if an input consists of strings."""
    strings = any(isinstance(t, Tensor) and t.dtype == "string" for t in tree.leaves(inputs))
    kind = SplitGraph if strings else FunctionalGraph
    return kind(inputs, outputs, owner, strict)


class DeviceGraph(FunctionalGraph):
    """The compiled part of a split graph, whose inputs are StepInputs."""

    def match(self, value: Any) -> list[Any]:
        """Returns the arrays of StepInputs."""
        return [value[name] for name in self.input_names]

    def arrange(self, values: Sequence[Any]) -> StepInputs:
        """Returns StepInputs with one value for each input."""
        return StepInputs(dict(zip(self.input_names, values, strict=True)))


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
                self.check_kind(_is_strings(x), getattr(x, "dtype", type(x)), tensor, name)
                self.check_shape(x, tensor, name)
                if tensor.dtype == "string" and not isinstance(x, Column):
                    x = _with_rank(x, len(tensor.shape))
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
        on_host = _host_nodes(nodes)
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
        model = _split_model(node)
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
        with jax.default_device(jax.devices("cpu")[0]):
            for node, names in self._steps:
                args, kwargs = node.substitute_inputs([known[id(t)] for t in node.inputs])
                if names is not None:
                    inner = _split_model(node)._string_graph_.to_step_inputs(_first(args, kwargs))
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
        if size > _KEPT_BYTES:
            table = _HostTable(self, checked)
            return StepInputs(
                {
                    name: _passed(t, checked, self._graph)
                    if _is_one_of(t, self._graph)
                    else HostColumn(table, name, (count, *_sizes(t)), t.dtype)
                    for name, t in self._between.items()
                }
            )
        if count <= _ROWS:
            return self.run([_rows(x, 0, count) for x in checked])
        kept: dict[str, Any] = {}
        for start in range(0, count, _ROWS):
            part = self.run([_rows(x, start, min(start + _ROWS, count)) for x in checked])
            for name, tensor in self._between.items():
                if _is_one_of(tensor, self._graph):
                    kept[name] = _passed(tensor, checked, self._graph)
                    continue
                if name not in kept:
                    kept[name] = np.empty((count, *part[name].shape[1:]), part[name].dtype)
                kept[name][start : start + _ROWS] = part[name]
        return StepInputs({name: kept[name] for name in self._between})


class _HostTable:
    """The inputs of a host part; the results for the last rows are cached for other columns."""

    def __init__(self, host: HostPart, values: Sequence[Any]) -> None:
        self._host = host
        self._values = values
        self._cached: tuple[np.ndarray, StepInputs] | None = None

    def read(self, positions: np.ndarray) -> StepInputs:
        """Returns the results for some rows."""
        if self._cached is None or not np.array_equal(self._cached[0], positions):
            rows = [_take(x, positions) for x in self._values]
            self._cached = (positions, self._host.run(rows))
        return self._cached[1]


class HostColumn(Column):
    """Numbers that the host part of a model computes when the rows of a batch are read."""

    kind = "host part"

    def __init__(self, table: _HostTable, name: str, shape: Any, dtype: Any) -> None:
        super().__init__(table, shape, dtype)
        self._name = name

    def _read(self, positions: np.ndarray) -> Any:
        return self._data.read(positions)[self._name]


class TracedCall:
    """The `call` of a model that defines it, as functional graphs whose first part is on the host.

    Its layers are called on symbolic Tensors, once for each training phase. What `call` does with
    the Tensors besides must consist of `cornu.ops`.

    Args:
        model: the model.
        inputs: Tensors of the shapes and dtypes of its inputs.
    """

    def __init__(self, model: Any, inputs: PyTree) -> None:
        starts = tree.map(lambda t: None if t is None else new_input(t), inputs)
        phases = (False, True) if call_signature(type(model)).training else (None,)
        owner = f"Model {model.name!r}"
        self._graphs = {}
        for training in phases:
            kwargs = {} if training is None else {"training": training}
            outputs = model.call(starts, **kwargs)
            self._graphs[training] = SplitGraph(starts, outputs, owner, strict=False)

    @property
    def graph(self) -> SplitGraph:
        """The graph of the inference phase. The host parts of both are the same."""
        return next(iter(self._graphs.values()))

    def __call__(self, inputs: PyTree, training: bool | None = None, mask: PyTree = None) -> Any:
        """Computes the outputs."""
        graph = self.graph if training is None else self._graphs.get(training, self.graph)
        return graph.run(inputs)


class InputReader:
    """Converts the inputs of a model that takes strings, as the last step of reading data.

    Args:
        model: the model. If it has no functional graph yet, it is built for the first data.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, x: Any, what: str, names: tuple[str, ...], lazy: bool) -> Any:
        """Returns StepInputs; for data without strings, and a model without inputs of strings, x.

        Args:
            x, what, names: as in `as_arrays`.
            lazy: whether x is all data, whose large parts are read for each batch.
        """
        if x is None or isinstance(x, StepInputs):
            return x
        arrays = arrays_with_strings(x, what, names, lazy)
        graph = self._model._string_graph_
        if graph is None and self._model._graph_ is None and contains_strings(arrays):
            self._model._build_for_(arrays)
            graph = self._model._string_graph_
        if graph is None:
            return arrays
        return graph.read_all(arrays) if lazy else graph.to_step_inputs(arrays)


def contains_strings(structure: PyTree) -> bool:
    """Whether nested lists, arrays and tensors contain strings."""
    return any(isinstance(x, (str, bytes)) or _is_strings(x) for x in tree.leaves(structure))


def reads_strings(model: Any) -> bool:
    """Whether a model without a functional graph owns a layer that takes strings."""
    return any(layer._accepts_strings_ for layer in nested_layers(model))


# ------------------------------------------------------------------------- which nodes run where


def _host_nodes(nodes: Sequence[Node]) -> dict[int, bool]:
    """Returns which nodes run on the host, by number; True for those that are split themselves."""
    found: dict[int, bool] = {}
    used: dict[int, Node] = {}  # Tensors that nodes on the host take, by `id`
    for node in reversed(nodes):
        users = [used[id(t)] for t in node.output_tensors if id(t) in used]
        strings = any(t.dtype == "string" for t in node.inputs)
        if not strings and not users:
            continue
        nested = strings and _split_model(node) is not None
        if strings and not nested:
            _check_takes_strings(node)
        found[node.number] = nested and not users
        if users:
            _check_has_no_weights(node, users[0])
        used.update((id(t), node) for t in node.inputs)
    return found


def _split_model(node: Node) -> Any:
    """Returns the nested model with inputs of strings that a node, or its mask, calls, or None."""
    op = node.op
    if isinstance(op, Op) and op.name == "compute_mask" and inspect.ismethod(op.function):
        op = op.function.__self__
    is_model = isinstance(op, Layer) and op._is_model_
    return op if is_model and op._string_graph_ is not None else None


def _check_takes_strings(node: Node) -> None:
    op = node.op
    if not (isinstance(op, Layer) and op._accepts_strings_):
        raise TypeError(
            f"{node.name!r} (called at {node.location}) takes numbers; received strings.\n"
            "Convert strings to numbers first, with TextVectorization, StringLookup or Hashing."
        )


def _check_has_no_weights(node: Node, user: Node) -> None:
    if isinstance(node.op, Layer) and node.op.trainable_variables:
        raise TypeError(
            f"{user.name!r} (called at {user.location}) takes strings and runs on the host, where "
            f"the weights of {node.name!r}, which is before it, cannot be trained.\nCompute its "
            "inputs of numbers without weights, or convert strings to numbers separately."
        )


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
    return Tensor(tensor.shape, tensor.dtype, name=tensor.name, optional=tensor.optional)


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else next(iter(kwargs.values()))


def _replace_first(args: tuple[Any, ...], kwargs: dict[str, Any], value: Any) -> Any:
    if args:
        return (value, *args[1:]), kwargs
    return args, {**kwargs, next(iter(kwargs)): value}


# ------------------------------------------------------------------------------------------ values


def _is_strings(x: Any) -> bool:
    if isinstance(x, Column):
        return x.dtype.kind in "OUST"
    return isinstance(x, np.ndarray) and has_strings(x)


def _with_rank(x: np.ndarray, rank: int) -> np.ndarray:
    """Returns strings with a last axis of size 1 added or removed."""
    if x.ndim == rank - 1:
        return x[..., None]
    return x[..., 0] if x.ndim == rank + 1 else x


def _to_numpy(x: Any) -> Any:
    # What a layer returned is an array of JAX on the CPU, and is not copied.
    return np.asarray(x) if isinstance(x, jax.Array) and not isinstance(x, jax.core.Tracer) else x


def _sizes(tensor: Tensor) -> tuple[int, ...]:
    return tuple(size or 0 for size in tensor.shape[1:])


def _passed(tensor: Tensor, values: Sequence[Any], graph: FunctionalGraph) -> Any:
    return values[_index(graph.input_tensors, tensor)]


def _rows(x: Any, start: int, stop: int) -> Any:
    if x is None:
        return None
    return x.range(start, stop) if isinstance(x, Column) else x[start:stop]


def _take(x: Any, positions: np.ndarray) -> Any:
    if x is None:
        return None
    return x.take(positions) if isinstance(x, Column) else np.asarray(x)[positions]
