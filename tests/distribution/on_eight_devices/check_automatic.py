"""Layouts that the library chooses."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import cornu
from benchmarks.distribution.models import mlp, residual_block, resnet, transformer
from benchmarks.distribution.runs import compiled_step, memory_of
from cornu import distribution as dist
from cornu import layers as L
from cornu import ops
from cornu.core.state.placement import place
from cornu.distribution.planning.collectives import find_collectives
from cornu.distribution.planning.hlo import read_program


def divided(model, distribution):
    """Returns the divided axis of each weight that has one, by path without numbers."""
    distribution._plan_(model)
    place(model.variables, distribution)
    axes = {v.path: [i for i, a in enumerate(v.value.sharding.spec) if a] for v in model.variables}
    return {path: found[0] for path, found in axes.items() if found}


def train(distribution, block=None, **options):
    cornu.utils.set_random_seed(2)
    model, x, y, loss = transformer(width=16, rows=12, length=8) if block else mlp(rows=20)
    optimizer = cornu.optimizers.Adam(0.01, epsilon=1e-3, **options)
    model.compile(optimizer, loss, metrics=["accuracy"], distribution=distribution)
    if block:
        model.remat(block)
    history = model.fit(x, y, batch_size=7, epochs=3, verbose=0)
    return model, np.array([*history.history["loss"], *np.ravel(model.predict(x, verbose=0))])


@functools.cache
def numbers_of_one_device():
    return train(None, use_ema=True, gradient_accumulation_steps=2)[1]


@pytest.mark.parametrize(
    "name", ("fsdp", *(pytest.param(name, marks=pytest.mark.slow) for name in ("data", "tensor")))
)
def test_compile_takes_a_name(name):
    model, found = train(name, use_ema=True, gradient_accumulation_steps=2)
    expected = numbers_of_one_device()
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)
    kernel = model.layers[0].kernel
    parts = 1 if name == "data" else 8
    assert kernel.value.addressable_shards[0].data.size == kernel.size // parts
    slots = [v for v in model.optimizer.variables if v.shape == kernel.shape]
    assert len(slots) >= 4
    for slot in slots:
        assert slot.value.addressable_shards[0].data.size == slot.size // parts, slot.path


@pytest.mark.slow
def test_rematerialized_blocks():
    _, expected = train(None, "transformer_block*")
    _, found = train("fsdp", "transformer_block*")
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


class Mixer(cornu.Layer):
    """Wide activations between narrow ones."""

    def build(self, shape):
        self.kernels = [self.add_weight((shape[-1], 512)), self.add_weight((512, shape[-1]))]

    def _mix(self, x):
        wide = x @ self.kernels[0]
        for _ in range(3):
            wide = ops.tanh(ops.sin(wide))
        return x + wide @ self.kernels[1]

    def call(self, x):
        return self._mix(x)


class RematMixer(Mixer):
    def call(self, x):
        return cornu.remat(self._mix)(x)


class Mixers(cornu.Layer):
    """Layers within a layer that has a weight of its own."""

    def __init__(self):
        super().__init__()
        self.inner = [RematMixer() for _ in range(4)]

    def build(self, shape):
        self.kernel = self.add_weight((shape[-1], 64))

    def call(self, x):
        for mixer in self.inner:
            x = mixer(x)
        return x @ self.kernel @ ops.transpose(self.kernel)


def mixers(how):
    if how == "nested":
        return cornu.Sequential([cornu.Input((16,)), Mixers()])

    def mix(x):
        return (RematMixer if how == "function" else Mixer)()(x)

    x = inputs = cornu.Input((16,))
    with cornu.RematScope("full" if how == "scope" else None):
        for _ in range(4):
            x = mix(x)
    model = cornu.Model(inputs, x)
    if how == "method":
        model.remat("mix*")
    return model


def step_of_mixers(how, name):
    """Returns the loss of a step of training, and the bytes of its temporary memory."""
    x = np.random.default_rng(0).normal(size=(512, 16)).astype("float32")
    cornu.utils.set_random_seed(2)
    model = mixers(how)
    model.compile("sgd", "mse", distribution=name)
    loss = model.train_on_batch(x, x)
    return loss, compiled_step(model, (x, x, None)).memory_analysis().temp_size_in_bytes


@functools.cache
def memory_without_rematerialization():
    return step_of_mixers(None, "data")[1]


@pytest.mark.parametrize(
    "how",
    ("nested", *(pytest.param(h, marks=pytest.mark.slow) for h in ("method", "scope", "function"))),
)
def test_rematerialization_saves_as_much_memory_with_fsdp(how):
    stored = memory_without_rematerialization()
    (expected, less), (found, fsdp) = (step_of_mixers(how, name) for name in ("data", "fsdp"))
    assert found == pytest.approx(expected, abs=1e-6)
    activation = 4 * 512 // 8 * 512  # on each device
    assert less <= stored - 3 * activation  # of three blocks
    assert fsdp <= less + activation


@pytest.mark.slow
def test_mixed_precision():
    cornu.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        _, expected = train(None)
        for name in ("fsdp", "tensor"):
            _, found = train(name)
            # Eight significant bits; the order of sums differs.
            np.testing.assert_allclose(found[:3], expected[:3], atol=0.02)
    finally:
        cornu.mixed_precision.set_global_policy("float32")


def test_an_optimizer_of_optax(data):
    optax = pytest.importorskip("optax")
    model = mlp()[0]
    model.compile(optax.adam(1e-3), "mse", distribution="fsdp")
    model.optimizer.build(model.trainable_variables)
    _, x, y, _ = mlp()
    model.fit(x, np.eye(8)[y], epochs=1, verbose=0)
    kernel = model.layers[0].kernel
    slots = [v for v in model.optimizer.variables if v.shape == kernel.shape]
    assert len(slots) == 4  # of two kernels
    assert all(v.value.sharding.spec == kernel.value.sharding.spec for v in slots)


def test_scope_creates_divided_weights():
    with dist.scope("fsdp"):
        model = mlp()[0]
        assert model.layers[0].kernel.value.addressable_shards[0].data.shape == (64, 16)
    assert dist.distribution() is None


def test_fully_sharded_divides_the_largest_axis():
    cornu.utils.clear_session()
    assert divided(resnet()[0], dist.FullySharded(min_size=1)) == {
        **{"conv2d/kernel": 3, "conv2d/bias": 0, "dense/kernel": 0, "dense/bias": 0},
        **{f"conv2d_{i}/kernel": 3 for i in range(1, 5)},
        **{
            f"batch_normalization{n}/{name}": 0
            for n in ("", "_1", "_2", "_3")
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        },
    }
    large = divided(resnet()[0], dist.FullySharded())
    assert {path.rpartition("/")[2] for path in large} == {"kernel"}


@pytest.mark.parametrize(
    ("make", "expected"),
    (
        (
            lambda: mlp()[0],
            {
                **{"dense/kernel": 1, "dense/bias": 0, "dense_1/kernel": 0},
                **{"dense_2/kernel": 1, "dense_2/bias": 0, "dense_3/kernel": 0},
            },
        ),
        (
            lambda: resnet(blocks=1)[0],
            {
                **{"conv2d/kernel": 3, "conv2d/bias": 0},
                **{"conv2d_1/kernel": 2, "conv2d_2/kernel": 3, "dense/kernel": 0},
                **{
                    f"batch_normalization_1/{name}": 0
                    for name in ("gamma", "beta", "moving_mean", "moving_variance")
                },
            },
        ),
        (
            lambda: transformer(blocks=1)[0],
            {
                "embedding/embeddings": 0,
                **{
                    f"multi_head_attention/{name}": axis
                    for part in ("query", "key", "value")
                    for name, axis in ((f"{part}/kernel", 1), (f"{part}/bias", 0))
                },
                "multi_head_attention/attention_output/kernel": 0,
                **{"dense/kernel": 1, "dense/bias": 0, "dense_1/kernel": 0},
                **{"dense_2/kernel": 1, "dense_2/bias": 0},
            },
        ),
    ),
    ids=("mlp", "resnet", "transformer"),
)
def test_tensor_parallel_alternates(make, expected):
    cornu.utils.clear_session()
    assert divided(make(), dist.TensorParallel()) == expected


def test_pairs_in_nested_models_and_in_layers_without_a_graph():
    class Feed(cornu.Layer):
        def __init__(self):
            super().__init__(name="feed")
            self.inner = L.Dense(32, name="inner")
            self.outer = L.Dense(16, name="outer")

        def call(self, x):
            return self.outer(self.inner(x))

    nested = cornu.Sequential([cornu.Input((16,)), L.Dense(32, name="up"), L.ReLU()], name="nested")
    x = cornu.Input((16,))
    model = cornu.Model(x, Feed()(L.Dense(16, name="down")(nested(x))))
    assert divided(model, dist.TensorParallel()) == {
        **{"up/kernel": 1, "up/bias": 0, "down/kernel": 0},
        **{"feed/inner/kernel": 1, "feed/inner/bias": 0, "feed/outer/kernel": 0},
    }


def test_layouts_by_pattern_precede():
    cornu.utils.clear_session()
    x = cornu.Input((8, 8, 16))
    model = cornu.Model(x, residual_block(residual_block(x, 16), 16))
    layouts = {"**/gamma": ("batch",), "residual_block*/conv*/kernel": (None, None, "batch")}
    found = divided(model, dist.FullySharded(layouts=layouts))
    assert found == {
        **{f"conv2d{n}/kernel": 2 for n in ("", "_1", "_2", "_3")},
        **{f"batch_normalization{n}/gamma": 0 for n in ("", "_1", "_2", "_3")},
    }
    with pytest.raises(ValueError, match="nothing_like_this"):
        divided(model, dist.FullySharded(layouts={"nothing_like_this": ("batch",)}))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    (
        (("both",), ValueError, "both"),
        ((3,), TypeError, "must be 'data', 'fsdp', 'pipeline', 'sequence'"),
    ),
)
def test_unknown_names_are_reported(arguments, error, message):
    with pytest.raises(error, match=message):
        mlp()[0].compile("sgd", "mse", distribution=arguments[0])


def test_the_summary_shows_layouts_and_bytes(capsys):
    model, *_ = transformer(blocks=1)
    with pytest.raises(ValueError, match="needs a distribution"):
        model.summary(sharding=True)
    for name, expected in (
        ("fsdp", ("(None, batch), copies", "2.50 KB", "Mesh: batch=8", "weights 10.12 KB")),
        ("tensor", ("(None, model), (model,)", "2.06 KB", "batch=1, model=8", "weights 9.14 KB")),
    ):
        model.compile("adam", "mse", distribution=name)
        model.optimizer.build(model.trainable_variables)
        model.summary(200, sharding=True)
        shown = capsys.readouterr().out
        row = next(line for line in shown.splitlines() if "dense (Dense)" in line)
        assert expected[0] in row and expected[1] in row
        assert all(text in shown for text in expected[2:])
        # The preview is what training uses.
        place(model.weights, model._trainer_.placement)
        held = [s.data.nbytes for v in model.weights for s in v.value.addressable_shards]
        assert f"{sum(held) / 8 / 1024:.2f} KB" in expected[3]


def test_meshes_are_checked():
    mesh = dist.DeviceMesh((2, 4), ("batch", "model"))
    with pytest.raises(ValueError, match="must have one axis"):
        dist.FullySharded(mesh)
    with pytest.raises(ValueError, match="must have two axes"):
        dist.TensorParallel(dist.DeviceMesh((8,), ("batch",)))
    for kind, axis in ((dist.TensorParallel, "model"), (dist.SequenceParallel, "sequence")):
        with pytest.raises(ValueError, match=f"{axis}_parallel=3 does not divide"):
            kind(None, None, 3)


def test_memory_of_a_fully_sharded_step():
    """The state is divided by the number of devices; beside it, a device has a few weights."""
    one, all_ = memory_of(None, width=256, depth=8), memory_of("fsdp", width=256, depth=8)
    weight = 4 * 256 * 256
    assert one.state >= 3 * 8 * weight
    biases = 3 * 8 * 4 * 256  # are copied
    assert all_.state <= one.state / 8 + biases
    assert all_.shards <= one.shards / 8 + biases
    # Gathered weights and summed gradients of about one layer, not of eight.
    assert all_.temporary <= one.temporary + 4 * weight


def sequence_step(parts):
    """Returns the compiled step of a Transformer that divides 64 steps of one row."""
    model, x, y, loss = transformer(blocks=1, rows=1, length=64)
    devices = dist.list_devices()[:parts]
    given = dist.SequenceParallel(devices=devices, sequence_parallel=parts)
    model.compile("sgd", loss, distribution=given)
    model.train_on_batch(x, y)
    return compiled_step(model, (x, y, None))


def test_devices_gather_only_keys_and_values():
    program = read_program(sequence_step(8).as_text())
    found = find_collectives(program, {"batch": 1, "sequence": 8})
    gathers = {(one.count, one.result_bytes) for one in found if one.kind == "all-gather"}
    assert gathers == {(2, 4 * 64 * 32)}


@pytest.mark.slow
def test_activations_of_sequences_are_divided():
    one, eight = (sequence_step(n).memory_analysis().temp_size_in_bytes for n in (1, 8))
    assert eight <= 0.4 * one


def test_sequences_that_cannot_be_divided_are_reported():
    model, x, y, loss = transformer(blocks=1, width=16, rows=2, length=6)
    model.compile("sgd", loss, distribution=dist.SequenceParallel(sequence_parallel=4))
    with pytest.warns(UserWarning, match="(?s)6 steps cannot be divided among 4 .* such as 8,"):
        model.train_on_batch(x, y)


@pytest.mark.slow
def test_weights_may_be_divided_beside_sequences():
    def step(kind):
        cornu.utils.set_random_seed(2)
        model, x, y, loss = transformer(blocks=1, rows=2, length=16)
        model.compile("adam", loss, distribution=kind(sequence_parallel=4))
        losses = [float(model.train_on_batch(x, y)) for _ in range(3)]
        return losses, compiled_step(model, (x, y, None)).memory_analysis(), model

    losses, copied, _ = step(dist.SequenceParallel)
    found, divided, model = step(dist.ShardedSequenceParallel)
    np.testing.assert_allclose(found, losses, atol=1e-5)
    kernels = [v for v in model.weights if v.size >= 1024]
    assert all(v.value.addressable_shards[0].data.size == v.size // 8 for v in kernels)
    saved = 3 * 4 * sum(v.size for v in kernels) * 7 // 8
    assert divided.argument_size_in_bytes <= copied.argument_size_in_bytes - saved
    assert not model._trainer_.placement._undivided_(model)


@pytest.mark.slow
def test_sequences_of_other_models():
    """Layers that mix steps have the results of one device."""

    def train(given):
        cornu.utils.set_random_seed(2)
        x = inputs = cornu.Input((16, 8))
        x = L.Conv1D(8, 3, padding="causal")(x)
        x = L.LayerNormalization()(x + L.Attention()([x, x]))
        x = L.Dense(4)(L.LSTM(8, return_sequences=True)(x))
        model = cornu.Model(inputs, L.GlobalAveragePooling1D()(x))
        model.compile("sgd", "mse", distribution=given)
        data = np.random.default_rng(0).normal(size=(6, 16, 8)).astype("float32")
        history = model.fit(data, data[:, 0, :4], batch_size=4, epochs=3, verbose=0)
        return [*history.history["loss"], *model.predict(data, verbose=0).ravel()]

    found = train(dist.SequenceParallel(sequence_parallel=4))
    np.testing.assert_allclose(found, train(None), atol=1e-5)
