"""Differences from Keras that the tests of a package do not show: each test shows both libraries.

`tests/conformance/differences.py` lists the tests of all differences.
"""

from __future__ import annotations

import gc
import operator
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu

BOTH = (cornu, keras)
X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
IMAGE = np.ones((1, 2, 2, 3), "float32")


def make_model(k: Any) -> Any:
    model = k.Sequential([k.Input((3,)), k.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


# ---------------------------------------------------------------------------- members, signatures

# test_compatibility finds members that are missing and not listed here.
ABSENT_MEMBERS = {
    "layers.Layer": ("path",),
    "layers.Dense": ("variable_serialization_spec",),
    "layers.EinsumDense": ("variable_serialization_spec",),
    "layers.Embedding": ("variable_serialization_spec",),
    "layers.ReversibleEmbedding": ("variable_serialization_spec",),
    "callbacks.TensorBoard": ("summary",),
}


@pytest.mark.parametrize("path", ABSENT_MEMBERS)
def test_members_that_cornu_does_not_have(path: str) -> None:
    ours, theirs = (operator.attrgetter(path)(k) for k in BOTH)
    for name in ABSENT_MEMBERS[path]:
        assert hasattr(theirs, name) and not hasattr(ours, name)


def _grayscale(k: Any) -> Any:
    return k.layers.RandomGrayscale(1.0)


def _step(k: Any, **kwargs: Any) -> Any:
    optimizer = k.optimizers.Adadelta()
    weight = k.Variable(X)
    optimizer.build([weight])
    # Keras's method is called with Variables of its own, or with Tensors.
    optimizer.update_step(variable=weight, learning_rate=k.ops.convert_to_tensor(0.1), **kwargs)


# A call that works in Keras and raises a TypeError here, and the call that works here.
CALLS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "Variable": (lambda k: k.Variable(1.0, unknown=1), lambda k: k.Variable(1.0)),
    "layers.RandomGrayscale": (
        lambda k: _grayscale(k).get_random_transformation(images=IMAGE),
        lambda k: _grayscale(k).get_random_transformation(IMAGE),
    ),
    "optimizers.Adadelta": (
        lambda k: _step(k, grad=jnp.asarray(X)),
        lambda k: _step(k, gradient=jnp.asarray(X)),
    ),
    "optimizers.SGD": (
        lambda k: k.optimizers.SGD().build(variables=[]),
        lambda k: k.optimizers.SGD().build(var_list=[]),
    ),
    "preprocessing.image.smart_resize": (
        lambda k: k.preprocessing.image.smart_resize(IMAGE[0], (1, 1), backend_module=None),
        lambda k: k.preprocessing.image.smart_resize(IMAGE[0], (1, 1)),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_arguments_that_cornu_does_not_take(name: str) -> None:
    works_in_keras, works_here = CALLS[name]
    with pytest.raises(TypeError, match="unexpected keyword|missing .* argument"):
        works_in_keras(cornu)
    works_in_keras(keras)
    works_here(cornu)


def test_unknown_arguments_of_imdb_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_file(*args: Any, **kwargs: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr("keras.src.datasets.imdb.get_file", get_file)
    with pytest.raises(FileNotFoundError):  # the arguments were accepted
        keras.datasets.imdb.load_data(unknown=1)
    with pytest.raises(TypeError, match="unknown"):
        cornu.datasets.imdb.load_data(unknown=1)


def test_a_sequential_model_passes_no_arguments_to_its_layers() -> None:
    class Scale(cornu.layers.Layer):
        def call(self, x: Any, factor: float = 1.0) -> Any:
            return factor * x

    with pytest.raises(TypeError, match="factor"):
        cornu.Sequential([Scale()]).call(X, factor=2.0)

    class Times(keras.layers.Layer):
        def call(self, x: Any, factor: float = 1.0) -> Any:
            return factor * x

    np.testing.assert_array_equal(keras.Sequential([Times()])(X, factor=2.0), X)  # is ignored


# ------------------------------------------------------------------------------- layers, functions


def test_fused_attention_is_optional() -> None:
    ours, theirs = (k.config.is_flash_attention_enabled() for k in BOTH)
    assert ours is False and theirs is None  # wherever it is possible


def test_a_query_without_keys_gets_the_average() -> None:
    mask = np.tril(np.ones((1, 1, 3, 3), bool), -1)
    x = np.random.default_rng(1).normal(size=(1, 3, 1, 2)).astype("float32")
    for k in BOTH:
        y = k.ops.dot_product_attention(x, x, x, mask=mask, flash_attention=False)
        np.testing.assert_allclose(y[0, 0, 0], x.mean((0, 1, 2)), 1e-5)


def test_equalized_integers_are_rounded() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (1, 16, 16, 3))
    layers = [k.layers.ContrastLimitedAdaptiveHistogramEqualization for k in BOTH]
    exact = np.asarray(layers[0]()(pixels.astype("float32")))
    ours, theirs = (np.asarray(cls(dtype="uint8")(pixels.astype("uint8")), int) for cls in layers)
    assert np.abs(ours - exact).max() <= 0.51
    assert (theirs - exact).mean() < -0.3


def test_random_layers_of_a_model_need_training() -> None:
    images = np.random.default_rng(0).uniform(size=(16, 4, 4, 3)).astype("float32")
    ours, theirs = (k.Sequential([k.Input((4, 4, 3)), k.layers.RandomFlip()]) for k in BOTH)
    np.testing.assert_array_equal(ours(images), images)
    assert not np.array_equal(ours(images, training=True), images)
    assert not np.array_equal(theirs(images), images)


def test_each_image_is_cropped_at_a_position_of_its_own() -> None:
    images = np.tile(np.arange(36.0).reshape(1, 6, 6, 1), (50, 1, 1, 1))
    ours, theirs = (
        {float(crop[0, 0, 0]) for crop in k.layers.RandomCrop(2, 2, seed=1)(images, training=True)}
        for k in BOTH
    )
    assert len(ours) > 10 and len(theirs) == 1


def test_a_vector_has_no_feature_axis() -> None:
    layer = keras.layers.Normalization()
    layer.adapt(np.arange(3.0))
    assert np.asarray(layer.mean).tolist() == [0, 1, 2]  # of one value each
    with pytest.raises(ValueError, match="without a feature axis"):
        cornu.layers.Normalization().adapt(np.arange(3.0))


def test_integers_out_of_range_are_refused_in_fit() -> None:
    integers, targets = np.array([[1, 5, 1]]), np.ones((1, 1), "float32")
    models = [
        k.Sequential(
            [k.Input((3,), dtype="int32"), k.layers.CategoryEncoding(3), k.layers.Dense(1)]
        )
        for k in BOTH
    ]
    for model, k in zip(models, BOTH, strict=True):
        assert np.asarray(model.layers[0](integers)).tolist() == [[0, 1, 0]]
        model.compile("sgd", "mse")
        if k is keras:
            model.fit(integers, targets, verbose=0)
    with pytest.raises(ValueError, match="expected integers from 0 to 2"):
        models[0].fit(integers, targets, verbose=0)


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "RNN"])
def test_states_of_stateful_layers_are_weights(name: str) -> None:
    arguments = {"ConvLSTM1D": (2, 2)}.get(name, (2,))
    x = np.ones((2, 3, 4, 1) if name == "ConvLSTM1D" else (2, 3, 4), "float32")
    names = []
    for k in BOTH:
        made = (k.layers.GRUCell(2),) if name == "RNN" else arguments
        layer = getattr(k.layers, name)(*made, stateful=True)
        layer(x)
        names.append([v.name for v in layer.non_trainable_weights])
    assert names[0] and all(found.startswith("state") for found in names[0])
    assert names[1] == []


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_gradients_of_recurrent_layers_are_reverse(name: str) -> None:
    x = jnp.ones((1, 2, 3))
    ours, theirs = (getattr(k.layers, name)(2) for k in BOTH)
    ours(x), theirs(x)
    jax.jvp(theirs, (x,), (x,))
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(ours, (x,), (x,))
    second = jax.grad(lambda x: jnp.sum(jax.grad(lambda x: jnp.sum(ours(x)))(x) ** 2))(x)
    assert np.isfinite(second).all()


def test_functions_of_a_text_layer_get_arrays_of_numpy() -> None:
    received: list[type] = []

    def split(texts: Any) -> Any:
        received.append(type(texts))
        return [str(text).split("-") for text in texts]

    layer = cornu.layers.TextVectorization(vocabulary=["a", "b"], standardize=None, split=split)
    assert np.asarray(layer(np.array(["a-b", "b-a"]))).tolist() == [[2, 3], [3, 2]]
    assert set(received) == {np.ndarray}


# ------------------------------------------------------------------------------- losses, utilities


def test_arguments_of_a_named_quantizer() -> None:
    ours, theirs = (k.quantizers.get("AbsMaxQuantizer", axis=0).axis for k in BOTH)
    assert ours == (0,) and theirs == ("axis",)


def test_fake_quantization_of_tensors_uses_its_options() -> None:
    x = np.linspace(-1, 1, 7, dtype="float32")[None]
    levels = []
    for k in BOTH:
        inputs = k.Input((7,))
        outputs = k.quantizers.fake_quant_with_min_max_vars(inputs, -1.0, 1.0, num_bits=2)
        levels.append(len(np.unique(np.asarray(k.Model(inputs, outputs)(x)))))
    assert levels == [3, 7]


def test_one_hot_vectors_have_the_global_float_type() -> None:
    assert [k.utils.to_categorical([0, 1]).dtype.name for k in BOTH] == ["float32", "float64"]


def test_a_vector_of_predictions_has_a_value_per_sample() -> None:
    losses = [k.losses.MeanSquaredError(reduction=None)(np.zeros(4), np.ones(4)) for k in BOTH]
    assert [np.shape(loss) for loss in losses] == [(4,), ()]


# --------------------------------------------------------------------------- training, its reports


def test_a_history_of_two_fits_counts_both() -> None:
    histories = []
    for k in BOTH:
        history, model = k.callbacks.History(), make_model(k)
        for _ in range(2):
            model.fit(X, X[:, :1], verbose=0, callbacks=[history])
        histories.append((history.epoch, len(history.history["loss"])))
    assert histories == [([0, 0], 2), ([0], 2)]


def test_a_model_does_not_report_predictions_by_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed = []
    for k in BOTH:
        make_model(k).predict(X)
        printed.append(capsys.readouterr().out)
    assert printed[0] == "" and "1/1" in printed[1]


def test_targets_are_not_broadcast() -> None:
    make_model(keras).fit(X, X[:, 0:1].repeat(2, 1), verbose=0)
    with pytest.raises(ValueError, match="shape"):
        make_model(cornu).fit(X, X[:, 0:1].repeat(2, 1), verbose=0)


@pytest.mark.parametrize("k", BOTH, ids=["cornu", "keras"])
def test_a_lambda_in_a_file(k: Any) -> None:
    model = k.Sequential([k.Input((3,)), k.layers.Lambda(lambda x: x + 1, name="plus")])
    config = k.saving.serialize_keras_object(model.layers[-1])
    assert ("code" in str(config)) == (k is keras)


def test_checkpoints_of_keras_are_read_but_not_the_other_way(tmp_path: Path) -> None:
    pytest.importorskip("orbax.checkpoint")
    for k in BOTH:
        folder = tmp_path / k.__name__
        callback = k.callbacks.OrbaxCheckpoint(str(folder), save_on_background=False)
        model = make_model(k)
        model.fit(X, X[:, :1], verbose=0, callbacks=[callback])
        if k is keras:
            loaded = cornu.saving.load_model(folder)
            np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])
        else:
            with pytest.raises(ValueError, match="does not contain model configuration"):
                keras.saving.load_model(str(folder))


@pytest.mark.filterwarnings("ignore:Sharding info not provided")  # of Orbax, when Keras reads
def test_weights_in_checkpoints_are_not_ignored(tmp_path: Path) -> None:
    pytest.importorskip("orbax.checkpoint")
    callback = keras.callbacks.OrbaxCheckpoint(str(tmp_path), save_on_background=False)
    saved = make_model(keras)
    saved.fit(X, X[:, :1], verbose=0, callbacks=[callback])
    for k in BOTH:
        model = make_model(k)  # whose layer has another number
        model.load_weights(str(tmp_path))
        equal = np.array_equal(model.get_weights()[0], saved.get_weights()[0])
        assert equal == (k is cornu)
    with pytest.raises(ValueError, match="does not match"):
        cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)]).load_weights(tmp_path)


def test_graphs_of_a_layer_can_be_collected() -> None:
    alive = []
    for k in BOTH:
        layer = k.layers.Dense(1)
        x = k.Input((3,))
        model = k.Model(x, layer(x))
        graph = weakref.ref(model)
        output = weakref.ref(model.output)
        del model, x
        gc.collect()
        alive.append((graph() is not None, output() is not None))
    assert alive == [(False, False), (False, True)]
