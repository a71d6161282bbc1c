"""Batches by number: results of the methods, their order, and their use in fit."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.data.readers.dataset import RowDataset


def rows(count=10, batch_size=3, **kwargs):
    x = np.arange(count)
    return RowDataset(count, lambda numbers: (x[numbers], -x[numbers]), batch_size, **kwargs)


def firsts(data):
    return [x.tolist() for x, _ in data]


WHOLE = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


def test_rows_come_in_batches():
    data = rows()
    assert len(data) == 4 and firsts(data) == firsts(data) == WHOLE
    assert data[1][1].tolist() == [-3, -4, -5] and data[-1][0].tolist() == [9]
    for wrong in (4, -5):
        with pytest.raises(IndexError, match="has 4 batches"):
            data[wrong]
    single = rows(3, None)
    assert len(single) == 3 and list(single) == [(0, 0), (1, -1), (2, -2)]
    assert firsts(rows(workers=3)) == WHOLE


def test_methods():
    data = rows()
    assert firsts(data.take(2)) == WHOLE[:2] and firsts(data.take(-1)) == WHOLE
    assert firsts(data.skip(3)) == WHOLE[3:] and firsts(data.skip(-1)) == []
    assert firsts(data.take(9)) == WHOLE and firsts(data.skip(9)) == []
    assert firsts(data.skip(1).take(1)) == WHOLE[1:2]
    assert firsts(data.map(lambda x, y: (x + y, y))) == [[0] * 3] * 3 + [[0]]
    for ahead in (-1, 1, 2, 100):
        assert firsts(data.prefetch(ahead)) == WHOLE
    shuffled = data.shuffle(100, seed=3)
    assert firsts(shuffled) == firsts(shuffled) != WHOLE and sorted(firsts(shuffled)) == WHOLE
    assert firsts(data.shuffle(100, seed=3)) == firsts(shuffled) != firsts(data.shuffle(seed=4))
    alone = RowDataset(4, lambda numbers: numbers * 2, 2).map(lambda x: x + 1)
    assert [x.tolist() for x in alone] == [[1, 3], [5, 7]]


def test_batch():
    single = rows(5, None)
    assert firsts(single.batch(2)) == [[0, 1], [2, 3], [4]]
    assert firsts(single.batch(2, drop_remainder=True)) == [[0, 1], [2, 3]]
    assert single.batch(2)[2][1].tolist() == [-4]
    assert firsts(rows(6, 3).batch(2)) == [[[0, 1, 2], [3, 4, 5]]]
    with pytest.raises(ValueError, match=r"same shape. Received: \(1,\), \(3,\)"):
        list(rows(4, 3).batch(2))
    with pytest.raises(ValueError, match="positive integer"):
        single.batch(0)
    texts = RowDataset(2, lambda numbers: np.array(["a", "long"], object)[numbers], None)
    assert texts.batch(2)[0].dtype == object


def test_cache_makes_each_batch_once():
    made = []
    data = rows().map(lambda x, y: (made.append(x[0]) or x, y)).cache()
    assert firsts(data.take(2)) == WHOLE[:2] and made == [0, 3]
    assert firsts(data) == WHOLE == firsts(data) and made == [0, 3, 6, 9]
    assert firsts(data.shuffle(seed=1)) != WHOLE and len(made) == 4
    assert data[1][0].tolist() == WHOLE[1] and [x[0] for x, _ in data.batches([2, 2])] == [6, 6]


def test_map_calls_in_order_by_default():
    threads = []

    def note(x, y):
        threads.append((int(x[0]), threading.current_thread().name))
        return x, y

    def called(data):
        threads.clear()
        list(data)
        return [number for number, _ in threads], {name for _, name in threads}

    here = {threading.current_thread().name}
    assert called(rows(workers=3).map(note)) == ([0, 3, 6, 9], here)
    order, names = called(rows(workers=3).map(note).prefetch(3))
    assert order == [0, 3, 6, 9] and len(names) == 1 and names != here
    order, names = called(rows().map(note, num_parallel_calls=2))
    assert sorted(order) == [0, 3, 6, 9] and not names & here


def test_errors_arrive_and_threads_end():
    def fail(x, y):
        raise KeyError(f"batch {x[0]}")

    before = threading.active_count()
    for data in (rows().map(fail).prefetch(2), rows().map(fail, num_parallel_calls=2)):
        with pytest.raises(KeyError, match="batch 0"):
            list(data)
    for batch in rows(workers=3).prefetch(3):
        assert batch[0].tolist() == WHOLE[0]
        break
    assert threading.active_count() == before


def test_each_epoch_has_an_order_of_its_own():
    data = rows(30, 5, shuffle=True, seed=3)
    orders = [firsts(data.in_epoch(epoch)) for epoch in range(3)]
    assert orders[0] == firsts(data) and orders[1] != orders[2] != orders[0]
    assert all(sorted(sum(order, [])) == list(range(30)) for order in orders)
    again = rows(30, 5, shuffle=True, seed=3)
    assert firsts(again.in_epoch(2)) == orders[2] == firsts(again.in_epoch(2).in_epoch(0))
    assert firsts(rows(30, 5).in_epoch(2)) == firsts(rows(30, 5))
    same = lambda x, y: (x, y)  # noqa: E731
    for derived in (data.map(same), data.prefetch(2), data.map(same, 2)):
        assert firsts(derived.in_epoch(2)) == orders[2]
    pairs = rows(30, None, shuffle=True, seed=3).batch(5)
    assert firsts(pairs.in_epoch(2)) == orders[2]
    # Parts and what was kept stay what they are, so that parts have nothing in common.
    for frozen in (data.take(2), data.skip(2), data.cache()):
        assert frozen.in_epoch(2) is frozen
    shuffled = data.cache().shuffle(seed=1)
    assert firsts(shuffled.in_epoch(1)) != firsts(shuffled.in_epoch(2))
    still = data.cache().shuffle(seed=1, reshuffle_each_iteration=False)
    assert firsts(still.in_epoch(1)) == firsts(still.in_epoch(2)) == firsts(still)


def test_class_names_stay():
    data = rows(class_names=["a", "b"], file_paths=["x"])
    assert data.map(lambda x, y: x).cache().take(1).prefetch().class_names == ["a", "b"]
    assert data.file_paths == ["x"] and data.take(1).file_paths is None


X = np.random.default_rng(0).normal(size=(22, 3)).astype("float32")


def numbers(count=22, batch_size=5):
    return RowDataset(
        count, lambda rows: (X[rows], X[rows].sum(1)), batch_size, shuffle=True, seed=2
    )


def linear():
    cornu.utils.set_random_seed(0)
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_fit_goes_on_exactly_where_it_ended():
    def fitted(*spans):
        model = linear()
        for initial, epochs in spans:
            model.fit(numbers(), initial_epoch=initial, epochs=epochs, verbose=0)
        return model.get_weights()

    for a, b in zip(fitted((0, 3)), fitted((0, 1), (1, 3)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_predictions_are_in_the_order_of_a_loop():
    data, whole = numbers(), linear()
    whole.fit(data, verbose=0)
    predicted = whole.predict(data, verbose=0)
    inputs = np.concatenate([x for x, _ in data])
    np.testing.assert_allclose(predicted, whole.predict(inputs, verbose=0), rtol=1e-6)
    assert whole.evaluate(data, verbose=0) == pytest.approx(
        np.mean((predicted[:, 0] - np.concatenate([y for _, y in data])) ** 2), rel=1e-4
    )


def test_batches_of_a_loop_have_the_method_numpy():
    for data in (rows(), rows().take(1), rows().map(lambda x, y: (x + 1, y)), rows(batch_size=3)):
        for x, y in data:
            assert type(x.numpy()) is np.ndarray and np.array_equal(x.numpy(), x)
            assert type(y[:1].numpy().astype("uint8")) is np.ndarray
    model = cornu.Sequential([layers.Dense(1)])
    x, _ = next(iter(rows()))
    assert model(x[:, None]).shape == model.predict_on_batch(x[:, None]).shape == (3, 1)
    assert type(rows()[0][0]) is np.ndarray
