"""Members of classes that Keras documents little, or not at all, are those of Keras."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cornu


def test_the_dtype_of_the_output_of_discretization() -> None:
    for mode in ("int", "one_hot", "multi_hot", "count"):
        for dtype in (None, "bfloat16", "mixed_float16"):
            layers = [
                k.layers.Discretization([0.0, 1.0], output_mode=mode, dtype=dtype)
                for k in (cornu, keras)
            ]
            ours, theirs = (layer.output_dtype for layer in layers)
            assert ours == theirs == layers[0](np.zeros((1, 2))).dtype


def test_the_matrix_of_the_mel_scale() -> None:
    for options in ({}, {"num_mel_bins": 5, "num_spectrogram_bins": 33, "lower_edge_hertz": 10.0}):
        ours, theirs = (
            np.asarray(k.layers.MelSpectrogram().linear_to_mel_weight_matrix(**options))
            for k in (cornu, keras)
        )
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert ours.dtype == theirs.dtype


def test_matrices_of_muon_are_transposed() -> None:
    x = np.arange(12, dtype="float32").reshape(2, 2, 3)
    ours, theirs = (
        k.optimizers.Muon(0.1).transpose_last_axis(k.ops.convert_to_tensor(x))
        for k in (cornu, keras)
    )
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("k", [cornu, keras], ids=["cornu", "keras"])
def test_unknown_arguments_are_refused(k: Any, tmp_path: Path) -> None:
    x, file = np.zeros((1, 2), "float32"), tmp_path / "model.keras"
    model = k.Sequential([k.Input((2,)), k.layers.Dense(1)])
    model.compile("sgd", "mse")
    for call in (
        lambda **other: model.evaluate(x, x[:, :1], **other),
        lambda **other: model.save(file, **other),
        lambda **other: k.saving.save_model(model, file, **other),
        lambda **other: k.KerasTensor((2,), **other),
    ):
        with pytest.raises((TypeError, ValueError), match="unknown"):
            call(unknown=1)


@pytest.mark.parametrize("k", [cornu, keras], ids=["cornu", "keras"])
def test_arguments_that_keras_takes_in_kwargs(k: Any, tmp_path: Path) -> None:
    x, weights = np.zeros((1, 2), "float32"), tmp_path / "w.weights.h5"
    model = k.Sequential([k.Input((2,)), k.layers.Dense(1)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(tmp_path / "model.keras", include_optimizer=False, save_format="keras")
    k.saving.save_weights(model, weights, objects_to_skip=[])
    model.load_weights(weights, objects_to_skip=[], by_name=None)
    k.KerasTensor((2,), ragged_rank=None, row_splits_dtype=None)
    with k.name_scope("scope", caller=None, deduplicate=False, override_parent="outer"):
        assert k.Variable(x, name="v").path == "outer/scope/v"
    tensor = model.inputs[0]
    assert k.Model(inputs=tensor, outputs=model(tensor), name="m", trainable=False).name == "m"
    relu = k.activations.relu
    read = k.saving.deserialize_keras_object
    assert read("relu", module_objects={"relu": relu}, printable_module_name="function") is relu
    for layer in (k.layers.CenterCrop(1, 1), k.layers.RandomFlip(), k.layers.Rescaling(1.0)):
        assert layer(inputs=np.zeros((1, 2, 2, 3), "float32")).ndim == 4
        assert layer(inputs=k.Input((2, 2, 3))).shape[-1] == 3


def test_a_single_process_is_the_primary_host(tmp_path: Path) -> None:
    for k in (cornu, keras):
        callback = k.callbacks.OrbaxCheckpoint(str(tmp_path / k.__name__))
        assert callback.is_primary_host() and not callback.is_multihost_enabled()


@pytest.mark.parametrize("k", [cornu, keras], ids=["cornu", "keras"])
def test_positions_of_arguments_that_keras_does_not_name(k: Any) -> None:
    weight = k.layers.Layer().add_weight((2,), "ones", "float16")
    assert (tuple(weight.shape), weight.dtype) == ((2,), "float16")
    x = k.Input((2,))
    assert tuple(k.Model(x, k.layers.Dense(3)(x)).output.shape) == (None, 3)


@pytest.mark.parametrize("k", [cornu, keras], ids=["cornu", "keras"])
def test_names_of_the_objects_of_a_module(k: Any) -> None:
    def twice(x: Any) -> Any:
        return 2 * x

    relu, penalty = k.activations.relu, k.regularizers.L2
    objects = {"L2": penalty, "relu": relu, "number": 3}
    read = k.saving.deserialize_keras_object
    assert read("relu", module_objects=objects) is relu
    assert isinstance(read("L2", module_objects=objects), penalty)
    assert read("other", module_objects=objects) == "other"
    config = k.saving.serialize_keras_object(penalty(0.5))
    assert float(read(config, module_objects=objects).l2) == 0.5
    assert read("twice", {"twice": twice}) is twice and read("L2", objects) is penalty


@pytest.mark.parametrize("k", [cornu, keras], ids=["cornu", "keras"])
def test_numbers_of_names(k: Any) -> None:
    k.utils.clear_session()
    k.layers.Dense(1)
    assert [k.backend.get_uid(name) for name in ("dense", "dense", "other")] == [2, 3, 1]
    assert k.layers.Dense(1).name == "dense_3"
    assert not k.config.is_nnx_enabled()


def test_the_only_backend() -> None:
    cornu.config.set_backend("jax")
    with pytest.raises(ValueError, match="The only backend of cornu is 'jax'.*'torch'"):
        cornu.config.set_backend("torch")
