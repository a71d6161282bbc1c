"""Loops over time: the closed gradient is that of JAX, masks carry states, sizes may be unknown."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from cornu.core.graph.jaxprs import inner_jaxprs
from cornu.ops.nn.rnn import GRU, LSTM, SIMPLE, project, recurrence, rnn
from tests.sampling import slow_except

TIME, BATCH, UNITS = 5, 3, 2


def simple_cell(x, a, h):
    return (jnp.tanh(x + a),)


def lstm_cell(x, a, h, c):
    i, f, g, o = jnp.split(x + a, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru_cell(x, a, h):
    (x_z, x_r, x_g), (a_z, a_r, a_g) = jnp.split(x, 3, axis=-1), jnp.split(a, 3, axis=-1)
    z, r = jax.nn.sigmoid(x_z + a_z), jax.nn.sigmoid(x_r + a_r)
    return (z * h + (1 - z) * jnp.tanh(x_g + r * a_g),)


CELLS = {SIMPLE: simple_cell, LSTM: lstm_cell, GRU: gru_cell}
RULES = {"simple": (SIMPLE, 1, 1), "lstm": (LSTM, 4, 2), "gru": (GRU, 3, 1)}


def arguments(gates, states, bias):
    rng = np.random.default_rng(0)

    def array(*shape):
        return jnp.asarray(rng.normal(size=shape), "float32")

    return (
        array(TIME, BATCH, gates * UNITS),
        [array(BATCH, UNITS) for _ in range(states)],
        array(UNITS, gates * UNITS),
        array(gates * UNITS) if bias else None,
        array(gates * UNITS) if bias else None,
    )


def by_steps(rule, x, states, kernel, bias=None, input_bias=None, **how):
    def step(x, states):
        a = states[0] @ kernel + (0 if bias is None else bias)
        new = CELLS[rule](x + (0 if input_bias is None else input_bias), a, *states)
        return new[0], list(new)

    return rnn(step, x, states, **how)


@pytest.mark.parametrize(
    ("masked", "bias"),
    slow_except([(False, False), (True, True), (True, False), (False, True)], 2),
)
@pytest.mark.parametrize("name", RULES)
def test_the_closed_gradient_is_that_of_jax(name, masked, bias):
    rule, gates, count = RULES[name]
    args = arguments(gates, count, bias)
    mask = jnp.asarray(np.random.default_rng(1).random((TIME, BATCH)) > 0.4) if masked else None

    def total(loop, how):
        def run(*args):
            leaves = jax.tree.leaves(loop(rule, *args, mask=mask, **how))
            return sum(jnp.sum(jnp.sin(y * (i + 1))) for i, y in enumerate(leaves)), leaves

        wrt = (0, 1, 2, 3, 4) if bias else (0, 1, 2)
        return jax.jit(jax.value_and_grad(run, wrt, has_aux=True))(*args)

    for how in (
        {"go_backwards": False, "return_sequences": True, "zero_output_for_mask": False},
        {"go_backwards": True, "return_sequences": True, "zero_output_for_mask": True},
        {"go_backwards": True, "return_sequences": False, "zero_output_for_mask": True},
    ):
        one, other = total(recurrence, how), total(by_steps, how)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), one, other
        )


@pytest.mark.parametrize("name", RULES)
def test_the_closed_gradient_can_be_differentiated_again(name):
    rule, gates, count = RULES[name]
    x, states, kernel, *_ = arguments(gates, count, False)

    def slope(loop):
        def last(x):
            return jnp.sum(loop(rule, x, states, kernel).last ** 2)

        return jax.jit(jax.grad(lambda x: jnp.sum(jax.grad(last)(x) ** 2)))(x)

    np.testing.assert_allclose(slope(recurrence), slope(by_steps), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", RULES)
def test_many_sequences_by_vmap(name):
    rule, gates, count = RULES[name]
    x, states, kernel, *_ = arguments(gates, count, False)

    def last(x):
        return recurrence(rule, x, states, kernel).last

    many = jax.vmap(last)(jnp.stack([x, -x]))
    np.testing.assert_allclose(many, jnp.stack([last(x), last(-x)]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", RULES)
def test_few_digits_are_not_lost_twice(name, dtype):
    rule, gates, count = RULES[name]
    exact = arguments(gates, count, True)
    rough = jax.tree.map(lambda x: x.astype(dtype), exact)

    def outputs_and_slopes(args):
        def total(*args):
            outputs = recurrence(rule, *args).outputs
            return jnp.sum(outputs.astype("float32")), outputs

        slopes, outputs = jax.jit(jax.grad(total, (0, 2, 3, 4), has_aux=True))(*args)
        return [outputs, *slopes]

    for one, other in zip(outputs_and_slopes(rough), outputs_and_slopes(exact), strict=True):
        assert one.dtype == dtype
        error = jnp.abs(one.astype("float32") - other).max() / (1 + jnp.abs(other).max())
        assert error < 20 * jnp.finfo(dtype).eps


def test_gates_that_are_shut_or_open_are_so():
    one, states = jnp.ones((1, 1, 4)), [jnp.full((1, 1), 0.5), jnp.full((1, 1), 3.0)]
    kernel = jnp.zeros((1, 4))
    for i, f, g, o in ((-1e4, 1e4, 1e4, 1e4), (1e4, -1e4, -1e4, 1e4), (1e4, 1e4, 1e4, -1e4)):
        x = one * jnp.array([i, f, g, o])
        h, c = recurrence(LSTM, x, states, kernel).states
        carry = 3.0 * (f > 0) + (1.0 if g > 0 else -1.0) * (i > 0)
        assert float(c[0, 0]) == carry
        assert float(h[0, 0]) == float(jnp.tanh(carry)) * (o > 0)


def stored(run, args):
    """How many arrays each loop of a program fills while it runs."""
    todo, counts = [jax.make_jaxpr(run)(*args).jaxpr], []
    while todo:
        for equation in todo.pop().eqns:
            if equation.primitive.name == "scan":
                counts.append(len(equation.outvars) - equation.params["num_carry"])
            todo.extend(inner_jaxprs(equation))
    return counts


@pytest.mark.parametrize("name", RULES)
def test_only_a_gradient_keeps_what_it_needs(name):
    rule, gates, count = RULES[name]
    args = arguments(gates, count, True)

    def last(*args):
        return recurrence(rule, *args, return_sequences=False).last.sum()

    assert stored(last, args) == [0]
    assert stored(functools.partial(recurrence, rule), args) == [1]
    assert max(stored(jax.grad(last), args)) >= count


def test_the_gradient_of_projected_inputs_is_that_of_a_product():
    x, _, kernel, *_ = arguments(4, 2, False)
    cotangent = jnp.sin(x @ kernel.T @ kernel)

    def slopes(multiply):
        return jax.vjp(multiply, x @ kernel.T, kernel)[1](cotangent)

    for one, other in zip(slopes(project), slopes(jnp.matmul), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_inputs_may_be_integers():
    x, kernel = jnp.arange(12).reshape(3, 2, 2), jnp.ones((2, 4))
    slope = jax.grad(lambda kernel: project(x, kernel).sum())(kernel)
    assert slope.tolist() == x.sum((0, 1)).astype("float32")[:, None].repeat(4, 1).tolist()


def add(x, state):
    return x + state, x + state


def test_masked_steps_carry_states_and_repeat_outputs():
    x = jnp.array([[1.0], [2.0], [4.0]])
    mask = jnp.array([[False], [True], [False]])
    for unroll in (False, True):
        result = rnn(add, x, jnp.array([10.0]), mask=mask, unroll=unroll)
        assert result.outputs[:, 0].tolist() == [10, 12, 12]
        result = rnn(add, x, jnp.array([10.0]), mask=mask, unroll=unroll, zero_output_for_mask=True)
        assert result.outputs[:, 0].tolist() == [0, 12, 0]
        assert float(result.states[0]) == 12 and float(result.last[0]) == 0


def test_the_output_of_a_masked_step_is_the_one_before_whatever_the_states_are():
    def step(x, state):
        return 100 * x, x + state

    x = jnp.array([[1.0], [2.0], [4.0]])
    mask = jnp.array([[True], [False], [True]])
    result = rnn(step, x, jnp.zeros(1), mask=mask)
    assert result.outputs[:, 0].tolist() == [100, 100, 400] and float(result.states[0]) == 5


def test_backwards_outputs_come_in_the_order_of_the_steps():
    x = jnp.array([[1.0], [2.0], [4.0]])
    for unroll in (False, True):
        result = rnn(add, x, jnp.zeros(1), go_backwards=True, unroll=unroll)
        assert result.outputs[:, 0].tolist() == [4, 6, 7]


def test_unknown_sizes():
    (n,) = export.symbolic_shape("n", constraints=["n >= 2"])

    def spec(*shape, dtype="float32"):
        return jax.ShapeDtypeStruct(shape, dtype)

    def fast(x, state, kernel, mask):
        return recurrence(SIMPLE, x, [state], kernel, mask=mask, go_backwards=True)

    def slow(x, state, kernel, mask):
        return rnn(lambda x, s: (x + s @ kernel,) * 2, x, state, mask=mask, go_backwards=True)

    for loop in (fast, slow):
        args = spec(n, n, 4), spec(n, 4), spec(4, 4), spec(n, n, dtype="bool")
        assert jax.eval_shape(loop, *args).outputs.shape == (n, n, 4)


def test_states_of_another_shape_are_an_error():
    with pytest.raises(ValueError, match=r"states of shape \[\(1,\)\] .* returned .*\[\(2, 1\)\]"):
        rnn(lambda x, s: (x, jnp.stack([s, s])), jnp.zeros((3, 1)), jnp.zeros(1))
