"""Freed memory serves the next step, and is returned after compiling and collecting models."""

import gc
import types

import numpy as np
import pytest

import cornu
from cornu.deviations import find_disabled
from cornu.process import allocator
from tests.processes import environment_without, run_program

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


def _model():
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def returned(monkeypatch):
    gc.collect()
    counted = []
    monkeypatch.setattr(allocator, "give_back", lambda **_: counted.append(1))
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
    allocator.give_back(compiled=True)
    assert trimmed == [0]
    trimmed.clear()
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


_ARENA = {-8: 1}
_REUSED = {-3: 2**25, -1: 2**29}
_KEPT = {-4: 0, -1: 2**30}


@pytest.mark.parametrize(
    "environment, is_cpu, expected",
    [
        ({}, True, _REUSED),
        ({"CORNU_ALLOCATOR": "keep"}, True, _ARENA | _REUSED | _KEPT),
        ({"CORNU_DISABLE": "memory_reuse"}, True, {}),
        ({"CORNU_DISABLE": "memory_reuse", "CORNU_ALLOCATOR": "keep"}, True, _ARENA | _KEPT),
        ({}, False, {}),
        ({"MALLOC_ARENA_MAX": "4"}, True, {}),
        ({"LD_PRELOAD": "libjemalloc.so"}, True, {}),
        ({"GLIBC_TUNABLES": "glibc.malloc.arena_max=2", "CORNU_ALLOCATOR": "keep"}, True, {}),
    ],
)
def test_what_is_set_when_a_process_is_prepared(monkeypatch, environment, is_cpu, expected):
    chosen = {}
    library = types.SimpleNamespace(mallopt=chosen.__setitem__, malloc_trim=lambda pad: None)
    monkeypatch.setattr(allocator, "_glibc", lambda: library)
    monkeypatch.setattr(allocator, "_is_cpu_expected", lambda: is_cpu)
    monkeypatch.setattr(allocator, "_available_memory", lambda: 2**33)
    for name in allocator.os.environ:
        if name.startswith(("CORNU_", "MALLOC_", "GLIBC_", "LD_PRELOAD")):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in ("on", "reuses"):
        monkeypatch.setitem(allocator._state, name, False)
    find_disabled.cache_clear()
    try:
        allocator.prepare()
        assert chosen == expected
        assert allocator.is_reused() == (-3 in expected)
        if allocator.is_enabled():
            chosen.clear()
            allocator.disable()
            assert chosen == allocator._DEFAULTS | (_REUSED if allocator.is_reused() else {})
    finally:
        find_disabled.cache_clear()


_PROGRAM = """
import ctypes
import cornu
cornu.Variable([1.0])
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
for size in (2**20, 2**24, 2**26):
    start = library.malloc(size)
    near = library.malloc(2**16)
    print(abs(start - near) < 2**30)
"""


@pytest.mark.slow
@pytest.mark.skipif(not allocator.is_available(), reason="of glibc")
def test_small_blocks_come_from_the_heap():
    left_out = ("MALLOC_", "CORNU_", "GLIBC_", "LD_PRELOAD")
    env = {**environment_without(left_out), "JAX_PLATFORMS": "cpu"}
    assert run_program(_PROGRAM, env=env).stdout.split() == ["True", "True", "False"]
    env["CORNU_DISABLE"] = "memory_reuse"
    assert run_program(_PROGRAM, env=env).stdout.split() == ["False"] * 3
