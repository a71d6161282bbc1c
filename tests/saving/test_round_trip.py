"""Saved models are restored: each format, each kind of model, and continued training."""

import io
import json
import tempfile

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.saving import load_model, register_keras_serializable
from tests.saving.models import MODELS, close, dense, floats

FORMATS = (".weights.h5", ".safetensors", ".npz", ".keras")


@pytest.mark.parametrize("name", MODELS)
def test_every_format_keeps_every_weight(name, tmp_path):
    make, x = MODELS[name]
    model = make(cornu)
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1, w.shape).astype(w.dtype) for w in model.get_weights()])
    for ending in FORMATS:
        path = tmp_path / f"model{ending}"
        if ending == ".keras":
            model.save(path)
            other = load_model(path)
            assert json.loads(other.to_json()) == json.loads(model.to_json())
            close(other(x), model(x), rtol=1e-6)
        else:
            model.save_weights(path)
            other = make(cornu)
            other.load_weights(path)
        for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
            assert one.dtype == two.dtype and (one == two).all()
    other = make(cornu)
    other.load_weights(tmp_path / "model.keras")  # of an archive, the weights alone
    close(other(x), model(x), rtol=1e-6)


@register_keras_serializable("tests")
class Branches(cornu.Model):
    """A model of its own kind, with layers in lists, dicts and lists of lists."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.steps = [layers.Dense(units), layers.Dense(units), layers.ReLU()]
        self.named = {"second": layers.Dense(2), "first": layers.LayerNormalization()}
        self.grid = [[layers.Dense(2)], (layers.Dense(2), layers.Dense(1))]
        self._hidden = layers.Dense(2)
        self.count = self.add_weight((), "ones", trainable=False, name="count")

    def call(self, x):
        for layer in self.steps:
            x = layer(x)
        x = self._hidden(self.named["second"](self.named["first"](x)))
        return self.grid[1][1](self.grid[1][0](self.grid[0][0](x))) * self.count


def test_a_model_of_its_own_kind(tmp_path):
    x = floats(4, 3)
    model = Branches(units=5)
    y = model(x)
    model.count.assign(2.0)
    model.save(tmp_path / "own.keras")
    other = load_model(tmp_path / "own.keras")
    assert type(other) is Branches and other.steps[0].units == 5
    close(other(x), 2 * np.asarray(y))
    for ending in FORMATS[:3]:
        model.save_weights(tmp_path / f"own{ending}")
        other = Branches(units=5)
        other(x)
        other.load_weights(tmp_path / f"own{ending}")
        close(other(x), 2 * np.asarray(y))


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: cornu.optimizers.Adam(0.05, amsgrad=True),
        lambda: cornu.optimizers.SGD(
            cornu.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.9
        ),
        lambda: cornu.optimizers.RMSprop(0.01, gradient_accumulation_steps=2),
    ],
    ids=["adam", "schedule", "accumulation"],
)
def test_training_goes_on_as_if_it_had_not_stopped(optimizer, tmp_path):
    x, y = floats(12, 4), floats(12, 2)

    def train(model, epochs):
        return model.fit(x, y, batch_size=4, epochs=epochs, shuffle=False, verbose=0)

    straight = dense(cornu)
    straight.compile(optimizer(), "mse", metrics=["mae"])
    stopped = dense(cornu)
    stopped.compile(optimizer(), "mse", metrics=["mae"])
    stopped.set_weights(straight.get_weights())
    train(straight, 4)
    train(stopped, 2)
    stopped.save(tmp_path / "half.keras")
    other = load_model(tmp_path / "half.keras")
    train(other, 2)
    for one, two in zip(straight.get_weights(), other.get_weights(), strict=True):
        assert (one == two).all()
    for one, two in zip(straight.optimizer.variables, other.optimizer.variables, strict=True):
        assert (one.numpy() == two.numpy()).all()


@register_keras_serializable("tests")
def crooked_loss(y_true, y_pred):
    return cornu.ops.mean(cornu.ops.abs(y_true - y_pred) ** 1.5, axis=-1)


@register_keras_serializable("tests")
class Shifted(cornu.losses.Loss):
    def __init__(self, by=1.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def call(self, y_true, y_pred):
        return cornu.ops.mean((y_true + self.by - y_pred) ** 2, axis=-1)


def halved(x):
    return x / 2


def test_custom_objects_are_found_when_loading(tmp_path):
    path = tmp_path / "own.keras"
    inputs = cornu.Input((4,))
    outputs = layers.Dense(2)(layers.Lambda(halved)(inputs))
    model = cornu.Model(inputs, outputs)
    x, y = floats(4, 4), floats(4, 2)
    for loss in (crooked_loss, Shifted(0.5), "mae"):
        model.compile("sgd", loss, metrics=[crooked_loss, "mse"])
        expected = model.evaluate(x, y, verbose=0)
        model.save(path)
        loaded = load_model(path, custom_objects={"halved": halved})
        close(loaded.evaluate(x, y, verbose=0), expected)
    with pytest.raises(ValueError, match="halved"):
        load_model(path)
    assert not load_model(path, {"halved": halved}, compile=False).compiled


def test_an_optimizer_of_optax_is_left_out_with_a_warning(tmp_path):
    optax = pytest.importorskip("optax")
    model = dense(cornu)
    model.compile(optax.sgd(0.1), "mse")
    model.fit(floats(4, 4), floats(4, 2), verbose=0)
    with pytest.warns(UserWarning, match="saved as if not compiled.*Optax"):
        model.save(tmp_path / "optax.keras")
    other = load_model(tmp_path / "optax.keras")
    assert not other.compiled
    close(other(floats(4, 4)), model(floats(4, 4)))


def test_objects_without_a_config_are_named(tmp_path):
    class Odd(layers.Layer):
        def __init__(self, thing, **kwargs):
            super().__init__(**kwargs)

        def call(self, x):
            return x

    model = cornu.Sequential([cornu.Input((2,)), Odd(object)])
    model.layers[0].get_config = lambda: {"thing": {1j}}
    with pytest.raises(TypeError, match="cannot be serialized"):
        model.save(tmp_path / "odd.keras")
    assert not list(tmp_path.iterdir())


def test_an_unbuilt_model_is_saved_without_weights(tmp_path):
    model = cornu.Sequential([layers.Dense(2)])
    model.save(tmp_path / "unbuilt.keras")
    other = load_model(tmp_path / "unbuilt.keras")
    assert not other.built and other(floats(1, 3)).shape == (1, 2)


def test_file_objects_are_written_and_read(tmp_path):
    model = dense(cornu)
    x = floats(4, 4)
    buffer = io.BytesIO()
    model.save(buffer)
    close(load_model(io.BytesIO(buffer.getvalue()))(x), model(x))
    with tempfile.NamedTemporaryFile() as file:
        cornu.saving.save_model(model, file)
        file.seek(0)
        close(load_model(file)(x), model(x))
    with pytest.raises(ValueError, match="The file object is damaged"):
        load_model(io.BytesIO(b"no archive"))


def test_arguments_of_older_versions_of_keras(tmp_path):
    model = dense(cornu)
    x, y = floats(4, 4), floats(4, 2)
    model.compile("adam", "mse")
    model.fit(x, y, verbose=0)
    with pytest.warns(UserWarning, match="save_format='keras' is ignored"):
        model.save(tmp_path / "m.keras", save_format="keras", include_optimizer=False)
    loaded = load_model(tmp_path / "m.keras")
    assert loaded.compiled and int(loaded.optimizer.iterations) == 0
    close(loaded(x), model(x))


class Foreign:
    """A class that is derived from none of the library."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Foreign) and other.value == self.value

    __hash__ = None

    def get_config(self):
        return {"value": self.value}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


VALUES = {
    "text": "word",
    "bytes": b"word",
    "ellipsis": ...,
    "slice": slice(1, None, 2),
    "foreign": Foreign(3),
    "nested": {"a": [b"x", {"b": slice(2)}]},
    "number": 3,
    "none": None,
    "array": np.arange(3),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_in_configs_are_those_of_keras(name):
    value = VALUES[name]
    for source in (cornu, keras):
        data = json.loads(json.dumps(source.saving.serialize_keras_object(value)))
        for target in (cornu, keras):
            read = target.saving.deserialize_keras_object(data, {"Foreign": Foreign})
            assert (read == value) is True or (np.asarray(read) == value).all()
    odd = bytes(range(256))
    data = json.loads(json.dumps(cornu.saving.serialize_keras_object(odd)))
    assert cornu.saving.deserialize_keras_object(data) == odd


def test_a_get_config_may_return_objects(tmp_path):
    class Holder(layers.Layer):
        def __init__(self, part, window, key, **kwargs):
            super().__init__(**kwargs)
            self.part, self.window, self.key = part, window, key

        def call(self, x):
            return self.part(x[:, self.window])

        def get_config(self):
            return {"part": self.part, "window": self.window, "key": self.key}

    model = cornu.Sequential([cornu.Input((4,)), Holder(layers.Dense(2), slice(1, 3), b"key")])
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras", {"Holder": Holder})
    close(loaded(floats(2, 4)), model(floats(2, 4)))
    assert loaded.layers[0].key == b"key"
