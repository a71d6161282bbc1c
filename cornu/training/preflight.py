"""Checks of a model and its data before the first step, and reports of NaN during training."""

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
from cornu.data import Arrays, DataInput, ReadOptions, Stream, identify
from cornu.errors import warn
from cornu.inspect import checks, nan
from cornu.inspect.checks import CheckContext, CheckedOutput, Finding, Report, sample_array
from cornu.training import batch_check
from cornu.training.binding import Binding, named_arrays
from cornu.training.trainer import Trainer
from cornu.types import Batch, DataLike, PyTree

__all__ = ["LossWatch", "before_fit", "check", "stop_at_nan"]


def check(
    trainer: Trainer,
    x: DataLike,
    y: DataLike,
    sample_weight: DataLike,
    batch_size: int | None,
    validation_data: DataLike,
    ignore: Iterable[str],
) -> Report:
    """Returns probable mistakes in a model and its data; see `Model.check`."""
    findings: list[Finding] = []
    source: Arrays | Stream | None = None
    compiled = trainer.config is not None
    data = identify(x, y, sample_weight)
    inputs_only = y is None and not compiled
    binding = trainer.binding("train", inputs_only=inputs_only, aligned=data.has_rows)
    if x is not None:
        options = ReadOptions(batch_size, prepare=binding.bind, names=binding.names)
        try:
            source = data.open(options)
            trainer.prepare(source, train=False)
            check_source = batch_check.check_data if compiled else batch_check.check_inputs
            check_source(trainer, binding, source)
        except Exception as error:  # an error that `fit` would raise
            findings.append(Finding("C001", str(error)))
            source = None
    context = _create_context(
        trainer, binding, source, _validation_inputs(validation_data), batch_size
    )
    findings += checks.run_checks(context)
    if source is not None and compiled:
        try:
            findings += _run_costly_checks(trainer, context, source)
        except Exception as error:  # in a custom layer or loss
            findings.append(Finding("C001", str(error)))
    return Report(findings, ignore)


def _run_costly_checks(
    trainer: Trainer, context: CheckContext, source: Arrays | Stream
) -> Iterator[Finding]:
    model = trainer.model
    _, y, _ = source.example()
    has_loss = y is not None or model._overrides_("compute_loss")
    if not model._overrides_("train_step") and model.trainable_variables and has_loss:
        yield from checks.check_gradients(context, source.example())
    if context.outputs:
        yield from checks.check_outputs_of(context, source.preview()[0])


def before_fit(
    trainer: Trainer,
    binding: Binding,
    source: Arrays | Stream,
    validation: DataInput | None,
    batch_size: int | None,
) -> None:
    """Raises an error for certain mistakes, and warns about probable ones; once per `compile`."""
    # Each `compile` creates another config.
    if trainer.run.checked is trainer.config:
        return
    inputs = [] if validation is None else _array_leaves(validation.x)
    report = Report(
        checks.run_checks(_create_context(trainer, binding, source, inputs, batch_size))
    )
    for finding in report:
        if finding.severity == "error" and finding.code not in settings.get("silenced"):
            raise ValueError(finding.line)
    trainer.run.checked = trainer.config
    for finding in report:
        if finding.severity == "warning" and finding.kind.in_fit and not finding.already_warned:
            warn(
                finding.code,
                finding.line.removeprefix(f"{finding.code} "),
                stacklevel=user_stacklevel(),
            )


class LossWatch:
    """Warns at the end of the first epoch whose loss is NaN or infinite.

    Args:
        trainer: the Trainer; there is no warning if a callback stopped training.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._warned = False

    def after_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Checks the logs of an epoch, whose index is `epoch`."""
        loss = logs.get("loss")
        stopped = self._warned or self._trainer.stop_training
        if stopped or not isinstance(loss, float) or math.isfinite(loss):
            return
        self._warned = True
        path = f"model {self._trainer.model.name!r}"
        finding = Finding("C090", f"The loss of epoch {epoch + 1} is {loss}.", path)
        warn(
            finding.code,
            finding.line.removeprefix(f"{finding.code} "),
            stacklevel=user_stacklevel(),
        )


def stop_at_nan(
    trainer: Trainer,
    folder: pathlib.Path | None,
    first_epoch: int,
    batch: Batch,
    epoch: int,
    step: int,
) -> None:
    """Locates the origin of NaN in a step, saves the batch, and raises an error.

    Args:
        trainer: the Trainer of the model.
        folder: the folder for the batch; by default a temporary one.
        first_epoch: the number of the first epoch of this `fit`.
        batch: the batch of the step.
        epoch, step: the numbers of the epoch and the step in this `fit`, counted from 1.

    Raises:
        FloatingPointError: always; `model.nan_report` contains the report.
    """
    key = jax.random.fold_in(trainer.key(), trainer.counts["train"].number)
    batch = _name_arrays(trainer, batch)
    report = nan.find_in_prepared(trainer.model, batch, key)
    if report is None:
        text = (
            "Loss, gradients or weights were not finite in the compiled step, but all values are "
            "finite if the step is computed layer by layer. Rounding may differ near the limits "
            "of a dtype."
        )
        report = nan.NanReport("step", f"model {trainer.model.name!r}", "", text, batch=batch)
    report.epoch, report.step = first_epoch + epoch, step
    folder = folder or pathlib.Path(tempfile.mkdtemp(prefix="cornu-nan-"))
    name = f"nan-epoch-{report.epoch}-step-{step}.npz"
    report.file = nan.save_batch(batch, folder / name)
    trainer.run.nan_report = report
    raise FloatingPointError(
        f"{report}\nThe weights are those before this step; "
        "model.nan_report contains this report and the batch."
    )


def _name_arrays(trainer: Trainer, batch: Batch) -> tuple[Any, Any, Any]:
    """Returns a bound batch with targets and weights of several outputs in dicts by name."""
    x, y, weight = batch
    outputs = trainer.outputs
    if outputs is not None and not outputs.single:
        if isinstance(y, tuple):
            y = {n: t for n, t in zip(outputs.names, y, strict=True) if t is not None}
        if isinstance(weight, tuple):
            weight = {n: w for n, w in zip(outputs.names, weight, strict=True) if w is not None}
    return x, y, weight


def _create_context(
    trainer: Trainer,
    binding: Binding,
    source: Arrays | Stream | None,
    validation_inputs: list[np.ndarray],
    batch_size: int | None,
) -> CheckContext:
    """Returns the input of the checks: samples of the arrays of each input and output."""
    x, y, weight = (None, None, None) if source is None else source.preview()
    rows = source.batch_size if isinstance(source, Arrays) else None
    if isinstance(source, Stream):
        rows = len(tree.leaves(x)[0])
    return CheckContext(
        trainer.model,
        [] if x is None else [sample_array(n, array, t) for n, t, array in binding.inputs(x)],
        [] if binding.own_step else _checked_outputs(trainer, y),
        [
            sample_array(name, w)
            for name, w in named_arrays(weight, "sample_weight")
            if w is not None
        ],
        validation_inputs,
        _array_leaves(x) if validation_inputs and isinstance(source, Arrays) else [],
        rows or batch_size,
        () if trainer.metric_set is None else trainer.metric_set.pairs,
    )


def _checked_outputs(trainer: Trainer, y: DataLike) -> list[CheckedOutput]:
    """Returns each output with its loss and a sample of its targets."""
    objective, config = trainer.objective, trainer.config
    if objective is None or config is None or trainer.model._overrides_("compute_loss"):
        return []
    outputs = objective.outputs
    checked = []
    for name, tensor, loss, target in zip(
        outputs.names,
        outputs.tensors,
        objective.losses,
        outputs.spread_targets(y),
        strict=True,
    ):
        sample = None if target is None else sample_array(name, target)
        has_own_entry = not isinstance(config.loss, dict) or name in config.loss
        checked.append(CheckedOutput(name, tensor, loss, sample, has_own_entry))
    return checked


def _validation_inputs(validation_data: DataLike) -> list[np.ndarray]:
    """Returns the inputs of validation data that is a tuple or list of arrays."""
    if not isinstance(validation_data, (tuple, list)) or not validation_data:
        return []
    return _array_leaves(validation_data[0])


def _array_leaves(structure: PyTree) -> list[np.ndarray]:
    """Returns the arrays of a structure, or an empty list if it contains anything else."""
    leaves = tree.leaves(structure)
    if not all(isinstance(leaf, (np.ndarray, jax.Array)) for leaf in leaves):
        return []
    return [np.asarray(leaf) for leaf in leaves]
