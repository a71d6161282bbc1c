"""Networks with layers of their own are saved, and loaded in a new process and by Keras."""

import keras
import numpy as np
import pytest

import cornu
from cornu import applications
from tests.processes import run_program

NETWORKS = {"ConvNeXtTiny": 32, "InceptionResNetV2": 75}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_with_layers_of_their_own(name, tmp_path):
    size = NETWORKS[name]
    kwargs = {"weights": None, "include_top": False, "input_shape": (size, size, 3)}
    model = getattr(applications, name)(pooling="avg", **kwargs)
    path = tmp_path / "model.keras"
    model.save(path)
    x = np.random.default_rng(0).uniform(0, 255, (1, size, size, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    program = (
        "import cornu, numpy as np\n"
        f"model = cornu.models.load_model({str(path)!r})\n"
        f"y = model.predict(np.load({str(tmp_path / 'x.npy')!r}), verbose=0)\n"
        f"np.save({str(tmp_path / 'y.npy')!r}, y)\n"
    )
    run_program(program)
    expected = model.predict(x)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, rtol=1e-5)
    with_keras = keras.models.load_model(path)
    assert [layer.name for layer in with_keras.layers] == [layer.name for layer in model.layers]
    for a, b in zip(model.get_weights(), with_keras.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with_keras.save(path)
    loaded = cornu.models.load_model(path)
    np.testing.assert_allclose(loaded.predict(x), expected, rtol=1e-5)
