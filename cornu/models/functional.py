"""FunctionalGraph: a graph with the structure and the names of its inputs and outputs.

Names bind, never positions: a dict is matched by key or input name, whatever its order.
"""

from __future__ import annotations

import difflib
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.layers.input import InputLayer
from cornu.names import make_unique

__all__ = ["FunctionalGraph"]


class FunctionalGraph:
    """What `Model(inputs, outputs)` was given, checked and put in order.

    Attributes:
        inputs, outputs: Tensors in the structure that the user gave.
        input_tensors, output_tensors: the same in a list.
        input_names: the name of each input; `output_names`: of each output.
        graph: the nodes between them.
        layers: the layers, in Keras's order (deepest first, then as traversed).
        strict: whether arrays must have the shapes of the inputs, or only their number of axes
            (for inputs that the user did not declare).
    """

    def __init__(self, inputs: Any, outputs: Any, who: str, strict: bool = True) -> None:
        _check_tensors(inputs, f"{who}: inputs")
        _check_tensors(outputs, f"{who}: outputs")
        self.inputs = inputs
        self.outputs = outputs
        self.strict = strict
        self.input_tensors: list[Tensor] = tree.leaves(inputs)
        self.output_tensors: list[Tensor] = tree.leaves(outputs)
        self._who = who
        if not self.input_tensors or not self.output_tensors:
            raise ValueError(f"{who}: a model has at least one input and one output.")
        _check_once(self.input_tensors, who)
        self.input_names = _names(inputs, {})
        self.output_names = _names(outputs, {})
        masks = [t.mask for t in self.output_tensors]
        self._masked = [i for i, mask in enumerate(masks) if mask is not None]
        reached = _reached([*self.output_tensors], self.input_tensors)
        self._masked = [i for i in self._masked if _reachable_mask(masks[i], self.input_tensors)]
        self.graph = Graph(
            self.input_tensors, [*self.output_tensors, *(masks[i] for i in self._masked)]
        )
        self.nodes: list[Node] = reached
        self.operations = _keras_order(self.input_tensors, self.output_tensors)
        self.layers: list[Layer] = [op for op in self.operations if isinstance(op, Layer)]
        self.layer_names = _unique_names(self.layers)
        self._given_names: dict[int, str] = {}

    def run(self, value: Any, mask: Any = None) -> Any:
        """Computes the outputs, in their structure, from arrays in the structure of the inputs."""
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
        return tree.unflatten(tree.flatten_with_treedef(self.outputs)[1], outputs)

    def rename(self, names: dict[int, str]) -> None:
        """Gives layers other names in this drawing alone, by the `id` of the layer.

        A layer may belong to several drawings, and is called the same by all others. Inputs and
        outputs that bear the name of a renamed layer follow.
        """
        self._given_names.update(names)
        taken = dict.fromkeys((self._given_names.get(id(la), "") for la in self.layers), 0)
        self.layer_names = {
            id(layer): self._given_names.get(id(layer)) or make_unique(layer.name, taken)
            for layer in self.layers
        }
        self.input_names = _names(self.inputs, self.layer_names)
        self.output_names = _names(self.outputs, self.layer_names)

    def structural_attributes(self) -> dict[str, Any]:
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
        return all(_is_rowwise(op) for op in self.operations)

    def masks(self, value: Any) -> Any:
        """Returns the masks of the outputs as drawn, or None."""
        if not self._masked:
            return None
        results = self.graph.run(self.bind(value))[len(self.output_tensors) :]
        masks: list[Any] = [None] * len(self.output_tensors)
        for i, m in zip(self._masked, results, strict=True):
            masks[i] = m
        return tree.unflatten(tree.flatten_with_treedef(self.outputs)[1], masks)

    # ------------------------------------------------------------------------------------ binding

    def bind(self, value: Any) -> list[Any]:
        """Returns one array for each input, of its dtype, bound by name.

        Raises:
            ValueError: an input is missing, or a shape does not fit.
        """
        values = self.match(value)
        return [
            self._fit(x, tensor, name)
            for x, tensor, name in zip(values, self.input_tensors, self.input_names, strict=True)
        ]

    def arrange(self, values: Sequence[Any]) -> Any:
        """Returns one value for each input, in the structure of the inputs."""
        return tree.unflatten(tree.flatten_with_treedef(self.inputs)[1], list(values))

    def match(self, value: Any) -> list[Any]:
        """Returns what was given for each input, in order, unconverted."""
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
                f"{self._who}: expects {self._expected()}; received {_describe(value)}.\n"
                "Give one array for each input, in a list or in a dict by name."
            )
        return found

    def _by_name(self, value: dict[str, Any], name: str) -> Any:
        if name in value:
            return value[name]
        tensor = self.input_tensors[self.input_names.index(name)]
        if tensor.name in value:
            return value[tensor.name]
        if tensor.optional:
            return None
        raise ValueError(
            f"{self._who}: input {name!r} is missing. Received the names {list(value)}. "
            f"The model has the inputs {self.input_names}.{self._mistaken(name, value)}"
        )

    def _mistaken(self, name: str, value: dict[str, Any]) -> str:
        """Says which of the names given may be meant for an input."""
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
        return f"{len(shapes)} inputs ({kind}): {', '.join(shapes)}"

    def _fit(self, x: Any, tensor: Tensor, name: str) -> Any:
        if x is None:
            if tensor.optional:
                return None
            raise ValueError(f"{self._who}: input {name!r} is None.")
        if not isinstance(x, jax.Array):
            x = jnp.asarray(x)
        if x.dtype != tensor.dtype:
            x = x.astype(tensor.dtype)
        want = tensor.shape
        if x.ndim == len(want) - 1 and want and want[-1] == 1:
            x = x[..., None]
        elif x.ndim == len(want) + 1 and x.shape[-1] == 1:
            x = x[..., 0]
        self.check_shape(x, tensor, name)
        return x

    def check_shape(self, x: Any, tensor: Tensor, name: str, rows: bool = True) -> None:
        """Refuses an array that has not the shape of its input (up to a last axis of size 1).

        With `rows=False` the number of rows may differ: data has more of them than a batch.
        """
        want, got = tensor.shape, tuple(x.shape)
        if not rows:
            want = (None, *want[1:])
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
        if len(got) == len(want) - 1:
            hint = "\nThe batch axis seems to be missing: pass x[None] for a single sample."
        others = zip(self.input_names, self.input_tensors, strict=True)
        fit = [repr(n) for n, t in others if t is not tensor and t.shape[1:] == got[1:] and got[1:]]
        if fit:
            hint += (
                f"\nIt would fit input {' or '.join(fit)}: are they in the wrong order? "
                "A dict by name cannot be."
            )
        if not hint:
            hint = "\nChange the data, or the shape of the Input."
        raise ValueError(
            f"{self._who}: input {name!r} expects the shape {want}; "
            f"received {tuple(x.shape)}.{hint}"
        )


def _describe(value: Any) -> str:
    if isinstance(value, dict):
        return f"a dict with the keys {list(value)}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"one array of shape {tuple(np.shape(value))}"


def _match(structure: Any, value: Any) -> list[Any] | None:
    """Returns the leaves of `value` in the order of `structure`, or None if they do not fit."""
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


# Ops of which each output row depends on the same rows of the operands.
_ROWWISE_OPS = frozenset(
    "add subtract multiply true_divide divide power negative absolute maximum minimum exp log "
    "sqrt rsqrt square tanh sigmoid relu gelu silu elu selu softplus softmax log_softmax clip "
    "where cast compute_mask less less_equal greater greater_equal equal not_equal "
    "logical_and logical_or logical_not bitwise_and bitwise_or bitwise_xor bitwise_not".split()
)


def _is_rowwise(op: Any) -> bool:
    if not isinstance(op, Layer):
        return op.name in _ROWWISE_OPS
    if op.activity_regularizer is not None:
        return False
    return op.rowwise is True and all(_is_rowwise(layer) for layer in op.sublayers())


def _check_tensors(structure: Any, what: str) -> None:
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
            f"{what}{at} must be a symbolic Tensor, such as `Input()` returns. "
            f"Received: {_shown(leaf)}"
        )


def _shown(leaf: Any) -> str:
    if hasattr(leaf, "shape"):
        return f"an array of shape {tuple(leaf.shape)} (of type {type(leaf).__name__})"
    return f"{leaf!r} (of type {type(leaf).__name__})"


def _check_once(tensors: Sequence[Tensor], who: str) -> None:
    seen: set[int] = set()
    for tensor in tensors:
        if id(tensor) in seen:
            raise ValueError(
                f"{who}: input {tensor.name!r} is given twice.\n"
                "Give it once; it may be used by as many layers as you like."
            )
        seen.add(id(tensor))


def _tensor_name(tensor: Tensor, names: dict[int, str]) -> str:
    if tensor.node is None:
        return tensor.name
    return names.get(id(tensor.node.op), tensor.node.name)


def _names(structure: Any, names: dict[int, str]) -> list[str]:
    """Returns a name for each leaf: the key in a flat dict, else that of the layer that made it."""
    if isinstance(structure, dict) and all(isinstance(v, Tensor) for v in structure.values()):
        return list(structure) if isinstance(structure, OrderedDict) else sorted(structure)
    taken: dict[str, int] = {}
    return [make_unique(_tensor_name(leaf, names), taken) for leaf in tree.leaves(structure)]


def _unique_names(layers: Sequence[Layer]) -> dict[int, str]:
    taken: dict[str, int] = {}
    return {id(layer): make_unique(layer.name, taken) for layer in layers}


def _is_input(tensor: Tensor) -> bool:
    return tensor.node is not None and isinstance(tensor.node.op, InputLayer)


def _reached(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Node]:
    given = {id(t) for t in inputs}
    nodes = {t.node.number: t.node for t in inputs if t.node is not None and _is_input(t)}
    todo = list(outputs)
    while todo:
        tensor = todo.pop()
        node = tensor.node
        if id(tensor) in given or node is None or node.number in nodes:
            continue
        nodes[node.number] = node
        todo.extend(node.inputs)
    return [nodes[number] for number in sorted(nodes)]


def _reachable_mask(mask: Tensor, inputs: Sequence[Tensor]) -> bool:
    given = {id(t) for t in inputs}
    todo, seen = [mask], set()
    while todo:
        tensor = todo.pop()
        if id(tensor) in given or id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if tensor.node is None or not tensor.node.inputs:
            return False
        todo.extend(tensor.node.inputs)
    return True


def _keras_order(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Any]:
    """Returns the layers and ops in the order that Keras lists them, which fixes weight order.

    By depth (the longest way to an output), deepest first; within a depth in the order of a
    depth-first walk from the outputs.
    """
    given = {id(t) for t in inputs}
    first_seen: dict[int, int] = {}
    finished: list[Node] = []
    entered: set[int] = set()
    for output in outputs:
        todo: list[tuple[Tensor, Node | None]] = [(output, None)]
        while todo:
            tensor, leaving = todo.pop()
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
            todo.append((tensor, node))
            if id(tensor) not in given:
                todo.extend((parent, None) for parent in reversed(node.inputs))
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
