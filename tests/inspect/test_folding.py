"""Only equal blocks fold; differences between folded blocks are shown."""

import pytest

import cornu
from cornu import layers, ops
from cornu.inspect.folding import fold, format_repeats
from cornu.inspect.outline import outline


def _titles(block, varying, width=4):
    """Returns the titles of the groups of a chain of blocks."""
    x = h = cornu.Input((8, width))
    for value in varying:
        h = block(h, value)
    model = cornu.Model(x, h)
    groups = fold([item for item in outline(model).children if item.kind == "block"])
    return [format_repeats(group) if len(group) > 1 else group[0].name for group in groups]


def tcn_block(x, rate):
    h = layers.Conv1D(4, 2, padding="causal", dilation_rate=rate, activation="relu")(x)
    return x + layers.Conv1D(4, 2, padding="causal", dilation_rate=rate)(h)


def drop_block(x, rate):
    return layers.Dropout(rate)(layers.Dense(4)(x))


def bottleneck(x, units):
    return layers.Dense(4)(layers.Dense(units)(x))


def frozen(x, trainable):
    return layers.Dense(4, trainable=trainable)(x)


def wrapped(x, activation):
    return layers.TimeDistributed(layers.Dense(4, activation=activation))(x)


def nested(x, rate):
    sub = cornu.Sequential([layers.Dense(4), layers.Dropout(rate)])
    return sub(x)


def scaled(x, factor):
    return layers.Dense(4)(x) * factor


def rewired(x, swap):
    a, b = layers.Dense(4)(x), layers.Dense(4)(x)
    return ops.subtract(b, a) if swap else ops.subtract(a, b)


def with_lambda(x, factor):
    return layers.Lambda(lambda t: t * factor)(layers.Dense(4)(x))


def many(x, k):
    h = layers.Conv1D(4, 3, padding="same", dilation_rate=k, use_bias=True)(x)
    h = layers.Dropout(k / 10)(h)
    return layers.LeakyReLU(k / 100)(h)


def other_classes(x, use_gelu):
    return layers.Dense(4)(layers.Activation("gelu")(x) if use_gelu else layers.ReLU()(x))


def initialized(x, seed):
    # Each call makes an object of its own.
    return layers.Dense(4, kernel_initializer=cornu.initializers.GlorotUniform(seed=1))(x)


class Shift(cornu.Operation):
    def __init__(self, by, name=None):
        super().__init__(name=name)
        self.by = by

    def call(self, x):
        return x + self.by


class Scale(Shift):
    def call(self, x):
        return x * self.by


def with_operation(x, by):
    return Shift(by)(layers.Dense(4)(x))


def other_operations(x, shifts):
    return (Shift if shifts else Scale)(1.0)(layers.Dense(4)(x))


def own_op(x, shifts):
    return cornu.op(lambda x: x + 1 if shifts else x * 2, name="op")(layers.Dense(4)(x))


def with_phase(x, training):
    return layers.Dropout(0.1)(layers.Dense(4)(x), training=training)


@pytest.mark.parametrize(
    ("block", "varying", "titles"),
    [
        (tcn_block, [1, 2, 4, 8], ["tcn_block x4, dilation_rate 1, 2, 4, 8"]),
        (tcn_block, [2, 2, 2], ["tcn_block x3"]),
        (drop_block, [0.1, 0.1, 0.3], ["drop_block x3, rate 0.1, 0.1, 0.3"]),
        (drop_block, [i / 10 for i in range(9)], ["drop_block x9, rate 0.0, 0.1, ..., 0.8"]),
        (bottleneck, [3, 3, 5], ["bottleneck x2", "bottleneck_2"]),
        (frozen, [True, True, False, False], ["frozen x2", "frozen x2"]),
        (wrapped, ["relu", "relu", "tanh"], ["wrapped x2", "wrapped_2"]),
        (nested, [0.1, 0.1, 0.2], ["nested x2", "nested_2"]),
        (scaled, [2.0, 3.0], ["scaled x2, multiply 2.0, 3.0"]),
        (rewired, [True, True, False], ["rewired x2", "rewired_2"]),
        (with_lambda, [2.0, 2.0, 3.0], ["with_lambda x2", "with_lambda_2"]),
        (many, [1, 1, 2], ["many x2", "many_2"]),
        (other_classes, [True, True, False], ["other_classes x2", "other_classes_2"]),
        (initialized, [1, 2], ["initialized x2"]),
        (with_operation, [1.0, 1.0, 2.0], ["with_operation x3, by 1.0, 1.0, 2.0"]),
        (other_operations, [True, True, False], ["other_operations x2", "other_operations_2"]),
        (own_op, [True, True, False], ["own_op x2", "own_op_2"]),
        (with_phase, [False, False], ["with_phase x2"]),
        (with_phase, [False, True], ["with_phase x2, Dropout False, True"]),
    ],
)
def test_only_equal_blocks_fold(block, varying, titles):
    assert _titles(block, varying) == titles


def test_a_layer_that_is_frozen_later_does_not_fold():
    x = cornu.Input((4,))
    model = cornu.Model(x, frozen(frozen(frozen(x, True), True), True))
    model.layers[1].trainable = False
    groups = [len(group) for group in fold(outline(model).children[1:])]
    assert groups == [1, 2]


def test_summary_and_plots_show_what_varies():
    x = h = cornu.Input((8, 4))
    for rate in (1, 2, 4):
        h = tcn_block(h, rate)
    model = cornu.Model(x, h)
    lines = []
    model.summary(print_fn=lines.append, line_length=120)
    assert "tcn_block x3, dilation_rate 1, 2, 4" in "\n".join(lines)
    dot = str(cornu.utils.model_to_dot(model))
    assert "tcn_block x3, dilation_rate 1, 2, 4" in dot
