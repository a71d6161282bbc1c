"""Equal blocks as the stages of a pipeline."""

from __future__ import annotations

import numpy as np
import pytest

import cornu
from benchmarks.distribution.models import mlp, transformer
from benchmarks.distribution.runs import compiled_step, losses_of, memory_of
from cornu import distribution as dist
from cornu import layers as L
from cornu import ops


def pipeline(stages, devices=None, **options):
    names = dist.list_devices()[: devices or stages]
    return dist.PipelineParallel(devices=names, pipeline_parallel=stages, **options)


def train(make, distribution, rows=7, **options):
    """Returns the model, and losses of two epochs and predictions."""
    cornu.utils.set_random_seed(2)
    model, x, y, loss = make()
    optimizer = cornu.optimizers.Adam(0.01, epsilon=1e-3, **options)
    model.compile(optimizer, loss, distribution=distribution)
    losses = model.fit(x, y, batch_size=rows, epochs=2, verbose=0).history["loss"]
    return model, np.array([*losses, *np.ravel(model.predict(x, batch_size=rows, verbose=0))])


def small_transformer():
    return transformer(width=16, blocks=4, rows=12, length=8)


def test_results_are_those_of_one_device(tmp_path):
    """In two groups of two stages, of which each device has some weights and slots."""
    options = {"use_ema": True, "gradient_accumulation_steps": 2}
    one, expected = train(small_transformer, None, 6, **options)
    model, found = train(small_transformer, pipeline(2, 4, microbatches=3), 6, **options)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    for variable in model.variables + model.optimizer.variables:
        parts = 2 if variable.size >= 1024 else 1
        assert variable.value.addressable_shards[0].data.size == variable.size // parts
    without_numbers = [[v.path.rpartition("/")[2] for v in m.weights] for m in (one, model)]
    assert without_numbers[0] == without_numbers[1]
    model.save(tmp_path / "model.keras")
    restored = cornu.models.load_model(tmp_path / "model.keras")
    x = small_transformer()[1]
    np.testing.assert_allclose(
        restored.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "stages"), (("deep MLP", 4), ("deep Transformer", 8)))
def test_fifty_steps_have_the_losses_of_one_device(name, stages):
    expected = losses_of(name, None)
    np.testing.assert_allclose(losses_of(name, pipeline(stages)), expected, atol=1e-5, rtol=0)
    assert expected[-1] < 0.9 * expected[0]


def masked():
    """Rematerialized blocks, which pass on an array and its mask."""

    @cornu.block(remat=True)
    def block(x):
        x = L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(2, 4)(x, x)]))
        return L.Add()([x, L.Dense(8, activation="gelu")(x)])

    tokens = cornu.Input((6,), dtype="int32")
    x = L.Embedding(9, 8, mask_zero=True)(tokens)
    for _ in range(2):
        x = block(x)
    x_data = np.random.default_rng(0).integers(9, size=(12, 6))
    y = x_data[:, :2].astype("float32") / 9
    return cornu.Model(tokens, L.Dense(2)(L.GlobalAveragePooling1D()(x))), x_data, y, "mse"


def with_noise():
    """Layers of a Sequential model, without functions around them."""
    layers = [
        layer
        for _ in range(4)
        for layer in (L.Dense(16, activation="selu"), L.AlphaDropout(0.1), L.GaussianNoise(0.1))
    ]
    x = np.random.default_rng(0).normal(size=(12, 16)).astype("float32")
    return cornu.Sequential([cornu.Input((16,)), *layers]), x, x, "mse"


def of_models():
    """Blocks that are models, and pass on two arrays."""

    def inner():
        x, y = inputs = [cornu.Input((8,), name="x"), cornu.Input((8,), name="y")]
        return cornu.Model(inputs, [L.Dense(8, activation="tanh")(x + y), L.Dropout(0.2)(x)])

    x = inputs = cornu.Input((8,))
    y = ops.tanh(x)
    for _ in range(2):
        x, y = inner()([x, y])
    data = np.random.default_rng(0).normal(size=(12, 8)).astype("float32")
    return cornu.Model(inputs, x + y), data, data, "mse"


@pytest.mark.slow
@pytest.mark.parametrize("make", (masked, with_noise, of_models))
def test_other_blocks(make):
    _, expected = train(make, None)
    given = pipeline(2, layouts={"**/bias": ("stage",)}, min_size=8)
    _, found = train(make, given)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)


def mixing(x):
    return x + L.Dense(8)(L.Lambda(lambda y: y - ops.mean(y, 0, keepdims=True))(x))


def normalized(x):
    return L.BatchNormalization()(L.Dense(8)(x))


def penalized(x):
    return L.Dense(8, activity_regularizer="l2")(x)


def chain(function, count=4):
    x = inputs = cornu.Input((8,))
    for _ in range(count):
        x = function(x)
    return cornu.Model(inputs, x)


class Subclassed(cornu.Model):
    def __init__(self):
        super().__init__()
        self.inner = [L.Dense(8) for _ in range(4)]

    def call(self, x):
        for layer in self.inner:
            x = layer(x)
        return x


@pytest.mark.parametrize(
    ("make", "message"),
    (
        (lambda: chain(L.Dense(8)), "there is none"),
        (lambda: chain(lambda x: L.Dense(8)(x), 3), "the longest run has 3"),
        (lambda: chain(lambda x: L.Dense(8)(x), 6), "the 6 equal blocks .* among 4 stages"),
        (lambda: chain(mixing), "'lambda.*' in block 'mixing' may combine rows"),
        (lambda: chain(penalized), "may combine rows"),
        (lambda: chain(normalized), "'normalized' assigns '.*moving_mean"),
        (Subclassed, "has no graph"),
    ),
)
def test_what_cannot_be_a_pipeline_is_refused(make, message):
    model = make()
    model.compile("sgd", "mse", distribution=pipeline(4))
    x = np.ones((8, 8), "float32")
    with pytest.raises(ValueError, match=f"PipelineParallel: .*{message}"):
        model.fit(x, x, verbose=0)


@pytest.mark.slow
def test_one_microbatch_may_combine_rows():
    def make():
        x = np.random.default_rng(0).normal(size=(12, 8)).astype("float32")
        return chain(mixing, 2), x, x, "mse"

    _, expected = train(make, None, 6)
    _, found = train(make, pipeline(2, microbatches=1), 6)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="microbatches must be a positive integer"):
        pipeline(2, microbatches=0)
    with pytest.raises(ValueError, match="pipeline_parallel=3 does not divide"):
        pipeline(3, 8)
    assert isinstance(dist.get("pipeline"), dist.PipelineParallel)
    assert dist.get("pipeline").microbatches == 16


def test_a_device_has_the_weights_of_its_stages():
    one, eight = (memory_of(pipeline(n), width=64, depth=8) for n in (1, 8))
    weight = 4 * 64 * 64
    biases = 3 * 8 * 4 * 64  # are copied
    assert eight.state <= one.state / 8 + biases
    assert eight.collectives["all-to-all"] == 2  # of kernels, and of their gradients
    # The blocks, their gradients and activations; 23 ticks do not save them again.
    assert eight.temporary <= 6 * weight
    model, x, y, loss = mlp()
    model.compile("sgd", loss)
    model.train_on_batch(x, y)
    assert "collective-permute" not in compiled_step(model, (x, y, None)).as_text()
