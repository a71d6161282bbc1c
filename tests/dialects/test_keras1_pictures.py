"""keras.utils.visualize_util of Keras 1."""

from cornu.dialects import keras1


def test_models_are_plotted(tmp_path):
    keras = keras1.load()
    model = keras.models.Sequential([keras.layers.Dense(3, input_dim=2)])
    keras.utils.visualize_util.plot(model, str(tmp_path / "m.svg"), show_shapes=True)
    assert "Dense" in (tmp_path / "m.svg").read_text()
    assert "Dense" in keras.utils.visualize_util.model_to_dot(model)
