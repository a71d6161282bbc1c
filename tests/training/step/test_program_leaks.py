"""A deleted model releases its programs, arrays and data."""

import collections
import gc
import importlib
import pkgutil
import weakref

import jax
import jax.extend
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense


class Data(np.ndarray):
    """An array with a weak reference."""


def data(rows=32):
    x = np.ones((rows, 4), "float32").view(Data)
    return x, np.zeros(rows, "int32").view(Data)


def net():
    x = Input((4,))
    h = layers.Dropout(0.1)(layers.BatchNormalization()(Dense(4, activation="relu")(x)))
    model = Model(x, Dense(3, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def use(model, x, y):
    model.fit(x, y, batch_size=8, verbose=0, validation_data=(x, y))
    model.predict(x)
    model(x)
    model.train_on_batch(x, y)


@pytest.fixture
def by_counting_alone():
    """Disables garbage collection: only reference counts release objects."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_data_is_released_with_its_last_reference(by_counting_alone):
    model = net()
    x, y = data()
    refs = [weakref.ref(x), weakref.ref(y)]
    use(model, x, y)
    del x, y
    assert [ref() for ref in refs] == [None, None]
    before = len(jax.live_arrays())
    use(model, *data())
    assert len(jax.live_arrays()) == before


def test_streams_are_released_with_their_last_reference(by_counting_alone):
    class Stream:
        def __iter__(self):
            x, y = data()
            yield x, y

    model, stream = net(), Stream()
    ref = weakref.ref(stream)
    model.fit(stream, verbose=0)
    del stream
    assert ref() is None


def test_recompiling_a_model_releases_its_programs(by_counting_alone):
    model = net()
    use(model, *data())
    runner = model.trainer.programs.runner("train")
    program = weakref.ref(next(iter(runner._programs.values())))
    runner = weakref.ref(runner)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert runner() is None and program() is None


def test_a_deleted_model_releases_everything_it_owns():
    backend = jax.extend.backend.get_backend()

    def cycle():
        model = net()
        use(model, *data())
        program = next(iter(model.trainer.programs.runner("train")._programs.values()))
        owned = (model, program, model.layers[1], model.optimizer, model.history)
        return [weakref.ref(thing) for thing in owned]

    def held():
        gc.collect()
        return {id(thing): thing for thing in (*jax.live_arrays(), *backend.live_executables())}

    cycle()
    before = held()
    refs = cycle()
    after = held()
    assert [ref() for ref in refs] == [None] * len(refs)
    # By identity, because JAX's caches may release programs of other tests in the meantime.
    assert after.keys() <= before.keys()


def sizes():
    """Counts the entries of module-level containers and caches of cornu."""
    found = collections.Counter()
    for module in pkgutil.walk_packages(cornu.__path__, "cornu."):
        if module.name == "cornu.__main__":
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, (dict, list, set, collections.deque)):
                found[module.name, name] = len(value)
            elif hasattr(value, "cache_info"):
                found[module.name, name] = value.cache_info().currsize
    return found


@pytest.mark.slow
def test_no_registry_grows():
    use(net(), *data())
    sizes()  # imports all modules, which fill caches
    before = sizes()
    for _ in range(3):
        use(net(), *data())
    after = sizes()
    assert {key: (before[key], n) for key, n in after.items() if n != before[key]} == {}


def test_an_interrupted_or_failed_fit_lets_its_data_go():
    class Fails(cornu.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ZeroDivisionError

    model = net()
    x, y = data()
    refs = [weakref.ref(x), weakref.ref(y)]
    with pytest.raises(ZeroDivisionError):
        model.fit(x, y, verbose=0, callbacks=[Fails()])
    del x, y
    gc.collect()  # the traceback
    assert [ref() for ref in refs] == [None, None]
