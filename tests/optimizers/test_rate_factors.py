"""Rates by path: each Variable is changed as by an optimizer of its own with that rate."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import cornu
from cornu import layers, optimizers
from cornu.optimizers import SGD, Adam, AdamW, LossScaleOptimizer, MultiOptimizer, OptimizerMap
from cornu.training.step.program import counters

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype("float32")
Y = RNG.normal(size=(32, 2)).astype("float32")

# Powers of two, so that a rate times its factor is exact.
ROWS = {
    "SGD": lambda rate: SGD(rate, momentum=0.9, nesterov=True),
    "Adam": lambda rate: Adam(rate, amsgrad=True),
    "AdamW": lambda rate: AdamW(rate, weight_decay=0.1),
    "Adafactor": lambda rate: optimizers.Adafactor(rate, weight_decay=0.1),
    "Lion": lambda rate: optimizers.Lion(rate, weight_decay=0.1),
    "Muon": lambda rate: optimizers.Muon(rate, exclude_layers=["b"]),
    "accumulating": lambda rate: Adam(rate, gradient_accumulation_steps=2, weight_decay=0.1),
    "scheduled": lambda rate: SGD(optimizers.schedules.ExponentialDecay(rate, 2, 0.5)),
    "clipped": lambda rate: SGD(rate, clipnorm=0.1),
    "averaged": lambda rate: SGD(rate, use_ema=True, ema_momentum=0.5),
    "optax": lambda rate: optimizers.get(optax.adamw(rate, weight_decay=0.1)),
}


def made():
    rng = np.random.default_rng(3)
    return [
        cornu.Variable(rng.normal(size=shape).astype("float32"), name=name)
        for name, shape in (("a", (3, 4)), ("b", (4,)))
    ]


def gradients(step):
    rng = np.random.default_rng(50 + step)
    return [jnp.asarray(rng.normal(size=s), "float32") for s in ((3, 4), (4,))]


def block(x):
    return layers.ReLU()(layers.Dense(4)(x))


def model(optimizer=None, run_eagerly=False):
    cornu.utils.set_random_seed(2)
    x = cornu.Input((4,))
    found = cornu.Model(x, layers.Dense(2, name="head")(block(block(x))))
    if optimizer is not None:
        found.compile(optimizer, "mse", run_eagerly=run_eagerly)
    return found


@pytest.mark.parametrize("name", ROWS)
def test_is_as_an_optimizer_of_its_own(name):
    one, several = made(), made()
    together = ROWS[name](0.125).set_rates({"b": 0.25})
    alone = ROWS[name](0.125), ROWS[name](0.125 * 0.25)
    for step in range(5):
        together.apply(gradients(step), one)
        for optimizer, gradient, variable in zip(alone, gradients(step), several, strict=True):
            optimizer.apply([gradient], [variable])
    for a, b in zip(one, several, strict=True):
        if name == "optax":  # which multiplies the finished step
            np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-5, 1e-6)
        else:
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert not np.array_equal(one[1].numpy(), made()[1].numpy())


def test_the_norm_of_all_gradients_is_that_of_all():
    plain, scaled = made(), made()
    SGD(1.0, global_clipnorm=1.0).apply(gradients(0), plain)
    SGD(1.0, global_clipnorm=1.0).set_rates({"a": 0.5}).apply(gradients(0), scaled)
    moved = [p.numpy() - q.numpy() for p, q in zip(plain, made(), strict=True)]
    np.testing.assert_allclose(scaled[0].numpy(), made()[0].numpy() + 0.5 * moved[0], 1e-6)
    np.testing.assert_array_equal(scaled[1].numpy(), plain[1].numpy())


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_in_a_model_blocks_and_variables_are_meant(run_eagerly):
    rates = {"block*": 0.5, "block_1": 0.0, "**/bias": 0.25}
    plain, scaled = model(SGD(0.5), run_eagerly), model(SGD(0.5).set_rates(rates), run_eagerly)
    before = plain.get_weights()
    for one in (plain, scaled):
        one.train_on_batch(X, Y)
    factors = [0.5, 0.25, 0.0, 0.25, 1.0, 0.25]
    for start, a, b, factor in zip(
        before, plain.get_weights(), scaled.get_weights(), factors, strict=True
    ):
        np.testing.assert_allclose(b - start, factor * (a - start), 1e-4, 1e-6)
    names = [v.path for v, factor in scaled.optimizer.rate_factors.items() if factor == 0.0]
    assert names == ["dense_3/kernel"]
    shown = []
    scaled.summary(print_fn=shown.append, rates=True, fold=False)
    rows = {
        line.split()[1]: line for line in shown[0].splitlines() if "(" in line or "block" in line
    }
    assert "0.25 to 0.5 │" in rows["block"] and "0 to 0.25 │" in rows["block_1"]
    assert "0.25 to 1 │" in rows["head"]


def test_wrappers_forward_learning_rates():
    wrapped = LossScaleOptimizer(SGD(0.5), initial_scale=4.0).set_rates({"b": 0.0})
    several = MultiOptimizer(OptimizerMap(SGD(0.5), {"a": Adam(0.5)})).set_rates({"b": 0.0})
    for optimizer in (wrapped, several):
        assert optimizer.rates_by_path == {"b": 0.0}
        variables = made()
        optimizer.apply(gradients(0), variables)
        assert [
            np.array_equal(v.numpy(), w.numpy()) for v, w in zip(variables, made(), strict=True)
        ] == [
            False,
            True,
        ]
        assert optimizer.rate_factors == {variables[1]: 0.0}
        again = optimizers.deserialize(optimizers.serialize(optimizer))
        assert again.rates_by_path == {"b": 0.0}
    inner = MultiOptimizer(OptimizerMap(SGD(0.5).set_rates({"head/bias": 0.0})))
    trained = model(inner)
    before = trained.get_weights()
    trained.train_on_batch(X, Y)
    same = [np.array_equal(a, b) for a, b in zip(before, trained.get_weights(), strict=True)]
    assert same == [False] * 5 + [True]


def test_are_saved_with_the_model(tmp_path):
    first = model(AdamW(0.1).set_rates({"block/**": 0.125}))
    first.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    first.save(tmp_path / "model.keras")
    second = cornu.saving.load_model(tmp_path / "model.keras")
    assert second.optimizer.rates_by_path == {"block/**": 0.125}
    for one in (first, second):
        one.fit(X, Y, verbose=0, shuffle=False)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "rates_by_path" not in Adam().get_config()


def test_changes_take_effect_after_training_has_begun():
    trained = model(SGD(0.1))
    trained.fit(X, Y, verbose=0)
    before, traces = trained.get_weights(), counters["traces"]
    trained.optimizer.set_rates({"**": 0.0})
    trained.fit(X, Y, verbose=0)
    for a, b in zip(before, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    trained.optimizer.set_rates({})
    trained.optimizer.learning_rate = optimizers.schedules.ExponentialDecay(0.0, 5, 0.5)
    trained.fit(X, Y, epochs=2, verbose=0)
    for a, b in zip(before, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert counters["traces"] - traces == 2


def test_invalid_factors_are_rejected():
    for rates, error, text in (
        ({"a": -1.0}, ValueError, "must be finite and at least 0"),
        ({"a": float("nan")}, ValueError, "must be finite and at least 0"),
        ({"a": "fast"}, TypeError, "must be a number"),
        ({1: 0.5}, TypeError, "as strings"),
        ([0.1], TypeError, "dict of factors"),
    ):
        with pytest.raises(error, match=text):
            Adam().set_rates(rates)
    with pytest.raises(ValueError, match="nothing matches .kernel.. Known: a, b"):
        SGD().set_rates({"kernel": 0.5}).apply(gradients(0), made())
    with pytest.raises(ValueError, match="no part 'haed'. Did you mean 'head'"):
        model(SGD().set_rates({"haed": 0.5})).fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="`rates=True` needs an optimizer"):
        model().summary(rates=True)
