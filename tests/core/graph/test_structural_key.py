"""Structural keys: equal for subgraphs with the same computation, different in case of doubt."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers, ops
from cornu.core.graph.structural_key import describe_subgraph
from cornu.layers import Dense


def forms(build, count=2, shape=(4,)):
    """Returns the structural keys of several calls of a block function."""
    x = Input(shape)
    marks = [x]
    for i in range(count):
        marks.append(build(marks[-1], i))
    graph = Model(x, marks[-1])._graph_.graph
    found = []
    for child in graph.root.children:
        _, outputs = graph.boundary(child.nodes)
        found.append(describe_subgraph(child.nodes, outputs))
    return found


def unit(x, i=0):
    return layers.Dropout(0.5)(layers.BatchNormalization()(Dense(4, "relu")(x)))


def test_blocks_of_one_function_have_one_form():
    one, two = forms(unit)
    assert one.structural_key == two.structural_key and hash(one.structural_key) == hash(
        two.structural_key
    )
    assert len(one.variables) == len(two.variables) == 6 and len(one.sources) == 1
    assert not {id(v) for v in one.variables} & {id(v) for v in two.variables}


DIFFERENT = {
    "sizes": lambda x, i: Dense(4 + 4 * i)(x),
    "arguments": lambda x, i: layers.Dropout(0.1 * (i + 1))(x) + 1,
    "constants": lambda x, i: ops.relu(x) + i,
    "ops": lambda x, i: ops.relu(x) + 1 if i else ops.tanh(x) + 1,
    "arrays": lambda x, i: x * np.full(4, i, "float32") + 1,
    "seeds": lambda x, i: layers.Dropout(0.5, seed=i)(x) + 1,
    "signed zero": lambda x, i: ops.relu(x) * (-0.0 if i else 0.0),
    "wiring": lambda x, i: [x * 2, x * 3][i] + (x * 2) * (x * 3),
    "dtype": lambda x, i: Dense(4, dtype=["float32", "mixed_bfloat16"][i])(ops.cast(x, "float32")),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_forms_differ_by(name):
    def block(x, i):
        return DIFFERENT[name](ops.relu(x), i)

    one, two = forms(block)
    assert one.structural_key != two.structural_key


def test_what_was_changed_after_the_construction_counts():
    def block(x, i):
        layer = Dense(4)
        y = layer(ops.relu(x))
        layer.trainable = i == 0
        return y

    one, two = forms(block)
    assert one.structural_key != two.structural_key


def test_a_layer_used_twice_is_another_form_than_two_layers():
    def block(x, i):
        first = Dense(4)
        return (first if i else Dense(4))(first(x))

    one, two = forms(block)
    assert (
        one.structural_key != two.structural_key
        and len(one.variables) == 4
        and len(two.variables) == 2
    )


def test_unknown_objects_count_by_identity():
    class Holding(cornu.Layer):
        def __init__(self, thing):
            super().__init__()
            self.thing = thing

        def call(self, x):
            return x * 2

    def different(x, i):
        return Holding(object())(ops.relu(x))

    common = object()

    def same(x, i):
        return Holding(common)(ops.relu(x))

    one, two = forms(different)
    assert one.structural_key != two.structural_key
    one, two = forms(same)
    assert one.structural_key == two.structural_key


def test_functions_count_by_code_and_closure():
    def block(x, i):
        factor = 2 if i < 2 else 3
        return layers.Lambda(lambda t: t * factor)(ops.relu(x))

    one, two, three = forms(block, count=3)
    assert one.structural_key == two.structural_key != three.structural_key


def test_nested_models_are_described_by_their_graph():
    def block(x, i):
        inside = Input((4,))
        y = Dense(4, "relu" if i < 2 else "tanh")(inside)
        return Model(inside, Dense(4)(y))(ops.relu(x))

    one, two, three = forms(block, count=3)
    assert (
        one.structural_key == two.structural_key != three.structural_key and len(one.variables) == 4
    )
