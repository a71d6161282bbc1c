"""recording: what layers return while a function runs."""

import jax
import jax.numpy as jnp
import numpy as np

import cornu
from cornu import Input, Model, layers
from cornu.core.state import scope
from cornu.inspect.record_outputs import record_outputs
from cornu.layers import Dense

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def test_every_call_is_recorded_in_order():
    a, b = layers.ReLU(), layers.ReLU()
    out, record = record_outputs(lambda x: b(a(a(x) - 0.5)), [a])(X)
    first, second = record.of(a)
    assert np.array_equal(first, np.maximum(X, 0)) and np.array_equal(out, second)
    assert record.layers == (a,) and scope.current().interceptor is None


def test_a_record_within_a_record_sees_the_same():
    a, b = layers.ReLU(), layers.ReLU()

    def inner(x):
        return record_outputs(lambda x: b(a(x)), [b])(x)[1].of(b)

    (found,), record = record_outputs(inner, [a, b])(X)
    assert np.array_equal(found, record.of(b)[0]) and len(record.of(a)) == 1


def test_the_watch_ends_with_an_error():
    def fail(x):
        raise ValueError("no")

    try:
        record_outputs(fail, [])(X)
    except ValueError:
        pass
    assert scope.current().interceptor is None


def test_equal_blocks_that_share_a_function_are_seen():
    def unit(x):
        return layers.ReLU()(Dense(4)(x))

    x = Input((4,))
    model = Model(x, unit(unit(unit(x))))
    relus = [layer for layer in model.layers if isinstance(layer, layers.ReLU)]
    run = scope.functionalize(lambda v: record_outputs(model, relus)(v)[1].calls, model.variables)
    values = tuple(v.stored for v in model.variables)
    calls = jax.jit(lambda values, v: run(values, None, v)[0])(values, X)
    expected = model.outputs_of("**/re_lu*")(X)
    for (found,), array in zip(calls, expected.values(), strict=True):
        assert np.allclose(found, array, atol=1e-6)


def test_layers_inside_of_loops_are_named():
    step = Dense(4)
    step.build((None, 4))

    def loop(x):
        return jax.lax.scan(lambda h, _: (step(h), None), x, None, length=3)[0]

    _, record = record_outputs(loop, [step])(jnp.asarray(X))
    assert record.inner == [step] and record.of(step) == []


def test_a_probe_of_zeros_has_the_gradient_of_the_output():
    a, b = Dense(4), Dense(1)
    model = cornu.Sequential([Input((4,)), a, layers.ReLU(), b])
    zeros = np.zeros((3, 4), "float32")

    def loss(probe):
        out, _ = record_outputs(lambda x: model(x, training=False), [a], [[[probe]]])(X)
        return (out**2).sum()

    rest = Model(mid := Input((4,)), b(model.layers[1](mid)))
    expected = jax.grad(lambda h: (rest(h) ** 2).sum())(a(X))
    assert np.allclose(jax.grad(loss)(zeros), expected, atol=1e-5)
