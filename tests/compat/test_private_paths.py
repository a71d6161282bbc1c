"""The table of private paths, and what cornu has for them."""

import inspect
import io
import types

import numpy as np
import pytest

import cornu
from cornu.compat import modules
from cornu.compat.private import backend, saving, tf_backend, utils
from cornu.compat.private_paths import ROWS, find_row
from cornu.compat.public_paths import MODULES


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_each_row_leads_to_an_object(row):
    assert row.packages and find_row(row.path) is row
    above, _, name = row.path.rpartition(".")
    found = getattr(modules.load_module(above), name)
    assert isinstance(found, types.ModuleType) == (":" not in row.target)


def test_the_public_modules_are_those_of_keras():
    keras = pytest.importorskip("keras")
    namespaces = {
        name.removeprefix("keras.")
        for name in modules_below(keras)
        if not name.startswith(("keras.legacy", "keras.optimizers.legacy"))
    }
    assert MODULES == namespaces


def modules_below(module):
    """Returns the names of the public modules of Keras."""
    for name in dir(module):
        inner = getattr(module, name)
        if isinstance(inner, types.ModuleType) and name not in ("src", "api"):
            if inner.__name__ == f"{module.__name__}.{name}" and not name.startswith("_"):
                yield inner.__name__
                yield from modules_below(inner)


def test_a_store_has_the_layout_of_weight_files(tmp_path):
    path = tmp_path / "lora.h5"
    for target in (path, io.BytesIO()):
        store = saving.H5IOStore(target, mode="w")
        store.make("lora")["rank"] = 4
        group = store.make("lora/1")
        group["a"] = cornu.Variable([1.0, 2.0])
        assert store and list(group.keys()) == ["a"] and len(group) == 1
        store.close()
        loaded = saving.H5IOStore(target)
        assert int(loaded.get("lora")["rank"][()]) == 4 and "a" not in loaded
        np.testing.assert_array_equal(loaded.get("lora/1")["a"], [1, 2])
        with pytest.raises(ValueError, match="Open it with 'w'"):
            loaded.make("x")
    keras = pytest.importorskip("keras")
    theirs = keras.src.saving.saving_lib.H5IOStore(path)
    assert int(theirs.get("lora")["rank"][()]) == 4


def test_safe_mode_is_the_loading_of_a_file(tmp_path):
    seen = []

    @cornu.saving.register_keras_serializable("test_private_paths")
    class Watching(cornu.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            seen.append(saving.in_safe_mode())

        def call(self, x):
            return x

    path = tmp_path / "m.keras"
    cornu.Sequential([cornu.Input((2,)), Watching()]).save(path)
    cornu.saving.load_model(path)
    assert seen == [False, True]


def test_functions_of_the_private_backend():
    double = cornu.layers.Dense(3)
    assert backend.compute_output_spec(double, cornu.KerasTensor((None, 2))).shape == (None, 3)
    assert backend.standardize_data_format(None) == "channels_last"
    with pytest.raises(ValueError, match="data_format must be one of"):
        backend.standardize_data_format("first")
    inside = []
    cornu.KerasTensor((2,))
    backend.compute_output_spec(
        lambda x: (inside.append(backend.in_symbolic_scope()), x)[1], cornu.KerasTensor((2,))
    )
    assert inside[0] is True and backend.in_symbolic_scope() is False
    generator = backend.global_seed_generator()
    assert generator is backend.global_seed_generator() and generator.state.shape == (2,)
    assert backend.jax_draw_seed(3).shape == backend.jax_draw_seed(None).shape


def test_functions_of_the_old_backend():
    x = np.array([[1.0, 2.0]], "float32")
    variable = tf_backend.FUNCTIONS["variable"](1.0)
    tf_backend.update_add(variable, 2.0)
    tf_backend.update_sub(variable, 0.5)
    assert tf_backend.batch_get_value([variable]) == [2.5]
    tf_backend.batch_set_value([(variable, 4.0)])
    assert float(tf_backend.update(variable, 1.5)) == 1.5
    assert tf_backend.count_params(x) == 2
    assert tf_backend.constant(2, shape=(2,)).tolist() == [2, 2]
    known = tf_backend.FUNCTIONS
    assert known["squeeze"](x, 0).shape == (2,) and known["ndim"](x) == 2
    assert known["less"](x, 2.0).tolist() == [[True, False]]
    assert known["map_fn"](lambda row: row.sum(), x).tolist() == [3]
    keras = pytest.importorskip("keras")
    assert set(dir(keras._tf_keras.keras.backend)) >= set(tf_backend.__all__) - {
        *("categorical_crossentropy", "sparse_categorical_crossentropy", "get_keras_mask"),
        *("is_keras_tensor", "set_image_data_format", "set_keras_mask", "standardize_dtype"),
    }


@pytest.mark.parametrize("first", [False, True])
def test_shapes_of_images(first):
    def shape(*sizes):
        return sizes[-1:] + sizes[:-1] if first else sizes

    def obtain(given, flatten=True, **kwargs):
        data_format = "channels_first" if first else "channels_last"
        return utils.obtain_input_shape(given, 224, 32, data_format, flatten, **kwargs)

    assert obtain(None) == shape(224, 224, 3) and obtain(None, False) == shape(None, None, 3)
    assert obtain(shape(64, 32, 1)) == shape(64, 32, 1)
    for wrong, words in {
        shape(16, 64, 3): "at least 32",
        shape(None, 64, 3): "must be static",
        (64, 64): "must have 3 sizes",
    }.items():
        with pytest.raises(ValueError, match=words):
            obtain(wrong)
    with pytest.raises(ValueError, match="3 channels"):
        obtain(shape(64, 64, 1), weights="imagenet")


def test_utilities():
    assert utils.standardize_tuple(2, 3, "strides") == (2, 2, 2)
    assert utils.standardize_tuple([1, 0], 2, "padding", allow_zero=True) == (1, 0)
    for wrong in ([1, 0], [1], [1, 2, 3]):
        with pytest.raises(ValueError, match="strides must be a positive integer, or 2 of them"):
            utils.standardize_tuple(wrong, 2, "strides")
    weights = utils.class_weight_to_sample_weights([0, 1, 1], {0: 2.0, 1: 0.5})
    assert weights.tolist() == [2, 0.5, 0.5]
    assert utils.LazyModule("json").loads("1") == 1 and utils.LazyModule("json").available
    absent = utils.LazyModule("no_such_module", pip_name="its-name")
    assert not absent.available and inspect.unwrap(absent) is absent
    with pytest.raises(ImportError, match="pip install its-name"):
        absent.attribute  # noqa: B018
    assert utils.no_automatic_dependency_tracking(len) is len
    assert not utils.in_grain_data_pipeline()
    grain = pytest.importorskip("grain")
    source = grain.MapDataset.source([0]).map(lambda x: utils.in_grain_data_pipeline())
    assert source[0] is True
