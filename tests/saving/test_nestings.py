"""Models in models: every weight has a separate path, in files of cornu and of Keras."""

import json
import zipfile

import keras
import numpy as np
import pytest

import cornu
from cornu.saving import load_model
from cornu.saving.formats.hdf5 import write_hdf5
from cornu.saving.storage_keys import collect_weights_by_key, iterate_owners
from tests.sampling import slow_except
from tests.saving.models import close, floats
from tests.saving.nestings import WIDTH, Nesting

FORMATS = (".weights.h5", ".npz", ".safetensors")
X = floats(4, WIDTH)


def leaves(outputs):
    if isinstance(outputs, dict):
        return [outputs[name] for name in sorted(outputs)]
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def random_model(k, seed, share=False):
    model = Nesting(k, seed, share).model()
    model(X)
    return model


def with_new_weights(model):
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    return model


def check_weights(k, seed, share, path, expected):
    model = random_model(k, seed, share)
    model.load_weights(path)
    close(leaves(model(X)), expected, 1e-3)


@pytest.mark.parametrize(
    ("seed", "share"),
    slow_except(
        [(seed, share) for seed in range(20) for share in (False, True)], [(2, True), (7, True)]
    ),
)
def test_every_weight_comes_back(seed, share, tmp_path):
    model = with_new_weights(random_model(cornu, seed, share))
    expected = leaves(model(X))
    for ending in FORMATS:
        model.save_weights(tmp_path / f"w{ending}")
        check_weights(cornu, seed, share, tmp_path / f"w{ending}", expected)
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    assert len(loaded.weights) == len(model.weights)
    close(leaves(loaded(X)), expected, 1e-3)


@pytest.mark.parametrize("seed", slow_except(range(20), [7]))
def test_models_are_exchanged_with_keras(seed, tmp_path):
    for source, target in ((cornu, keras), (keras, cornu)):
        model = with_new_weights(random_model(source, seed))
        expected = leaves(model(X))
        model.save_weights(tmp_path / "w.weights.h5")
        model.save(tmp_path / "m.keras")
        check_weights(target, seed, False, tmp_path / "w.weights.h5", expected)
        close(leaves(target.models.load_model(tmp_path / "m.keras")(X)), expected, 1e-3)


def branch(k, units):
    inputs = k.Input((4,))
    return k.Model(inputs, k.layers.Dense(units)(inputs))


def two_branches(k):
    inputs = k.Input((4,))
    return k.Model(inputs, [branch(k, 2)(inputs), branch(k, 3)(inputs)])


def autoencoder(k):
    """The models share their layers: the encoder and the decoder are parts of the whole."""
    inputs, code = k.Input((4,)), k.Input((2,))
    encoder = k.Model(inputs, k.layers.Dense(2)(inputs))
    decoder = k.Model(code, k.layers.Dense(4)(code))
    return k.Model(inputs, decoder(encoder(inputs)))


def shared_between_models(k):
    layer, inputs = k.layers.Dense(4), k.Input((4,))
    left, right = k.Input((4,)), k.Input((4,))
    one, two = k.Model(left, layer(left)), k.Model(right, layer(layer(right)))
    return k.Model(inputs, two(one(layer(inputs))))


@pytest.mark.parametrize("make", [two_branches, autoencoder, shared_between_models])
def test_names_of_weights_are_those_of_keras(make, tmp_path):
    ours, theirs = with_new_weights(make(cornu)), make(keras)
    names = list(collect_weights_by_key(ours))
    assert len(names) == len(ours.weights)
    ours.save_weights(tmp_path / "w.weights.h5")
    theirs.load_weights(tmp_path / "w.weights.h5")
    x = floats(3, 4)
    close(leaves(theirs(x)), leaves(ours(x)))
    ours.save(tmp_path / "m.keras")
    close(leaves(load_model(tmp_path / "m.keras")(x)), leaves(ours(x)))
    close(leaves(keras.models.load_model(tmp_path / "m.keras")(x)), leaves(ours(x)))


def test_a_shared_layer_is_one_layer_after_loading(tmp_path):
    shared_between_models(cornu).save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    assert len(loaded.weights) == 2
    assert loaded.layers[2].layers[1] is loaded.layers[1]


def test_property_results_have_the_property_name(tmp_path):
    def make(k):
        class Named(k.Model):
            def __init__(self):
                super().__init__()
                self._parts = [k.layers.Dense(2), k.layers.Dense(2)]

            @property
            def last(self):
                return self._parts[-1]

            @property
            def undefined(self):
                raise AttributeError("not yet")

            def call(self, x):
                return self.last(self._parts[0](x))

        model = Named()
        model(X)
        return model

    ours, theirs = make(cornu), make(keras)
    assert "last/vars/0" in collect_weights_by_key(ours)
    theirs.save_weights(tmp_path / "w.weights.h5")
    ours.load_weights(tmp_path / "w.weights.h5")
    close(ours(X), theirs(X))


def test_files_of_earlier_versions_are_read(tmp_path):
    """They call every Functional model `model`, and count its calls from 0."""
    model = with_new_weights(two_branches(cornu))
    x = floats(3, 4)
    old = {
        f"{prefix}vars/{i}": variable.numpy()
        for prefix, owner in iterate_owners(model, old=True)
        for i, variable in enumerate(owner._own_variables_())
    }
    assert "layers/model_1/layers/dense/vars/0" in old
    write_hdf5(tmp_path / "w.weights.h5", old)
    other = two_branches(cornu)
    other.load_weights(tmp_path / "w.weights.h5")
    close(other(x), model(x))
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as archive:
        config = json.loads(archive.read("config.json"))
    for entry in config["config"]["layers"]:
        for call in entry["inbound_nodes"]:
            del call["node_index"]
    for place in config["config"]["output_layers"]:
        place[1] -= 1
    with zipfile.ZipFile(tmp_path / "old.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.write(tmp_path / "w.weights.h5", "model.weights.h5")
    close(load_model(tmp_path / "old.keras")(x), model(x))


def test_a_weight_without_a_path_is_rejected(tmp_path):
    class InASet(cornu.layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = {cornu.layers.Dense(WIDTH)}

        def call(self, x):
            return next(iter(self.parts))(x)

    model = cornu.Sequential([cornu.Input((WIDTH,)), InASet()])
    for name in ("w.weights.h5", "w.npz"):
        with pytest.raises(
            ValueError, match="(?s)2 weights of Sequential cannot be saved.*not in a set"
        ):
            model.save_weights(tmp_path / name)
    with pytest.raises(ValueError, match="2 weights of Sequential cannot be saved"):
        model.save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())


def test_parts_that_no_call_uses_come_back(tmp_path):
    @cornu.saving.register_keras_serializable("tests")
    class Adversarial(cornu.Model):
        def __init__(self, generator, critic, **kwargs):
            super().__init__(**kwargs)
            self.generator, self.critic = generator, critic

        def call(self, x):
            return self.generator(x)

    critic = cornu.Sequential([cornu.layers.Dense(1)])
    critic.compile("adam", "mse")
    critic.fit(X, X[:, :1], verbose=0)
    model = Adversarial(cornu.layers.Dense(WIDTH), critic)
    model(X)
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    close(loaded.critic(X), critic(X))
    assert loaded.critic.compiled
    close(
        [v.numpy() for v in loaded.critic.optimizer.variables],
        [v.numpy() for v in critic.optimizer.variables],
    )
