"""JaxLayer: functions of JAX as layers, in all forms of their arguments."""

import itertools

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.saving import register_keras_serializable
from tests.conformance.faults import fault

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")


@register_keras_serializable()
def init(rng, inputs):
    return {"w": jax.random.normal(rng, (inputs.shape[-1], 1)), "b": [jnp.zeros(1)]}


@register_keras_serializable()
def apply(params, inputs):
    return inputs @ params["w"] + params["b"][0]


@register_keras_serializable()
def init_stateful(rng, inputs, training):
    assert training is True
    return init(rng, inputs), {"count": 0, "mean": jnp.zeros(inputs.shape[-1])}


@register_keras_serializable()
def apply_stateful(params, state, rng, inputs, training):
    assert (rng is not None) == training
    mean = inputs.mean(0) if training else state["mean"]
    new = {"count": state["count"] + training, "mean": mean}
    return apply(params, inputs - mean), new


def model_of(layer):
    x = cornu.Input((3,))
    return cornu.Model(x, layer(layers.Activation("linear")(x)))


ARGUMENTS = ("params", "state", "rng", "training")


@pytest.mark.parametrize("count", range(len(ARGUMENTS) + 1))
def test_all_combinations_of_arguments_as_in_keras(count):
    values = {"params": {"a": X[0]}, "state": (X[1],)}
    for names in itertools.combinations(ARGUMENTS, count):
        body = "inputs" + "".join(f" + {name}" for name in ("params['a']", "state[0]"))
        if "params" not in names:
            body = body.replace(" + params['a']", "")
        if "state" not in names:
            body = body.replace(" + state[0]", "")
        if "training" in names:
            body = f"jnp.where(training, 2.0, 1.0) * ({body})"
        if "rng" in names:
            body = f"(0.0 if rng is None else rng.size) + {body}"
        if "state" in names:
            body = f"({body}, (2 * state[0],))"
        fn = eval(f"lambda {', '.join((*names, 'inputs'))}: {body}", {"jnp": jnp})
        given = {name: values[name] for name in names if name in values}
        ours, theirs = layers.JaxLayer(fn, **given), keras.layers.JaxLayer(fn, **given)
        for training in (False, True):
            y, expected = (layer(X, training=training) for layer in (ours, theirs))
            np.testing.assert_allclose(y, expected, err_msg=str(names))
        for a, b in zip(ours.weights, theirs.weights, strict=True):
            np.testing.assert_allclose(a, b, err_msg=str(names))


def test_weights_are_a_tree_with_names():
    layer = layers.JaxLayer(apply_stateful, init_stateful)
    model = model_of(layer)
    assert [w.name for w in layer.weights] == ["b.0", "w", "count", "mean"]
    assert layer.params["b"][0].shape == (1,) and layer.state["count"].dtype == "int32"
    assert [w.name for w in layer.trainable_weights] == ["b.0", "w"]
    assert model.count_params() == 8
    layer.trainable = False
    assert layer.trainable_weights == []


def test_fit_trains_the_parameters_and_keeps_the_state():
    layer = layers.JaxLayer(apply_stateful, init_stateful, seed=1)
    model = model_of(layer)
    model.compile(cornu.optimizers.Adam(0.1), "mse")
    losses = model.fit(X, Y, batch_size=4, epochs=5, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert int(layer.state["count"]) == 10
    np.testing.assert_allclose(layer.state["mean"], X[4:].mean(0), atol=1e-6)
    before = layer.state["mean"].numpy()
    model.predict(X, verbose=0)
    np.testing.assert_array_equal(layer.state["mean"], before)


@pytest.mark.parametrize(
    "arguments",
    [
        {"call_fn": apply_stateful, "init_fn": init_stateful, "seed": 1},
        {"call_fn": apply, "init_fn": init},
        {"call_fn": apply, "params": {"w": X[:3, :1], "b": [np.ones(1, "float16")]}},
        {"call_fn": apply, "init_fn": init, "params": {"w": X[:3, :1], "b": [np.ones(1)]}},
    ],
    ids=["stateful", "stateless", "params", "both"],
)
def test_saved_and_loaded(arguments, tmp_path):
    def make():
        return layers.JaxLayer(**arguments, name="wrapped")

    model = model_of(make())
    for name in ("model.keras", "w.weights.h5", "w.safetensors", "w.npz"):
        path = tmp_path / name
        if name.endswith("keras"):
            model.save(path)
            loaded = cornu.models.load_model(path)
        else:
            model.save_weights(path)
            loaded = model_of(make())
            loaded.load_weights(path)
        np.testing.assert_array_equal(loaded(X), model(X), err_msg=name)
        assert loaded.layers[-1].get_config() == model.layers[-1].get_config()


@pytest.mark.slow
def test_files_are_exchanged_with_keras(tmp_path):
    for make in (
        lambda k: k.layers.JaxLayer(apply_stateful, init_stateful),
        lambda k: k.layers.JaxLayer(apply, init),
    ):
        for i, (writer, reader) in enumerate([(cornu, keras), (keras, cornu)]):
            model = writer.Sequential([writer.Input((3,)), make(writer)])
            path = str(tmp_path / f"{i}.keras")
            model.save(path)
            known = (init, apply, init_stateful, apply_stateful)
            names = {f"{prefix}{f.__name__}": f for f in known for prefix in ("", "Custom>")}
            loaded = reader.models.load_model(path, custom_objects=names)
            np.testing.assert_allclose(loaded(X), model(X), atol=1e-6)


def test_several_inputs_and_outputs():
    layer = layers.JaxLayer(
        lambda params, inputs: {"sum": inputs["a"] + inputs["b"] * params},
        lambda rng, inputs: jnp.ones(inputs["b"].shape[1:]),
    )
    a, b = cornu.Input((3,)), cornu.Input((3,))
    model = cornu.Model([a, b], layer({"a": a, "b": b}))
    np.testing.assert_allclose(model([X, X])["sum"], 2 * X)
    assert [w.name for w in layer.weights] == ["params"]


def test_mixed_precision():
    layer = layers.JaxLayer(apply, init, dtype="mixed_bfloat16")
    assert layer(X).dtype == "bfloat16"
    assert {w.dtype for w in layer.weights} == {"float32"}


def test_arrays_of_the_program_survive_training():
    w = jnp.ones((3, 1))
    model = model_of(layers.JaxLayer(lambda params, inputs: inputs @ params, params=w))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert float(w.sum()) == 3


def test_a_subclass_chooses_the_random_keys():
    class Noisy(layers.JaxLayer):
        def _get_call_rng(self, training):
            return {"noise": self._get_call_seed()}

    layer = Noisy(lambda rng, inputs: inputs + jax.random.normal(rng["noise"], inputs.shape))
    assert not np.allclose(layer(X), layer(X))


@fault("layers.JaxLayer")
def test_integers_among_the_parameters_are_not_trained():
    def fn(params, inputs):
        return inputs[:, : params["n"].shape[0]] * params["w"]

    def make(k):
        layer = k.layers.JaxLayer(fn, params={"w": X[0, :1], "n": np.arange(1, dtype="int32")})
        model = k.Sequential([k.Input((3,)), layer])
        model.compile("sgd", "mse")
        return model

    model = make(cornu)
    model.fit(X, Y, verbose=0)
    assert [w.name for w in model.trainable_weights] == ["w"]
    with pytest.raises(TypeError, match="grad requires real- or complex-valued"):
        make(keras).fit(X, Y, verbose=0)


def state_of_another_structure(state, inputs):
    return inputs, {**state, "more": state["mean"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"call_fn": lambda x: x}, "`call_fn` has the argument 'x'.*must have these names"),
        ({"call_fn": lambda params: params}, "`call_fn` has no argument `inputs`"),
        ({"call_fn": apply}, "`init_fn`, `params` and `state` are all None"),
        ({"call_fn": apply, "init_fn": lambda key, inputs: 0}, "`init_fn` has the argument 'key'"),
        (
            {"call_fn": apply_stateful, "init_fn": init},
            "`init_fn` must return a tuple .params, state.. Received: a dict of 2 items",
        ),
        (
            {"call_fn": lambda state, inputs: inputs, "state": {"mean": 0.0}},
            "`call_fn` must return a tuple .outputs, state.",
        ),
        (
            {"call_fn": state_of_another_structure, "state": {"mean": 0.0}},
            "a state of the same structure",
        ),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.JaxLayer(**arguments)(X)


def test_call_fn_must_be_a_function():
    with pytest.raises(TypeError, match="`call_fn` must be a function"):
        layers.JaxLayer(3)


def test_weights_that_a_config_cannot_describe():
    layer = layers.JaxLayer(lambda params, inputs: inputs, params={1: X})
    with pytest.raises(TypeError, match="cannot describe weights in a dict"):
        layer.get_config()
