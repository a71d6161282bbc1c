"""Weights of Flax: modules of linen and nnx, and layers with their weights, compute the same."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import cornu
from cornu import layers

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def sequence(cell):
    return lambda: nn.RNN(cell())


def on(cell, inputs, units):
    return lambda: nnx.RNN(cell(inputs, units, rngs=nnx.Rngs(0)))


EPSILON = {"epsilon": 1e-6}
# Layer, module, shape of the input.
CASES = {
    "dense": (lambda: layers.Dense(3), lambda: nn.Dense(3), (2, 4)),
    "no_bias": (lambda: layers.Dense(3, use_bias=False), lambda: nn.Dense(3, False), (2, 4)),
    "einsum": (
        lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"),
        lambda: nn.DenseGeneral((2, 3)),
        (2, 5, 4),
    ),
    "einsum_of_dense": (
        lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"),
        lambda: nn.Dense(6),
        (2, 5, 4),
    ),
    "conv1d": (lambda: layers.Conv1D(3, 2), lambda: nn.Conv(3, (2,), padding="VALID"), (2, 5, 4)),
    "conv2d": (
        lambda: layers.Conv2D(6, (2, 3), groups=2, padding="same"),
        lambda: nn.Conv(6, (2, 3), feature_group_count=2),
        (2, 5, 6, 4),
    ),
    "conv3d": (
        lambda: layers.Conv3D(3, 2),
        lambda: nn.Conv(3, (2, 2, 2), padding="VALID"),
        (1, 3, 4, 5, 2),
    ),
    "conv2d_transpose": (
        lambda: layers.Conv2DTranspose(3, (2, 3), strides=2),
        lambda: nn.ConvTranspose(3, (2, 3), (2, 2), padding="VALID"),
        (2, 3, 4, 5),
    ),
    "depthwise": (
        lambda: layers.DepthwiseConv2D(2, depth_multiplier=3),
        lambda: nn.Conv(12, (2, 2), feature_group_count=4, padding="VALID"),
        (2, 3, 4, 4),
    ),
    "batch": (
        lambda: layers.BatchNormalization(epsilon=1e-5),
        lambda: nn.BatchNorm(use_running_average=True),
        (2, 3, 3, 4),
    ),
    "layer": (
        lambda: layers.LayerNormalization(**EPSILON),
        lambda: nn.LayerNorm(),
        (2, 3, 4),
    ),
    "group": (
        lambda: layers.GroupNormalization(2, **EPSILON),
        lambda: nn.GroupNorm(2),
        (2, 3, 3, 4),
    ),
    "rms": (lambda: layers.RMSNormalization(**EPSILON), lambda: nn.RMSNorm(), (2, 4)),
    "embedding": (lambda: layers.Embedding(7, 3), lambda: nn.Embed(7, 3), (2, 5)),
    "lstm": (
        lambda: layers.LSTM(3, return_sequences=True),
        sequence(lambda: nn.LSTMCell(3)),
        (2, 5, 4),
    ),
    "optimized_lstm": (
        lambda: layers.RNN(layers.LSTMCell(3), return_sequences=True),
        sequence(lambda: nn.OptimizedLSTMCell(3)),
        (2, 5, 4),
    ),
    "gru": (
        lambda: layers.GRU(3, return_sequences=True),
        sequence(lambda: nn.GRUCell(3)),
        (2, 5, 4),
    ),
    "simple_rnn": (
        lambda: layers.SimpleRNN(3, return_sequences=True),
        sequence(lambda: nn.SimpleCell(3)),
        (2, 5, 4),
    ),
    "attention": (
        lambda: layers.MultiHeadAttention(2, 3),
        lambda: nn.MultiHeadDotProductAttention(2, qkv_features=6),
        (2, 5, 4),
    ),
    "nnx_dense": (lambda: layers.Dense(3), lambda: nnx.Linear(4, 3, rngs=nnx.Rngs(0)), (2, 4)),
    "nnx_batch": (
        lambda: layers.BatchNormalization(epsilon=1e-5),
        lambda: nnx.BatchNorm(4, use_running_average=True, rngs=nnx.Rngs(0)),
        (2, 3, 4),
    ),
    "nnx_lstm": (
        lambda: layers.LSTM(3, return_sequences=True),
        on(nnx.LSTMCell, 4, 3),
        (2, 5, 4),
    ),
    "nnx_optimized_lstm": (
        lambda: layers.LSTM(3, return_sequences=True),
        on(nnx.OptimizedLSTMCell, 4, 3),
        (2, 5, 4),
    ),
    "nnx_gru": (
        lambda: layers.GRU(3, return_sequences=True),
        on(nnx.GRUCell, 4, 3),
        (2, 5, 4),
    ),
    "nnx_simple": (
        lambda: layers.SimpleRNN(3, return_sequences=True),
        on(nnx.SimpleCell, 4, 3),
        (2, 5, 4),
    ),
    "nnx_attention": (
        lambda: layers.MultiHeadAttention(2, 2),
        lambda: nnx.MultiHeadAttention(2, 4, decode=False, rngs=nnx.Rngs(0)),
        (2, 5, 4),
    ),
}


def randomized(tree):
    """Returns a tree with positive numbers in place of its arrays, as variances must be."""

    def change(x):
        is_float = jnp.issubdtype(x.dtype, jnp.floating)
        return jnp.asarray(RNG.uniform(0.1, 1.0, x.shape), x.dtype) if is_float else x

    return jax.tree_util.tree_map(change, tree)


def run_linen(module, x):
    variables = randomized(module.init(jax.random.key(0), x))
    return variables, np.asarray(module.apply(variables, x))


def run_nnx(module, x):
    graph, state = nnx.split(module)
    state = randomized(state)
    return state, np.asarray(nnx.merge(graph, state)(x))


def model_of(layer, x):
    inputs = cornu.Input(x.shape[1:], dtype=x.dtype.name)
    attention = isinstance(layer, layers.MultiHeadAttention)
    return cornu.Model(inputs, layer(inputs, inputs) if attention else layer(inputs))


FAST = ("batch", "conv2d_transpose", "lstm", "attention")


class Loaded(NamedTuple):
    """A model with the weights of a module.

    Attributes:
        model: the model, of one layer.
        report: how they were matched.
        difference: the largest difference of the outputs.
    """

    model: Any
    report: Any
    difference: float


def load(name):
    """Returns a model with the weights of the module of a case."""
    make, module, shape = CASES[name]
    x = RNG.integers(0, 7, shape).astype("int32") if name == "embedding" else normal(*shape)
    run = run_nnx if name.startswith("nnx") else run_linen
    source, expected = run(module(), x)
    model = model_of(make(), x)
    report = cornu.export.load_flax(model, source)
    found = np.reshape(model(x), expected.shape)
    return Loaded(model, report, float(np.abs(found - expected).max()))


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in FAST else [pytest.mark.slow]) for n in CASES]
)
def test_modules_and_layers_compute_the_same(name):
    found = load(name)
    assert found.report.complete and [match.how for match in found.report.matches] == ["order"]
    assert found.difference < 1e-5


def dense(rows, columns, value=None):
    kernel = normal(rows, columns) if value is None else np.full((rows, columns), value, "float32")
    return {"kernel": kernel, "bias": normal(columns)}


def two_layers():
    model = [cornu.Input((4,)), layers.Dense(4, name="hidden"), layers.Dense(4, name="head")]
    return cornu.Sequential(model)


def test_modules_with_numbers_have_their_order():
    depth = 11
    blocks = [layers.Dense(2, name=f"d{i}") for i in range(depth)]
    model = cornu.Sequential([cornu.Input((2,)), *blocks])
    params = {f"Dense_{i}": dense(2, 2, i) for i in reversed(range(depth))}
    report = cornu.export.load_flax(model, {"params": params})
    assert [match.module for match in report.matches] == [f"Dense_{i}" for i in range(depth)]
    assert [float(layer.kernel[0, 0]) for layer in model.layers] == list(range(depth))


def test_modules_whose_order_is_unknown_must_be_named():
    model, params = two_layers(), {"body": dense(4, 4), "top": dense(4, 4)}
    with pytest.raises(ValueError, match="several modules fit, .* 'body', 'top'"):
        cornu.export.load_flax(model, params)
    names = {"hidden": "body", "head": "top"}
    assert cornu.export.load_flax(model, params, names).complete
    np.testing.assert_array_equal(model.get_layer("head").kernel, params["top"]["kernel"])


def test_files_of_safetensors_have_no_order(tmp_path):
    from safetensors.numpy import save_file

    def write(*names):
        state = {f"{name}.weight": np.full((4, 4), i, "f") for i, name in enumerate(names)}
        save_file(state, tmp_path / "m.safetensors")

    model = two_layers()
    write("first", "second")
    with pytest.raises(ValueError, match="their order is unknown: 'first', 'second'"):
        cornu.export.load_state_dict(model, tmp_path / "m.safetensors")
    write("net.9", "net.10")
    cornu.export.load_state_dict(model, tmp_path / "m.safetensors")
    assert [float(layer.kernel[0, 0]) for layer in model.layers] == [0, 1]


def test_attention_of_separate_dense_modules():
    x = cornu.Input((5, 6))
    model = cornu.Model(x, layers.MultiHeadAttention(2, 3, name="attention")(x, x))
    params = {part: dense(6, 6) for part in ("q", "k", "v", "o")}
    names = {f"attention/{n}_dense": n[0] for n in ("query", "key", "value", "output")}
    report = cornu.export.load_flax(model, params, names)
    assert [m.module for m in report.matches] == ["q", "k", "v", "o"]
    kernel = np.asarray(model.layers[-1].query_dense.kernel)
    np.testing.assert_array_equal(kernel.reshape(6, 6), params["q"]["kernel"])


@pytest.mark.slow
def test_both_directions_of_a_bidirectional_layer():
    x = cornu.Input((5, 4))
    model = cornu.Model(x, layers.Bidirectional(layers.LSTM(3), name="both")(x))
    module = nn.Bidirectional(nn.RNN(nn.LSTMCell(3)), nn.RNN(nn.LSTMCell(3)))
    variables, expected = run_linen(module, values := normal(2, 5, 4))
    names = {f"both/{side}_layer": f"{side}_rnn" for side in ("forward", "backward")}
    assert cornu.export.load_flax(model, variables, names).complete
    last = np.concatenate([expected[:, -1, :3], expected[:, 0, 3:]], -1)
    np.testing.assert_allclose(model(values), last, rtol=1e-5, atol=1e-5)


PROBLEMS = {
    "shape": ({"a": dense(4, 3)}, {"fc": "a"}, "'kernel' has the shape (4, 3); the layer needs"),
    "no module": ({"fc_1": dense(4, 2)}, {"fc": "fc1"}, "has no such module. Did you mean 'fc_1'?"),
    "unused": (
        {"params": {"fc": dense(4, 2), "other": {"w": np.ones(3)}}},
        None,
        "params/other/w",
    ),
    "no statistics": ({"params": {"fc": {"kernel": np.ones((3, 2))}}}, None, "'kernel' has the sh"),
    "integers": (
        {"fc": {"kernel": np.ones((4, 2), "int8")}},
        None,
        "'kernel' has the dtype int8; the layer needs floats",
    ),
    "complex": ({"fc": {"kernel": np.ones((4, 2), "complex64")}}, None, "dtype complex64"),
    "layers that do not exist": (
        {"a": dense(4, 2)},
        {"fc": "a", "fcc": "a"},
        "no layer has this path or name",
    ),
    "empty": ({}, None, "no module has the parameters"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_the_report_says_why(case):
    tree, names, reason = PROBLEMS[case]
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(2, name="fc")])
    before = model.get_weights()
    with pytest.raises(ValueError, match="The tree does not fit .* no weight was changed") as error:
        cornu.export.load_flax(model, tree, names)
    assert reason in str(error.value)
    for array, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, old)
    assert reason in str(cornu.export.load_flax(model, tree, names, strict=False))


def test_trees_that_are_not_arrays():
    model = two_layers()
    with pytest.raises(TypeError, match="Received at 'hidden/kernel': ShapeDtypeStruct"):
        cornu.export.load_flax(
            model, {"hidden": {"kernel": jax.ShapeDtypeStruct((4, 4), "float32")}}
        )
    for source in (3, np.ones(3)):
        with pytest.raises(TypeError, match="Expected a tree of arrays"):
            cornu.export.load_flax(model, source)
    for names in (["hidden"], {"hidden": 1}):
        with pytest.raises(TypeError, match="names must be a dict from layers to modules"):
            cornu.export.load_flax(model, {"a": dense(4, 4)}, names)
    with pytest.raises(ValueError, match="'a/w' and 'a/kernel' are the same parameter"):
        cornu.export.load_flax(model, {"a": {"kernel": np.ones(2), "w": np.ones(2)}})
