"""find_nan: which part of a model makes NaN or infinity of a batch."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.data import ReadOptions, identify
from cornu.inspect.checks.context import walk_calls
from cornu.inspect.nan.layer_calls import Event, Passed, Watch, arrays, finite, watching
from cornu.optimizers import LossScaleOptimizer

__all__ = ["NanReport", "find", "find_nan"]


@dataclass
class NanReport:
    """Where NaN or infinity begins.

    Attributes:
        phase: "data", "weights", "forward", "loss", "backward" or "update".
        path: the layer or op with its block path; or the part of the data, or the output.
        place: the user's `file:line`, '' if it is not known.
        text: what was seen there.
        hint: what is likely, '' if nothing is.
        epoch, step: when it happened in `fit`, counted from 1; None outside of it.
        batch: the batch `(x, y, sample_weight)`.
        file: where the batch was saved, None if it was not; `cornu.debug.load_batch` reads it.
    """

    phase: str
    path: str
    place: str
    text: str
    hint: str = ""
    epoch: int | None = None
    step: int | None = None
    batch: Any = None
    file: pathlib.Path | None = None

    def __str__(self) -> str:
        when = "" if self.step is None else f" at step {self.step} of epoch {self.epoch}"
        place = f" ({self.place})" if self.place else ""
        lines = [f"NaN or infinity{when}, first in {_PHASES[self.phase]}: {self.path}{place}."]
        lines.append(self.text)
        if self.hint:
            lines.append(self.hint)
        if self.file is not None:
            lines.append(f"The batch is in {self.file} (cornu.debug.load_batch reads it).")
        return "\n".join(lines)

    __repr__ = __str__


_PHASES = {
    "data": "the data",
    "weights": "the weights, before the batch was used",
    "forward": "the forward pass",
    "loss": "the loss",
    "backward": "the backward pass",
    "update": "the update of the weights",
    "step": "the compiled step",
}


def find_nan(model: Any, batch: Any, training: bool = True) -> NanReport | None:
    """Returns where NaN or infinity begins when a model meets a batch; None if all is finite.

    The batch is run layer by layer, without being compiled and without changing the model:
    forward, loss, backward, and the step of the optimizer.

    Args:
        model: a model; if it is not compiled, only the forward pass is looked at.
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
    if not isinstance(batch, tuple):
        batch = (batch,)
    source = identify(*(*batch, None, None)[:3]).open(ReadOptions(whole=True))
    compiled = model.compiled and (
        source.structure[1] is not None or model.trainer.objective is None
    )
    if compiled:
        model.trainer.prepare(source, train=model.optimizer is not None)
    elif not model.built:
        model.build_for(source.structure[0])
    return find(model, source.structure, model.trainer.key(), training, compiled)


def find(
    model: Any, batch: Any, key: Any, training: bool = True, compiled: bool = True
) -> NanReport | None:
    """Does what `find_nan` says, for a model that is prepared for the batch, with a random key."""
    found = _in_data(batch) or _in_weights(model)
    if found is None:
        batch_on_device = jax.tree_util.tree_map(jnp.asarray, batch)
        found = _Hunt(model, key, training).run(batch_on_device, compiled)
    if found is not None:
        found.batch = batch
    return found


def _in_data(batch: Any) -> NanReport | None:
    for structure, what in zip(batch, ("x", "y", "sample_weight"), strict=True):
        for path, leaf in tree.flatten_with_path(structure) if structure is not None else ():
            if leaf is not None and not finite(leaf):
                name = what + "".join(f"[{part!r}]" for part in path)
                bad = np.argwhere(~np.isfinite(np.asarray(leaf, "float64")))
                rows = sorted({int(i[0]) for i in bad if len(i)})
                shown = ", ".join(map(str, rows[:8])) + (", ..." if len(rows) > 8 else "")
                text = f"{name} holds {_count(leaf)}, in the rows {shown} of the batch."
                return NanReport("data", name, "", text, "Drop or replace such rows.")
    return None


def _in_weights(model: Any) -> NanReport | None:
    for variable in model.variables:
        if not finite(variable.stored):
            path, place = _stands(model, variable)
            text = f"It holds {_count(variable.stored)}."
            hint = "An earlier step destroyed it: create the model again, or load weights."
            return NanReport("weights", path, place, text, hint)
    return None


def _stands(model: Any, variable: Any) -> tuple[str, str]:
    """Returns the path of a Variable through blocks, and the place of its layer."""
    for step in walk_calls(model):
        layer = step.op
        if isinstance(layer, Layer) and any(v is variable for v in layer.own_variables()):
            return f"{step.path}/{variable.name}", step.place
    return variable.path, ""


class _Hunt:
    def __init__(self, model: Any, key: Any, training: bool) -> None:
        self.model = model
        self.key = key
        self.training = training
        self.variables = model.trainer.touched_variables()

    def run(self, batch: Any, compiled: bool) -> NanReport | None:
        """Looks forward, at the loss, backward and at the update, in this order."""
        x, y, weight = batch
        watch = Watch()
        with watching(self.model, watch):
            outputs, added = self._lifted(self._forward, x)
        bad = [leaf for leaf in arrays(outputs) if not finite(leaf)]
        if bad:
            return self._blame(watch, bad)
        if not compiled:
            return None
        found = self._loss(outputs, batch, added)
        if found is None and self.model.trainable_variables:
            found = self._backward(batch) or self._update(batch)
        return found

    def _lifted(self, fn: Callable[..., Any], *args: Any) -> Any:
        lifted = scope.functionalize(fn, self.variables, self.model.trainer.random_sources())
        return lifted(tuple(v.stored for v in self.variables), self.key, *args)[0]

    def _forward(self, x: Any) -> Any:
        outputs = self.model(x, training=self.training)
        return outputs, list(self.model.losses)

    # ------------------------------------------------------------------------------------ forward

    def _blame(self, watch: Watch, bad: Sequence[Any]) -> NanReport:
        event = watch.origin(bad)
        if event is None:
            name = self.model.name
            return NanReport("forward", name, "", f"Its output holds {_count(bad[0])}.")
        given = [leaf for leaf in event.inputs if not finite(leaf)]
        if given:
            path, place = self._code_around(event)
            text = f"What reaches {event.path} holds {_count(given[0])}, and no layer made it."
            return NanReport("forward", path, place, text)
        made = next(leaf for leaf in event.outputs if not finite(leaf))
        ranges = ", ".join(_range(leaf) for leaf in event.inputs) or "nothing"
        text = f"Its output holds {_count(made)}. What it was given is finite: {ranges}."
        hint = _forward_hint(event, made)
        return NanReport("forward", event.path or self.model.name, event.place, text, hint)

    def _code_around(self, event: Event) -> tuple[str, str]:
        """Returns the `call` in which a call happened, as path and place."""
        around = event.around
        path = self.model.name if around is None else around.path or self.model.name
        return f"code in the call of {path}", "" if around is None else around.place

    def _loss(self, outputs: Any, batch: Any, added: list[Any]) -> NanReport | None:
        x, y, weight = batch

        def total(outputs: Any) -> Any:
            return self.model.compute_loss(x, y, outputs, weight, training=self.training)

        for i, loss in enumerate(added):
            if not finite(loss):
                text = f"Loss number {i + 1} that layers or regularizers add is {_count(loss)}."
                return NanReport("loss", f"model.losses[{i}]", "", text)

        def whole(x: Any) -> Any:
            outputs = self.model(x, training=self.training)
            return total(outputs)

        value = self._lifted(whole, x)
        if finite(value):
            return None
        path, text = self._which_loss(outputs, y, weight)
        shown = ", ".join(_range(leaf) for leaf in arrays(outputs))
        largest = max(map(_largest, arrays(outputs)), default=0.0)
        hint = _DIVERGED if largest > 1e10 else _DOMAIN
        return NanReport("loss", path, "", f"{text} The predictions are finite: {shown}.", hint)

    def _which_loss(self, outputs: Any, y: Any, weight: Any) -> tuple[str, str]:
        objective = self.model.trainer.objective
        if objective is not None:
            for name, loss, value in objective.losses_by_output(y, outputs, weight):
                if not finite(value):
                    return f"{loss.name!r} of output {name!r}", f"It is {_count(value)}."
        return "compute_loss", "The total is not finite."

    # ----------------------------------------------------------------------------------- backward

    def _backward(self, batch: Any) -> NanReport | None:
        x, y, weight = batch
        model, trained = self.model, self.model.trainable_variables
        watch = Watch(probing=True)

        def gradients(x: Any) -> Any:
            def loss_of() -> Any:
                outputs = model(x, training=self.training)
                outputs = watch.probe_loss(outputs)
                return model.compute_loss(x, y, outputs, weight, training=self.training)

            return scope.value_and_grad(loss_of, trained)()[1]

        with watching(model, watch):
            grads = self._lifted(gradients, x)
        broken = [v for v, g in zip(trained, grads, strict=True) if not finite(g)]
        if not broken:
            return None
        passed = watch.backward_origin()
        if passed is None:
            return self._of_weight(watch, broken[0])
        event = passed.event
        hint = _backward_hint(passed)
        if event.op == "loss":
            text = "The gradient of the loss by the predictions is not finite; the loss itself is."
            return NanReport("backward", "the loss", "", text, hint)
        count = _count(passed.gradient)
        if passed.left:
            text = f"The gradient that arrives at it is finite; the one by its input holds {count}."
            return NanReport("backward", event.path or self.model.name, event.place, text, hint)
        path, place = self._code_around(event)
        text = f"The gradient that arrives at the output of {event.path} holds {count}."
        return NanReport("backward", path, place, text, hint)

    def _of_weight(self, watch: Watch, variable: Any) -> NanReport:
        """Blames the layer of a Variable: all gradients between the layers are finite."""
        owner = next((e for e in watch.events if self._owns(e, variable)), None)
        path = variable.path if owner is None else owner.path or self.model.name
        place = "" if owner is None else owner.place
        text = f"The gradient that arrives at it is finite; the one by {variable.path} is not."
        return NanReport("backward", path, place, text, _SINGULAR)

    @staticmethod
    def _owns(event: Event, variable: Any) -> bool:
        return event.layer is not None and any(v is variable for v in event.layer.variables)

    # ------------------------------------------------------------------------------------- update

    def _update(self, batch: Any) -> NanReport | None:
        if self.model.optimizer is None:
            return None

        def step(batch: Any) -> Any:
            self.model.trainer.train_logs(batch)
            return [(v, scope.current().read(v)) for v in self.model.variables]

        for variable, value in self._lifted(step, batch):
            if not finite(value):
                path, place = _stands(self.model, variable)
                text = f"{self._who_updates(variable)} made {_count(value)} of it; what it was "
                text += f"({_range(variable.stored)}) and the gradients were finite."
                return NanReport("update", path, place, text, _DIVERGED)
        return None

    def _who_updates(self, variable: Any) -> str:
        if not any(v is variable for v in self.model.trainable_variables):
            return "The update that its layer makes in training"
        optimizer = self.model.optimizer
        if isinstance(optimizer, LossScaleOptimizer):
            optimizer = optimizer.inner_optimizer
        return f"The step of {type(optimizer).__name__}"


_SINGULAR = (
    "The gradient of sqrt, of a norm or of a power below 1 is infinite at 0, that of log is 1/x: "
    "add a small number inside, or replace x before it with where()."
)
_DOMAIN = "Cross-entropies and logarithms need predictions inside of their domain."
_SHORT = "float16 ends at 65504: "


# Ops whose derivative has a pole.
_POLES = frozenset(
    "sqrt rsqrt power log log2 log10 log1p divide true_divide reciprocal norm".split()
)


def _backward_hint(passed: Passed) -> str:
    gradient, op = passed.gradient, passed.event.op
    smooth = passed.event.layer is not None or op == "loss" or op.name not in _POLES
    if smooth and gradient.dtype == jnp.float16 and not bool(jnp.isnan(gradient).any()):
        return _SHORT + 'make the factor smaller, give this layer dtype="float32", or use bfloat16.'
    return _SINGULAR


_DIVERGED = "Training diverges: lower the learning rate, or clip gradients (clipnorm=1.0)."


def _forward_hint(event: Event, made: Any) -> str:
    if event.layer is not None:
        sizes = [float(jnp.max(jnp.abs(v.stored))) for v in event.layer.weights if v.size]
        if sizes and max(sizes) > 1e3:
            return f"Its weights reach {max(sizes):.3g}. {_DIVERGED}"
    largest = max((_largest(leaf) for leaf in event.inputs), default=0.0)
    if made.dtype == jnp.float16 and not bool(jnp.isnan(made).any()):
        return (
            f'{_SHORT}rescale what comes in, give this layer dtype="float32", or use '
            "mixed_bfloat16."
        )
    if largest > 1e10:
        return f"What comes in reaches {largest:.3g}. {_DIVERGED}"
    return ""


def _largest(leaf: Any) -> float:
    leaf = jnp.asarray(leaf)
    if not leaf.size or not jnp.issubdtype(leaf.dtype, jnp.inexact):
        return 0.0
    return float(jnp.max(jnp.abs(leaf)))


def _count(leaf: Any) -> str:
    values = np.asarray(leaf).astype("float64")
    nan, inf = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    parts = [f"{n} {word}" for n, word in ((nan, "NaN"), (inf, "infinite")) if n]
    return f"{' and '.join(parts)} of {values.size} values" if values.ndim else f"{values}"


def _range(leaf: Any) -> str:
    values = np.asarray(leaf)
    shape = f"{values.dtype} {values.shape}"
    if not values.size or values.dtype == bool:
        return shape
    wide = values.astype("float64")
    return f"{shape} between {wide.min():.4g} and {wide.max():.4g}"
