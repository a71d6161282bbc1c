"""Sequential: adding, removing, repeating, slicing, building late."""

import numpy as np
import pytest

import cornu
from cornu import Input, Sequential, layers
from cornu.layers import Dense


def test_calls_of_add_chain():
    model = Sequential().add(Input((4,))).add(Dense(3, activation="relu")).add(Dense(2))
    assert model.output_shape == (None, 2) and model.count_params() == 23 and model.built


def test_a_first_layer_may_declare_its_input_shape():
    assert Sequential([Dense(3, input_shape=(4,))]).count_params() == 15
    assert Sequential([Dense(3, input_dim=4)]).input_shape == (None, 4)


def test_without_an_input_it_is_built_by_data():
    model = Sequential([Dense(3), Dense(2)])
    assert not model.built and model.weights == []
    assert model(np.ones((5, 4), "float32")).shape == (5, 2)
    assert model.built and model.count_params() == 23
    deferred = Sequential([layers.Conv1D(2, 3), layers.GlobalMaxPooling1D()])
    assert deferred.predict(np.ones((1, 9, 4), "float32")).shape == (1, 2)
    assert deferred.predict(np.ones((1, 11, 4), "float32")).shape == (1, 2)


def test_build_and_symbolic_call():
    model = Sequential([Dense(3)])
    model.build((None, 4))
    assert model.count_params() == 15
    other = Sequential([Dense(3)])
    assert other(Input((4,))).shape == (None, 3)


def test_pop_removes_the_last_layer():
    model = Sequential([Input((4,)), Dense(3), Dense(2)])
    assert model.pop().units == 2
    assert model.output_shape == (None, 3) and len(model) == 1
    model.add(Dense(7))
    assert model.predict(np.ones((1, 4), "float32")).shape == (1, 7)
    with pytest.raises(ValueError, match="no layer to remove"):
        Sequential().pop()


def test_slices_share_layers_and_repeat_copies_them():
    model = Sequential([Input((4,)), Dense(4, activation="relu"), Dense(4), Dense(2)])
    head = model[:2]
    assert head.layers == model.layers[:2]
    assert model[-1] is model.layers[-1]
    tower = Sequential([Dense(4, activation="relu"), layers.Dropout(0.1)]).repeat(3)
    tower.build((None, 4))
    assert len(tower) == 6 and tower.count_params() == 60
    assert len({layer.name for layer in tower}) == 6
    assert len(head + tower) == 8


def test_nested_in_others():
    inner = Sequential([Dense(3), Dense(2)])
    outer = Sequential([Input((4,)), inner, Dense(1)])
    assert outer.count_params() == 26
    x = Input((4,))
    model = cornu.Model(x, outer(x))
    assert np.allclose(model.predict(np.ones((2, 4))), outer.predict(np.ones((2, 4))))


def test_layers_that_cannot_be_added():
    with pytest.raises(ValueError, match="only layers can be added"):
        Sequential([lambda x: x])
    with pytest.raises(ValueError, match=r"Create an instance: Dense\(\.\.\.\)"):
        Sequential([Dense])
    with pytest.raises(ValueError, match="already has a layer named 'a'"):
        Sequential([Dense(2, name="a"), Dense(3, name="a")])
    with pytest.raises(ValueError, match="an Input must be the first"):
        Sequential([Dense(2, input_dim=3), Input((3,))])
    with pytest.raises(ValueError, match="has no layers"):
        Sequential().predict(np.ones((1, 2)))


def test_a_layer_that_does_not_fit_is_not_added():
    model = Sequential([Input((4,)), Dense(3)])
    with pytest.raises(ValueError, match="Conv2D"):
        model.add(layers.Conv2D(2, 3))
    assert len(model) == 1 and model.output_shape == (None, 3)


def test_config_round_trip():
    model = Sequential([Input((4,)), Dense(3, activation="relu"), layers.Dropout(0.5)])
    copy = Sequential.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    assert np.array_equal(copy.predict(x), model.predict(x))
    assert copy.name == model.name
