"""Runs of equal blocks in a graph."""

from __future__ import annotations

import pytest

import cornu
from cornu import layers as L
from cornu.distribution.equal_blocks import find_runs


def block(x, width=8):
    return x + L.Dense(width)(L.LayerNormalization()(x))


def masked_block(x, mask):
    return x + L.MultiHeadAttention(2, 4)(x, x, attention_mask=mask)


def crossing_block(x, y):
    return L.Dense(8)(x) + y, L.Dense(8)(y)


def chain(function, count, width=8):
    x = inputs = cornu.Input((width,))
    for _ in range(count):
        x = function(x)
    return cornu.Model(inputs, x)


def with_mask():
    x, mask = inputs = cornu.Input((4, 8)), cornu.Input((4, 4), dtype="bool")
    for _ in range(3):
        x = masked_block(x, mask)
    return cornu.Model(inputs, x)


def with_two_outputs():
    x = y = inputs = cornu.Input((8,))
    x = L.Dense(8)(x)
    for _ in range(3):
        x, y = crossing_block(x, y)
    return cornu.Model(inputs, x)


def with_a_second_output():
    """The output of the second block is one of the model: the run ends there."""
    x = inputs = cornu.Input((8,))
    outputs = []
    for _ in range(5):
        x = block(x)
        outputs.append(x)
    return cornu.Model(inputs, [outputs[1], x])


def without_functions():
    """The nodes of a loop in the program itself, in which no function is called."""
    x = inputs = cornu.Input((8,))
    x = L.Dense(8, activation="relu")(x)
    for _ in range(3):
        y = L.Dense(8, activation="tanh")(L.LayerNormalization()(x))
        x = L.Dropout(0.1)(x + y)
    return cornu.Model(inputs, L.Dense(3)(x))


def sharing_weights():
    shared = L.Dense(8)
    return chain(shared, 4)


def sharing_noise():
    noise = L.Dropout(0.5)
    return chain(lambda x: noise(L.Dense(8)(x)), 4)


def sequential(*layers):
    return cornu.Sequential([cornu.Input((8,)), *layers])


@pytest.mark.parametrize(
    ("make", "expected"),
    (
        (lambda: chain(block, 4), [(4, (0,))]),
        (with_mask, [(3, (0, None))]),
        (with_two_outputs, [(2, (0, 1))]),
        (with_a_second_output, [(3, (0,))]),
        (without_functions, [(3, (0,))]),
        (lambda: sequential(*(L.Dense(8) for _ in range(5))), [(5, (0,))]),
        (lambda: sequential(L.Dense(16), *(L.Dense(16) for _ in range(3))), [(3, (0,))]),
        (lambda: sequential(*([L.Dense(8), L.ReLU()][i % 2] for i in range(2))), []),
        (lambda: sequential(*(L.ReLU() for _ in range(4))), []),
        (lambda: sequential(*(L.Dense(8 + i) for i in range(4))), []),
        (sharing_weights, []),
        (sharing_noise, []),
    ),
)
def test_runs(make, expected):
    runs = find_runs(make()._graph_.graph)
    assert [(len(run.blocks), run.carried) for run in runs] == expected
    for run in runs:
        assert len({one.subgraph.structural_key for one in run.blocks}) == 1


def test_a_run_in_a_block_and_one_beside_it():
    def encoder(x):
        for _ in range(3):
            x = block(x)
        return x

    x = inputs = cornu.Input((8,))
    x = L.Dense(16)(encoder(x))
    for _ in range(4):
        x = block(x, 16)
    runs = find_runs(cornu.Model(inputs, x)._graph_.graph)
    assert sorted(len(run.blocks) for run in runs) == [3, 4]
