"""States of optimizers of Optax, and checkpoints of Orbax: training continues where it stopped."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from flax.training.train_state import TrainState

import cornu
from cornu import layers, optimizers

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=shape).astype("float32") for shape in ((8, 3), (8, 2)))


class Net(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.LayerNorm()(jnp.tanh(nn.Dense(4)(x)))
        return nn.Dense(2)(x)


def net():
    norm = layers.LayerNormalization(epsilon=1e-6)
    parts = [layers.Dense(4, "tanh", name="a"), norm, layers.Dense(2, name="b")]
    return cornu.Sequential([cornu.Input((3,)), *parts])


@jax.jit
def step(state):
    def loss(params):
        return jnp.mean((Net().apply({"params": params}, X) - Y) ** 2)

    return state.apply_gradients(grads=jax.grad(loss)(state.params))


def trained(transformation, steps=3):
    params = Net().init(jax.random.key(0), X)["params"]
    state = TrainState.create(apply_fn=None, params=params, tx=transformation)
    for _ in range(steps):
        state = step(state)
    return state


# The transformation, and the optimizer of the same formula. Epsilon is added elsewhere with Adam.
RATE = 0.05
CASES = {
    "adam": (optax.adam(RATE, eps=1e-12), lambda: optimizers.Adam(RATE, epsilon=1e-12)),
    "adamw": (
        optax.adamw(RATE, eps=1e-12, weight_decay=0.1),
        lambda: optimizers.AdamW(RATE, epsilon=1e-12, weight_decay=0.1),
    ),
    "sgd": (optax.sgd(RATE, 0.9), lambda: optimizers.SGD(RATE, 0.9)),
    "plain sgd": (optax.sgd(RATE), lambda: optimizers.SGD(RATE)),
    "rmsprop": (
        optax.rmsprop(RATE, eps=1e-7, momentum=0.5, centered=True),
        lambda: optimizers.RMSprop(RATE, momentum=0.5, centered=True),
    ),
    "adagrad": (optax.adagrad(RATE), lambda: optimizers.Adagrad(RATE)),
    "adadelta": (
        optax.adadelta(RATE, rho=0.95, eps=1e-7),
        lambda: optimizers.Adadelta(RATE),
    ),
    "adamax": (optax.adamax(RATE, eps=1e-7), lambda: optimizers.Adamax(RATE)),
    "lion": (optax.lion(RATE, weight_decay=0.0), lambda: optimizers.Lion(RATE)),
    "injected": (
        optax.inject_hyperparams(optax.sgd)(learning_rate=RATE, momentum=0.9),
        lambda: optimizers.SGD(1.0, 0.9),
    ),
    "optax itself": (
        optax.chain(optax.clip_by_global_norm(1.0), optax.nadam(RATE)),
        lambda: CASES["optax itself"][0],
    ),
}
FAST = ("adam", "optax itself")


def check_next_step(model, state):
    """Compares one more step of both."""
    model.train_on_batch(X, Y)
    other = net()
    cornu.export.load_flax(other, step(state).params)
    for found, expected in zip(model.weights, other.weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in FAST else [pytest.mark.slow]) for n in CASES]
)
def test_training_continues(name):
    transformation, make = CASES[name]
    state, model = trained(transformation), net()
    model.compile(make(), "mse")
    cornu.export.load_flax(model, state.params)
    report = cornu.export.load_optax(model, state.opt_state)
    assert report.complete
    check_next_step(model, state)


@pytest.mark.parametrize("manager", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_checkpoints_of_orbax(manager, tmp_path):
    state, model = trained(optax.adam(RATE, eps=1e-12)), net()
    tree = {"params": state.params, "opt_state": state.opt_state, "step": state.step}
    folder = tmp_path / "checkpoint"
    if manager:
        with ocp.CheckpointManager(folder) as steps:
            steps.save(1, args=ocp.args.StandardSave(jax.tree.map(jnp.zeros_like, tree)))
            steps.save(2, args=ocp.args.StandardSave(tree))
    else:
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(folder, tree)
    model.compile(optimizers.Adam(RATE, epsilon=1e-12), "mse")
    assert cornu.export.load_flax(model, folder).complete
    assert cornu.export.load_optax(model, folder).complete
    assert int(model.optimizer.iterations) == 3
    found = cornu.export.read_orbax(folder)
    np.testing.assert_array_equal(
        found["params"]["Dense_0"]["kernel"], state.params["Dense_0"]["kernel"]
    )
    check_next_step(model, state)


def test_checkpoints_that_are_not_read(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(FileNotFoundError, match="contains no checkpoint of Orbax"):
            cornu.export.read_orbax(path)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "a", {"w": np.arange(3.0)})
    (tmp_path / "a" / "link").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="contains the symbolic link"):
        cornu.export.read_orbax(tmp_path / "a")
    (tmp_path / "a" / "link").unlink()
    (tmp_path / "a" / "_METADATA").write_text('{"tree_metadata": 3}')
    with pytest.raises(ValueError, match="is damaged or has another format"):
        cornu.export.read_orbax(tmp_path / "a")


def test_states_that_do_not_fit():
    state, model = trained(optax.sgd(RATE, 0.9)), net()
    with pytest.raises(ValueError, match="has no optimizer"):
        cornu.export.load_optax(model, state.opt_state)
    model.compile(optimizers.Adam(RATE), "mse")
    before = model.optimizer.get_weights() if model.optimizer.built else None
    with pytest.raises(ValueError, match="momentum .* the state has no 'mu'"):
        cornu.export.load_optax(model, state.opt_state)
    assert before is None or int(model.optimizer.iterations) == 0
    for count in (np.array([1, 2]), 1.5):
        with pytest.raises(ValueError, match="number of steps must be an integer"):
            cornu.export.load_optax(model, {"count": count})
    model.compile(optimizers.Ftrl(RATE), "mse")
    with pytest.raises(NotImplementedError, match="No state of Optax is that of Ftrl"):
        cornu.export.load_optax(model, state.opt_state)
    twice = optax.chain(optax.trace(0.9), optax.trace(0.5))
    model.compile(optimizers.SGD(RATE, 0.9), "mse")
    with pytest.raises(ValueError, match="two arrays 'trace' for each weight: '0/trace'"):
        cornu.export.load_optax(model, twice.init(state.params))


def test_layers_that_are_frozen_need_no_state():
    state, model = trained(optax.adam(RATE)), net()
    model.layers[0].trainable = False
    model.compile("adam", "mse")
    masked = {k: v for k, v in state.params.items() if k != "Dense_0"}
    names = {"a": None, "layer_normalization": "LayerNorm_0", "b": "Dense_1"}
    assert cornu.export.load_optax(model, optax.adam(RATE).init(masked), names).complete
