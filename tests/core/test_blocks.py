"""The graph remembers the user's functions."""

import functools

import cornu
from cornu import layers
from cornu.core.graph import Graph


def bn_relu(x):
    return layers.Activation("relu")(layers.BatchNormalization()(x))


def _conv_bn_relu(filters):
    def f(x):
        return bn_relu(layers.Conv2D(filters, 3, padding="same")(x))

    return f


def residual(x, block, count):
    for _ in range(count):
        x = layers.Add()([x, block(x)])
    return x


class Builder:
    def tail(self, x):
        return layers.Dense(2)(layers.Flatten()(x))


def draw():
    x = cornu.Input((4, 4, 3))
    y = _conv_bn_relu(3)(x)
    y = residual(y, _conv_bn_relu(3), 2)
    return x, Builder().tail(y)


def paths(x, y):
    return [block.path for block in Graph([x], [y]).root.walk() if block.path]


def test_the_call_tree_is_recorded_without_a_decorator():
    assert paths(*draw()) == [
        "conv_bn_relu",
        "conv_bn_relu/bn_relu",
        "residual",
        "residual/conv_bn_relu",
        "residual/conv_bn_relu/bn_relu",
        "residual/conv_bn_relu_1",
        "residual/conv_bn_relu_1/bn_relu",
        "tail",
    ]


def test_comprehensions_and_lambdas_are_looked_through():
    x = cornu.Input((3,))
    ys = [bn_relu(x) for _ in range(2)]
    z = (lambda t: bn_relu(t))(layers.Concatenate()(ys))
    assert paths(x, z) == ["bn_relu", "bn_relu_1", "lambda", "lambda/bn_relu"] or paths(x, z) == [
        "bn_relu",
        "bn_relu_1",
        "test_comprehensions_and_lambdas_are_looked_through",
        "test_comprehensions_and_lambdas_are_looked_through/bn_relu",
    ]


def test_a_block_can_be_given_another_name():
    @cornu.block("stem")
    def head_of_the_network(x):
        return layers.Dense(2)(x)

    x = cornu.Input((3,))
    assert paths(x, bn_relu(head_of_the_network(x))) == ["stem", "bn_relu"]


def test_a_wrapped_block_keeps_its_given_name():
    def twice(fn):
        @functools.wraps(fn)
        def wrapper(x):
            return fn(fn(x))

        return wrapper

    @twice
    @cornu.block("unit")
    def anything(x):
        return layers.Dense(2)(x)

    x = cornu.Input((2,))
    found = paths(x, bn_relu(anything(x)))
    assert [path.rpartition("/")[2] for path in found][-3:] == ["unit", "unit_1", "bn_relu"]


def test_a_recursive_function_nests():
    def nest(x, depth):
        x = layers.Dense(2)(x)
        return nest(x, depth - 1) if depth else x

    x = cornu.Input((2,))
    assert paths(x, bn_relu(nest(x, 2)))[:3] == ["nest", "nest/nest", "nest/nest/nest"]


def test_one_function_around_everything_is_no_block():
    def build():
        x = cornu.Input((2,))
        return x, bn_relu(layers.Dense(2)(x))

    assert paths(*build()) == ["bn_relu"]
