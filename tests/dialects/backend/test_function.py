"""`function`, updates, sessions, and losses that use Tensors of the model."""

import numpy as np
import pytest

from cornu.dialects.keras1 import load

keras = load()
K = keras.backend


def test_function_computes_and_then_assigns():
    x, v = K.placeholder((None, 2)), K.variable([1.0, 2.0])
    step = K.function([x], [K.sum(x * v)], updates=[(v, v + 1), K.update_add(K.variable(0.0), 1)])
    assert step([[[1.0, 1.0]]])[0] == 3.0
    assert step([[[1.0, 1.0]]])[0] == 5.0
    assert K.get_value(v).tolist() == [3.0, 4.0]


def test_expressions_of_variables_are_computed_when_they_are_needed():
    v = K.variable(2.0)
    square = K.square(v) + v * 3
    K.set_value(v, 1.0)
    assert K.eval(square) == 4.0
    with K.get_session() as session:
        assert session.run([square, {"v": v}]) == [4.0, {"v": 1.0}]


def test_the_learning_phase_is_an_input():
    dropout = keras.layers.Dropout(0.5)
    model = keras.models.Sequential([keras.layers.Dense(40, input_dim=4), dropout])
    outputs = K.function([model.input, K.learning_phase()], [dropout.input, dropout.output])
    x = np.ones((3, 4))
    dense, same = outputs([x, 0])
    np.testing.assert_array_equal(dense, same)
    dense, dropped = outputs([x, 1])
    assert 0 < np.mean(dropped == 0) < 1
    np.testing.assert_allclose(dropped[dropped != 0], 2 * dense[dropped != 0], rtol=1e-6)
    assert (outputs([x, 1])[1] != dropped).any()


def test_random_numbers_differ_in_each_call():
    noise = K.function([], [K.random_normal((3,)), K.random_uniform((3,), 2.0, 3.0)])
    first, second = noise([]), noise([])
    assert (first[0] != second[0]).all()
    assert (second[1] > 2).all()


def test_wrong_calls():
    x = K.placeholder((2,), name="missing")
    with pytest.raises(ValueError, match=r"placeholder 'missing' .*\nAdd it to `inputs`"):
        K.function([], [x * 2])([])
    with pytest.raises(ValueError, match="has 1 inputs. Received: 0"):
        K.function([x], [x])([])
    with pytest.raises(TypeError, match=r"K.square of Keras 1: .*\nIt accepts: \(x\)"):
        K.square(y=1)
    with pytest.raises(TypeError, match="each update must be a pair"):
        K.function([x], [x], updates=[3])
    with pytest.raises(ValueError, match="set_learning_phase: expected 0 or 1"):
        K.set_learning_phase(2)


def variational(batch=4):
    inputs = keras.layers.Input(batch_shape=(batch, 6))
    hidden = keras.layers.Dense(5, activation="relu")(inputs)
    mean, spread = (keras.layers.Dense(2)(hidden) for _ in range(2))
    code = keras.layers.Lambda(lambda both: both[0] + K.exp(both[1]))([mean, spread])
    model = keras.models.Model(inputs, keras.layers.Dense(6, activation="sigmoid")(code))
    return model, mean, spread


def test_a_loss_may_use_tensors_and_variables_of_the_program():
    model, mean, spread = variational()
    weight = K.variable(1.0)

    def penalty():
        return K.sum(K.square(mean) + K.exp(spread), axis=-1)

    def loss(true, predicted):
        return K.mean(K.square(true - predicted), axis=-1) + weight * penalty()

    def spread_of_codes(true, predicted):
        return K.mean(penalty())

    model.compile("sgd", loss, metrics=[spread_of_codes])
    x = np.random.RandomState(0).uniform(size=(12, 6)).astype("float32")
    values = K.function([model.input], [model.output, mean, spread])
    for factor in (1.0, 10.0, 0.0):
        K.set_value(weight, factor)
        found = model.evaluate(x, x, batch_size=4, verbose=0)
        parts = [values([part]) for part in np.split(x, 3)]
        squares = np.mean(
            [(p - part) ** 2 for (p, _, _), part in zip(parts, np.split(x, 3), strict=True)]
        )
        codes = np.mean([(m**2 + np.exp(s)).sum(-1) for _, m, s in parts])
        np.testing.assert_allclose(found, [squares + factor * codes, codes], rtol=1e-5)
    before = model.get_weights()
    K.set_value(weight, 1.0)
    model.fit(x, x, batch_size=4, nb_epoch=1, verbose=0)
    assert len(before) == len(model.get_weights())
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_loss_may_use_gradients_of_the_model():
    inputs = keras.layers.Input(shape=(3,))
    model = keras.models.Model(inputs, keras.layers.Dense(1, activation="tanh")(inputs))

    def slope(true, predicted):
        (gradient,) = K.gradients(predicted, inputs)
        return K.sum(K.square(gradient), axis=-1)

    model.compile("sgd", slope)
    x = np.array([[0.1, 0.2, 0.3]], "float32")
    (kernel, _), output = model.get_weights(), model.predict(x)
    expected = np.sum((kernel[:, 0] * (1 - output**2)) ** 2)
    np.testing.assert_allclose(model.evaluate(x, x[:, :1], verbose=0), expected, rtol=1e-5)
