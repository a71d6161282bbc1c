"""Losses and metrics that use Tensors of the model, or Variables, from the scope around them.

In Keras 1 and 2 a loss is a part of the graph, so that a function of `(y_true, y_pred)` may use any
Tensor of the model, as the loss of a variational autoencoder does. Here, the function is called
once on symbolic Tensors; the Tensors of the model that the result depends on become further outputs
of its graph.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from cornu.core.graph.graph import Graph, is_reachable
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.walk import nested_layers
from cornu.core.state import scope
from cornu.core.state.tracking import iterate_owned
from cornu.core.state.variable import Variable
from cornu.dialects.backend.functions import Evaluation, GradientOp
from cornu.dialects.backend.lazy import SymbolicVariable
from cornu.layers import Lambda
from cornu.names import is_library_module
from cornu.training.compile.outputs import Outputs

__all__ = ["Closures", "Tap", "bind_function", "closure_values", "closure_variables"]


class Closures:
    """What the losses, metrics and Lambda layers of a model use from the scope around them.

    Attributes:
        functions: the losses and metrics.
    """

    def __init__(self) -> None:
        self.functions: list[Any] = []
        self._known: tuple[Any, list[Variable]] | None = None

    def variables(self, graph: Any, layers: Sequence[Any]) -> list[Variable]:
        """Returns the Variables that losses, metrics and layers use beside weights.

        Args:
            graph: the graph of the model; its identity is the key of a cache.
            layers: all layers of the model.
        """
        key = (id(graph), len(layers), len(self.functions))
        if self._known is None or self._known[0] != key:
            of_layers = [layer.function for layer in layers if isinstance(layer, Lambda)]
            found = [v for one in (*self.functions, *of_layers) for v in closure_variables(one)]
            # Variables that a layer of the program made, such as its states, but are not weights.
            owned = (v for layer in layers for v in iterate_owned(layer))
            found += [v for v in owned if isinstance(v, SymbolicVariable)]
            self._known = (key, list({id(v): v for v in found}.values()))
        return self._known[1]

    def bind(
        self, function: Callable[..., Any], y_true: Tensor, y_pred: Tensor, model: Any
    ) -> Callable[..., Any]:
        """Returns a loss or metric as a function of arrays; see `bind_function`."""
        self.functions.append(function)
        graph = model._graph_

        def tap() -> Tap:
            if not isinstance(graph.graph, Tap):
                graph.graph = Tap(graph.graph)
            found: Tap = graph.graph
            return found

        return bind_function(function, y_true, y_pred, tap)

    def bind_output(self, function: Any, output: Tensor, model: Any) -> Any:
        """Returns a function of the target and the value of an output; others are unchanged."""
        if not isinstance(function, types.FunctionType):
            return function
        return self.bind(function, Tensor(output.shape, output.dtype), output, model)

    def bind_losses(self, loss: Any, model: Any) -> Any:
        """Returns the losses of a functional model, in which functions may use its Tensors."""
        outputs = Outputs(model._graph_.outputs, model._graph_.output_names)
        each = outputs.spread(loss, "loss", to_all=True)
        if not any(isinstance(one, types.FunctionType) for one in each):
            return loss
        pairs = zip(each, outputs.tensors, strict=True)
        bound = [self.bind_output(one, tensor, model) for one, tensor in pairs]
        return bound if len(bound) > 1 else bound[0]

    def added_to(self, own: list[Variable], model: Any) -> list[Variable]:
        """Returns the Variables of a model, and those that functions of the program use."""
        known = {id(v) for v in own}
        further = self.variables(model._graph_, list(nested_layers(model)))
        return own + [v for v in further if id(v) not in known]


class Tap(Graph):
    """A graph that also keeps the values of further Tensors, in the scope of the step.

    Args:
        graph: the graph.
    """

    def __init__(self, graph: Graph) -> None:
        self._own = (graph.inputs, graph.outputs)
        self.tensors: list[Tensor] = []
        super().__init__(*self._own)

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Adds Tensors whose values are kept."""
        known = {id(t) for t in self.tensors}
        self.tensors += [t for t in tensors if id(t) not in known]
        inputs, outputs = self._own
        super().__init__(inputs, [*outputs, *self.tensors])

    def run(self, values: Sequence[Any], masks: Sequence[Any] | None = None) -> list[Any]:
        """Computes the outputs, and the values of the further Tensors."""
        results = super().run(values, masks)
        count = len(self._own[1])
        pairs = zip(self.tensors, results[count:], strict=True)
        scope.current().kept.update((id(t), x) for t, x in pairs)
        return results[:count]


def bind_function(
    function: Callable[..., Any], y_true: Tensor, y_pred: Tensor, tap: Callable[[], Tap]
) -> Callable[..., Any]:
    """Returns a function of arrays for a loss or metric of the program.

    Args:
        function: a function of `(y_true, y_pred)`.
        y_true: a Tensor like the targets.
        y_pred: the output of the model.
        tap: returns the graph of the model as a `Tap`.

    Returns:
        The function itself, if it uses no Tensors of the scope around it.
    """
    if not any(isinstance(x, Tensor) for x in closure_values(function)):
        return function
    result = function(y_true, y_pred)
    if not isinstance(result, Tensor):
        return function
    graph = tap()
    found = list(_model_tensors(result, [y_true, y_pred], graph.inputs))
    graph.add(found)
    keep = [y_true, y_pred, *found]

    @functools.wraps(function)
    def compute(true: Any, predicted: Any) -> Any:
        kept = scope.current().kept
        given = [true, predicted, *(_kept_value(t, kept, predicted) for t in found)]
        fed = {id(t): x for t, x in zip(keep, given, strict=True)}
        return Evaluation(fed, keep).compute([result])[0]

    return compute


def _kept_value(tensor: Tensor, kept: Mapping[int, Any], predicted: Any) -> Any:
    """Returns the value of a Tensor in this step; zeros where only shapes are inferred."""
    if id(tensor) in kept:
        return kept[id(tensor)]
    shape = [len(predicted) if size is None else size for size in tensor.shape]
    return jnp.zeros(shape, tensor.dtype)


def _model_tensors(
    result: Tensor, given: Sequence[Tensor], inputs: Sequence[Tensor]
) -> Iterator[Tensor]:
    """Yields the Tensors of the model from which a result is computed."""
    seen = {id(t) for t in given}
    pending = [result]
    while pending:
        tensor = pending.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if any(tensor is t for t in inputs) or is_reachable(tensor, inputs):
            yield tensor
        elif tensor.node is not None:
            pending.extend(tensor.node.inputs)
            if isinstance(tensor.node.op, GradientOp):
                of_gradient = (tensor.node.op.loss, tensor.node.op.target)
                pending.extend(t for t in of_gradient if isinstance(t, Tensor))


def closure_variables(function: Any) -> list[Variable]:
    """Returns the Variables that a function uses from the scope around it."""
    return [x for x in closure_values(function) if isinstance(x, Variable)]


def closure_values(function: Any, _seen: set[int] | None = None) -> Iterator[Any]:
    """Yields the values that a function of the program uses from the scope around it.

    Lists, and functions that it calls, are searched as well.
    """
    seen = set() if _seen is None else _seen
    if id(function) in seen:
        return
    seen.add(id(function))
    if isinstance(function, functools.partial):
        for value in (function.func, *function.args, *function.keywords.values()):
            yield from _values_in(value, seen)
    elif isinstance(function, types.MethodType):
        for value in (function.__func__, *vars(function.__self__).copy().values()):
            yield from _values_in(value, seen)
    elif isinstance(function, types.FunctionType):
        if is_library_module(function.__module__ or ""):
            return
        known = inspect.getclosurevars(function)
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        for value in (*known.nonlocals.values(), *known.globals.values(), *defaults):
            yield from _values_in(value, seen)


def _values_in(value: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _values_in(item, seen)
    elif isinstance(value, (functools.partial, types.MethodType, types.FunctionType)):
        yield from closure_values(value, seen)
    else:
        yield value
