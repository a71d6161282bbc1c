"""Programs for a GPU hold no formulation that was made for the CPU; none of this needs a GPU."""

from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import layers, ops, random
from cornu.core.target import Target, applies, current_backend, current_target, tracing_for
from cornu.deviations import DEVIATIONS, plain_formulations
from cornu.training.step.runner import Runner

HOPPER = Target("gpu", "9.0")


def ones(*shape, dtype="float32"):
    return jnp.ones(shape, dtype)


KEY = jax.random.key(0)
FORMULATIONS = {
    "max_pooling": (lambda x: ops.max_pool(x, 2), (ones(2, 8, 8, 4),)),
    "average_pooling": (lambda x: ops.average_pool(x, 2), (ones(2, 8, 8, 4),)),
    "depthwise_convolution": (ops.depthwise_conv, (ones(2, 8, 8, 4), ones(3, 3, 4, 1))),
    "attention": (ops.dot_product_attention, (ones(2, 8, 2, 4),) * 3),
    "kernel_gradient": (ops.matmul, (ones(8, 4), ones(4, 3))),
    "stored_relu": (ops.relu, (ones(2, 8, 8, 4),)),
    "stored_derivatives": (ops.gelu, (ones(2, 8, 4),)),
    "random_bits": (lambda x: random.dropout(x, 0.5, seed=KEY), (ones(8, 64),)),
}


def lower(fn, args, platform):
    """Returns the program of a function with its gradients, as it is lowered for a platform."""

    def both(*args):
        value, pull = jax.vjp(lambda *args: fn(*args), *args)
        return value, pull(value)

    return jax.jit(both).trace(*args).lower(lowering_platforms=(platform,)).as_text()


def test_every_formulation_for_the_cpu_is_in_the_table():
    rows = [row for row in DEVIATIONS.values() if row.kind == "formulation"]
    assert {row.name for row in rows if row.devices == ("cpu",)} == set(FORMULATIONS)


@pytest.mark.parametrize("name", FORMULATIONS)
def test_a_gpu_gets_the_plain_formulation(name):
    fn, args = FORMULATIONS[name]
    with tracing_for(HOPPER):
        assert not applies(name)
        ours = lower(fn, args, "cuda")
    with plain_formulations():
        assert ours == lower(fn, args, "cuda")
    assert ours != lower(fn, args, "cpu")


def test_compiler_options_for_the_cpu_do_not_apply_to_a_gpu():
    options = [row for row in DEVIATIONS.values() if row.options and "cpu" in row.devices]
    with tracing_for(HOPPER):
        assert options and not any(applies(row.name) for row in options)


def test_the_target_is_the_device_of_the_process():
    assert current_target() == Target(jax.default_backend())
    with tracing_for(HOPPER):
        assert current_target() == HOPPER and current_backend() == "gpu"
        assert applies("recurrence")
    assert current_backend() == jax.default_backend()


def transformer():
    inputs = x = cornu.Input((8, 16))
    for _ in range(2):
        x = layers.Add()([x, layers.MultiHeadAttention(2, 8)(x, x, use_causal_mask=True)])
    return cornu.Model(inputs, layers.Dense(4)(layers.Flatten()(x)))


def cnn():
    return cornu.Sequential(
        [
            cornu.Input((8, 8, 4)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.MaxPooling2D(2),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(4),
        ]
    )


def lstm():
    return cornu.Sequential([cornu.Input((8, 4)), layers.LSTM(4), layers.Dense(4)])


def lower_step(make, target, policy="float32"):
    """Returns the training step of a model as it is lowered for CUDA, and its Program."""
    cornu.utils.set_random_seed(0)
    cornu.mixed_precision.set_global_policy(policy)
    try:
        model = make()
    finally:
        cornu.mixed_precision.set_global_policy("float32")
    with tracing_for(target):
        model.compile("adam", cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
        shape = (4, *model.input_shape[1:])
        x, y = np.zeros(shape, "float32"), np.zeros((4,), "int32")
        runner: Runner = model.trainer.programs.runner("train")
        batch = model.trainer.one_batch(x, y, None, None, train=True).structure
        batch = jax.tree_util.tree_map(jnp.asarray, batch)
        program = runner.program(batch, False)
        return program.lower(runner.key, batch, "cuda").as_text(), program


def test_the_step_of_a_convolutional_network():
    text, program = lower_step(cnn, HOPPER)
    # Of pooling, dropout and depthwise convolutions, as XLA has them.
    assert "stablehlo.select_and_scatter" in text
    assert "stablehlo.reduce_window" in text
    assert "feature_group_count = 4" in text
    assert program.looped
    # The forward convolutions have their channels last, in input and output.
    assert text.count("dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]") >= 2
    assert "[b, f, 0, 1]" not in text
    here, program = lower_step(cnn, Target("cpu"))
    assert "stablehlo.select_and_scatter" not in here and "feature_group_count = 4" not in here
    assert not program.looped


def test_the_step_of_a_recurrent_network_has_the_gradient_in_closed_form():
    text, program = lower_step(lstm, HOPPER)
    assert program.looped
    assert text.count("stablehlo.while") == 2  # forward and backward
    with mock.patch("cornu.layers.rnn.cell_protocol.is_enabled", lambda name: False):
        plain, _ = lower_step(lstm, HOPPER)
    assert plain != text


@pytest.mark.parametrize(
    "target, policy, kernels",
    [
        (HOPPER, "mixed_bfloat16", True),
        (HOPPER, "float32", False),
        (Target("gpu", "7.5"), "mixed_bfloat16", False),
        (Target("gpu", "gfx942"), "mixed_bfloat16", False),
        (Target("cpu"), "mixed_bfloat16", False),
    ],
)
def test_attention_on_a_gpu_uses_cudnn_where_it_applies(target, policy, kernels, monkeypatch):
    # JAX asks for the version of the library on this machine.
    monkeypatch.setattr(
        "jax._src.cudnn.fused_attention_stablehlo.check_cudnn_version", lambda: 91_000
    )
    cornu.config.enable_flash_attention()
    try:
        text, _ = lower_step(transformer, target, policy)
    finally:
        cornu.config.disable_flash_attention()
    assert ("__cudnn$fmha" in text) == kernels
