"""Freed memory is returned to the system after compiling and after models are collected."""

import gc

import numpy as np
import pytest

import cornu
from cornu.process import allocator

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


def _model():
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def returned(monkeypatch):
    gc.collect()
    counted = []
    monkeypatch.setattr(allocator, "give_back", lambda: counted.append(1))
    return counted


def test_after_a_program_was_compiled_and_only_then(returned):
    model = _model()
    model.fit(X, Y, batch_size=2, epochs=3, verbose=0)
    assert len(returned) == 1
    model.fit(X, Y, batch_size=2, epochs=3, verbose=0)
    assert len(returned) == 1
    model.predict(X)
    assert len(returned) == 2
    model.predict(X)
    assert len(returned) == 2


def test_after_dropped_models_were_collected(returned):
    model = _model()
    model.fit(X, Y, verbose=0)
    gc.collect()
    assert len(returned) == 1
    del model
    gc.collect()
    assert len(returned) == 2
    gc.collect()
    assert len(returned) == 2


def test_kept_memory_is_not_returned(monkeypatch):
    class Library:
        def malloc_trim(self, pad):
            trimmed.append(pad)

    trimmed = []
    monkeypatch.setattr(allocator, "_glibc", Library)
    monkeypatch.setitem(allocator._release, "not_before", 0.0)
    monkeypatch.setitem(allocator._state, "on", True)
    allocator.give_back()
    assert trimmed == []
    monkeypatch.setitem(allocator._state, "on", False)
    allocator.give_back()
    assert trimmed == [0]
    monkeypatch.setitem(allocator._release, "not_before", allocator.perf_counter() + 60)
    allocator.give_back()  # it took long a moment ago
    assert trimmed == [0]
    monkeypatch.setitem(allocator._release, "not_before", 0.0)
    gc.collect()  # the skipped release follows
    assert trimmed == [0, 0]
    gc.collect()
    assert trimmed == [0, 0]
