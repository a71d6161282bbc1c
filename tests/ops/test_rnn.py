"""Loops over time: the closed gradient is that of JAX, masks carry states, sizes may be unknown."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from cornu.ops.rnn import GRU, LSTM, SIMPLE, recurrence, rnn

TIME, BATCH, UNITS = 5, 3, 2
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
    )


def by_steps(rule, x, states, kernel, bias, **how):
    def step(x, states):
        a = states[0] @ kernel + (0 if bias is None else bias)
        new, *_ = rule.forward(x, a, states)
        return new[0], list(new)

    return rnn(step, x, states, **how)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_the_closed_gradient_is_that_of_jax(name, masked, bias):
    rule, gates, count = RULES[name]
    args = arguments(gates, count, bias)
    mask = jnp.asarray(np.random.default_rng(1).random((TIME, BATCH)) > 0.4) if masked else None

    def total(loop, how):
        def run(*args):
            leaves = jax.tree.leaves(loop(rule, *args, mask=mask, **how))
            return sum(jnp.sum(jnp.sin(y * (i + 1))) for i, y in enumerate(leaves)), leaves

        wrt = (0, 1, 2, 3) if bias else (0, 1, 2)
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


def test_the_closed_gradient_can_be_differentiated_again():
    x, states, kernel, _ = arguments(4, 2, False)

    def slope(loop):
        def last(x):
            return jnp.sum(loop(LSTM, x, states, kernel, None).last ** 2)

        return jax.jit(jax.grad(lambda x: jnp.sum(jax.grad(last)(x) ** 2)))(x)

    np.testing.assert_allclose(slope(recurrence), slope(by_steps), rtol=1e-4, atol=1e-6)


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
