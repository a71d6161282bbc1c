"""steps_per_epoch of data that has rows: epochs continue where the last ended, as in Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cornu
from cornu.data import adapt
from tests.data.many import LABELS, Batches, X


def epochs(source, count):
    return [[x.tolist() for x, _, _ in source.batches(epoch)] for epoch in range(count)]


def test_epochs_go_on_where_the_last_ended():
    source = adapt(np.arange(10), batch_size=4, steps=2, restart=True)
    assert epochs(source, 3) == [
        [[0, 1, 2, 3], [4, 5, 6, 7]],
        [[8, 9], [0, 1, 2, 3]],
        [[4, 5, 6, 7], [8, 9]],
    ]
    assert source.steps == 2 and source.has_partial_batch and not source.resident


def test_more_steps_than_batches_restart_the_data():
    source = adapt(np.arange(4), batch_size=2, steps=3, restart=True)
    assert epochs(source, 2) == [[[0, 1], [2, 3], [0, 1]], [[2, 3], [0, 1], [2, 3]]]
    assert source.resident and source.order(1).tolist() == [2, 3, 0, 1, 2, 3]
    with pytest.raises(ValueError, match="10 rows, which gives 3 batches of 4, but steps=4"):
        adapt(np.arange(10), batch_size=4, steps=4)  # in evaluate rows would count twice


def test_each_time_through_the_data_has_an_order():
    source = adapt(np.arange(8), batch_size=2, steps=3, shuffle=True, seed=1, restart=True)
    batches = sum(epochs(source, 4), [])
    first, second, third = (sum(batches[i : i + 4], []) for i in (0, 4, 8))
    assert sorted(first) == sorted(second) == sorted(third) == list(range(8))
    assert first != second != third
    assert np.concatenate([source.order(e) for e in range(4)]).tolist() == sum(batches, [])


def test_a_second_fit_begins_at_the_first_row():
    source = adapt(np.arange(8), batch_size=2, steps=3, restart=True)
    assert [x.tolist() for x, _, _ in source.batches(5)] == [[0, 1], [2, 3], [4, 5]]
    assert source.order(6).tolist() == [6, 7, 0, 1, 2, 3]


def test_as_many_steps_as_batches_change_nothing():
    plain = adapt(X, LABELS, None, 8, None, True, 3)
    given = adapt(X, LABELS, None, 8, 4, True, 3, restart=True)
    assert plain.state() is given.state() is None
    assert np.array_equal(plain.order(2), given.order(2)) and given.resident


def test_evaluation_takes_the_first_batches():
    source = adapt(np.arange(10), batch_size=4, steps=2)
    for _ in range(2):
        assert epochs(source, 1) == [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    assert source.count == 8 and source.resident and source.order(0).tolist() == list(range(8))
    source = adapt(Batches(), steps=2)
    for _ in range(2):
        assert [x.tolist() for x, _, _ in source.batches(0)] == [X[:8].tolist(), X[8:16].tolist()]
    with pytest.raises(ValueError, match="Batches has 4 batches, but steps=5"):
        adapt(Batches(), steps=5)


def classifier(library):
    return library.Sequential([library.Input((3,)), library.layers.Dense(2, activation="softmax")])


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_fit_does_what_keras_does(steps):
    theirs, ours = classifier(keras), classifier(cornu)
    ours.set_weights(theirs.get_weights())
    kwargs = {"epochs": 4, "steps_per_epoch": steps, "batch_size": 7, "shuffle": False}
    histories = []
    for model in (theirs, ours):
        model.compile("sgd", "sparse_categorical_crossentropy")
        histories.append(model.fit(X, LABELS, verbose=0, **kwargs).history["loss"])
    assert np.allclose(*histories, rtol=1e-5)
    for a, b in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        assert np.allclose(a, b, rtol=1e-5, atol=1e-6)
    found = ours.evaluate(X, LABELS, batch_size=7, steps=2, verbose=0)
    assert np.allclose(found, theirs.evaluate(X, LABELS, batch_size=7, steps=2, verbose=0), 1e-5)
    assert ours.predict(X, batch_size=7, steps=2).shape == (14, 2)


def test_partial_batches_in_the_middle_of_an_epoch():
    """Streamed, filled up, or resident: the weights are those of single steps."""
    model, single = classifier(cornu), classifier(cornu)
    single.set_weights(model.get_weights())
    for one in (model, single):
        one.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, LABELS, epochs=2, steps_per_epoch=3, batch_size=12, shuffle=False, verbose=0)
    for first in (0, 12, 24, 0, 12, 24):
        single.train_on_batch(X[first : first + 12], LABELS[first : first + 12])
    model.fit(X, LABELS, epochs=2, steps_per_epoch=2, batch_size=12, shuffle=False, verbose=0)
    for first in (0, 12, 24, 0):
        single.train_on_batch(X[first : first + 12], LABELS[first : first + 12])
    for a, b in zip(model.get_weights(), single.get_weights(), strict=True):
        assert np.allclose(a, b, rtol=1e-5, atol=1e-6)
