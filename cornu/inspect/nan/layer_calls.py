"""Watch: sees every call of a layer or op while a model runs, forward and backward."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from cornu.core.layer.layer import Layer
from cornu.core.layer.walk import nested_layers
from cornu.core.state import scope
from cornu.core.tracebacks.user_frames import format_location
from cornu.inspect.checks.context import path_of_node

__all__ = ["Event", "Passed", "Watch", "arrays", "finite", "watching"]


@dataclass(eq=False)
class Event:
    """One call of a layer or op.

    Attributes:
        op: the layer, the op, or "loss".
        path, place: where it stands.
        began: how many calls had begun before it.
        around: the call in which it happened, None for the outermost.
        inputs, outputs: the float arrays that it got and gave.
    """

    op: Any
    path: str
    place: str
    began: int
    around: Event | None = None
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    @property
    def layer(self) -> Layer | None:
        """The layer, if it is one."""
        return self.op if isinstance(self.op, Layer) else None


class Passed(NamedTuple):
    """A gradient on its way back.

    Attributes:
        event: the call.
        left: whether it left the call at its inputs, or arrived at its outputs.
        whole: whether it was finite.
        gradient: the gradient.
    """

    event: Event
    left: bool
    whole: bool
    gradient: Any


class Watch:
    """What happened in a model.

    Args:
        probing: whether gradients are watched on their way back, rather than values.

    Attributes:
        events: the calls in the order in which they ended: inner ones before outer ones.
    """

    def __init__(self, probing: bool = False) -> None:
        self.probing = probing
        self.events: list[Event] = []
        self._open: list[Event] = []
        self._count = 0
        self._passed: list[Passed] = []

    @property
    def top(self) -> Event | None:
        """The call that runs now."""
        return self._open[-1] if self._open else None

    @contextlib.contextmanager
    def call(self, op: Any, name: str, place: str) -> Iterator[Event]:
        """Surrounds a call."""
        around = self.top
        path = "/".join(part for part in (around.path if around else "", name) if part)
        event = Event(op, path, place, self._count, around)
        self._count += 1
        self._open.append(event)
        try:
            yield event
        finally:
            self._open.pop()
        self.events.append(event)

    def entering(self, event: Event, values: Any) -> Any:
        """Sees what a call gets."""
        event.inputs = arrays(values)
        return self._probed(event, True, values)

    def leaving(self, event: Event, values: Any) -> Any:
        """Sees what a call gives."""
        values = self._probed(event, False, values)
        event.outputs = arrays(values)
        return values

    def probe_loss(self, outputs: Any) -> Any:
        """Watches the gradients that the loss sends back."""
        return self._probed(Event("loss", "", "", self._count), True, outputs)

    def _probed(self, event: Event, entering: bool, values: Any) -> Any:
        if not self.probing:
            return values
        masks = scope.current().masks

        def seen(gradient: Any) -> None:
            if not isinstance(gradient, jax.core.Tracer):
                self._passed.append(Passed(event, entering, finite(gradient), gradient))

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

    def origin(self, bad: Sequence[Any]) -> Event | None:
        """Returns the first call that made what led to some arrays that are not finite."""
        makers: dict[int, Event] = {}
        for event in self.events:
            for array in event.outputs:
                makers.setdefault(id(array), event)
        found: list[Event] = []
        todo, seen = list(bad), set()
        while todo:
            event = makers.get(id(todo.pop()))
            if event is None or id(event) in seen:
                continue
            seen.add(id(event))
            given = [array for array in event.inputs if not finite(array)]
            known = [array for array in given if id(array) in makers]
            if known:
                todo += known
                continue
            before = self._made_before(event) if given else None
            found.append(self._inmost(event if before is None else before))
        return min(found, key=lambda event: event.began, default=None)

    def _made_before(self, event: Event) -> Event | None:
        """Returns the first call before another, at the same depth or deeper, that made some."""
        earlier = self.events[: self.events.index(event)]
        return next((e for e in earlier if _makes(e)), None)

    def _inmost(self, event: Event) -> Event:
        """Returns the call inside of another in which it happened, if it was in one."""
        end = self.events.index(event)
        inside = [e for e in self.events[:end] if e.began > event.began]
        return next((e for e in inside if _makes(e)), event)

    def backward_origin(self) -> Passed | None:
        """Returns the first gradient, going back, that is not finite."""
        return next((passed for passed in self._passed if not passed.whole), None)


def _makes(event: Event) -> bool:
    return all(map(finite, event.inputs)) and not all(map(finite, event.outputs))


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
def watching(model: Any, watch: Watch) -> Iterator[None]:
    """Lets a Watch see the calls of all layers and ops of a model within a `with` block."""
    layers = {id(layer): layer for layer in [model, *nested_layers(model)]}
    drawings = [
        layer.functional_graph for layer in layers.values() if layer.functional_graph is not None
    ]
    paths = {node.number: path_of_node(d, node) for d in drawings for node in d.graph.nodes}

    def look(op: Any, node: Any, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if node is not None:
            path, place = paths.get(node.number, node.name), node.location
        elif id(op) not in layers or op.functional_graph is not None:
            return call(*args, **kwargs)
        elif watch.top is not None and watch.top.op is op:
            return call(*args, **kwargs)  # the node stands for it
        else:
            path, place = "" if op is model else op.name, _place(op)
        with watch.call(op, path, place) as event:
            args, kwargs = watch.entering(event, (args, kwargs))
            return watch.leaving(event, call(*args, **kwargs))

    with scope.intercept_calls(look):
        yield


def _place(layer: Layer) -> str:
    """Returns where the `call` of a layer of the user's own is defined."""
    own = not type(layer).__module__.startswith("cornu.")
    return format_location(type(layer).call.__code__) if own else ""


def arrays(values: Any) -> list[Any]:
    """Returns the float arrays among nested values."""
    return [leaf for leaf in jax.tree_util.tree_leaves(values) if _is_float(leaf)]


def _is_float(x: Any) -> bool:
    return isinstance(x, jax.Array) and bool(jnp.issubdtype(x.dtype, jnp.inexact))


def finite(x: Any) -> bool:
    """Whether all of an array is finite; what is being traced counts as finite."""
    if isinstance(x, jax.core.Tracer):
        return True
    x = jnp.asarray(x)
    return not jnp.issubdtype(x.dtype, jnp.inexact) or bool(jnp.isfinite(x).all())
