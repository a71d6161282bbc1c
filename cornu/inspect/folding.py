"""Groups of consecutive equal blocks, which summaries and plots show once."""

from __future__ import annotations

import inspect
import itertools
import types
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cornu import tree
from cornu.core.graph.op import Op
from cornu.core.graph.operation import Operation
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.inspect.outline import Item
from cornu.registry import Configurable

__all__ = ["describe_differences", "fold", "format_repeats"]

# A line of a summary has space for this much: more differences are not one kind of block.
_MOST_ARGUMENTS = 2
_MOST_VALUES = 6
_PLAIN = (bool, int, float, complex, str, bytes, types.NoneType, np.generic)
# The names of the layers differ, and the trainable flags are compared separately.
_NOT_COMPARED = ("self", "name", "trainable")


@api_boundary
def fold(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Groups consecutive equal blocks; every other item is a group with one element.

    Blocks are equal if they are calls of the same function, and their layers have the same
    classes, connections, numbers of weights, output shapes, trainable flags and arguments. Up to
    two arguments may vary, such as `dilation_rate`; see `describe_differences`.

    Args:
        items: the children of an item of `cornu.inspect.outline`, in their order.

    Example:

    >>> import cornu
    >>> def block(x):
    ...     return cornu.layers.Dense(2)(x)
    >>> x = cornu.Input((2,))
    >>> items = cornu.inspect.outline(cornu.Model(x, block(block(x)))).children
    >>> [len(group) for group in cornu.inspect.fold(items)]
    [1, 2]
    """
    number = itertools.count()

    def key(item: Item) -> Any:
        if item.block is None:
            return next(number)
        return (item.block.function, _structure(item.block.nodes))

    for _, group in itertools.groupby(items, key=key):
        alike = list(group)
        if len(alike) == 1 or describe_differences(alike) is not None:
            yield alike
            continue
        for _, equal in itertools.groupby(alike, key=lambda i: _arguments(i.block.nodes)):  # type: ignore[union-attr]
            yield list(equal)


def describe_differences(group: Sequence[Item]) -> str | None:
    """Returns the arguments that vary within a group of blocks, such as `"rate 0.1, 0.2"`.

    The text is empty if none does. It is None if too many do, or if values have no short text.
    """
    blocks = [item.block for item in group if item.block is not None]
    calls = [dict(_arguments(block.nodes)) for block in blocks]
    varying: dict[tuple[str, tuple[Any, ...]], None] = {}
    for node, name in calls[0] if calls else ():
        values = tuple(call.get((node, name)) for call in calls)
        if len(set(values)) > 1:
            varying[name, values] = None  # two layers may vary in the same way
    texts = [(name, [_show(value) for value in values]) for name, values in varying]
    if len(texts) > _MOST_ARGUMENTS or any(None in shown for _, shown in texts):
        return None
    return ", ".join(f"{name} {', '.join(_abbreviate(shown))}" for name, shown in texts)


def format_repeats(group: Sequence[Item]) -> str:
    """Returns the title of folded blocks, such as `"block x3, rate 0.1, 0.2, 0.3"`."""
    differences = describe_differences(group)
    return f"{group[0].label} x{len(group)}" + (f", {differences}" if differences else "")


def _abbreviate(values: list[Any]) -> list[str]:
    return values if len(values) <= _MOST_VALUES else [*values[:2], "...", values[-1]]


def _show(value: Any) -> str | None:
    if isinstance(value, _PLAIN):
        return str(value)
    if isinstance(value, tuple) and all(isinstance(part, _PLAIN) for part in value):
        return str(value)
    return None


# ------------------------------------------------------------------------------- what is compared


def _structure(nodes: Sequence[Node]) -> tuple[Any, ...]:
    """Returns what has to be equal: classes, connections, shapes, weights, trainable flags."""
    made = {id(t): (i, k) for i, n in enumerate(nodes) for k, t in enumerate(n.output_tensors)}
    return tuple(
        (
            _kind(node.op),
            tuple(t.shape for t in node.output_tensors),
            # A Tensor of another block is only an input: chained blocks differ in it.
            tuple(made.get(id(t)) for t in node.inputs),
            _weights(node.op) if isinstance(node.op, Layer) else (),
        )
        for node in nodes
    )


def _kind(op: Any) -> Any:
    """Returns what has to be equal of a layer, operation or op: its class, or its function."""
    return (op.name, _comparable(op.function)) if isinstance(op, Op) else type(op)


def _weights(layer: Layer) -> tuple[Any, ...]:
    """Returns the shapes of the weights, and whether they are trained."""
    trained = {id(v) for v in layer.trainable_weights}
    return (
        layer.trainable,
        tuple((tuple(v.shape), id(v) in trained) for v in layer.weights),
    )


def _arguments(nodes: Sequence[Node]) -> tuple[tuple[tuple[int, str], Any], ...]:
    """Returns the arguments of the layers and ops, by the index of the node and their name."""
    found: dict[tuple[int, str], Any] = {}
    for i, node in enumerate(nodes):
        if isinstance(node.op, Operation):
            for name, value in _settings(node.op).items():
                found[i, name] = _comparable(value)
        constants = [x for x in tree.leaves((node.args, node.kwargs)) if not isinstance(x, Tensor)]
        if constants:
            values = tuple(_comparable(x) for x in constants)
            # The names of layers differ between blocks.
            name = node.op.name if isinstance(node.op, Op) else type(node.op).__name__
            found[i, name] = values[0] if len(values) == 1 else values
    return tuple(found.items())


def _settings(thing: Configurable) -> dict[str, Any]:
    """Returns the arguments of the constructor by name, with defaults."""
    if isinstance(thing, Layer) and thing._graph_ is not None:
        # A nested model: its constructor received Tensors or layers.
        nodes = thing._graph_.graph.nodes
        return {"layers": (_structure(nodes), _arguments(nodes))}
    args, kwargs = thing._constructor_call_
    bound = inspect.signature(type(thing).__init__).bind_partial(thing, *args, **kwargs)
    bound.apply_defaults()
    given: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        given |= value if kind is inspect.Parameter.VAR_KEYWORD else {name: value}
    return {name: value for name, value in given.items() if name not in _NOT_COMPARED}


def _comparable(value: Any) -> Any:
    """Returns a hashable value that is equal for equal arguments."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(_comparable(item) for item in value)
    if isinstance(value, dict):
        return tuple((key, _comparable(item)) for key, item in value.items())
    if isinstance(value, Configurable):
        settings = {name: _comparable(item) for name, item in _settings(value).items()}
        return (type(value), *settings.items())
    if isinstance(value, types.FunctionType):
        # A function that is defined in a block is another object for each call of the block.
        cells = tuple(_comparable(cell.cell_contents) for cell in value.__closure__ or ())
        return (value.__code__, cells)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    # Ops and other objects are equal if they are the same.
    return value if isinstance(value, Op) else (type(value), id(value))
