"""Orders of many rows are permutations, of which any part is computed by itself."""

import numpy as np
import pytest

import cornu
from cornu.data.sources import arrays
from cornu.data.sources.order import positions_of


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 16, 17, 1000, 4096, 65_537])
def test_each_row_occurs_once(rows):
    whole = positions_of(rows, 1, 0, 0, rows + 7)
    np.testing.assert_array_equal(np.sort(whole), np.arange(rows))
    middle = rows // 2
    np.testing.assert_array_equal(positions_of(rows, 1, 0, middle, rows), whole[middle:])


def test_orders_differ_by_seed_and_pass():
    orders = [positions_of(1000, seed, number, 0, 1000) for seed in range(4) for number in range(4)]
    for i, order in enumerate(orders):
        # Two random permutations have about one element in the same place.
        assert all(np.sum(order == other) < 10 for other in orders[:i])


def test_places_are_uniform_and_neighbors_are_not_related():
    rows, count = 64, 4000
    orders = np.stack([positions_of(rows, seed, 0, 0, rows) for seed in range(count)])
    for place in (0, 1, rows - 1):
        found = np.bincount(orders[:, place], minlength=rows)
        # Chi squared with 63 degrees of freedom exceeds 120 once in 20,000 times.
        assert np.sum((found - count / rows) ** 2) / (count / rows) < 120
    steps = np.bincount((orders[:, 1] - orders[:, 0]) % rows, minlength=rows)[1:]
    assert np.sum((steps - count / (rows - 1)) ** 2) / (count / (rows - 1)) < 120


def test_large_orders_depend_on_no_other_batch(monkeypatch):
    x = np.arange(100.0, dtype="float32")[:, None]
    small = arrays.Arrays((x, None, None), 8, shuffle=True, seed=3).order(2)
    monkeypatch.setattr(arrays, "LARGE", 50)
    made = [arrays.Arrays((x, None, None), 8, shuffle=True, seed=3) for _ in range(2)]
    batches = [batch[0].ravel() for batch in made[0].batches(epoch=2)]
    assert sorted(np.concatenate(batches)) == list(range(100))
    later = next(made[1].batches(epoch=2, start=5))[0].ravel()
    np.testing.assert_array_equal(later, batches[5])
    np.testing.assert_array_equal(made[0].order(2)[:100], np.concatenate(batches))
    assert made[0].order(2)[:100].tolist() != small[:100].tolist()
    plain = arrays.Arrays((x, None, None), 8, shuffle=False, seed=3)
    np.testing.assert_array_equal(plain.order(0)[:100], np.arange(100))


def test_training_with_large_orders_repeats(monkeypatch):
    monkeypatch.setattr(arrays, "LARGE", 50)
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")

    def losses():
        cornu.utils.set_random_seed(0)
        model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model.fit(x, x[:, :1], batch_size=16, epochs=3, verbose=0).history["loss"]

    assert losses() == losses()
