"""predict, also on single batches."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import jax
import numpy as np

from cornu.core.state.dtypes import is_direct
from cornu.data import ReadOptions, identify
from cornu.data.shared_order import check_batches, share_seeds
from cornu.errors import is_positive_integer
from cornu.process.interrupts import immediate_interrupts
from cornu.training import batch_check
from cornu.training.dry_run import limit_steps
from cornu.training.fitting import Verbosity, callback_list
from cornu.training.known_input import remember
from cornu.training.step.partial_batch import BatchPadder
from cornu.training.trainer import Trainer
from cornu.types import DataLike, PyTree

__all__ = ["predict", "predict_on_batch"]

_POLLS = 64  # about ten microseconds
_BATCH_SIZE = 32
# Batches that are computed ahead of the one whose predictions are awaited. Without a limit, all of
# them would wait on the device with copies of their inputs, which takes memory and time.
_AHEAD = 8


def predict(
    trainer: Trainer,
    x: DataLike,
    batch_size: int | None,
    verbose: Verbosity,
    steps_: int | None,
    callbacks: Any,
) -> Any:
    """Returns the predictions for some data; see `Model.predict`."""
    with immediate_interrupts():
        share_seeds()
        listens = bool(callbacks) or verbose in (1, 2)
        sized = batch_size is None or is_positive_integer(batch_size)
        if not listens and steps_ is None and sized and trainer.placement is None:
            known = trainer.known_input
            if known is not None and known.accepts(trainer.model, x, batch_size or _BATCH_SIZE):
                known.check_values(x)
                return _host_arrays(trainer.programs.predict((x, None, None)))
        return _predict_batches(trainer, x, batch_size, verbose, steps_, callbacks, listens)


def _predict_batches(
    trainer: Trainer,
    x: DataLike,
    batch_size: int | None,
    verbose: Verbosity,
    steps_: int | None,
    callbacks: Any,
    listens: bool,
) -> Any:
    data = identify(x)
    binding = trainer.binding("predict", inputs_only=True, aligned=data.has_rows)
    source: Any = data.open(
        ReadOptions(batch_size, steps_, prepare=binding.bind, names=binding.names)
    )
    if not trainer.model._is_ready_:
        trainer.model._ensure_built_(source.example()[0])
    batch_check.check_inputs(trainer, binding, source)
    check = batch_check.BatchCheck(trainer, binding, inputs_only=True)
    trainer.known_input = remember(trainer.model, x, source, check)
    source = limit_steps(source)
    listed = None
    if listens:
        listed = callback_list(trainer, callbacks, verbose, 1, source.steps)
        listed.on_predict_begin()
    parts: list[Any] = []
    placement = trainer.placement
    padder = BatchPadder(source)
    config = trainer.config
    # The number of batches between two calls of callbacks, as in `fit`.
    together = 1 if config is None or listed is None else config.steps_per_execution or 1
    with contextlib.closing(source):
        batches = iter(source.batches())
        while group := list(itertools.islice(batches, together)):
            begun = len(parts)
            if not begun and placement is not None:
                check_batches(group[0], 0, source.steps, placement._shares_batches_)
            if listed is not None:
                listed.on_predict_batch_begin(begun)
            for batch in group:
                parts.append(trainer.programs.predict(batch, padder.size(batch)))
                if len(parts) > _AHEAD:
                    parts[-1 - _AHEAD] = jax.tree_util.tree_map(np.asarray, parts[-1 - _AHEAD])
            if listed is not None:
                outputs = parts[-1] if len(group) == 1 else _concatenate(parts[begun:])
                listed.on_predict_batch_end(len(parts) - 1, {"outputs": outputs})
    if listed is not None:
        listed.on_predict_end()
    return _concatenate(parts)


def _concatenate(parts: list[Any]) -> Any:
    """Returns the predictions of several batches as NumPy arrays."""
    # Concatenation would copy the only part.
    if len(parts) == 1:
        return _host_arrays(parts[0])
    return jax.tree_util.tree_map(
        lambda *pieces: np.concatenate([np.asarray(piece) for piece in pieces]), *parts
    )


def predict_on_batch(trainer: Trainer, x: DataLike) -> Any:
    """Returns the predictions for one batch, as NumPy arrays."""
    model = trainer.model
    # Arrays for a built model need no conversion, which takes longer than a small program.
    if not model._is_ready_ or not _consists_of_arrays(x):
        x = next(trainer.one_input_batch(x).batches())[0]
    return _host_arrays(trainer.programs.predict((x, None, None)))


def _consists_of_arrays(x: DataLike) -> bool:
    # Leaves of a pytree would not do: the leaves of a sparse matrix of JAX are arrays.
    if isinstance(x, (list, tuple, dict)):
        return all(map(_consists_of_arrays, x.values() if isinstance(x, dict) else x))
    return x is None or is_direct(x)


def _host_arrays(outputs: PyTree) -> Any:
    """Returns outputs as NumPy arrays that the user may write to: copies of those of JAX."""
    if isinstance(outputs, jax.Array):
        array: Any = outputs  # the declaration of JAX lacks `is_ready`
        # A thread that sleeps until the outputs are ready is woken late, which takes longer than a
        # small program.
        for _ in range(_POLLS):
            if array.is_ready():
                break
        return np.array(outputs)
    return jax.tree_util.tree_map(np.array, outputs)
