"""`custom_objects`: functions for lambdas, and classes in place of others."""

import threading

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.models import clone_model, load_model
from tests.saving.models import close, floats

X = floats(2, 3)


def lambdas(k):
    inputs = k.Input((3,))
    x = k.layers.Lambda(lambda x: x + 1, name="plus")(inputs)
    x = k.layers.Dense(3, activation=lambda x: x * 3, kernel_initializer="ones", name="dense")(x)
    return k.Model(inputs, k.layers.Lambda(lambda x: x * 2, name="twice")(x))


FUNCTIONS = {"plus": lambda x: x + 1, "dense": lambda x: x * 3, "twice": lambda x: x * 2}


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize("k", [cornu, keras], ids=["ours", "theirs"])
def test_lambdas_are_replaced_by_the_name_of_their_layer(k, tmp_path):
    path = tmp_path / "m.keras"
    model = lambdas(k)
    model.save(path)
    close(load_model(path, FUNCTIONS)(X), model(X))
    in_full = {"plus/function": FUNCTIONS["plus"], "dense/activation": FUNCTIONS["dense"]}
    close(load_model(path, {**in_full, "<lambda>": FUNCTIONS["twice"]})(X), model(X))
    with pytest.raises(ValueError, match="one function '<lambda>'.*'plus' and Dense 'dense'"):
        load_model(path, {"<lambda>": FUNCTIONS["plus"]})
    with pytest.raises(ValueError, match="'plus'.*\n.*custom_objects={'plus': function}"):
        load_model(path)


def scaled(x):
    return 2 * x


def test_copies_within_the_process_keep_functions():
    model = lambdas(cornu)
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    close(clone(X), model(X))
    stack = cornu.Sequential([layers.Lambda(scaled), layers.Lambda(lambda x: x + 1)])
    close(stack.repeat(2)(X), 2 * (2 * X + 1) + 1)


class Own(layers.Dense):
    def call(self, inputs):
        return super().call(inputs) + 100


class OwnBlock(cornu.Sequential):
    pass


def nested(k):
    block = k.Sequential([k.Input((3,)), k.layers.Dense(3), k.layers.Dense(2)])
    inputs = k.Input((3,))
    return k.Model(inputs, k.layers.Dense(1)(block(inputs)))


@pytest.mark.parametrize("k", [cornu, keras], ids=["ours", "theirs"])
def test_a_class_of_the_library_is_replaced_with_its_weights(k, tmp_path):
    path = tmp_path / "m.keras"
    model = nested(k)
    model.save(path)
    loaded = load_model(path, {"Dense": Own, "Sequential": OwnBlock})
    assert type(loaded.layers[2]) is Own and type(loaded.layers[1]) is OwnBlock
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert (one == other).all()
    loaded.save(path)  # under the names of the new classes
    with pytest.raises(ValueError, match="'OwnBlock'"):
        load_model(path)
    again = load_model(path, {"Own": Own, "OwnBlock": OwnBlock})
    close(again(X), loaded(X))
    renamed = type("Renamed", (Own,), {})
    close(load_model(path, {"Own": renamed, "OwnBlock": OwnBlock})(X), loaded(X))


@pytest.mark.parametrize("name", ["relu", "MeanSquaredError", "Adam", "GlorotUniform"])
def test_every_kind_of_object_is_replaced(name, tmp_path):
    class OwnLoss(cornu.losses.MeanSquaredError):
        pass

    class OwnAdam(cornu.optimizers.Adam):
        pass

    class OwnInitializer(cornu.initializers.GlorotUniform):
        pass

    own = {"relu": scaled, "MeanSquaredError": OwnLoss, "Adam": OwnAdam}
    own["GlorotUniform"] = OwnInitializer
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, "relu")])
    model.compile(cornu.optimizers.Adam(), cornu.losses.MeanSquaredError())
    model.fit(X, X[:, :2], verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras", {name: own[name]})
    parts = [loaded.layers[0].activation, loaded.loss, loaded.optimizer]
    parts.append(loaded.layers[0].kernel_initializer)
    assert own[name] in [*parts, *map(type, parts)]
    slots = zip(loaded.optimizer.variables, model.optimizer.variables, strict=True)
    assert all((np.asarray(one) == np.asarray(other)).all() for one, other in slots)


def test_non_classes_are_named(tmp_path):
    nested(cornu).save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="Expected a class with a `from_config... method.*scaled"):
        load_model(tmp_path / "m.keras", {"Dense": scaled})


def test_scopes_of_threads_are_separate():
    together, found = threading.Barrier(2, timeout=10), {}

    def run(factor):
        with cornu.saving.custom_object_scope({"scaled_by": lambda x: factor * x}):
            together.wait()
            found[factor] = cornu.activations.get("scaled_by")(1)
            together.wait()
            if factor == 3:  # the scope that was entered last need not be left first
                together.wait()
                found["left"] = cornu.activations.get("scaled_by")(1)
        if factor == 2:
            together.wait()

    threads = [threading.Thread(target=run, args=(factor,)) for factor in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {2: 2, 3: 3, "left": 3}
    with pytest.raises(ValueError, match="Unknown activation 'scaled_by'"):
        cornu.activations.get("scaled_by")


def test_names_that_a_file_does_not_use_are_ignored(tmp_path):
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.save(tmp_path / "m.keras")
    unused = {"Unused": type("Unused", (cornu.layers.Layer,), {}), "unused": lambda x: x}
    loaded = cornu.saving.load_model(tmp_path / "m.keras", custom_objects=unused)
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in model.layers]


def own_function(*args):
    """A loss, metric, activation, initializer or regularizer of the program."""
    return args[0] if len(args) == 1 else cornu.ops.mean(cornu.ops.square(args[0] - args[1]))


class OwnLoss(cornu.losses.Loss):
    def call(self, y_true, y_pred):
        return own_function(y_true, y_pred)


class OwnMetric(cornu.metrics.Mean):
    pass


class OwnOptimizer(cornu.optimizers.SGD):
    pass


COMPILED = {
    "loss": (dict(loss=own_function), "own_function"),
    "loss class": (dict(loss=OwnLoss()), "OwnLoss"),
    "metric": (dict(loss="mse", metrics=[own_function]), "own_function"),
    "metric class": (dict(loss="mse", weighted_metrics=[OwnMetric()]), "OwnMetric"),
    "optimizer": (dict(loss="mse", optimizer=OwnOptimizer()), "OwnOptimizer"),
}


@pytest.mark.parametrize("name", COMPILED)
def test_what_compile_needs_is_missing(name, tmp_path):
    arguments, missing = COMPILED[name]
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile(**arguments)
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=missing) as caught:
        cornu.models.load_model(tmp_path / "model.keras")
    text = str(caught.value)
    assert f"custom_objects={{{missing!r}: {missing}}}" in text and "compile=False" in text
    loaded = cornu.models.load_model(tmp_path / "model.keras", compile=False)
    assert loaded.count_params() == 4 and not loaded.compiled
    again = cornu.models.load_model(tmp_path / "model.keras", {missing: globals()[missing]})
    assert again.compiled


@pytest.mark.parametrize("argument", ["activation", "activity_regularizer", "kernel_constraint"])
def test_a_function_of_a_layer_is_missing(argument, tmp_path):
    layer = cornu.layers.Dense(1, **{argument: own_function})
    cornu.Sequential([cornu.Input((3,)), layer]).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"custom_objects=\{'own_function': own_function\}") as it:
        cornu.models.load_model(tmp_path / "model.keras")
    assert "compile=False" not in str(it.value)
