"""Tests of shallower copies of deep models."""

import numpy as np
import pytest

import cornu
from cornu import layers as L
from cornu.distribution.planning.depth import DEPTHS, extrapolate, find_chain, shorten


class Block(L.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = L.Dense(8, activation="tanh")

    def call(self, x):
        return x + self.inner(x)


def block(x):
    return L.Add()([x, L.Dense(8)(L.Dense(16, activation="relu")(x))])


def deep(make, count=10):
    x = inputs = cornu.Input((8,))
    x = L.Dense(8, name="first")(x)
    for _ in range(count):
        x = make(x)
    model = cornu.Model(inputs, L.Dense(3, name="last")(x), name="deep")
    model.compile(cornu.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("make", [block, lambda x: Block()(x)], ids=["function", "layer"])
def test_a_chain_of_equal_blocks_is_found_and_shortened(make):
    model = deep(make)
    chain = find_chain(model)
    assert len(chain) == 10
    short = shorten(model, chain, 3)
    per_block = (model.count_params() - deep(make, 8).count_params()) // 2
    assert short.count_params() == model.count_params() - 7 * per_block
    assert short.get_layer("first") is model.get_layer("first")
    assert short.optimizer is not model.optimizer
    assert short.optimizer.get_config() == model.optimizer.get_config()
    x = np.ones((4, 8), "float32")
    short.fit(x, np.ones((4, 3)), verbose=0)
    assert len(find_chain(model)) == 10


def test_the_values_of_the_kept_blocks_are_computed():
    model = deep(block)
    short = shorten(model, find_chain(model), 2)
    x = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
    hidden = cornu.Model(model.inputs, find_chain(model).outputs[1])(x)
    np.testing.assert_allclose(short(x), model.get_layer("last")(hidden), rtol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        lambda: deep(block, 7),
        lambda: cornu.Sequential([cornu.Input((8,)), *[L.Dense(8) for _ in range(20)]]),
        lambda: deep(Block()),
    ],
    ids=["few", "no blocks", "shared weights"],
)
def test_models_without_a_chain(model):
    assert find_chain(model()) is None


def test_blocks_of_different_sizes_are_no_chain():
    sizes = iter([8, 9] * 5)
    model = deep(lambda x: L.Add()([x, L.Dense(8)(L.Dense(next(sizes))(x))]))
    assert find_chain(model) is None


def test_rematerialized_blocks_are_other_blocks():
    model = deep(block, 12)
    model.remat("block")
    model.remat("block_1")
    assert len(find_chain(model)) == 10


def test_counts_grow_by_the_same_number():
    assert DEPTHS == (2, 3, 4)
    assert extrapolate([{"a": 1}, {"a": 3}, {"a": 5}], 10) == {"a": 17}
    # An operation that the smallest model has not.
    assert extrapolate([{}, {"b": 1}, {"b": 2}], 5) == {"b": 3}
    assert extrapolate([{"c": 1}, {}, {}], 5) is None
