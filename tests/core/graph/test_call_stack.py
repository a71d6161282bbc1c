"""The graph records the user's functions."""

import functools
import gc
import weakref

import cornu
from cornu import layers
from cornu.core.graph.graph import Graph


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


def test_comprehensions_and_lambdas_are_skipped():
    x = cornu.Input((3,))
    ys = [bn_relu(x) for _ in range(2)]
    z = (lambda t: bn_relu(t))(layers.Concatenate()(ys))
    here = "test_comprehensions_and_lambdas_are_skipped"
    assert paths(x, z) == ["bn_relu", "bn_relu_1", here, f"{here}/bn_relu"]


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


def test_forwarding_decorators_are_skipped():
    def logged(fn):
        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            return fn(*args, **kwargs)

        return wrapper

    @logged
    @logged
    def unit(x, units=2):
        return layers.Dense(units)(x)

    x = cornu.Input((2,))
    assert paths(x, unit(unit(x), units=3)) == ["unit", "unit_1"]


def test_callable_builders_have_the_name_of_their_class():
    class Bottleneck:
        def __init__(self, units):
            self.units = units

        def __call__(self, x):
            return self.squeeze(layers.Dense(self.units)(x))

        def squeeze(self, x):
            return layers.Dense(1)(x)

    x = cornu.Input((2,))
    found = paths(x, Bottleneck(3)(Bottleneck(2)(x)))
    assert found == [
        *["Bottleneck", "Bottleneck/squeeze", "Bottleneck_1", "Bottleneck_1/squeeze"],
    ]


def test_residual_networks_of_closures_and_passed_functions():
    def _shortcut(x, y):
        return layers.Add()([x, y])

    def basic(filters, first=False):
        def f(x):
            y = x if first else bn_relu(x)
            return _shortcut(x, _conv_bn_relu(filters)(y))

        return f

    def _residual_block(function, filters, repetitions):
        def f(x):
            for i in range(repetitions):
                x = function(filters, first=i == 0)(x)
            return x

        return f

    x = cornu.Input((4, 4, 3))
    y = x
    for repetitions in (2, 1):
        y = _residual_block(basic, 3, repetitions)(y)
    found = paths(x, Builder().tail(y))
    assert [path for path in found if path.count("/") < 2] == [
        *["residual_block", "residual_block/basic", "residual_block/basic_1"],
        *["residual_block_1", "residual_block_1/basic", "tail"],
    ]
    assert [path for path in found if path.startswith("residual_block/basic_1/")] == [
        *["residual_block/basic_1/bn_relu", "residual_block/basic_1/conv_bn_relu"],
        *["residual_block/basic_1/conv_bn_relu/bn_relu", "residual_block/basic_1/shortcut"],
    ]


def test_functions_of_other_modules_and_of_cells(tmp_path, monkeypatch):
    text = "from cornu import layers\ndef imported(x):\n    return layers.Dense(2)(x)\n"
    (tmp_path / "my_blocks.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    import my_blocks

    names = {"cornu": cornu, "my_blocks": my_blocks}
    cells = [
        "def unit(x):\n    return my_blocks.imported(cornu.layers.ReLU()(x))",
        "x = cornu.Input((2,))\ny = unit(x)",
        "y = [unit(y) for _ in range(2)][-1]",
    ]
    for number, cell in enumerate(cells):
        exec(compile(cell, f"<ipython-input-{number}>", "exec"), names)
    assert paths(names["x"], names["y"]) == [
        *["unit", "unit/imported", "unit_1", "unit_1/imported"],
    ]


def test_a_model_made_on_the_way_does_not_break_a_function_in_two():
    def build():
        x = cornu.Input((4,))
        cornu.Model(x, layers.Dense(2)(x))
        encoder = cornu.Sequential([cornu.Input((4,)), layers.Dense(2)])
        return x, layers.Add()([encoder(x), bn_relu(layers.Dense(2)(x))])

    assert paths(*build()) == ["bn_relu"]


def test_frames_of_finished_functions_are_released():
    class Large:
        pass

    def build():
        large = Large()
        kept.append(weakref.ref(large))
        x = cornu.Input((4,))
        return cornu.Model(x, layers.Dense(2)(x))

    kept = []
    model = build()
    gc.collect()
    assert kept[0]() is None and model.built
