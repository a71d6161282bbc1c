"""A model as arrays and a function of them, in loops of plain JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 6)).astype("float32")
Y = RNG.integers(0, 3, size=16)


def unit(x):
    return layers.BatchNormalization(momentum=0.5)(Dense(8, activation="relu")(x))


def net():
    x = Input((6,))
    h = layers.Dropout(0.5)(unit(x))
    return Model(x, Dense(3, name="head", kernel_regularizer="l2")(unit(h)))


def test_paths_name_the_arrays_and_frozen_layers_are_state():
    model = net()
    params, state, _ = model.pure()
    assert {"unit/dense/kernel", "unit_1/dense/bias", "head/kernel"} <= set(params)
    assert [path for path in state if "moving" in path] == list(state)
    model.get_layer("head").trainable = False
    frozen, rest, _ = model.pure()
    assert set(params) - set(frozen) == {"head/kernel", "head/bias"} == set(rest) - set(state)


def test_a_call_changes_nothing_and_is_the_models_own():
    model = net()
    params, state, apply = model.pure()
    before = model.get_weights()
    y, same = apply(params, state, X)
    np.testing.assert_allclose(y, model(X, training=False), 1e-5, 1e-6)
    assert all(same[path] is state[path] for path in state)
    key = jax.random.key(1)
    first, after = apply(params, state, X, training=True, key=key)
    second, _ = apply(params, state, X, training=True, key=key)
    assert np.array_equal(first, second) and not np.allclose(first, y)
    assert any(not np.array_equal(after[path], state[path]) for path in state)
    assert all(map(np.array_equal, before, model.get_weights()))


def test_a_loop_with_optax_does_what_fit_does():
    pytest.importorskip("optax")
    model, same = net(), net()
    same.set_weights(model.get_weights())
    loss_of = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    same.compile(cornu.optimizers.SGD(0.1, momentum=0.9), loss_of)
    same.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    params, state, apply = model.pure()
    optimizer = optax.sgd(0.1, momentum=0.9)
    slots = optimizer.init(params)

    @jax.jit
    def step(params, state, slots, key):
        def loss(params):
            y, after, losses = apply(params, state, X, training=True, key=key, return_losses=True)
            return loss_of(Y, y) + sum(losses), after

        grads, after = jax.grad(loss, has_aux=True)(params)
        updates, slots_ = optimizer.update(grads, slots, params)
        return optax.apply_updates(params, updates), after, slots_

    for number in range(3):
        # The key of a fit's step, so that Dropout drops the same units.
        key = jax.random.fold_in(same.trainer.programs.runner("train").key, number)
        params, state, slots = step(params, state, slots, key)
    model.assign(params, state)
    for a, b in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)


def test_arrays_outlive_training():
    model = net()
    model.compile("sgd", cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
    params, state, apply = model.pure()
    model.fit(X, Y, verbose=0)
    old, _ = apply(params, state, X)
    assert not np.allclose(old, model(X, training=False))
    model.assign(params, state)
    model.fit(X, Y, verbose=0)  # gives away the model's buffers, not these
    np.testing.assert_allclose(apply(params, state, X)[0], old)


def test_many_models_at_once():
    params, state, apply = net().pure()
    several = jax.tree.map(lambda w: jnp.stack([w, 2 * w]), params)
    y, _ = jax.vmap(lambda p: apply(p, state, X))(several)
    np.testing.assert_allclose(y[0], apply(params, state, X)[0], 1e-5, 1e-6)


def test_several_inputs_and_custom_arguments():
    class Scaled(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2)

        def call(self, inputs, factor=1.0):
            return factor * self.dense(inputs["a"] + inputs["b"])

    model = Scaled()
    with pytest.raises(ValueError, match="'scaled' is not built"):
        model.pure()
    x = {"a": X, "b": X}
    model(x)
    params, state, apply = model.pure()
    assert list(params) == ["dense/kernel", "dense/bias"] and not state
    once, _ = apply(params, state, x)
    np.testing.assert_allclose(apply(params, state, x, factor=2.0)[0], 2 * once)


def test_invalid_arguments_raise_and_change_nothing():
    model = net()
    params, state, apply = model.pure()
    before = model.get_weights()
    wrong = {**params, "heads/kernel": 1.0}
    del wrong["head/bias"]
    with pytest.raises(ValueError, match="'head/bias' is missing, 'heads/kernel' is unknown"):
        apply(wrong, state, X)
    with pytest.raises(RuntimeError, match="Pass a key"):
        apply(params, state, X, training=True)
    zeros = {path: np.zeros(w.shape) for path, w in params.items()}
    for last, message in (
        ({"heads/kernel": 0.0}, "no weight 'heads/kernel'. Did you mean 'head/kernel'"),
        ({"head/kernel": np.zeros(3)}, r"'head/kernel' has the shape \(8, 3\); received \(3,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            model.assign({**zeros, **last})
        assert all(map(np.array_equal, before, model.get_weights()))
    model.assign(zeros)
    assert not any(w.any() for w in (v.numpy() for v in model.trainable_variables))
