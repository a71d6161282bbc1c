"""FunctionalGraph: a graph with the structure and the names of its inputs and outputs.

Dicts are matched by key or input name, never by position.
"""

from __future__ import annotations

import difflib
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.graph.graph import Graph, is_reachable
from cornu.core.graph.rowwise import is_rowwise, keeps_rows
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.sparse.arrays import cast_sparse, is_sparse, to_dense
from cornu.core.state import scope
from cornu.core.state.dtypes import host_array, is_float, narrowed
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import quantity
from cornu.foreign import keras_class
from cornu.layers.input import InputLayer
from cornu.names import make_unique
from cornu.types import DataLike, PyTree

__all__ = ["FunctionalGraph"]


class FunctionalGraph:
    """The validated inputs and outputs of `Model(inputs, outputs)`, and the nodes between them.

    Attributes:
        inputs, outputs: Tensors in the structure that the user passed.
        input_tensors, output_tensors: the same Tensors as a list.
        input_names: the name of each input; `output_names`: of each output.
        graph: the nodes between them.
        layers: the layers, in Keras's order (deepest first, then in order of traversal).
        strict: whether arrays must match the shapes of the inputs, or only their number of axes
            (if the input shape was inferred from data).
    """

    # Whether a part of the graph runs on the host, because it needs strings; see `string_inputs`.
    splits: ClassVar[bool] = False

    def __init__(self, inputs: PyTree, outputs: PyTree, owner: str, strict: bool = True) -> None:
        _check_tensors(inputs, f"{owner}: inputs")
        _check_tensors(outputs, f"{owner}: outputs")
        self.inputs = inputs
        self.outputs = outputs
        self._inputs_treedef = tree.flatten_with_treedef(inputs)[1]
        self._outputs_treedef = tree.flatten_with_treedef(outputs)[1]
        # As in Keras, a list of one output gives the array itself.
        self._is_single = isinstance(outputs, (list, tuple)) and len(outputs) == 1
        self.strict = strict
        self.input_tensors: list[Tensor] = tree.leaves(inputs)
        self.output_tensors: list[Tensor] = tree.leaves(outputs)
        self._owner = owner
        if not self.input_tensors or not self.output_tensors:
            raise ValueError(f"{owner}: a model must have at least one input and one output.")
        _check_unique(self.input_tensors, owner)
        self.input_names = _tensor_names(inputs, {})
        self.output_names = _tensor_names(outputs, {})
        masks = [t.mask for t in self.output_tensors]
        # A model that begins at an intermediate Tensor cannot compute masks from what precedes it.
        self._masked = [
            i
            for i, mask in enumerate(masks)
            if mask is not None and is_reachable(mask, self.input_tensors)
        ]
        # The masks are outputs, too: losses and metrics of the model need them.
        self.graph = Graph(
            self.input_tensors, [*self.output_tensors, *(masks[i] for i in self._masked)]
        )
        self.nodes: list[Node] = _find_nodes(self.output_tensors, self.input_tensors)
        # Files name weights by the position of their layer, so the order must be that of Keras.
        self.operations = _sort_like_keras(self.input_tensors, self.output_tensors)
        self.layers: list[Layer] = [op for op in self.operations if isinstance(op, Layer)]
        self.layer_names = _unique_names(self.layers)
        self._given_names: dict[int, str] = {}
        self._reported_unused = False

    def run(self, value: Any, mask: PyTree = None) -> Any:
        """Computes the outputs from arrays in the structure of the inputs.

        They are in their structure, but a list or tuple with a single item is that item.
        """
        values = self.bind(value)
        masks = None
        table = scope.current().masks
        if mask is not None:
            masks = tree.leaves(mask)
            for x, m in zip(values, masks, strict=False):
                if m is not None:
                    table.put(x, m)
        results = self.graph.run(values, masks)
        outputs = results[: len(self.output_tensors)]
        for i, m in zip(self._masked, results[len(outputs) :], strict=True):
            table.put(outputs[i], m)
        return self._to_structure(outputs)

    def _to_structure(self, values: list[Any]) -> Any:
        structure = tree.unflatten(self._outputs_treedef, values)
        return structure[0] if self._is_single else structure

    @property
    def device_graph(self) -> FunctionalGraph:
        """The part that is compiled: this graph."""
        return self

    def specs_match(self, values: Sequence[Any]) -> bool:
        """Whether values are Tensors with the shapes and dtypes of the inputs."""
        return all(
            isinstance(x, Tensor) and (x.shape, x.dtype, x.sparse) == (t.shape, t.dtype, t.sparse)
            for x, t in zip(values, self.input_tensors, strict=True)
        )

    def to_tensors(self, outputs: Any) -> Any:
        """Returns what a call on Tensors returns, for what `run` returns: the whole structure."""
        return tree.unflatten(self._outputs_treedef, tree.leaves(outputs))

    def rename(self, names: dict[int, str]) -> None:
        """Renames layers, by the `id` of the layer, in this graph only.

        Other graphs that share a layer keep its name. Inputs and outputs that are named after a
        renamed layer are renamed, too.
        """
        self._given_names.update(names)
        taken = dict.fromkeys((self._given_names.get(id(la), "") for la in self.layers), 0)
        self.layer_names = {
            id(layer): self._given_names.get(id(layer)) or make_unique(layer.name, taken)
            for layer in self.layers
        }
        self.input_names = _tensor_names(self.inputs, self.layer_names)
        self.output_names = _tensor_names(self.outputs, self.layer_names)

    def name_inputs(self, names: list[str]) -> None:
        """Sets the names of the inputs."""
        self.input_names = names

    def _structural_attributes_(self) -> dict[str, Any]:
        """Returns everything that determines what is computed."""
        several = len(self.input_tensors) > 1 or isinstance(self.inputs, dict)
        return {
            "inputs": self.inputs,
            "nodes": list(self.graph.nodes),
            "outputs": self.outputs,
            "masks": [self.output_tensors[i].mask for i in self._masked],
            "names": self.input_names if several else None,
            "strict": self.strict,
        }

    def rowwise(self) -> bool:
        """Whether each row of the outputs depends on the same row of the inputs alone."""
        return all(map(is_rowwise, self.operations)) and all(map(keeps_rows, self.graph.nodes))

    def masks(self, value: Any) -> Any:
        """Returns the masks of the outputs, computed from the inputs, or None without masks."""
        if not self._masked:
            return None
        results = self.graph.run(self.bind(value))[len(self.output_tensors) :]
        masks: list[Any] = [None] * len(self.output_tensors)
        for i, m in zip(self._masked, results, strict=True):
            masks[i] = m
        return self._to_structure(masks)

    # ------------------------------------------------------------------------------------ binding

    def bind(self, value: Any) -> list[Any]:
        """Returns one array for each input, converted to its dtype and matched by name.

        Raises:
            ValueError: an input is missing, or a shape does not match.
        """
        values = self.match(value)
        return [
            self._convert(x, tensor, name)
            for x, tensor, name in zip(values, self.input_tensors, self.input_names, strict=True)
        ]

    def arrange(self, values: Sequence[Any]) -> Any:
        """Returns one value for each input, in the structure of the inputs."""
        return tree.unflatten(self._inputs_treedef, list(values))

    def match(self, value: Any) -> list[Any]:
        """Returns the value passed for each input, in order, without conversion.

        Warns:
            UserWarning: a dict has keys that are not inputs; once for each model.
        """
        found = self._find_values(value)
        if not self._reported_unused and (unused := self._unused_keys(value)):
            self._reported_unused = True
            warnings.warn(
                f"{self._owner}: {', '.join(map(repr, unused))} in the data are not inputs of the "
                f"model and are ignored. Its inputs are {', '.join(map(repr, self.input_names))}.",
                stacklevel=user_stacklevel(),
            )
        return found

    def _find_values(self, value: Any) -> list[Any]:
        if len(self.input_tensors) == 1 and not isinstance(value, (dict, list, tuple)):
            return [value]
        if isinstance(value, dict) and not isinstance(self.inputs, dict):
            return [self._by_name(value, name) for name in self.input_names]
        found = _match(self.inputs, value)
        if found is None and isinstance(value, dict):
            found = [self._by_name(value, name) for name in self.input_names]
        if found is None and len(self.input_tensors) == 1 and isinstance(value, (list, tuple)):
            if len(value) == 1:
                return [value[0]]
        if found is None:
            raise ValueError(
                f"{self._owner}: expected {self._expected()}; received {_describe(value)}.\n"
                "Pass one array for each input, in a list or in a dict by name."
            )
        return found

    def _unused_keys(self, value: Any) -> list[Any]:
        """Returns the keys of dicts that correspond to no input."""
        if not isinstance(value, dict):
            return _keys_beyond(self.inputs, value) if isinstance(value, (list, tuple)) else []
        names = {*self.input_names, *(tensor.name for tensor in self.input_tensors)}
        found = _keys_beyond(self.inputs, value) if isinstance(self.inputs, dict) else value
        return [key for key in found if key not in names]

    def _by_name(self, value: dict[str, Any], name: str) -> Any:
        if name in value:
            return value[name]
        tensor = self.input_tensors[self.input_names.index(name)]
        if tensor.name in value:
            return value[tensor.name]
        if tensor.optional:
            return None
        raise ValueError(
            f"{self._owner}: input {name!r} is missing. Received the names {list(value)}. "
            f"The model has the inputs {self.input_names}.{self._suggest_name(name, value)}"
        )

    def _suggest_name(self, name: str, value: dict[str, Any]) -> str:
        """Returns a hint if one of the received names resembles a missing input."""
        unknown = [str(given) for given in value if given not in self.input_names]
        close = difflib.get_close_matches(name, unknown, n=1)
        close = close or (unknown if len(unknown) == 1 else [])
        return f"\nDid you mean {name!r} instead of {close[0]!r}?" if close else ""

    def _expected(self) -> str:
        named = zip(self.input_names, self.input_tensors, strict=True)
        shapes = [f"{name!r} {tensor.shape}" for name, tensor in named]
        kind = type(self.inputs).__name__
        if len(shapes) == 1 and not isinstance(self.inputs, dict):
            return f"one input, {shapes[0]}"
        return f"{quantity(len(shapes), 'input')} ({kind}): {', '.join(shapes)}"

    def _convert(self, x: DataLike, tensor: Tensor, name: str) -> Any:
        if x is None:
            self.check_optional(tensor, name)
            return None
        if is_sparse(x):
            x = cast_sparse(x, tensor.dtype) if tensor.sparse else to_dense(x)
        elif not isinstance(x, jax.Array):
            # Integers beyond 32 bits are refused unless a float is wanted.
            convert = narrowed if is_float(tensor.dtype) else host_array
            x = jnp.asarray(convert(x) if isinstance(x, np.ndarray) else x)
        if x.dtype != tensor.dtype:
            if x.dtype.kind == "c" and np.dtype(tensor.dtype).kind != "c":
                raise TypeError(
                    f"{self._owner}: input {name!r} expects real numbers ({tensor.dtype}); "
                    f"received {x.dtype}.\nPass real and imaginary parts as features, or give the "
                    "Input dtype='complex64'."
                )
            x = x.astype(tensor.dtype)
        # As in Keras, data may lack a last axis of size 1, or have it in addition.
        want = tensor.shape
        if x.ndim == len(want) - 1 and want and want[-1] == 1:
            x = x[..., None]
        elif x.ndim == len(want) + 1 and x.shape[-1] == 1:
            x = x[..., 0]
        self.check_shape(x, tensor, name)
        return x

    def consumers(self, tensor: Tensor) -> Sequence[Layer]:
        """Returns the layers that an input feeds."""
        return next(layers for source, layers in self._consumers if source is tensor)

    @cached_property
    def _consumers(self) -> list[tuple[Tensor, list[Layer]]]:
        return [(tensor, _find_consumers(tensor, self.nodes)) for tensor in self.input_tensors]

    def check_optional(self, tensor: Tensor, name: str) -> None:
        """Raises a ValueError for an input that is None, unless it is optional."""
        if not tensor.optional:
            raise ValueError(
                f"{self._owner}: input {name!r} is None. Pass an array; only an "
                "Input(..., optional=True) may be missing."
            )

    def check_shape(self, x: DataLike, tensor: Tensor, name: str) -> None:
        """Raises a ValueError if an array does not match the shape of its input.

        A last axis of size 1 may be missing or added. The number of rows is not checked: a last
        batch may be smaller than a fixed batch size, and all data is larger.
        """
        want, got = (None, *tensor.shape[1:]), tuple(x.shape)
        if len(got) == len(want) - 1 and want[-1:] == (1,):
            got = (*got, 1)
        elif len(got) == len(want) + 1 and got[-1] == 1:
            got = got[:-1]
        sizes = zip(want, got, strict=False) if self.strict else ()
        if len(got) == len(want) and all(
            w is None or not isinstance(g, int) or w == g for w, g in sizes
        ):
            return
        hint = ""
        # The shape of one sample, to which a last axis may have been added.
        is_sample = want[1:] in (tuple(x.shape), tuple(x.shape[:-1]))
        if len(got) == len(want) - 1 or is_sample:
            hint = "\nThe batch axis seems to be missing: pass x[None] for a single sample."
        others = zip(self.input_names, self.input_tensors, strict=True)
        fit = [repr(n) for n, t in others if t is not tensor and t.shape[1:] == got[1:] and got[1:]]
        if fit:
            hint += (
                f"\nThe shape matches input {' or '.join(fit)}: check the order of the inputs, or "
                "pass a dict by name."
            )
        if not hint:
            hint = "\nReshape the data, or change the shape of the Input."
        raise ValueError(
            f"{self._owner}: input {name!r} expects the shape {want}; "
            f"received {tuple(x.shape)}.{hint}"
        )


def _find_consumers(tensor: Tensor, nodes: Sequence[Node]) -> list[Layer]:
    return [
        node.op
        for node in nodes
        if isinstance(node.op, Layer)
        and not isinstance(node.op, InputLayer)
        and any(used is tensor for used in node.inputs)
    ]


def _keys_beyond(structure: PyTree, value: Any) -> list[Any]:
    """Returns the keys of nested dicts that are not in the structure of the inputs."""
    if isinstance(structure, dict) and isinstance(value, dict):
        found = [key for key in value if key not in structure]
        pairs = [(structure[key], value[key]) for key in value if key in structure]
    elif isinstance(structure, (list, tuple)) and isinstance(value, (list, tuple)):
        found, pairs = [], list(zip(structure, value, strict=False))
    else:
        return []
    return [*found, *(key for pair in pairs for key in _keys_beyond(*pair))]


def _describe(value: Any) -> str:
    if isinstance(value, dict):
        return f"a dict with the keys {list(value)}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"one array of shape {tuple(np.shape(value))}"


def _match(structure: PyTree, value: Any) -> list[Any] | None:
    """Returns the leaves of `value` in the order of `structure`, or None if it does not match."""
    if isinstance(structure, Tensor):
        return None if isinstance(value, (dict, list, tuple)) else [value]
    if isinstance(structure, dict):
        if not isinstance(value, dict):
            return None
        found: list[Any] = []
        for key in sorted(structure):  # the order in which jax flattens dicts
            if key not in value:
                if isinstance(structure[key], Tensor) and structure[key].optional:
                    found.append(None)
                    continue
                return None
            part = _match(structure[key], value[key])
            if part is None:
                return None
            found += part
        return found
    if not isinstance(value, (list, tuple)) or len(value) != len(structure):
        return None
    parts = [_match(inner, item) for inner, item in zip(structure, value, strict=True)]
    if any(part is None for part in parts):
        return None
    return [leaf for part in parts for leaf in part or []]


def _check_tensors(structure: PyTree, what: str) -> None:
    for path, leaf in tree.flatten_with_path(structure):
        if isinstance(leaf, Tensor):
            continue
        at = "".join(f"[{step!r}]" for step in path)
        if isinstance(leaf, Layer):
            raise ValueError(
                f"{what}{at} is the layer {leaf.name!r}, not a Tensor: the layer was created but "
                f"not called.\nWrite {type(leaf).__name__}(...)(x) instead of "
                f"{type(leaf).__name__}(...)."
            )
        raise ValueError(
            f"{what}{at} must be a symbolic Tensor, as returned by `Input()`. "
            f"Received: {_describe_leaf(leaf)}"
            + ("\nIt is an object of Keras: use cornu.Input." if keras_class(leaf) else "")
        )


def _describe_leaf(leaf: Any) -> str:
    if hasattr(leaf, "shape"):
        return f"an array of shape {tuple(leaf.shape)} (of type {type(leaf).__name__})"
    return f"{leaf!r} (of type {type(leaf).__name__})"


def _check_unique(tensors: Sequence[Tensor], owner: str) -> None:
    seen: set[int] = set()
    for tensor in tensors:
        if id(tensor) in seen:
            raise ValueError(
                f"{owner}: input {tensor.name!r} is passed twice.\n"
                "Pass it once; any number of layers may use it."
            )
        seen.add(id(tensor))


def _tensor_name(tensor: Tensor, names: dict[int, str]) -> str:
    if tensor.node is None:
        return tensor.name
    return names.get(id(tensor.node.op), tensor.node.name)


def _tensor_names(structure: PyTree, names: dict[int, str]) -> list[str]:
    """Returns the name of each leaf: its key in a flat dict, otherwise the name of its layer."""
    if isinstance(structure, dict) and all(isinstance(v, Tensor) for v in structure.values()):
        # In the order of the leaves: JAX sorts the keys of a dict, but not those of an OrderedDict.
        return list(structure) if isinstance(structure, OrderedDict) else sorted(structure)
    taken: dict[str, int] = {}
    return [make_unique(_tensor_name(leaf, names), taken) for leaf in tree.leaves(structure)]


def _unique_names(layers: Sequence[Layer]) -> dict[int, str]:
    taken: dict[str, int] = {}
    return {id(layer): make_unique(layer.name, taken) for layer in layers}


def _is_input(tensor: Tensor) -> bool:
    return tensor.node is not None and isinstance(tensor.node.op, InputLayer)


def _find_nodes(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Node]:
    given = {id(t) for t in inputs}
    nodes = {t.node.number: t.node for t in inputs if t.node is not None and _is_input(t)}
    pending = list(outputs)
    while pending:
        tensor = pending.pop()
        node = tensor.node
        if id(tensor) in given or node is None or node.number in nodes:
            continue
        nodes[node.number] = node
        pending.extend(node.inputs)
    return [nodes[number] for number in sorted(nodes)]


def _sort_like_keras(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Any]:
    """Returns the layers and ops in Keras's order, which determines the order of the weights.

    They are sorted by depth (the length of the longest path to an output), deepest first; within
    a depth, in the order of a depth-first traversal from the outputs.
    """
    # Iterative, because deep models exceed Python's recursion limit. A node is pushed a second
    # time, as `leaving`, to be finished after its inputs.
    given = {id(t) for t in inputs}
    first_seen: dict[int, int] = {}
    finished: list[Node] = []
    entered: set[int] = set()
    for output in outputs:
        pending: list[tuple[Tensor, Node | None]] = [(output, None)]
        while pending:
            tensor, leaving = pending.pop()
            if leaving is not None:
                finished.append(leaving)
                continue
            node = tensor.node
            if (
                node is None
                or node.number in entered
                or (id(tensor) in given and not _is_input(tensor))
            ):
                continue
            entered.add(node.number)
            first_seen.setdefault(id(node.op), len(first_seen))
            pending.append((tensor, node))
            if id(tensor) not in given:
                pending.extend((parent, None) for parent in reversed(node.inputs))
    depths: dict[int, int] = {}
    op_depths: dict[int, int] = {}
    ops: dict[int, Any] = {}
    for node in reversed(finished):
        depth = max(depths.get(node.number, 0), op_depths.get(id(node.op), 0))
        depths[node.number] = op_depths[id(node.op)] = depth
        ops[id(node.op)] = node.op
        for tensor in node.inputs:
            if tensor.node is not None and tensor.node.number in entered:
                number = tensor.node.number
                depths[number] = max(depth + 1, depths.get(number, 0))
    for tensor in inputs:
        node_in = tensor.node
        if node_in is not None and id(node_in.op) not in ops and _is_input(tensor):
            ops[id(node_in.op)] = node_in.op
            op_depths[id(node_in.op)] = 0
            first_seen[id(node_in.op)] = -1
    by_depth: dict[int, list[Any]] = defaultdict(list)
    for key, op in ops.items():
        by_depth[op_depths[key]].append(op)
    order: list[Any] = []
    for depth in sorted(by_depth, reverse=True):
        order += sorted(by_depth[depth], key=lambda op: first_seen[id(op)])
    return order
