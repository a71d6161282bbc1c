"""Initial values that are computed when they are read: equal to those computed at once."""

import copy
import pickle
import threading

import numpy as np
import pytest

import cornu
from cornu import initializers
from cornu.core.state import initial_value, scope
from cornu.core.state.initial_value import defer_values
from cornu.core.state.variable import Variable

SHAPE = (80, 70)  # larger than what is computed at once
INITIALIZERS = [
    *("zeros", "ones", "identity", "glorot_uniform", "he_normal", "lecun_normal", "random_normal"),
    *("random_uniform", "truncated_normal", "orthogonal", "variance_scaling"),
    initializers.Constant(3.0),
    initializers.GlorotNormal(seed=7),
]


def is_deferred(variable):
    return variable._deferred is not None


def both(initializer, **kwargs):
    """Returns a Variable whose value is computed later, and one whose value is computed at once."""
    cornu.utils.set_random_seed(5)
    with defer_values():
        later = Variable(initializer, SHAPE, "float32", **kwargs)
        after = Variable("random_normal", (3,))
    assert is_deferred(later) and is_deferred(after)
    cornu.utils.set_random_seed(5)
    once = Variable(initializer, SHAPE, "float32", **kwargs)
    assert (after.numpy() == Variable("random_normal", (3,)).numpy()).all()
    return later, once


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=str)
def test_values_are_the_same(initializer):
    later, once = both(initializer)
    assert (later.shape, later.dtype) == (once.shape, once.dtype)
    assert (later.numpy() == once.numpy()).all()
    assert not is_deferred(later)


def test_seed_generators_advance_when_the_variable_is_created():
    later, once = both(initializers.RandomNormal(seed=cornu.random.SeedGenerator(3)))
    assert not (later.numpy() == once.numpy()).all()
    generators = [cornu.random.SeedGenerator(3) for _ in range(2)]
    with defer_values():
        first = Variable(initializers.RandomNormal(seed=generators[0]), SHAPE)
        second = Variable(initializers.RandomNormal(seed=generators[0]), SHAPE)
    at_once = [Variable(initializers.RandomNormal(seed=generators[1]), SHAPE) for _ in range(2)]
    assert (second.numpy() == at_once[1].numpy()).all()  # whichever is read first
    assert (first.numpy() == at_once[0].numpy()).all()


def test_what_is_computed_at_once():
    def own(shape, dtype):
        return np.ones(shape, dtype)

    with defer_values():
        for initializer, shape in ((own, SHAPE), (np.ones(SHAPE), None)):
            assert not is_deferred(Variable(initializer, shape))
        # Of a small Variable, only the copy to the device is made later.
        with pytest.raises(ValueError, match="Identity: the shape must have two axes"):
            Variable("identity", (2, 2, 2))
    assert not scope.current().defers_values
    assert not is_deferred(Variable("zeros", SHAPE))


def test_assigned_values_need_no_initial_value(monkeypatch):
    with defer_values():
        variable = Variable("zeros", SHAPE)
    monkeypatch.setattr(initial_value.DeferredValue, "compute", None)
    variable.assign(np.ones(SHAPE))
    assert variable.numpy().sum() == 80 * 70


def test_a_failure_is_reported_at_each_reading():
    with defer_values():
        variable = Variable("zeros", (10**14,))
    for _ in range(2):
        with pytest.raises(MemoryError):
            variable.numpy()
    with pytest.raises(AttributeError, match="'Variable' object has no attribute 'other'"):
        _ = variable.other


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_have_the_value(duplicate):
    with defer_values():
        variable = Variable("random_normal", SHAPE)
    copied = duplicate(variable)
    assert (copied.numpy() == variable.numpy()).all()


def test_threads_see_one_value():
    with defer_values():
        variable = Variable("random_normal", (400, 400))
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(variable.value)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(value is seen[0] for value in seen)


def test_a_model_of_deferred_values_is_traced_and_trained():
    made = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(5000), cornu.layers.Dense(1)])
    copied = cornu.models.model_from_json(made.to_json())
    assert [is_deferred(v) for v in copied.weights] == [True] * 4
    copied.compile("sgd", "mse")
    copied.fit(np.ones((2, 4)), np.ones((2, 1)), verbose=0)
    assert not any(is_deferred(v) for v in copied.weights)
