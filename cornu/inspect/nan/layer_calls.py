"""A recorder of the calls of layers and ops while a model runs, forward and backward."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from cornu.core.graph.op import Op
from cornu.core.graph.tensor import Node
from cornu.core.layer.layer import Layer
from cornu.core.layer.walk import nested_layers
from cornu.core.state import scope
from cornu.core.tracebacks.user_frames import format_location
from cornu.inspect.checks.context import path_of_node
from cornu.types import Array, PyTree

__all__ = [
    "CallRecorder",
    "GradientRecord",
    "LayerCall",
    "is_finite",
    "list_arrays",
    "record_calls",
]


@dataclass(eq=False)
class LayerCall:
    """One call of a layer or op.

    Attributes:
        op: the layer, the op, or "loss".
        path: its path in the model.
        place: its source location.
        began: the number of calls that started before it.
        around: the surrounding call, None for the outermost.
        inputs, outputs: its float arrays.
    """

    op: Any
    path: str
    place: str
    began: int
    around: LayerCall | None = None
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    @property
    def layer(self) -> Layer | None:
        """The layer; None for an op."""
        return self.op if isinstance(self.op, Layer) else None


class GradientRecord(NamedTuple):
    """A gradient of an input or output of a call.

    Attributes:
        call: the call.
        left: whether it is the gradient of an input; otherwise of an output.
        finite: whether it is finite.
        gradient: the gradient.
    """

    call: LayerCall
    left: bool
    finite: bool
    gradient: Any


class CallRecorder:
    """The calls that happened while a model ran.

    Args:
        probing: whether gradients are recorded as well.

    Attributes:
        calls: the calls in the order in which they ended: inner ones before outer ones.
    """

    def __init__(self, probing: bool = False) -> None:
        self.probing = probing
        self.calls: list[LayerCall] = []
        self._open: list[LayerCall] = []
        self._count = 0
        self._passed: list[GradientRecord] = []

    @property
    def top(self) -> LayerCall | None:
        """The innermost running call."""
        return self._open[-1] if self._open else None

    @contextlib.contextmanager
    def call(self, op: Any, name: str, place: str) -> Iterator[LayerCall]:
        """Records a call, which runs inside the `with` block."""
        around = self.top
        path = "/".join(part for part in (around.path if around else "", name) if part)
        call = LayerCall(op, path, place, self._count, around)
        self._count += 1
        self._open.append(call)
        try:
            yield call
        finally:
            self._open.pop()
        self.calls.append(call)

    def record_inputs(self, call: LayerCall, values: PyTree) -> Any:
        """Records the arguments of a call."""
        call.inputs = list_arrays(values)
        return self._insert_probes(call, True, values)

    def record_outputs(self, call: LayerCall, values: PyTree) -> Any:
        """Records what a call returns."""
        values = self._insert_probes(call, False, values)
        call.outputs = list_arrays(values)
        return values

    def probe_loss(self, outputs: PyTree) -> Any:
        """Records the gradients of the loss by the outputs."""
        return self._insert_probes(LayerCall("loss", "", "", self._count), True, outputs)

    def _insert_probes(self, call: LayerCall, entering: bool, values: Any) -> Any:
        if not self.probing:
            return values
        masks = scope.current().masks

        def seen(gradient: Any) -> None:
            # Inside a scan the backward pass is traced, and there is no value to check.
            if not isinstance(gradient, jax.core.Tracer):
                self._passed.append(GradientRecord(call, entering, is_finite(gradient), gradient))

        def one(x: Any) -> Any:
            if not _is_float(x):
                return x
            new = _probe(seen, x)
            mask = masks.get(x)
            if mask is not None:
                masks.put(new, mask)
            return new

        return jax.tree_util.tree_map(one, values)

    # ------------------------------------------------------------------------------------- origins

    def origin(self, bad: Sequence[Any]) -> LayerCall | None:
        """Returns the first call whose output led to the given arrays, which are not finite."""
        # Arrays are identified by `id`; the recorder keeps them alive, so ids are not reused.
        makers: dict[int, LayerCall] = {}
        for made in self.calls:
            for array in made.outputs:
                makers.setdefault(id(array), made)
        found: list[LayerCall] = []
        todo, seen = list(bad), set[int]()
        while todo:
            call = makers.get(id(todo.pop()))
            if call is None or id(call) in seen:
                continue
            seen.add(id(call))
            given = [array for array in call.inputs if not is_finite(array)]
            known = [array for array in given if id(array) in makers]
            if known:
                todo += known
                continue
            before = self._find_earlier_origin(call) if given else None
            found.append(self._find_inner_origin(call if before is None else before))
        return min(found, key=lambda call: call.began, default=None)

    def _find_earlier_origin(self, call: LayerCall) -> LayerCall | None:
        """Returns the first earlier call that returned values that are not finite."""
        earlier = self.calls[: self.calls.index(call)]
        return next((e for e in earlier if _is_origin(e)), None)

    def _find_inner_origin(self, call: LayerCall) -> LayerCall:
        """Returns the first origin among the calls inside a call, or the call itself."""
        end = self.calls.index(call)
        inside = [e for e in self.calls[:end] if e.began > call.began]
        return next((e for e in inside if _is_origin(e)), call)

    def backward_origin(self) -> GradientRecord | None:
        """Returns the first gradient of the backward pass that is not finite."""
        return next((passed for passed in self._passed if not passed.finite), None)


def _is_origin(call: LayerCall) -> bool:
    """Returns whether the inputs of a call are finite and its outputs are not."""
    return all(map(is_finite, call.inputs)) and not all(map(is_finite, call.outputs))


# An identity with a custom gradient rule is the only way to see a gradient between two layers.
@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _probe(seen: Callable[[Any], None], x: Any) -> Any:
    return x


def _probe_forward(seen: Callable[[Any], None], x: Any) -> Any:
    return x, None


def _probe_backward(seen: Callable[[Any], None], _: None, gradient: Any) -> Any:
    seen(gradient)
    return (gradient,)


_probe.defvjp(_probe_forward, _probe_backward)


@contextlib.contextmanager
def record_calls(model: Any, recorder: CallRecorder) -> Iterator[None]:
    """Records the calls of all layers and ops of a model within a `with` block."""
    layers = {id(layer): layer for layer in [model, *nested_layers(model)]}
    graphs = [layer._graph_ for layer in layers.values() if layer._graph_ is not None]
    paths = {node.number: path_of_node(g, node) for g in graphs for node in g.graph.nodes}

    def look(
        op: Layer | Op,
        node: Node | None,
        run: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if node is not None:
            path, place = paths.get(node.number, node.name), node.location
        elif not isinstance(op, Layer) or id(op) not in layers or op._graph_ is not None:
            return run(*args, **kwargs)
        elif recorder.top is not None and recorder.top.op is op:
            return run(*args, **kwargs)  # recorded as the call of its node already
        else:
            path, place = "" if op is model else op.name, _call_location(op)
        with recorder.call(op, path, place) as call:
            args, kwargs = recorder.record_inputs(call, (args, kwargs))
            return recorder.record_outputs(call, run(*args, **kwargs))

    with scope.intercept_calls(look):
        yield


def _call_location(layer: Layer) -> str:
    """Returns where the `call` method of a user's layer is defined, '' for the library's."""
    own = not type(layer).__module__.startswith("cornu.")
    return format_location(type(layer).call.__code__) if own else ""


def list_arrays(values: PyTree) -> list[Any]:
    """Returns the float arrays among nested values."""
    return [leaf for leaf in jax.tree_util.tree_leaves(values) if _is_float(leaf)]


def _is_float(x: Any) -> bool:
    return isinstance(x, jax.Array) and bool(jnp.issubdtype(x.dtype, jnp.inexact))


def is_finite(x: Array) -> bool:
    """Whether all of an array is finite; what is being traced counts as finite."""
    if isinstance(x, jax.core.Tracer):
        return True
    x = jnp.asarray(x)
    return not jnp.issubdtype(x.dtype, jnp.inexact) or bool(jnp.isfinite(x).all())
