"""PyDataset gives its batches in order, with any number of workers."""

from __future__ import annotations

import threading
import time

import pytest

from cornu.utils import PyDataset, Sequence


class Numbers(PyDataset):
    """The batch `(index, thread)`, which takes a while for small numbers."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        time.sleep(0.002 * (8 - index))
        return index, threading.current_thread().name


def test_batches_come_in_order():
    order = [3, 1, 7, 0, 2]
    for kwargs in ({}, {"workers": 3}, {"workers": 3, "max_queue_size": 1}):
        batches = list(Numbers(**kwargs).batches(order))
        assert [index for index, _ in batches] == order
        own = {name for _, name in batches} == {threading.current_thread().name}
        assert own == (kwargs == {})


def test_stopping_early_ends_the_workers():
    before = threading.active_count()
    batches = Numbers(workers=2).batches(range(8))
    assert next(batches)[0] == 0
    batches.close()
    assert threading.active_count() == before


def test_errors_of_workers_arrive():
    class Broken(Numbers):
        def __getitem__(self, index):
            raise KeyError("no such file")

    with pytest.raises(KeyError, match="no such file"):
        list(Broken(workers=2).batches([0]))


def test_base():
    assert Sequence is PyDataset and Numbers().num_batches == 8

    class Bare(PyDataset):
        def __init__(self):
            pass

    bare = Bare()
    assert (bare.workers, bare.use_multiprocessing, bare.max_queue_size) == (1, False, 10)
    with pytest.raises(NotImplementedError, match="Bare does not define `__getitem__`"):
        bare[0]
    with pytest.raises(NotImplementedError, match="Bare does not define `__len__`"):
        len(bare)
