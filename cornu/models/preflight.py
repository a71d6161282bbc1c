"""Preflight: a model and its data looked at before the first step."""

from __future__ import annotations

import math
import pathlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np

from cornu import settings, tree
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.data import Arrays, Stream
from cornu.errors import warn
from cornu.inspect import checks
from cornu.inspect.checks import (
    CheckContext,
    CheckedOutput,
    DataSample,
    Finding,
    Report,
    sample_array,
)
from cornu.inspect.nan import batch_files, find_nan
from cornu.models.compiled import Compiled
from cornu.models.feeding import Feeding
from cornu.training.outputs import is_array

__all__ = ["after_fit", "before_fit", "check", "stop_at_nan"]


def check(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    batch_size: int | None,
    validation_data: Any,
    ignore: Iterable[str],
) -> Report:
    """Does what `Model.check` says."""
    findings: list[Finding] = []
    source: Arrays | Stream | None = None
    if x is not None:
        try:
            feeding = Feeding(model)
            alone = y is None and not model.compiled
            source = feeding.source(x, y, sample_weight, batch_size, inputs_only=alone)
            model._prepare_for(source, train=False)
            feeding.check(source) if model.compiled else feeding.check_inputs(source)
        except Exception as error:  # whatever fit would raise
            findings.append(Finding("C001", str(error)))
            source = None
    view = _view(model, source, validation_data, batch_size)
    findings += checks.run_checks(view)
    if source is not None and model.compiled:
        try:
            findings += _costly(model, view, source)
        except Exception as error:  # in a call or loss of the user's
            findings.append(Finding("C001", str(error)))
    return Report(findings, ignore)


def _costly(model: Any, view: CheckContext, source: Arrays | Stream) -> Iterator[Finding]:
    cls = type(model)
    x, y, _ = source.example()
    plain = cls.train_step is Compiled.train_step
    if plain and model.trainable_variables and (y is not None or _overrides_loss(model)):
        yield from checks.check_gradients(view, source.example())
    if view.heads:
        yield from checks.check_outputs_of(view, source.preview()[0])


def before_fit(
    model: Any, source: Arrays | Stream, validation_data: Any, batch_size: int | None
) -> None:
    """Raises what is surely wrong, and warns of what is probably wrong; once per `compile`."""
    if model._checked is model._recipe:
        return
    report = Report(checks.run_checks(_view(model, source, validation_data, batch_size)))
    for finding in report:
        if finding.severity == "error" and finding.code not in settings.get("silenced"):
            raise ValueError(finding.line)
    model._checked = model._recipe
    for finding in report:
        if finding.severity == "warning" and finding.kind.automatic and not finding.said:
            warn(
                finding.code,
                finding.line.removeprefix(f"{finding.code} "),
                stacklevel=user_stacklevel(),
            )


def after_fit(model: Any, logs: dict[str, Any]) -> None:
    """Warns of a loss that ended as NaN or infinity, if nobody has said so."""
    loss = logs.get("loss")
    if isinstance(loss, float) and not math.isfinite(loss) and not model.stop_training:
        finding = Finding("C090", f"The loss of the last epoch is {loss}.", f"model {model.name!r}")
        warn(
            finding.code,
            finding.line.removeprefix(f"{finding.code} "),
            stacklevel=user_stacklevel(),
        )


def stop_at_nan(
    model: Any,
    runner: Any,
    folder: pathlib.Path | None,
    first_epoch: int,
    batch: Any,
    epoch: int,
    step: int,
) -> None:
    """Looks for where NaN begins in a step, keeps its batch, and raises the error."""
    key = jax.random.fold_in(runner.key, runner.count.number)
    report = find_nan.find(model, batch, key)
    if report is None:
        text = (
            "Loss, gradients or weights were not finite in the compiled step; layer by layer all "
            "is finite. The difference may be one of rounding at the edge of what a dtype holds."
        )
        report = find_nan.NanReport("step", f"model {model.name!r}", "", text, batch=batch)
    report.epoch, report.step = first_epoch + epoch, step
    folder = folder or pathlib.Path(tempfile.mkdtemp(prefix="cornu-nan-"))
    name = f"nan-epoch-{report.epoch}-step-{step}.npz"
    report.file = batch_files.save_batch(batch, folder / name)
    model.nan_report = report
    raise FloatingPointError(
        f"{report}\nThe weights are those before this step; "
        "model.nan_report has the batch and what was found."
    )


def _view(
    model: Any, source: Arrays | Stream | None, validation_data: Any, batch_size: int | None
) -> CheckContext:
    x, y, weight = (None, None, None) if source is None else source.preview()
    rows = source.batch_size if isinstance(source, Arrays) else None
    if isinstance(source, Stream):
        rows = len(tree.leaves(x)[0])
    return CheckContext(
        model,
        _inputs(model, x),
        _heads(model, y),
        [sample_array(name, array) for name, array in _named(weight, "sample_weight")],
        validation := _arrays(validation_data),
        _arrays((x,)) if validation and isinstance(source, Arrays) else [],
        rows or batch_size,
        () if model._scores is None else model._scores.pairs,
    )


def _inputs(model: Any, x: Any) -> list[DataSample]:
    if x is None:
        return []
    drawing = model.functional_graph
    if drawing is None:
        return [sample_array(name, array) for name, array in _named(x, "x")]
    given = zip(drawing.input_names, drawing.input_tensors, drawing.match(x), strict=True)
    return [sample_array(name, array, tensor) for name, tensor, array in given if array is not None]


def _heads(model: Any, y: Any) -> list[CheckedOutput]:
    objective = model._objective
    if objective is None or _overrides_loss(model):
        return []
    outputs = objective.outputs
    targets = outputs.spread(y, "y", whole=is_array)
    given = model._recipe.loss
    heads = []
    for name, tensor, loss, target in zip(
        outputs.names, outputs.tensors, objective.losses, targets, strict=True
    ):
        feed = None if target is None else sample_array(name, target)
        meant = not isinstance(given, dict) or name in given
        heads.append(CheckedOutput(name, tensor, loss, feed, meant))
    return heads


def _overrides_loss(model: Any) -> bool:
    return type(model).compute_loss is not Compiled.compute_loss


def _arrays(validation_data: Any) -> list[np.ndarray]:
    """Returns the inputs of validation data that is given as arrays."""
    if not isinstance(validation_data, (tuple, list)) or not validation_data:
        return []
    leaves = tree.leaves(validation_data[0])
    if not all(isinstance(leaf, (np.ndarray, jax.Array)) for leaf in leaves):
        return []
    return [np.asarray(leaf) for leaf in leaves]


def _named(structure: Any, what: str) -> list[tuple[str, Any]]:
    if structure is None:
        return []
    found = tree.flatten_with_path(structure)
    return [(what + "".join(f"[{step!r}]" for step in path), leaf) for path, leaf in found]
