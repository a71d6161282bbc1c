"""The learning rate range test of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cornu.data import Arrays, Stream
from cornu.models.feeding import Feeding
from cornu.models.snapshot import untouched
from cornu.optimizers.learning_rate_override import LearningRateOverride
from cornu.optimizers.range_test.result import RangeTest
from cornu.optimizers.range_test.sweep import Sweep, loss_of

__all__ = ["find_lr"]


def find_lr(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    batch_size: int | None,
    class_weight: Any,
    sweep: Sweep,
) -> RangeTest:
    """Does what `Model.find_lr` says."""
    feeding = Feeding(model, class_weight)

    def prepare() -> Arrays | Stream:
        seed = model._base_seed()
        source = feeding.source(x, y, sample_weight, batch_size, None, True, seed)
        model._prepare_for(source, train=True)
        feeding.check(source)
        return source

    with untouched(model, prepare) as source:
        runners, override = dict(model._runners), LearningRateOverride(model.optimizer)
        if override.replaced:  # their programs follow the schedule
            model._runners = {}
        try:
            _run(model, source, sweep, override)
        finally:
            override.restore()
            if override.replaced:
                model._runners = runners
    return sweep.result()


def _run(model: Any, source: Arrays | Stream, sweep: Sweep, override: LearningRateOverride) -> None:
    runner = model._runner("train")
    for batch in _endless(source):
        override.set(sweep.rate)
        model.reset_metrics()  # so that the loss is that of this batch
        sweep.take(loss_of(runner.run_batch(batch)))
        if sweep.ended:
            return


def _endless(source: Arrays | Stream) -> Iterator[Any]:
    """Yields the batches of epoch after epoch; of arrays only the full ones."""
    epoch = 0
    while True:
        batches = source.batches(epoch)
        for number, batch in enumerate(batches):
            if isinstance(source, Arrays) and source.ragged and number == source.steps - 1:
                break  # its loss is less sure, and it would need a program of its own
            yield batch
        epoch += 1
