"""The learning rate range test of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cornu import seeds
from cornu.callbacks.lr_finder import Sweep, loss_of
from cornu.callbacks.range_test import RangeTest
from cornu.data import Arrays, Stream, adapt
from cornu.models.feeding import Feeding
from cornu.models.snapshot import Snapshot
from cornu.optimizers.steering import Steering

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
    seed, drawn, built = model._seed, seeds.state(), model.built
    feeding = Feeding(model, class_weight)
    source = adapt(x, y, sample_weight, batch_size, None, True, model._base_seed(), feeding.prepare)
    model._prepare_for(source, train=True)
    feeding.check(source)
    snapshot, steering = Snapshot(model), Steering(model.optimizer)
    runners = dict(model._runners)
    if steering.replaced:  # their programs follow the schedule
        model._runners = {}
    try:
        _run(model, source, sweep, steering)
    finally:
        steering.end()
        snapshot.restore()
        if steering.replaced:
            model._runners = runners
        if built and seed is None:
            # As if nothing had been drawn; programs that hold the seed are left.
            model._seed, model._runners, model._forwards = None, {}, {}
            seeds.set_state(drawn)
    return sweep.result()


def _run(model: Any, source: Arrays | Stream, sweep: Sweep, steering: Steering) -> None:
    runner = model._runner("train")
    for batch in _endless(source):
        steering.set(sweep.rate)
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
