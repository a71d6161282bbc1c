"""Images before a network, and predictions after it."""

import hashlib
import json

import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu import applications
from cornu.applications import imagenet_utils

X = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3))
MODULES = [name for name in applications.__all__ if name.islower() and name != "imagenet_utils"]


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_preprocessing_equals_keras(mode, data_format):
    x = X if data_format == "channels_last" else np.moveaxis(X, -1, 1)
    kwargs = {"mode": mode, "data_format": data_format}
    symbolic = cornu.Input(x.shape[1:])
    model = cornu.Model(symbolic, imagenet_utils.preprocess_input(symbolic, **kwargs))
    for dtype in ("uint8", "float32", "float64", "float16"):
        given = x.astype(dtype)
        before = given.copy()
        expected = keras.applications.imagenet_utils.preprocess_input(given.copy(), **kwargs)
        got = imagenet_utils.preprocess_input(given, **kwargs)
        assert got.dtype == expected.dtype and type(got) is np.ndarray
        np.testing.assert_allclose(got, expected, rtol=1e-3 if dtype == "float16" else 1e-6)
        np.testing.assert_array_equal(given, before)
        np.testing.assert_allclose(
            imagenet_utils.preprocess_input(given[0], **kwargs), expected[0], rtol=2e-3
        )
    expected = imagenet_utils.preprocess_input(x.astype("float32"), **kwargs)
    got = imagenet_utils.preprocess_input(jnp.asarray(x), **kwargs)
    assert isinstance(got, jnp.ndarray)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(x.astype("float32")), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", MODULES)
def test_each_module_has_the_preprocessing_of_keras(name):
    ours, theirs = getattr(applications, name), getattr(keras.applications, name, None)
    if theirs is None:  # mobilenet_v3 is not a public module of Keras
        from keras.src.applications import mobilenet_v3 as theirs
    x = X.astype("float32")
    np.testing.assert_allclose(
        ours.preprocess_input(x), theirs.preprocess_input(x.copy()), rtol=1e-6
    )
    assert ours.decode_predictions is imagenet_utils.decode_predictions


def test_decoded_predictions(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    index = json.dumps({str(i): [f"n{i:08}", f"class {i}"] for i in range(1000)}).encode()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "imagenet_class_index.json").write_bytes(index)

    def from_cache(name, origin, cache_subdir, file_hash):
        digits = hashlib.md5(index, usedforsecurity=False).hexdigest()
        return cornu.utils.get_file(name, origin, cache_subdir=cache_subdir, file_hash=digits)

    monkeypatch.setattr(imagenet_utils, "get_file", from_cache)
    imagenet_utils._class_names.cache_clear()
    scores = np.zeros((2, 1000), "float32")
    scores[0, [7, 3, 999]] = 0.5, 0.3, 0.2
    first, second = imagenet_utils.decode_predictions(scores, top=3)
    assert [(name, float(score)) for _, name, score in first] == [
        ("class 7", pytest.approx(0.5)),
        ("class 3", pytest.approx(0.3)),
        ("class 999", pytest.approx(0.2)),
    ]
    assert [identifier for identifier, _, _ in second] == ["n00000000", "n00000001", "n00000002"]
    imagenet_utils._class_names.cache_clear()
    with pytest.raises(ValueError, match=r"expected shape \(batch, 1000\). Received: \(2, 10\)"):
        imagenet_utils.decode_predictions(scores[:, :10])
    with pytest.raises(TypeError, match="symbolic Tensor.*\n.*model.predict"):
        imagenet_utils.decode_predictions(cornu.Input((1000,)))
