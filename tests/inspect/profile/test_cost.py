"""cost: FLOPs, bytes and weights by path."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import cornu
from cornu import Input, Model, layers, ops
from cornu.applications.resnet import ResNet50, ResNet152
from cornu.inspect.profile.cost import cost, flops
from cornu.inspect.profile.primitive_flops import PRODUCTS, count_flops
from tests.counting import calls


def of(function, *shapes):
    specs = [jax.ShapeDtypeStruct(shape, "float32") for shape in shapes]
    return count_flops(jax.make_jaxpr(function)(*specs).jaxpr)[""]


def one(layer, *shape, **kwargs):
    """FLOPs of a layer on one input."""
    x = Input(shape)
    return flops(Model(x, layer(x)), **kwargs)


def unit(x, units=4):
    return layers.ReLU(name=f"relu{x.node.number}")(layers.Dense(units)(x))


def test_products_by_hand():
    assert of(jnp.matmul, (3, 4), (4, 5)) == 2 * 3 * 4 * 5
    assert of(lambda a, b: jnp.einsum("bij,bkj->bik", a, b), (2, 3, 4), (2, 5, 4)) == 2 * 2 * 60
    assert of(lambda a: jnp.exp(a) + 1, (3, 4)) == 24
    assert of(lambda a: a.sum(), (10,)) == 9
    assert of(lambda a: a.T.reshape(-1)[::2], (3, 4)) == 0


def test_integer_arithmetic_costs_no_flops():
    assert of(lambda a: jnp.arange(12).reshape(3, 4) * 3 + 1 < 5, (1,)) == 0


def test_programs_inside_are_counted():
    def body(c, _):
        return jnp.tanh(c @ c), None

    assert of(lambda a: jax.lax.scan(body, a, None, length=5)[0], (4, 4)) == 5 * (128 + 16)
    assert of(jax.checkpoint(jnp.sin), (7,)) == 7
    assert of(jax.jit(jax.nn.relu), (7,)) == 7
    cond = jax.lax.cond
    assert of(lambda a: cond(a[0] > 0, lambda a: a + 1, lambda a: a * a + 1, a), (7,)) == 14


def test_a_loop_with_a_data_dependent_length_is_unknown():
    loop = jax.lax.while_loop
    assert of(lambda a: loop(lambda c: c[0] < 9, lambda c: c * 2, a), (3,)) is None
    assert of(lambda a: loop(lambda c: c[0] < 9, lambda c: c + 1, jnp.zeros(3, int)), (3,)) == 0
    assert of(jnp.linalg.svd, (3, 3)) is None


def test_owners_are_counted_also_inside_of_loops():
    def body(c, _):
        with jax.named_scope("owner:1"):
            return c + 1, None

    def run(a):
        with jax.named_scope("owner:2"):
            return jax.lax.scan(body, a * a, None, length=5)[0]

    found = count_flops(jax.make_jaxpr(run)(jnp.ones(3)).jaxpr)
    assert found == {"": 18, "owner:1": 15, "owner:2": 18}


def test_layers_by_hand():
    assert one(layers.Dense(8), 4) == 2 * 4 * 8 + 8
    assert one(layers.Dense(8, activation="relu"), 4, batch_size=3) == 3 * (2 * 4 * 8 + 16)
    assert one(layers.Conv2D(8, 3, use_bias=False), 6, 6, 2) == 2 * 16 * 8 * 9 * 2
    assert one(layers.Conv2D(8, 3, groups=2, use_bias=False), 6, 6, 2) == 16 * 8 * 9 * 2
    assert one(layers.DepthwiseConv2D(3, use_bias=False), 6, 6, 4) == 64 * (9 + 8)
    # Transposed, each of 36 inputs meets each weight of a 2x2 kernel.
    transposed = layers.Conv2DTranspose(8, 2, strides=2, use_bias=False)
    assert one(transposed, 6, 6, 2) == 2 * 36 * 2 * 8 * 4
    assert one(layers.MaxPooling2D(2), 6, 6, 2) == 9 * 2 * 3
    assert one(layers.Flatten(), 6, 6) == 0


def test_an_lstm_by_hand():
    units, inputs, steps = 16, 8, 10
    products = 2 * 4 * units * (inputs + units)
    found = one(layers.LSTM(units), steps, inputs)
    assert steps * products < found < steps * (products + 20 * units)


def test_attention_by_hand():
    steps, width, heads, key = 10, 32, 4, 8
    x = Input((steps, width))
    model = Model(x, layers.MultiHeadAttention(heads, key)(x, x))
    projections = 4 * 2 * steps * width * heads * key
    scores = 2 * 2 * heads * steps * steps * key
    assert projections + scores < flops(model) < 1.1 * (projections + scores)


def test_resnet_50_has_the_known_number():
    model = ResNet50(weights=None)
    assert flops(model) == pytest.approx(2 * 3.87e9, rel=0.01)  # stride in the first 1x1
    costs = cost(model)
    parts = [costs.of(item).flops for item in costs.root.children]
    assert sum(parts) == costs.total.flops
    assert costs.total.params == model.count_params()


def test_deep_models_are_counted_fast():
    small, model = ResNet50(weights=None), ResNet152(weights=None)
    cost(small)
    cost(model)
    work = calls(lambda: flops(model))
    assert flops(model) == pytest.approx(2 * 11.3e9, rel=0.02)
    longer = len(model.layers) / len(small.layers)
    assert work < 600_000 and work < 1.2 * longer * calls(lambda: flops(small))


@pytest.mark.parametrize("kind", ["dense", "conv", "attention", "lstm"])
def test_xla_agrees(kind):
    x = Input({"dense": (64,), "conv": (12, 12, 8)}.get(kind, (16, 32)))
    if kind == "dense":
        y = layers.Dense(32)(layers.Dense(64, activation="relu")(x))
    elif kind == "conv":
        y = layers.Conv2D(16, 3)(layers.Conv2D(16, 3, activation="relu")(x))
    elif kind == "attention":
        y = layers.MultiHeadAttention(4, 16)(x, x)
    else:
        y = layers.LSTM(64, unroll=True)(x)
    model = Model(x, y)
    given = jax.ShapeDtypeStruct((4, *x.shape[1:]), "float32")
    values = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in model.variables]
    functional = cornu.pure(lambda x: model._run_((x,), {"training": False}), model.variables)
    lowered = jax.jit(lambda values, x: functional(values, None, x)[0]).lower(values, given)
    assert flops(model, 4) == pytest.approx(lowered.cost_analysis()["flops"], rel=0.08)


def test_blocks_and_nested_models_add_up():
    inner = cornu.Sequential([Input((4,)), layers.Dense(4, name="inside")], name="inner")
    x = Input((4,), name="x")
    model = Model(x, inner(unit(inner(unit(x)))))
    costs = cost(model)
    assert costs["inner/inside"].flops == costs["inner"].flops == 36
    assert costs["unit"].flops == 40 and costs["unit"].params == 20
    assert costs.total.flops == 2 * 36 + 2 * 40
    assert costs.total.params == model.count_params() == 60
    assert costs.total.outputs == 4 * 4 * 6 and costs["unit"].outputs == 4 * 4 * 2
    with pytest.raises(KeyError, match="The model has no part 'nowhere'"):
        costs["nowhere"]


def test_sizes_follow_from_the_inputs():
    x = Input((None, 8))
    model = Model(x, layers.Dense(2, use_bias=False)(x))
    assert flops(model) == 2 * 8 * 2
    assert flops(model, batch_size=3, length=5) == 15 * 2 * 8 * 2
    x = Input((None, None, 3))
    model = Model(x, layers.MaxPooling2D(2, name="pool")(layers.Conv2D(4, 3)(x)))
    costs = cost(model, length=6)
    assert costs["pool"].flops == 4 * 4 * 3 and costs["pool"].outputs == 4 * 16


class Net(Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(4)
        self.other = cornu.Sequential([layers.Dense(2)])

    def call(self, x):
        return self.other(self.dense(self.dense(x)) * 2)


def test_subclassed_models():
    net = Net()
    assert cost(net).total.flops is None
    net.build((None, 4))
    costs = cost(net, batch_size=3)
    assert costs["dense"].flops == 2 * 3 * 36  # called twice
    assert costs["dense"].outputs == 2 * 3 * 16
    other = net.other.name
    assert costs[other].flops == 3 * 18
    assert costs.total.flops == 3 * (72 + 4 + 18)
    assert "call" not in vars(net.dense)


def test_nested_models_may_be_called_by_name():
    inner = cornu.Sequential([Input((4,)), layers.Dense(4, name="inside")], name="inner")

    class Outer(Model):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def call(self, x):
            return self.inner(inputs=self.inner(x))

    outer = Outer()
    outer.build((None, 4))
    costs = cost(outer)
    assert costs.total.flops == costs["inner"].flops == costs["inner/inside"].flops == 72
    assert costs["inner"].outputs == 2 * 16 and costs["inner"].params == 20
    x = Input((4,))
    assert flops(Model(x, inner(inputs=x))) == 36


def test_unknown_costs_are_reported():
    x = Input((3,))
    model = Model(x, layers.Lambda(lambda a: ops.svd(a[:, :, None])[1], name="hard")(x))
    assert cost(model)["hard"].flops is None and "?" in str(cost(model))
    with pytest.raises(ValueError, match="unknown, because of: hard"):
        flops(model)


def test_nothing_is_computed_or_changed():
    x = Input((4,))
    y = layers.Dropout(0.5)(layers.BatchNormalization(name="bn")(x), training=True)
    model = Model(x, y)
    before = [np.array(v) for v in model.get_weights()]
    assert flops(model) > 0
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_as_a_table():
    costs = cost(Model(x := Input((4,), name="x"), unit(x), name="net"))
    assert "unit" in str(costs) and "Dense" in str(costs) and len(costs) == 4
    assert "<details" in costs._repr_html_() and "FLOPs" in costs._repr_html_()


def test_products_and_convolutions_alone():
    def count(function, *args):
        return count_flops(jax.make_jaxpr(function)(*args).jaxpr, PRODUCTS)[""]

    def loop(x, w):
        return lax.scan(lambda h, _: (jnp.tanh(h @ w), None), x, length=5)[0].sum()

    def convolve(step, x, kernel):
        return lax.conv_general_dilated(
            x, kernel, (step, step), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        ).sum()

    assert count(loop, jnp.ones((2, 3)), jnp.ones((3, 3))) == 5 * 2 * (2 * 3 * 3)
    arrays = jnp.ones((2, 8, 8, 3)), jnp.ones((3, 3, 3, 4))
    for step in (1, 2):
        forward = 2 * (2 * (8 // step) ** 2 * 4) * (3 * 3 * 3)
        convolution = functools.partial(convolve, step)
        assert count(convolution, *arrays) == forward
        # Each gradient has as much work, without the zeros between strided positions.
        assert count(jax.grad(convolution, (0, 1)), *arrays) == 3 * forward
