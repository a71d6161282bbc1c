"""pure(), value_and_grad() and errors in compiled steps."""

import jax
import jax.numpy as jnp
import pytest

from cornu.core.state import scope
from cornu.core.state.scope import functionalize, pure, value_and_grad
from cornu.core.state.variable import Variable
from cornu.layers import BatchNormalization, Dense, Dropout
from cornu.models import Sequential


def test_pure_changes_nothing_outside():
    count = Variable(1.0, name="count")
    out, (after,), losses = jax.jit(pure(lambda: count.assign_add(2.0) * 10, [count]))((1.0,), None)
    assert (float(out), float(after), float(count.value), losses) == (30.0, 3.0, 1.0, [])


def test_pure_returns_only_assigned_variables():
    a, b = Variable(1.0, name="a"), Variable(2.0, name="b")
    _, news, _ = functionalize(lambda: b.assign(a + b), [a, b])((1.0, 2.0), None)
    assert list(news) == [1] and float(news[1]) == 3.0


def test_reading_an_unknown_variable_in_a_step_names_it():
    stray = Variable(1.0, name="stray")
    with pytest.raises(RuntimeError, match="'stray' is read inside a compiled step"):
        pure(lambda: stray + 1, [])((), None)


def test_assigning_an_unknown_variable_in_a_step_names_it():
    stray = Variable(1.0, name="stray")
    with pytest.raises(RuntimeError, match="'stray' is assigned inside a compiled step"):
        pure(lambda: stray.assign(2.0), [])((), None)


def test_creating_a_variable_in_a_step_is_rejected():
    with pytest.raises(RuntimeError, match="created inside a compiled step"):
        pure(lambda: Variable(1.0, name="late"), [])((), None)


def test_a_traced_assignment_outside_of_a_pure_function_does_not_leak():
    v = Variable(1.0, name="v")
    with pytest.raises(RuntimeError, match="would leak"):
        jax.jit(lambda x: v.assign(x))(2.0)
    assert float(v.value) == 1.0


def test_random_numbers_without_a_key_raise():
    layer = Dropout(0.5, name="drop")
    step = pure(lambda x: layer(x, training=True), [])
    with pytest.raises(RuntimeError, match="no random key"):
        step((), None, jnp.ones((2, 2)))


def test_value_and_grad_equals_jax():
    w = Variable([1.0, 2.0], name="w")
    x = jnp.array([3.0, 4.0])
    value, (gradient,) = value_and_grad(lambda: jnp.sum(jnp.sin(w * x)), [w])()
    expected = jax.value_and_grad(lambda v: jnp.sum(jnp.sin(v * x)))(w.value)
    assert float(value) == float(expected[0])
    assert gradient.tolist() == expected[1].tolist()


def test_value_and_grad_keeps_assignments_and_losses():
    layer = BatchNormalization(momentum=0.5)
    dense = Dense(2, activity_regularizer="l2")
    model = Sequential([layer, dense])
    x = jnp.arange(6.0).reshape(3, 2)
    model(x)

    def loss():
        return jnp.mean(model(x, training=True))

    with scope.use_scope(scope.Scope(scope.current())) as around:
        value_and_grad(loss, model.trainable_variables)()
        assert len(around.losses) == 1
        moved = around.read(layer.moving_mean)
    assert moved.tolist() == [1.0, 1.5]


def test_value_and_grad_inside_a_jitted_step():
    w = Variable(2.0, name="w")

    def step(x):
        value, (gradient,) = value_and_grad(lambda: w * w * x, [w])()
        w.assign_sub(0.1 * gradient)
        return value

    out, (after,), _ = jax.jit(pure(step, [w]))((w.value,), None, 3.0)
    assert float(out) == 12.0
    assert float(after) == pytest.approx(2.0 - 0.1 * 12.0)


def test_random_numbers_depend_on_key_path_and_draw():
    drop = Dropout(0.5, name="a")
    other = Dropout(0.5, name="b")
    x = jnp.ones((64,))

    def both(x):
        return drop(x, training=True), drop(x, training=True), other(x, training=True)

    def run(key):
        return [y.tolist() for y in pure(both, [])((), jax.random.key(key), x)[0]]

    first, again, later = run(0), run(0), run(1)
    assert first == again
    assert first[0] != first[1] and first[0] != first[2] and first[0] != later[0]
