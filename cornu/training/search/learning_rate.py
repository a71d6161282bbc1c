"""find_lr: the learning rate range test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cornu.data import Arrays, ReadOptions, Stream, identify
from cornu.optimizers.learning_rate_override import LearningRateOverride
from cornu.optimizers.range_test.result import RangeTest
from cornu.optimizers.range_test.sweep import Sweep, read_loss
from cornu.training import batch_check
from cornu.training.resume.snapshot import restored_after
from cornu.training.trainer import Trainer
from cornu.types import DataLike

__all__ = ["find_lr"]


def find_lr(
    trainer: Trainer,
    x: DataLike,
    y: DataLike,
    sample_weight: DataLike,
    batch_size: int | None,
    class_weight: Any,
    sweep: Sweep,
) -> RangeTest:
    """Returns the result of a learning rate range test; see `Model.find_lr`."""
    data = identify(x, y, sample_weight)
    binding = trainer.binding("train", class_weight, aligned=data.has_rows)

    def prepare() -> Arrays | Stream:
        options = ReadOptions(
            batch_size,
            shuffle=True,
            seed=trainer.base_seed(),
            prepare=binding.bind,
            names=binding.names,
        )
        source = data.open(options)
        trainer.prepare(source, train=True)
        batch_check.check_data(trainer, binding, source)
        return source

    with trainer.training("find_lr"), restored_after(trainer, prepare) as source:
        override = LearningRateOverride(trainer.optimizer)
        # Existing programs compute the learning rate from the schedule and ignore the override.
        before = trainer.programs.swap_steps({}) if override.replaced else None
        try:
            _run(trainer, source, sweep, override)
        finally:
            override.restore()
            if before is not None:
                trainer.programs.swap_steps(before)
    return sweep.result()


def _run(
    trainer: Trainer, source: Arrays | Stream, sweep: Sweep, override: LearningRateOverride
) -> None:
    runner = trainer.programs.runner("train")
    for batch in _repeat_full_batches(source):
        override.set(sweep.rate)
        trainer.reset_metrics()  # so that the loss is not averaged over batches
        sweep.record(read_loss(runner.run_batch(batch)))
        if sweep.ended:
            return


def _repeat_full_batches(source: Arrays | Stream) -> Iterator[Any]:
    """Yields the batches of one epoch after another, without the partial batches of arrays."""
    partial = isinstance(source, Arrays) and source.has_partial_batch
    epoch = 0
    while True:
        for number, batch in enumerate(source.batches(epoch)):
            # Its loss is noisier, and its shape would require another compilation.
            if partial and number == (source.steps or 0) - 1:
                break
            yield batch
        epoch += 1
