"""`function`, `gradients` and `eval`: graphs that are compiled at the first call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import seeds
from cornu.core.graph.graph import Graph
from cornu.core.graph.op import Op
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.dialects.backend.lazy import (
    ReadOp,
    fixed_phase,
    is_learning_phase,
    recording_reads,
    to_graph,
)

__all__ = [
    "Evaluation",
    "Function",
    "GivenGradients",
    "GradientOp",
    "Step",
    "Update",
    "evaluate",
    "flatten_updates",
]


class Update:
    """The result of `update`: the assignment of a value to a Variable, in `updates` of `function`.

    Args:
        variable: the Variable.
        value: its new value, an array or a Tensor.
    """

    def __init__(self, variable: Variable, value: Any) -> None:
        self.variable = variable
        self.value = value

    def __iter__(self) -> Iterator[Any]:
        return iter((self.variable, self.value))


class Step:
    """Base class of updates that assign several Variables, such as the step of an optimizer."""

    def variables(self) -> list[Variable]:
        """Returns the Variables that the step reads or assigns."""
        raise NotImplementedError

    def tensors(self) -> list[Tensor]:
        """Returns the Tensors that the step depends on."""
        raise NotImplementedError

    def run(self, evaluation: Evaluation) -> None:
        """Assigns the Variables."""
        raise NotImplementedError


class GradientOp(Op):
    """The op of a result of `gradients`.

    Attributes:
        loss: the Tensor that is differentiated.
        target: a Tensor, or a Variable.
        group: all targets of the call of `gradients`, which are differentiated together.
    """

    __slots__ = ("group", "loss", "target")

    def __init__(self, loss: Any, target: Any, group: Sequence[Any]) -> None:
        super().__init__("gradient", lambda: None)
        self.loss = loss
        self.target = target
        self.group = group


class GivenGradients:
    """A loss in `get_updates` of an optimizer, of which only the gradients are known.

    Args:
        variables: the Variables.
        values: a gradient for each.
    """

    def __init__(self, variables: Sequence[Variable], values: Sequence[Any]) -> None:
        self._values = {id(v): value for v, value in zip(variables, values, strict=True)}

    def of(self, targets: Sequence[Any]) -> list[Any]:
        """Returns the gradients for Variables.

        Raises:
            ValueError: one is not known.
        """
        unknown = [target for target in targets if id(target) not in self._values]
        if unknown:
            raise ValueError(
                "get_updates: the gradients of the loss are known for the Variables that the "
                f"model trains. Received: {unknown[0]!r}"
            )
        return [self._values[id(target)] for target in targets]


def gradients(loss: Any, variables: Any) -> list[Any]:
    """Returns the gradients of a sum of `loss` with respect to Tensors or Variables."""
    targets = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    if isinstance(loss, GivenGradients):
        return loss.of(targets)
    # The Tensor of an expression of a Variable alone stands for the Variable.
    group = [_variable_of(target) for target in targets]
    if isinstance(loss, (list, tuple)):
        loss = sum(loss[1:], loss[0])
    loss = to_graph(loss)
    found = []
    for target in group:
        result = Tensor(target.shape, target.dtype)
        Node(GradientOp(loss, target, group), (), {}, result)
        found.append(result)
    return found


def _variable_of(target: Any) -> Any:
    node = target.node if isinstance(target, Tensor) else None
    return node.op.variable if node is not None and isinstance(node.op, ReadOp) else target


class Evaluation:
    """The values of Tensors for given values of others.

    Args:
        fed: arrays by `id` of their Tensor; they replace what the Tensor is computed from.
        keep: the Tensors of `fed`.

    Attributes:
        layer_values: what layers assigned to their Variables, by `id`.
    """

    def __init__(self, fed: Mapping[int, Any], keep: Sequence[Tensor]) -> None:
        self.fed = dict(fed)
        self.keep = list(keep)
        self._leaves: dict[int, Any] = {}
        self._gradients: dict[tuple[int, int], Any] = {}
        self.layer_values: dict[int, Any] = {}
        # All graphs of an evaluation draw the same random numbers: they contain the same layers.
        self._draws = dict(scope.current().draw_counts)

    def compute(self, values: Sequence[Any]) -> list[Any]:
        """Returns arrays for Tensors, Variables and arrays."""
        tensors = [x for x in values if isinstance(x, Tensor)]
        starts = {id(t): t for t in _starts(tensors, self.fed)}
        arrays = [self._start(t) for t in starts.values()]
        around = scope.current()
        around.draw_counts.clear()
        around.draw_counts.update(self._draws)
        found = iter(Graph(list(starts.values()), tensors).run(arrays) if tensors else [])
        return [next(found) if isinstance(x, Tensor) else _plain_value(x) for x in values]

    def _start(self, tensor: Tensor) -> Any:
        """Returns the value of a Tensor that is fed, or computed without inputs."""
        if id(tensor) in self.fed:
            return self.fed[id(tensor)]
        if id(tensor) in self._leaves:
            return self._leaves[id(tensor)]
        node = tensor.node
        if node is None or isinstance(node.op, Layer):
            raise ValueError(
                f"function: the outputs depend on the placeholder {tensor.name!r} of shape "
                f"{tensor.shape}, which has no value.\nAdd it to `inputs`."
            )
        if isinstance(node.op, GradientOp):
            value = self._gradient(node.op)
        else:
            value = node.op._run_(node.args, node.kwargs)
        self._leaves[id(tensor)] = value
        return value

    def _gradient(self, op: GradientOp) -> Any:
        """Returns the gradient for one target."""
        key = (id(op.loss), id(op.target))
        if key not in self._gradients:
            # A Tensor that is computed from others is replaced by its value. Gradients with respect
            # to those others would not pass through it, so it is differentiated alone.
            together = [t for t in op.group if isinstance(t, Variable) or id(t) in self.fed]
            targets = together if any(t is op.target for t in together) else [op.target]
            found = self._differentiate(op.loss, targets)
            self._gradients.update(
                ((id(op.loss), id(target)), x) for target, x in zip(targets, found, strict=True)
            )
        return self._gradients[key]

    def _differentiate(self, loss: Any, targets: Sequence[Any]) -> list[Any]:
        """Returns the gradients of a loss for Variables and Tensors."""
        around = scope.current()
        values = [around.read(t) if isinstance(t, Variable) else self._value(t) for t in targets]

        def loss_of(values: list[Any]) -> Any:
            inner_scope = scope.Scope(around)
            # Given values that are computed from a target do not count: its gradient passes them.
            fed = {
                id(t): self.fed[id(t)]
                for t in self.keep
                if id(t) in self.fed and not _depends(t, targets)
            }
            for target, value in zip(targets, values, strict=True):
                (inner_scope.values if isinstance(target, Variable) else fed)[id(target)] = value
            with scope.use_scope(inner_scope):
                inner = Evaluation(fed, [*self.keep, *targets])
                inner._draws = self._draws
                (value,) = inner.compute([loss])
            return jnp.sum(value)

        found: list[Any] = jax.grad(loss_of)(values)
        return found

    def _value(self, tensor: Tensor) -> Any:
        return self.fed[id(tensor)] if id(tensor) in self.fed else self.compute([tensor])[0]


def _plain_value(x: Any) -> Any:
    return x.value if isinstance(x, Variable) else jnp.asarray(x)


def _starts(tensors: Sequence[Tensor], fed: Mapping[int, Any]) -> Iterator[Tensor]:
    """Yields the Tensors at which the computation of others starts."""
    pending, seen = list(tensors), set()
    while pending:
        tensor = pending.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        node = tensor.node
        if id(tensor) in fed or node is None or not node.inputs:
            yield tensor
        else:
            pending.extend(node.inputs)
            pending.extend(mask for _, mask in node.input_masks)


def _depends(tensor: Any, targets: Sequence[Any]) -> bool:
    """Whether a Tensor is computed from one of several others."""
    sought = {id(t) for t in targets}
    pending, seen = [tensor], set()
    while pending:
        node = pending.pop().node
        if node is None or node.number in seen:
            continue
        seen.add(node.number)
        if any(id(t) in sought for t in node.inputs):
            return True
        pending.extend(node.inputs)
    return False


def find_variables(tensors: Sequence[Any]) -> dict[int, Variable]:
    """Returns the Variables that the computation of Tensors may read, by `id`."""
    found: dict[int, Variable] = {}
    pending, seen = list(tensors), set()
    while pending:
        tensor = pending.pop()
        if isinstance(tensor, Variable):
            found[id(tensor)] = tensor
            continue
        node = tensor.node if isinstance(tensor, Tensor) else None
        if node is None or node.number in seen:
            continue
        seen.add(node.number)
        pending.extend(node.inputs)
        pending.extend(mask for _, mask in node.input_masks)
        pending.extend(leaf for leaf in node.argument_leaves if isinstance(leaf, Variable))
        if isinstance(node.op, Layer):
            pending.extend(node.op._all_variables_)
        elif isinstance(node.op, ReadOp):
            pending.append(node.op.variable)
        elif isinstance(node.op, GradientOp):
            pending += [node.op.loss, node.op.target]
    return found


class Function:
    """The result of `function`: computes outputs for values of the inputs, and assigns updates.

    It is compiled at the first call, for each learning phase.

    Args:
        inputs: placeholders, inputs of models, and possibly `learning_phase()`.
        outputs: Tensors and Variables.
        updates: pairs of a Variable and its new value, and results of `update`.
    """

    def __init__(self, inputs: Sequence[Any], outputs: Any, updates: Any = ()) -> None:
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(f"function: inputs must be a list or tuple. Received: {inputs!r}")
        self.inputs = list(inputs)
        self.outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        given = [to_graph(x) if not isinstance(x, Variable) else x for x in self.outputs]
        self._outputs = given
        self.updates = list(flatten_updates(updates))
        self._steps = [one for one in self.updates if isinstance(one, Step)]
        self._assigned = [
            (variable, to_graph(value))
            for variable, value in (one for one in self.updates if not isinstance(one, Step))
        ]
        self._fed = [x for x in self.inputs if not is_learning_phase(x) and isinstance(x, Tensor)]
        self._programs: dict[bool, tuple[Callable[..., Any], list[Variable]]] = {}
        self._seed = seeds.next_seed() & 0x7FFFFFFF
        self._calls = 0

    def __call__(self, inputs: Sequence[Any]) -> list[np.ndarray]:
        """Computes the outputs as a list of arrays, then assigns the updates."""
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(f"The argument of a function must be a list. Received: {type(inputs)}")
        if len(inputs) != len(self.inputs):
            raise ValueError(
                f"The function has {len(self.inputs)} inputs. Received: {len(inputs)} values"
            )
        phase, arrays = fixed_phase() or 0, []
        for tensor, value in zip(self.inputs, inputs, strict=True):
            if is_learning_phase(tensor):
                phase = int(np.asarray(value))
            elif isinstance(tensor, Tensor):
                arrays.append(np.asarray(value, tensor.dtype))
        if bool(phase) not in self._programs:
            self._programs[bool(phase)] = self._compile(bool(phase), arrays)
        program, variables = self._programs[bool(phase)]
        key = jax.random.fold_in(jax.random.key(self._seed), self._calls)
        self._calls += 1
        results, news = program([v.stored for v in variables], key, arrays)
        for variable, value in zip(variables, news, strict=True):
            if value is not None:
                variable.assign(value)
        return [np.asarray(x) for x in results]

    def _compile(self, training: bool, arrays: list[np.ndarray]) -> tuple[Any, list[Variable]]:
        """Returns the compiled function, and the Variables that are its arguments."""
        tensors = [*self._outputs, *(value for _, value in self._assigned)]
        tensors += [tensor for step in self._steps for tensor in step.tensors()]
        known = find_variables(tensors)
        known.update((id(variable), variable) for variable, _ in self._assigned)
        known.update((id(v), v) for step in self._steps for v in step.variables())
        # Functions of Lambda layers may read further Variables, which only a trace shows.
        with recording_reads() as read:
            jax.eval_shape(self._make(training, list(known.values())), *_specs(known, arrays))
        known.update(read)
        variables = list(known.values())
        return jax.jit(self._make(training, variables)), variables

    def _make(self, training: bool, variables: list[Variable]) -> Callable[..., Any]:
        """Returns the pure function of values of Variables, a random key and the inputs."""
        assigned = {id(variable) for variable, _ in self._assigned}
        assigned |= {id(v) for step in self._steps for v in step.variables()}

        def compute(values: list[Any], key: Any, arrays: list[Any]) -> Any:
            inner = scope.Scope(scope.current())
            inner.key, inner.draw_counts = key, {}
            inner.masks = type(inner.masks)()
            inner.training = training
            inner.values = {id(v): value for v, value in zip(variables, values, strict=True)}
            with scope.use_scope(inner):
                evaluation = Evaluation(
                    {id(t): jnp.asarray(x) for t, x in zip(self._fed, arrays, strict=True)},
                    self._fed,
                )
                wanted = [*self._outputs, *(value for _, value in self._assigned)]
                results = evaluation.compute(wanted)
                count = len(self._outputs)
                # What layers assign, such as batch statistics, is kept only if a step asks for it.
                evaluation.layer_values = {key: inner.values[key] for key in inner.written}
                inner.written.clear()
                for (variable, _), value in zip(self._assigned, results[count:], strict=True):
                    variable.assign(jnp.asarray(value, variable.dtype))
                for step in self._steps:
                    step.run(evaluation)
                written = {key: inner.values[key] for key in inner.written}
            news = [written.get(id(v)) if id(v) in assigned else None for v in variables]
            return results[:count], news

        return compute


def _specs(known: Mapping[int, Variable], arrays: Sequence[np.ndarray]) -> tuple[Any, ...]:
    values = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in known.values()]
    return values, jax.random.key(0), [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in arrays]


def flatten_updates(updates: Any) -> Iterator[Any]:
    """Yields the updates in nested lists."""
    for one in updates or ():
        pair = isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], Variable)
        if pair or isinstance(one, (Step, Update)):
            yield one
        elif isinstance(one, (list, tuple)):
            yield from flatten_updates(one)
        elif one is not None and not isinstance(one, jax.Array):
            raise TypeError(
                "function: each update must be a pair of a Variable and its new value, or the "
                f"result of `update`. Received: {one!r}"
            )


def evaluate(x: Any) -> np.ndarray:
    """Returns the value of a Variable or of a Tensor that depends on no placeholder."""
    if isinstance(x, Variable):
        return np.array(x.numpy())
    return Function([], [x])([])[0] if isinstance(x, Tensor) else np.asarray(x)
