"""find_nan: finds the layer, op or data where NaN or infinity begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.data import ReadOptions, identify
from cornu.inspect.checks.context import walk_calls
from cornu.inspect.nan.hints import (
    DIVERGED,
    DOMAIN,
    SINGULAR,
    backward_hint,
    describe_bad,
    describe_range,
    forward_hint,
    largest_magnitude,
)
from cornu.inspect.nan.layer_calls import (
    CallRecorder,
    LayerCall,
    is_finite,
    list_arrays,
    record_calls,
)
from cornu.inspect.nan.report import NanReport
from cornu.optimizers import LossScaleOptimizer
from cornu.types import Array, PyTree

__all__ = ["find_in_prepared", "find_nan"]


@api_boundary
def find_nan(model: Any, batch: PyTree, training: bool = True) -> NanReport | None:
    """Returns where NaN or infinity begins when a model processes a batch; None if nowhere.

    The batch runs layer by layer, without compilation and without changing the model: forward
    pass, loss, backward pass, and optimizer step.

    Args:
        model: a model. If it is not compiled, only the forward pass is checked.
        batch: `x`, `(x, y)` or `(x, y, sample_weight)`.
        training: whether layers behave as in training.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = cornu.Input((2,), name="x")
    >>> model = cornu.Model(x, cornu.ops.log(x))
    >>> report = find_nan(model, np.array([[1.0, 0.0]]))
    >>> report.phase, report.path
    ('forward', 'log')

    Differences: not in Keras.
    """
    x, y, sample_weight = (
        (*batch, None, None)[:3] if isinstance(batch, tuple) else (batch, None, None)
    )
    source: Any = identify(x, y, sample_weight).open(ReadOptions(whole=True))
    compiled = model._trainer_.config is not None and (
        source.structure[1] is not None or model._trainer_.objective is None
    )
    if compiled:
        model._trainer_.prepare(source, train=model._trainer_.optimizer is not None)
    elif not model.built:
        model._build_for_(source.structure[0])
    return find_in_prepared(model, source.structure, model._trainer_.key(), training, compiled)


def find_in_prepared(
    model: Any, batch: PyTree, key: Array, training: bool = True, compiled: bool = True
) -> NanReport | None:
    """Does the same as `find_nan`, with a random key, for a model prepared for the batch."""
    found = _search_data(batch) or _search_weights(model)
    if found is None:
        # Compiled steps fuse operations and hide where NaN begins, so the search runs eagerly.
        batch_on_device = jax.tree_util.tree_map(jnp.asarray, batch)
        found = _NanSearch(model, key, training).run(batch_on_device, compiled)
    if found is not None:
        found.batch = batch
    return found


def _search_data(batch: PyTree) -> NanReport | None:
    for structure, what in zip(batch, ("x", "y", "sample_weight"), strict=True):
        for path, leaf in tree.flatten_with_path(structure) if structure is not None else ():
            if leaf is not None and not is_finite(leaf):
                name = what + "".join(f"[{part!r}]" for part in path)
                bad = np.argwhere(~np.isfinite(np.asarray(leaf, "float64")))
                rows = sorted({int(i[0]) for i in bad if len(i)})
                shown = ", ".join(map(str, rows[:8])) + (", ..." if len(rows) > 8 else "")
                text = f"{name} contains {describe_bad(leaf)}, in the rows {shown} of the batch."
                return NanReport("data", name, "", text, "Remove these rows or replace the values.")
    return None


def _search_weights(model: Any) -> NanReport | None:
    for variable in model.variables:
        if not is_finite(variable.stored):
            path, place = _locate_variable(model, variable)
            text = f"It contains {describe_bad(variable.stored)}."
            hint = "An earlier step caused this: create the model again, or load weights."
            return NanReport("weights", path, place, text, hint)
    return None


def _locate_variable(model: Any, variable: Any) -> tuple[str, str]:
    """Returns the block path of a Variable, and the source location of its layer."""
    for call in walk_calls(model):
        layer = call.op
        if isinstance(layer, Layer) and any(v is variable for v in layer._own_variables_()):
            return f"{call.path}/{variable.name}", call.place
    return variable.path, ""


class _NanSearch:
    """Runs a model eagerly and looks for the first array that is not finite."""

    def __init__(self, model: Any, key: Any, training: bool) -> None:
        self.model = model
        self.key = key
        self.training = training
        self.variables = model._trainer_.touched_variables()

    def run(self, batch: PyTree, compiled: bool) -> NanReport | None:
        """Searches the forward pass, the loss, the backward pass and the update, in this order."""
        x, y, weight = batch
        recorder = CallRecorder()
        with record_calls(self.model, recorder):
            outputs, added = self._run_pure(self._forward, x)
        bad = [leaf for leaf in list_arrays(outputs) if not is_finite(leaf)]
        if bad:
            return self._locate(recorder, bad)
        if not compiled:
            return None
        found = self._loss(outputs, batch, added)
        if found is None and self.model.trainable_variables:
            found = self._backward(batch) or self._update(batch)
        return found

    def _run_pure(self, fn: Callable[..., Any], *args: Any) -> Any:
        lifted = scope.functionalize(fn, self.variables, self.model._trainer_.random_sources())
        return lifted(tuple(v.stored for v in self.variables), self.key, *args)[0]

    def _forward(self, x: Any) -> Any:
        outputs = self.model(x, training=self.training)
        return outputs, list(self.model.losses)

    # ------------------------------------------------------------------------------------ forward

    def _locate(self, recorder: CallRecorder, bad: Sequence[Any]) -> NanReport:
        call = recorder.origin(bad)
        if call is None:
            name = self.model.name
            return NanReport("forward", name, "", f"Its output contains {describe_bad(bad[0])}.")
        given = [leaf for leaf in call.inputs if not is_finite(leaf)]
        if given:
            path, place = self._code_around(call)
            bad_input = describe_bad(given[0])
            text = f"The input of {call.path} contains {bad_input}, which no layer returned."
            return NanReport("forward", path, place, text)
        made = next(leaf for leaf in call.outputs if not is_finite(leaf))
        ranges = ", ".join(describe_range(leaf) for leaf in call.inputs) or "nothing"
        text = f"Its output contains {describe_bad(made)}. Its input is finite: {ranges}."
        hint = forward_hint(call, made)
        return NanReport("forward", call.path or self.model.name, call.place, text, hint)

    def _code_around(self, call: LayerCall) -> tuple[str, str]:
        """Returns the path and source location of the `call` method around a call."""
        around = call.around
        path = self.model.name if around is None else around.path or self.model.name
        return f"code in the call of {path}", "" if around is None else around.place

    def _loss(self, outputs: PyTree, batch: PyTree, added: list[Any]) -> NanReport | None:
        x, y, weight = batch

        def total(outputs: PyTree) -> Any:
            return self.model._compute_loss_(x, y, outputs, weight, training=self.training)

        for i, loss in enumerate(added):
            if not is_finite(loss):
                text = f"Loss {i + 1} added by layers or regularizers is {describe_bad(loss)}."
                return NanReport("loss", f"model.losses[{i}]", "", text)

        # Computed in one call with the model, because losses may use masks of its outputs.
        def whole(x: PyTree) -> Any:
            outputs = self.model(x, training=self.training)
            return total(outputs)

        value = self._run_pure(whole, x)
        if is_finite(value):
            return None
        path, text = self._which_loss(outputs, y, weight)
        shown = ", ".join(describe_range(leaf) for leaf in list_arrays(outputs))
        largest = max(map(largest_magnitude, list_arrays(outputs)), default=0.0)
        hint = DIVERGED if largest > 1e10 else DOMAIN
        return NanReport("loss", path, "", f"{text} The predictions are finite: {shown}.", hint)

    def _which_loss(self, outputs: Any, y: Any, weight: Any) -> tuple[str, str]:
        objective = self.model._trainer_.objective
        if objective is not None:
            for name, loss, value in objective.losses_by_output(y, outputs, weight):
                if not is_finite(value):
                    return f"{loss.name!r} of output {name!r}", f"It is {describe_bad(value)}."
        return "compute_loss", "The total loss is not finite."

    # ----------------------------------------------------------------------------------- backward

    def _backward(self, batch: PyTree) -> NanReport | None:
        x, y, weight = batch
        model, trained = self.model, self.model.trainable_variables
        recorder = CallRecorder(probing=True)

        def gradients(x: PyTree) -> Any:
            def loss_of() -> Any:
                outputs = model(x, training=self.training)
                outputs = recorder.probe_loss(outputs)
                return model._compute_loss_(x, y, outputs, weight, training=self.training)

            return scope.value_and_grad(loss_of, trained)()[1]

        with record_calls(model, recorder):
            grads = self._run_pure(gradients, x)
        broken = [v for v, g in zip(trained, grads, strict=True) if not is_finite(g)]
        if not broken:
            return None
        passed = recorder.backward_origin()
        if passed is None:
            return self._locate_weight(recorder, broken[0])
        call = passed.call
        hint = backward_hint(passed)
        if call.op == "loss":
            text = "The loss is finite, but its gradient by the predictions is not."
            return NanReport("backward", "the loss", "", text, hint)
        count = describe_bad(passed.gradient)
        if passed.left:
            text = f"The gradient of its output is finite; that of its input contains {count}."
            return NanReport("backward", call.path or self.model.name, call.place, text, hint)
        path, place = self._code_around(call)
        text = f"The gradient of the output of {call.path} contains {count}."
        return NanReport("backward", path, place, text, hint)

    def _locate_weight(self, recorder: CallRecorder, variable: Any) -> NanReport:
        """Reports the layer of a Variable: all gradients between layers are finite."""
        owner = next((e for e in recorder.calls if self._owns(e, variable)), None)
        path = variable.path if owner is None else owner.path or self.model.name
        place = "" if owner is None else owner.place
        text = f"The gradient of its output is finite; that of {variable.path} is not."
        return NanReport("backward", path, place, text, SINGULAR)

    @staticmethod
    def _owns(call: LayerCall, variable: Any) -> bool:
        return call.layer is not None and any(v is variable for v in call.layer.variables)

    # ------------------------------------------------------------------------------------- update

    def _update(self, batch: PyTree) -> NanReport | None:
        if self.model._trainer_.optimizer is None:
            return None

        def step(batch: PyTree) -> Any:
            self.model._trainer_.train_logs(batch)
            return [(v, scope.current().read(v)) for v in self.model.variables]

        for variable, value in self._run_pure(step, batch):
            if not is_finite(value):
                path, place = _locate_variable(self.model, variable)
                text = (
                    f"{self._describe_update(variable)} made it {describe_bad(value)}. "
                    f"Its value before ({describe_range(variable.stored)}) and the gradients "
                    "were finite."
                )
                return NanReport("update", path, place, text, DIVERGED)
        return None

    def _describe_update(self, variable: Any) -> str:
        if not any(v is variable for v in self.model.trainable_variables):
            return "The update by its layer in training"
        optimizer = self.model._trainer_.optimizer
        if isinstance(optimizer, LossScaleOptimizer):
            optimizer = optimizer.inner_optimizer
        return f"The step of {type(optimizer).__name__}"
