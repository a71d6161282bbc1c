"""clear_session, set_random_seed and get_source_inputs."""

from __future__ import annotations

import random

import numpy as np
import pytest

import cornu
from cornu import config, seeds
from cornu.core.graph import call_stack
from cornu.utils import clear_session, get_source_inputs, set_random_seed


def test_clear_session_forgets():
    config.set_dtype_policy("mixed_bfloat16")
    config.disable_interactive_logging()

    def draw():
        return cornu.layers.Dense(1)(cornu.Input((2,)))

    draw()
    assert call_stack._previous.frames
    assert cornu.layers.Dense(1).name == "dense_1"
    clear_session()
    assert not call_stack._previous.frames
    assert cornu.layers.Dense(1).name == "dense"
    assert config.dtype_policy().name == "float32"
    assert config.is_interactive_logging_enabled()


def test_set_random_seed_repeats_everything():
    numbers = []
    for _ in range(2):
        set_random_seed(7)
        numbers.append((seeds.next_seed(), random.random(), np.random.rand()))
    assert numbers[0] == numbers[1]
    for wrong in (-1, 2**32, 1.5, None, True):
        with pytest.raises(ValueError, match="seed must be an integer"):
            set_random_seed(wrong)


def test_source_inputs():
    a, b, c = (cornu.Input((2,), name=name) for name in "abc")
    x = cornu.layers.Add()([b, a])
    y = cornu.layers.Dense(2)(x)
    assert [t.name for t in get_source_inputs(cornu.layers.Add()([x, y]))] == ["a", "b"]
    assert [t.name for t in get_source_inputs(c)] == ["c"]


def test_source_inputs_without_a_node():
    x, y, z = (cornu.KerasTensor((None, 2), name=name) for name in "xyz")
    assert [t.name for t in get_source_inputs((x + y) * (z + x))] == ["x", "y", "z"]
