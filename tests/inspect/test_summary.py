"""summary: columns, blocks, repeats, nested models."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense


def text(model, **words):
    lines = []
    model.summary(print_fn=lines.append, **words)
    return "\n".join(lines)


def unit(x, units=4):
    return layers.ReLU()(Dense(units)(x))


def net():
    x = Input((4,), name="x")
    h = x
    for _ in range(3):
        h = unit(h)
    return Model(x, Dense(1, name="out")(unit(h, 2)), name="net")


def test_equal_blocks_are_folded_with_their_number():
    shown = text(net())
    assert 'Model: "net"' in shown
    assert "unit x3" in shown and "unit_3" in shown
    assert shown.count("(Dense)") == 3
    assert "Total params: 73 (292 B)" in shown and "Non-trainable params: 0 (0 B)" in shown
    unfolded = text(net(), fold=False)
    assert unfolded.count("(Dense)") == 5 and "unit_2" in unfolded


def test_a_folded_block_counts_all_its_parameters():
    row = next(line for line in text(net()).splitlines() if "unit x3" in line)
    assert "60" in row


def test_shared_layers_count_once():
    x = Input((4,))
    shared = Dense(4)
    shown = text(Model(x, shared(shared(x))))
    assert "again" in shown and "Total params: 20" in shown


def test_connections_are_shown_where_they_branch():
    x = Input((4,))
    model = Model(x, layers.Add(name="sum")([Dense(2, name="a")(x), Dense(2, name="b")(x)]))
    shown = text(model)
    assert "Connected to" in shown and "a, b" in shown
    assert "Connected to" not in text(net())


def test_nested_models_expand():
    inner = cornu.Sequential([Input((4,)), Dense(3, name="inside")], name="inner")
    x = Input((4,))
    model = Model(x, inner(x))
    assert "inside" not in text(model)
    assert "inside" in text(model, expand_nested=True)
    assert "Total params: 15" in text(model, expand_nested=True)


def test_trainable_column_and_optimizer():
    model = net()
    model.layers[1].trainable = False
    shown = text(model, show_trainable=True)
    assert "Trainable" in shown and "Non-trainable params: 20" in shown
    model.compile("adam", "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 1)), verbose=0)
    assert "Optimizer params" in text(model)


def test_subclasses_and_unbuilt_models():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2)

        def call(self, x):
            return self.dense(x)

    net = Net()
    assert "?" in text(net)
    net.build((None, 3))
    assert "dense (Dense)" in text(net) and "Total params: 8" in text(net)
    assert "Total params: 0" in text(cornu.Sequential([Dense(2)]))


def test_a_range_of_layers():
    shown = text(net(), layer_range=("x", "dense"))
    assert "out (Dense)" not in shown
    with pytest.raises(ValueError, match="there is no layer 'nowhere'"):
        text(net(), layer_range=("x", "nowhere"))


def test_width():
    assert max(len(line) for line in text(net(), line_length=60).splitlines()) <= 60
