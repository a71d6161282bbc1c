"""`custom_objects`: functions for lambdas, and classes in place of others."""

import json
import re
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
@pytest.mark.filterwarnings("ignore:The model contains 3 Python lambdas")
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
    line = "custom_objects={'plus': function, 'dense': function, 'twice': function}"
    with pytest.raises(ValueError, match=re.escape(line)):
        load_model(path)


def scaled(x):
    return 2 * x


def test_saving_lambdas_warns(tmp_path):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1, lambda x: x, name="last")])
    model.compile("sgd", lambda a, b: cornu.ops.mean((a - b) ** 2))
    with pytest.warns(UserWarning, match="The model contains 2 Python lambdas") as caught:
        model.save(tmp_path / "m.keras")
    (warned,) = caught
    text = str(warned.message)
    assert warned.filename == __file__
    lines = [model.layers[0].activation.__code__.co_firstlineno, model.loss.__code__.co_firstlineno]
    assert [int(n) for n in re.findall(r"test_custom_objects\.py:(\d+)", text)] == lines
    assert "custom_objects={'last': function, 'compile/loss': function}" in text
    own = {"last": model.layers[0].activation}
    assert not load_model(tmp_path / "m.keras", own, compile=False).compiled
    with pytest.raises(ValueError, match="'compile/loss': function"):
        load_model(tmp_path / "m.keras", own)
    loaded = load_model(tmp_path / "m.keras", {**own, "compile/loss": model.loss})
    assert loaded.evaluate(X, X[:, :1], verbose=0) == model.evaluate(X, X[:, :1], verbose=0)


class Missing(cornu.Layer):
    def call(self, inputs):
        return inputs


def missing_activation(x):
    return x


def missing_loss(y_true, y_pred):
    return cornu.ops.mean(y_true - y_pred)


def test_all_that_is_missing_is_listed(tmp_path):
    path = tmp_path / "m.keras"
    inner = cornu.Sequential([cornu.Input((3,)), Missing(name="own")])
    dense = layers.Dense(1, missing_activation, kernel_regularizer=missing_activation, name="d")
    model = cornu.Sequential([cornu.Input((3,)), inner, dense])
    model.compile("sgd", missing_loss, metrics=[missing_activation])
    model.save(path)
    with pytest.raises(ValueError, match="refers to 3 classes and functions") as caught:
        load_model(path)
    text = str(caught.value)
    for line in (
        f"class 'Missing', of Sequential {inner.name!r} (from the module {__name__})",
        "function 'missing_activation', of Dense 'd', activation",
        f"function 'missing_loss', of Sequential {model.name!r}, loss of compile",
        "custom_objects={'Missing': Missing, 'missing_activation': missing_activation, "
        "'missing_loss': missing_loss}",
        "load_model(..., compile=False) needs none of 'missing_loss'",
    ):
        assert line in text
    with pytest.raises(ValueError, match="refers to 2 classes"):
        load_model(path, compile=False)
    with pytest.raises(ValueError, match="refers to 2 classes"):
        load_model(path, {"Missing": Missing})
    found = {"Missing": Missing, "missing_activation": missing_activation}
    assert load_model(path, {**found, "missing_loss": missing_loss}).compiled


def test_functions_with_names_are_found_by_the_name_of_their_layer(tmp_path):
    path = tmp_path / "m.keras"
    stack = [layers.Lambda(missing_activation, name="first"), layers.Dense(1, "relu", name="d")]
    model = cornu.Sequential([cornu.Input((3,)), *stack])
    model.save(path)
    # The name of a layer does not replace functions of the library, nor do classes functions.
    loaded = load_model(path, {"first": scaled, "d": scaled, "Missing": Missing})
    assert loaded.layers[0].function is scaled
    assert loaded.layers[1].activation is cornu.activations.relu
    loaded = load_model(path, {"missing_activation": missing_activation, "first": scaled})
    assert loaded.layers[0].function is missing_activation
    with pytest.raises(ValueError, match="missing_activation"):
        load_model(path, {"first": Missing})


def test_all_weights_that_do_not_match_are_listed(tmp_path):
    def stack(*inner):
        return cornu.Sequential([cornu.Input((3,)), *inner])

    path = tmp_path / "m.weights.h5"
    stack(layers.Dense(4), layers.Dense(2, use_bias=False), layers.Dense(2)).save_weights(path)
    other = stack(layers.Dense(2), layers.Dense(3), layers.Dense(1, use_bias=False))
    with pytest.raises(ValueError, match="does not match 5 of the model's 5 weights") as caught:
        other.load_weights(path)
    text = str(caught.value)
    assert "has shape (3, 2), the array in the file (3, 4)" in text  # of another shape
    assert "bias (3,) is not in the file" in text
    assert "no weight for 1 array of the file:\n  layers/dense_2/vars/1: shape (2,)" in text


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


class Scale(layers.Layer):
    def call(self, x):
        return 2 * x


class Shift(layers.Layer):
    def call(self, x):
        return x + 1


ERAS = {"today": None, "Keras 2": "2.2.4", "tf.keras": "tf2.4", "Keras 1": "1.2.2"}


@pytest.mark.parametrize("era", ERAS)
def test_the_error_about_json_lists_all_unknown_classes(era):
    version = ERAS[era]
    if version is None:
        text = cornu.Sequential([cornu.Input((3,)), Scale(), Shift()]).to_json()
    else:
        entries = [
            {"class_name": "Scale", "config": {"name": "a", "batch_input_shape": [None, 3]}},
            {"class_name": "Shift", "config": {"name": "b"}},
        ]
        config = entries if version[0] != "t" else {"name": "m", "layers": entries}
        text = json.dumps({"class_name": "Sequential", "config": config})
    with pytest.raises(ValueError, match=r"custom_objects=\{'Scale': Scale, 'Shift': Shift\}"):
        cornu.models.model_from_json(text, keras_version=version)
