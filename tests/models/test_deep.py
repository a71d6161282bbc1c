"""Models of two thousand layers: no recursion limit applies."""

import jax
import numpy as np
import pytest

import cornu
from cornu import layers

DEPTH = 2000
X = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)


def residual(x):
    return layers.Add()([x, layers.Dense(3, activation="tanh")(x)])


@pytest.fixture(scope="module")
def model():
    x = inputs = cornu.Input((3,))
    for _ in range(DEPTH // 2):
        x = residual(x)
    return cornu.Model(inputs, x)


@pytest.mark.slow
def test_deep_models_have_a_summary_a_plot_and_a_config(model):
    assert len(model.layers) == DEPTH + 1
    lines = []
    model.summary(print_fn=lines.append)
    assert "12,000" in "".join(lines)
    assert cornu.utils.model_to_dot(model).to_string().count("residual") >= 1
    again = cornu.Model.from_config(model.get_config())
    assert again.count_params() == model.count_params() == 12000


@pytest.mark.slow
def test_it_is_saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "deep.keras")
    loaded = cornu.models.load_model(tmp_path / "deep.keras")
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    model.save_weights(tmp_path / "deep.safetensors")
    for other in (loaded, cornu.models.clone_model(model)):
        other.load_weights(tmp_path / "deep.safetensors")


def test_its_blocks_are_traced_once(model):
    pure = cornu.pure(model, model.variables)
    program = jax.make_jaxpr(lambda values, x: pure(values, None, x)[0])(
        [v.value for v in model.variables], X
    )
    assert len(program.eqns) <= DEPTH
    assert str(program).count("tanh") <= 4


def test_adding_a_layer_does_not_visit_all_others(monkeypatch):
    visits = []
    called = cornu.Sequential._name_in_model_
    monkeypatch.setattr(
        cornu.Sequential,
        "_name_in_model_",
        lambda self, layer: visits.append(1) or called(self, layer),
    )
    stack = cornu.Sequential([layers.Dense(3, name=f"d_{i}") for i in range(DEPTH)])
    assert len(stack) == DEPTH and len(visits) <= 2 * DEPTH
    with pytest.raises(ValueError, match="already has a layer named .d_7."):
        stack.add(layers.Dense(3, name="d_7"))
    last = stack.pop()
    assert stack.add(layers.Dense(4, name=last.name))[-1].units == 4  # its name is free again
