"""Variables, batches and steps on the eight devices of a mesh."""

from __future__ import annotations

import contextlib

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import cornu
from cornu import distribution as dist

P = PartitionSpec


def mlp():
    return cornu.Sequential(
        [
            cornu.Input((16,)),
            cornu.layers.Dense(32, activation="relu", name="first"),
            cornu.layers.Dropout(0.2),
            cornu.layers.BatchNormalization(),
            cornu.layers.Dense(32, activation="relu", name="second"),
            cornu.layers.Dense(1, name="head"),
        ]
    )


def model_parallel():
    layouts = dist.LayoutMap(dist.DeviceMesh((2, 4), ("batch", "model")))
    layouts[".*first/kernel"] = (None, "model")
    layouts[".*first/bias"] = ("model",)
    layouts[".*second/kernel"] = ("model", None)
    return dist.ModelParallel(layout_map=layouts)


def subset():
    return dist.DataParallel(devices=["cpu:1", "cpu:3", "cpu:5"])


def train(distribution, data, **options):
    """Trains and uses a model in all ways; returns the numbers."""
    cornu.utils.set_random_seed(1)
    x, y = data
    with distribution.scope() if distribution else contextlib.nullcontext():
        model = mlp()
        optimizer = cornu.optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=3)
        model.compile(optimizer, "mse", metrics=["mae"], **options)
        history = model.fit(
            x, y, batch_size=12, epochs=2, verbose=0, validation_data=(x[:5], y[:5])
        )
        numbers = [
            *(value for values in history.history.values() for value in values),
            *model.evaluate(x, y, batch_size=7, verbose=0),
            *model.predict(x, batch_size=7, verbose=0).ravel(),
            *model.train_on_batch(x[:13], y[:13]),
            *model.test_on_batch(x[:8], y[:8]),
            *model.predict_on_batch(x[:3]).ravel(),
            *np.ravel(model(x[:5])),
        ]
    return model, np.array(numbers)


@pytest.fixture(scope="module")
def alone(data):
    """The numbers of one device."""
    return train(None, data)[1]


@pytest.mark.parametrize(
    "make",
    (
        model_parallel,
        pytest.param(dist.DataParallel, marks=pytest.mark.slow),
        pytest.param(subset, marks=pytest.mark.slow),
    ),
)
def test_results_are_those_of_one_device(make, data, alone):
    model, found = train(make(), data)
    np.testing.assert_allclose(found, alone, atol=1e-5, rtol=1e-5)
    devices = make().device_mesh.backend_mesh.devices.size
    for variable in (*model.variables, *model.optimizer.variables):
        assert len(variable.value.sharding.device_set) == devices, variable.path


def test_eager_steps_are_those_of_one_device(data):
    x, y = data[0][:8], data[1][:8]
    found = []
    for distribution in (None, model_parallel()):
        cornu.utils.set_random_seed(1)
        model = mlp()
        model.compile("sgd", "mse", run_eagerly=True, distribution=distribution)
        losses = [model.train_on_batch(x, y) for _ in range(2)]
        found.append([*losses, *model.predict(x, verbose=0).ravel()])
    np.testing.assert_allclose(*found, atol=1e-5, rtol=1e-5)
    assert model.get_layer("first").kernel.value.sharding.spec == P(None, "model")


def test_variables_of_the_optimizer_are_divided_as_their_weights():
    with model_parallel().scope():
        model = mlp()
        model.compile(cornu.optimizers.Adam(use_ema=True), "mse")
        model.optimizer.build(model.trainable_variables)
    kernel = model.get_layer("first").kernel
    assert kernel.value.sharding.spec == P(None, "model")
    assert kernel.value.addressable_shards[0].data.shape == (16, 8)
    slots = [v for v in model.optimizer.variables if "first_kernel" in v.path]
    assert len(slots) == 3, [v.path for v in slots]  # momentum, velocity, average
    assert all(v.value.sharding.spec == P(None, "model") for v in slots)


def test_every_kind_of_slot_is_divided():
    with model_parallel().scope():
        for optimizer in (
            cornu.optimizers.SGD(momentum=0.9, gradient_accumulation_steps=2),
            cornu.optimizers.Muon(),
            cornu.optimizers.LossScaleOptimizer(cornu.optimizers.Lion()),
        ):
            model = mlp()
            model.compile(optimizer, "mse")
            optimizer.build(model.trainable_variables)
            slots = [v for v in optimizer.variables if v.shape == (16, 32)]
            assert slots
            assert all(v.value.sharding.spec == P(None, "model") for v in slots)


def test_no_device_holds_a_whole_weight_while_it_is_created(monkeypatch):
    seen = []
    put = jax.device_put

    def watch(value, *args, **kwargs):
        seen.append(type(value))
        return put(value, *args, **kwargs)

    monkeypatch.setattr(jax, "device_put", watch)
    with model_parallel().scope():
        kernel = cornu.layers.Dense(32, name="first")
        kernel.build((None, 16))
    # From the memory of the host.
    assert seen == [np.ndarray, np.ndarray]
    assert {shard.data.shape for shard in kernel.kernel.value.addressable_shards} == {(16, 8)}


def test_assigned_values_are_divided():
    with model_parallel().scope():
        layer = cornu.layers.Dense(32, name="first")
        layer.build((None, 16))
    before = layer.kernel.value.sharding
    for value in (np.ones((16, 32)), jax.numpy.ones((16, 32)), [[2.0] * 32] * 16):
        layer.kernel.assign(value)
        assert layer.kernel.value.sharding == before
        np.testing.assert_array_equal(layer.kernel.numpy(), value)
    layer.kernel.assign_add(np.ones((16, 32)))
    assert layer.kernel.value.sharding == before
    assert layer.kernel.numpy()[0, 0] == 3.0


def test_a_layout_of_a_variable_precedes_that_of_the_distribution():
    mesh = dist.DeviceMesh((2, 4), ("batch", "model"))
    layout = dist.TensorLayout(("batch", "model"), mesh)
    for given in (layout, layout.backend_layout):
        with dist.DataParallel(dist.DeviceMesh((8,), ("batch",))).scope():
            weight = cornu.Variable(np.ones((4, 8), "float32"), layout=given)
        assert weight.value.sharding == NamedSharding(mesh.backend_mesh, P("batch", "model"))


def test_outputs_of_layers_are_divided():
    distribution = model_parallel()
    specs = []

    class Watch(cornu.Layer):
        def call(self, x):
            jax.debug.inspect_array_sharding(x, callback=lambda s: specs.append(s))
            return x

    with distribution.scope():
        distribution._layout_map["second/output"] = (None, "model")
        inputs = cornu.Input((16,))
        x = cornu.layers.Dense(32, name="second")(inputs)
        model = cornu.Model(inputs, Watch()(x))
        model.predict(np.ones((8, 16), "float32"), verbose=0)
    assert {(s.spec[1] if len(s.spec) > 1 else None) for s in specs} == {"model"}


@pytest.mark.slow
def test_a_model_moves_to_the_distribution_that_it_is_compiled_with(data):
    model = mlp()
    weight = model.get_layer("first").kernel
    assert len(weight.value.sharding.device_set) == 1
    before = weight.numpy()
    for distribution, devices in ((model_parallel(), 8), (subset(), 3)):
        with distribution.scope():
            model.compile("adam", "mse")
        model.evaluate(*data, verbose=0)
        assert len(weight.value.sharding.device_set) == devices
        np.testing.assert_array_equal(weight.numpy(), before)
        model.fit(*data, batch_size=10, epochs=1, verbose=0)
        before = weight.numpy()


@pytest.mark.parametrize(
    ("axes", "message"),
    (
        ((None, None, "model"), "'first/kernel' has shape .16, 30., but its layout"),
        ((None, "model"), "axis 1 cannot be divided into 4 equal parts"),
    ),
)
def test_a_layout_that_does_not_fit_is_an_error(axes, message):
    layouts = dist.LayoutMap(dist.DeviceMesh((2, 4), ("batch", "model")))
    layouts["first/kernel"] = axes
    with dist.ModelParallel(layout_map=layouts).scope():
        with pytest.raises(ValueError, match=message):
            cornu.layers.Dense(30, name="first").build((None, 16))


@pytest.mark.slow
def test_weights_are_saved_and_loaded(tmp_path, data):
    model, _ = train(model_parallel(), data)
    model.save(tmp_path / "model.keras")
    for distribution, devices in ((None, 1), (dist.DataParallel(), 8), (model_parallel(), 8)):
        dist.set_distribution(distribution)
        loaded = cornu.saving.load_model(tmp_path / "model.keras")
        for mine, other in zip(model.variables, loaded.variables, strict=True):
            np.testing.assert_array_equal(mine.numpy(), other.numpy())
            assert len(other.value.sharding.device_set) == devices, other.path
        loaded.fit(*data, epochs=1, verbose=0)
