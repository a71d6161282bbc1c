"""predict of one batch of one array, whose checks are remembered from the call before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.training import predicting
from cornu.training.programs import ProgramCache

RNG = np.random.default_rng(0)


def make(*hidden):
    inputs = cornu.Input((3,), name="x")
    return cornu.Sequential([inputs, *hidden, layers.Dense(2)], name="model")


def rows(count=4):
    return RNG.normal(size=(count, 3)).astype("float32")


def slow(model, x, **kwargs):
    """The predictions of a call that remembers nothing: with a callback."""
    return model.predict(x, callbacks=[cornu.callbacks.Callback()], verbose=0, **kwargs)


@pytest.fixture
def slow_calls(monkeypatch):
    """The data of all calls that were not recognized."""
    found = []
    identify = predicting.identify

    def counting(x):
        found.append(x)
        return identify(x)

    monkeypatch.setattr(predicting, "identify", counting)
    return found


def test_only_the_first_call_is_prepared(slow_calls):
    model = make()
    for count in (4, 4, 1, 32, 5):
        x = rows(count)
        y = model.predict(x)
        np.testing.assert_array_equal(y, slow_calls and model.predict_on_batch(x))
        y[:] = 0  # belongs to the user
        assert model.predict(x).any()
    assert len(slow_calls) == 1
    layouts = (rows(8)[::2], np.asfortranarray(rows()), rows()[:, ::-1])
    for x in layouts:
        np.testing.assert_array_equal(model.predict(x), model.predict(x.copy()))
    assert len(slow_calls) == 1


@pytest.mark.parametrize(
    "x, kwargs",
    [
        (rows(33), {}),
        (rows(), {"batch_size": 3}),
        (rows(), {"steps": 1}),
        (rows().astype("float64"), {}),
        (rows().tolist(), {}),
        ({"x": rows()}, {}),
        (rows().astype("int32"), {}),
        (rows().view(np.recarray), {}),
        (rows(), {"callbacks": [cornu.callbacks.Callback()]}),
    ],
)
def test_other_data_is_prepared(x, kwargs, slow_calls):
    model = make()
    model.predict(rows())
    y = model.predict(x, verbose=0, **kwargs)
    assert len(slow_calls) == 2
    np.testing.assert_allclose(y, slow(model, x), rtol=1e-6)


@pytest.mark.parametrize(
    "x, kwargs, message",
    [
        (np.full((4, 3), np.nan, "float32"), {}, "NaN"),
        (np.full((1, 3), np.inf, "float32"), {}, "inf"),
        (np.zeros((0, 3), "float32"), {}, "0 rows"),
        (np.zeros((4, 2), "float32"), {}, r"expects the shape \(None, 3\)"),
        (np.zeros(3, "float32"), {}, "batch axis"),
        (np.float32(1), {}, "scalar"),
        (rows(), {"batch_size": 0}, "batch_size must be a positive integer"),
        (rows(), {"batch_size": 2.5}, "batch_size must be a positive integer"),
    ],
)
def test_errors_do_not_depend_on_the_calls_before(x, kwargs, message):
    found = []
    for known in (False, True):
        model = make()
        if known:
            model.predict(rows())
        with pytest.raises(ValueError, match=message) as error:
            model.predict(x, verbose=0, **kwargs)
        found.append(str(error.value).partition("(at")[0])
    assert found[0] == found[1]


def test_values_that_a_layer_refuses():
    model = cornu.Sequential([cornu.Input((2,), dtype="int32"), layers.Embedding(5, 2)])
    x = np.array([[0, 4]], "int32")
    for _ in range(2):
        assert model.predict(x).shape == (1, 2, 2)
        with pytest.raises(ValueError, match="Embedding|embedding"):
            model.predict(x + 1)


def test_changes_of_the_model_are_seen():
    x = rows()
    model = make(layers.Dense(3, name="hidden"))
    first = model.predict(x)
    model.set_weights([w + 1 for w in model.get_weights()])
    assert (model.predict(x) != first).any()
    model.add(layers.Dense(7))
    assert model.predict(x).shape == (4, 7)
    model.pop()
    model.pop()
    np.testing.assert_array_equal(model.predict(x), model.get_layer("hidden")(x))
    model.compile("sgd", "mse", run_eagerly=True)
    np.testing.assert_allclose(model.predict(x), model.get_layer("hidden")(x), rtol=1e-6)


def test_a_step_of_the_program_is_used():
    class Own(cornu.Model):
        pass

    inputs = cornu.Input((3,))
    model = Own(inputs, layers.Dense(2)(inputs))
    x = rows()
    before = model.predict(x)
    Own.predict_step = lambda self, data: 2 * self(data)
    np.testing.assert_allclose(model.predict(x), 2 * before, rtol=1e-6)


def test_threads_share_what_is_known():
    model = make(layers.Dense(8, "tanh"))
    xs = [rows(1 + i % 3) for i in range(64)]
    expected = [model.predict_on_batch(x) for x in xs]
    wrong = np.full((1, 3), np.nan, "float32")

    def ask(i):
        if i % 8 == 0:
            with pytest.raises(ValueError, match="NaN"):
                model.predict(wrong)
        return model.predict(xs[i])

    with ThreadPoolExecutor(8) as threads:
        for found, y in zip(threads.map(ask, range(64)), expected, strict=True):
            np.testing.assert_array_equal(found, y)


class Pending(np.lib.mixins.NDArrayOperatorsMixin):
    """An output that counts how many of its kind have not been awaited."""

    count = 0

    def __init__(self, value):
        self._value = value
        type(self).count += 1

    def __array__(self, dtype=None, copy=None):
        type(self).count -= 1
        return self._value


@pytest.mark.parametrize("kwargs", [{}, {"callbacks": [cornu.callbacks.Callback()]}])
def test_few_batches_are_computed_ahead(monkeypatch, kwargs):
    model = make()
    model.compile(steps_per_execution=5)
    x = rows(100)
    expected = model.predict(x, batch_size=2)
    found = []

    def predict(self, batch, size=None):
        found.append(Pending.count)
        return Pending(np.asarray(model(batch[0])))

    monkeypatch.setattr(ProgramCache, "predict", predict)
    Pending.count = 0
    np.testing.assert_allclose(model.predict(x, batch_size=2, **kwargs), expected, rtol=1e-6)
    assert max(found) == (4 if kwargs else 8) and len(found) == 50
