"""Batches by number: hooks, random numbers, lengths that change, data of other libraries."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest

from cornu.data import adapt
from cornu.data.sources.indexed import Indexed
from cornu.utils import PyDataset
from tests.data.many import LABELS, Batches, Reordering, X


class Hooks(PyDataset):
    """Records the calls of its methods."""

    def __init__(self, count=3):
        super().__init__()
        self.count, self.seen = count, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.seen.append(index)
        return np.full((1, 1), index)

    def on_epoch_begin(self):
        self.seen.append("begin")

    def on_epoch_end(self):
        self.seen.append(("end", float(np.random.rand()), random.random()))


def marks(data):
    return [mark if isinstance(mark, (int, str)) else mark[0] for mark in data.seen]


def test_hooks_enclose_each_epoch():
    data = Hooks()
    source = adapt(data)
    assert isinstance(source, Indexed) and source.steps == 3
    for epoch in range(2):
        list(source.batches(epoch))
    assert marks(data) == ["begin", 0, 1, 2, "end"] * 2


def test_an_epoch_ends_without_a_request_for_its_end():
    data = Hooks()
    batches = adapt(data).batches(0)
    for _ in range(3):
        next(batches)
    assert marks(data)[-1] == 2
    del batches  # as a loop that counts its steps leaves it
    assert marks(data)[-1] == "end"


def test_hooks_use_seed_and_epoch_and_leave_global_random_states_unchanged():
    def shuffled(seed, epoch):
        data = Hooks()
        before = np.random.get_state()[1].tolist(), random.getstate()
        list(adapt(data, seed=seed).batches(epoch))
        assert (np.random.get_state()[1].tolist(), random.getstate()) == before
        return data.seen[-1]

    assert shuffled(1, 5) == shuffled(1, 5) != shuffled(1, 6) != shuffled(2, 6)


def test_the_length_may_change_between_epochs():
    class Growing(Hooks):
        def on_epoch_end(self):
            self.count += 1

    source = adapt(Growing())
    assert [len(list(source.batches(epoch))) for epoch in range(3)] == [3, 4, 5]
    assert source.steps == 5


def test_no_batches_at_all():
    with pytest.raises(ValueError, match="The data is empty: Hooks has 0 batches"):
        adapt(Hooks(0))


def test_orders_are_of_seed_and_epoch():
    def order(seed, epoch, start=0):
        source = adapt(Hooks(6), shuffle=True, seed=seed)
        return [int(x[0, 0]) for x, _, _ in source.batches(epoch, start)]

    assert order(1, 0) == order(1, 0) != order(1, 1)
    assert sorted(order(1, 1)) == list(range(6)) and order(1, 1, 4) == order(1, 1)[4:]


def test_in_epoch_chooses_the_data_of_an_epoch():
    class Chosen(Hooks):
        def in_epoch(self, epoch):
            return self if epoch == 0 else Hooks(2)

    source = adapt(Chosen(2))
    assert [len(list(source.batches(epoch))) for epoch in (0, 1)] == [2, 2]
    assert marks(source._source) == ["begin", 0, 1, "end", "begin", "end"]


@pytest.mark.slow  # starts processes
def test_random_numbers_in_processes_are_of_seed_epoch_and_number():
    kwargs = {"workers": 2, "use_multiprocessing": True}

    source, again = (adapt(Noise(**kwargs), seed=4) for _ in range(2))
    try:
        first = [float(x[0, 0]) for x, _, _ in source.batches(0)]
        second = [float(x[0, 0]) for x, _, _ in source.batches(1)]
        rest = [float(x[0, 0]) for x, _, _ in again.batches(1, 2)]
    finally:
        source.close(), again.close()
    assert len({*first, *second}) == 8 and rest == second[2:]


class Noise(Reordering):
    """Samples each batch."""

    def __getitem__(self, index):
        return np.full((1, 1), np.random.rand())


def test_validation_goes_on_with_its_order():
    """Validation data is read as epoch 0 each time; hooks may still reorder it."""

    def orders(source, times):
        return [[int(x[0, 0]) for x, _, _ in source.batches(0)] for _ in range(times)]

    source = adapt(Reordering())
    orders(source, 2)
    state, expected = source.state(), orders(source, 2)
    fresh = adapt(Reordering())
    fresh.restore(state, 0, 0)
    assert orders(fresh, 2) == expected


def test_datasets_of_keras_are_read_by_their_workers():
    class Theirs(keras.utils.PyDataset):
        __len__, __getitem__ = Batches.__len__, Batches.__getitem__

    source = adapt(Theirs(workers=2))
    rows = np.concatenate([y for _, y, _ in source.batches()])
    assert np.array_equal(rows, LABELS) and len(X) == len(rows)
    assert source._workers is not None
    source.close()
