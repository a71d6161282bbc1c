"""Recurrent loops: the step of a cell, repeated along the time axis.

All arrays are time-major: sequences are (time, batch, ...), masks (time, batch).

`rnn` accepts any step, and JAX differentiates it. `recurrence` supports cells whose products are
linear in input and state, and has a closed-form gradient: the activations of the forward pass are
saved in the memory of the values they were computed from, and the gradient of the recurrent kernel
is one product after the loop instead of a sum that the loop carries. It supports reverse-mode
differentiation of any order, but not forward mode (`jax.jvp`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from cornu import tree

__all__ = [
    "GRU",
    "LSTM",
    "SIMPLE",
    "Result",
    "Rule",
    "gru_state",
    "lstm_states",
    "project",
    "recurrence",
    "rnn",
]


class Result(NamedTuple):
    """The result of a loop over time.

    Attributes:
        last: the output of the last step that was executed.
        outputs: the outputs of all steps in order of execution, or None.
        states: the states after the last step.
    """

    last: jax.Array
    outputs: jax.Array | None
    states: Any


def rnn(
    step: Callable[[Any, Any], tuple[jax.Array, Any]],
    inputs: Any,
    states: Any,
    *,
    mask: jax.Array | None = None,
    go_backwards: bool = False,
    unroll: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = True,
) -> Result:
    """Repeats `output, states = step(input, states)` along the time axis.

    Args:
        step: a pure function of one time step's inputs and the states before it.
        inputs: an array or nested structure of arrays (time, batch, ...).
        states: an array or nested structure of arrays (batch, ...); `step` must return states of
            the same shapes.
        mask: booleans (time, batch). Where False, the states are carried over, and the output of
            the previous step is repeated (before the first step: the first state, if it has the
            shape and dtype of an output, else zeros).
        go_backwards: whether to start at the last time step.
        unroll: whether to unroll the loop.
        zero_output_for_mask: whether the output is zero where the mask is False.
        return_sequences: whether to return the outputs of all steps.

    Raises:
        ValueError: the states that `step` returns differ in shape from those it received.

    Example:

    >>> result = rnn(lambda x, s: (x + s, x + s), jnp.arange(4.0)[:, None], jnp.zeros(1))
    >>> result.outputs[:, 0].tolist()
    [0.0, 1.0, 3.0, 6.0]
    """
    spec, definition = _check_states(step, inputs, states)

    def body(carry: Any, now: Any) -> tuple[Any, Any]:
        states, before = carry
        x, included = now
        output, new = step(x, states)
        old = tree.leaves(states)
        # The carry of a scan must keep its dtype; a cell may return a wider one.
        news = [n.astype(o.dtype) for n, o in zip(tree.leaves(new), old, strict=True)]
        if included is not None:
            news = [_select(included, n, o) for n, o in zip(news, old, strict=True)]
            output = _select(included, output, 0 if zero_output_for_mask else before)
        return (tree.unflatten(definition, news), output), output if return_sequences else None

    carry = (states, _initial_output(states, spec))
    if unroll:
        carry, outputs = _unrolled(body, carry, (inputs, mask), go_backwards)
    else:
        carry, outputs = lax.scan(body, carry, (inputs, mask), reverse=go_backwards)
        if go_backwards and return_sequences:
            outputs = jnp.flip(outputs, 0)
    states, last = carry
    return Result(last, outputs, states)


def _check_states(step: Callable[..., Any], inputs: Any, states: Any) -> tuple[Any, Any]:
    """Returns the spec of an output and the structure of the states."""
    # Traced abstractly, because the error of `lax.scan` names carries, not states.
    first = tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), inputs)
    output, new = jax.eval_shape(step, first, states)
    leaves, definition = tree.flatten_with_treedef(states)
    expected, received = [x.shape for x in leaves], [x.shape for x in tree.leaves(new)]
    if expected != received:
        raise ValueError(
            f"the cell received states of shape {expected} and returned states of shape "
            f"{received}. A cell must return states of the same shapes, in the same order."
        )
    return output, definition


def _initial_output(states: Any, spec: Any) -> jax.Array:
    """Returns the value that represents the output before the first step."""
    last_cell = states[-1] if isinstance(states, list) and _has_nested_states(states) else states
    first = tree.leaves(last_cell)[0]
    same = first.shape == spec.shape and first.dtype == spec.dtype
    return first if same else jnp.zeros(spec.shape, spec.dtype)


def _has_nested_states(states: list[Any]) -> bool:
    return any(isinstance(state, (list, tuple)) for state in states)


def _select(included: jax.Array, new: Any, old: Any) -> jax.Array:
    return jnp.where(included.reshape(included.shape + (1,) * (new.ndim - included.ndim)), new, old)


def _unrolled(body: Callable[..., Any], carry: Any, xs: Any, go_backwards: bool) -> Any:
    length = tree.leaves(xs)[0].shape[0]
    outputs = []
    for t in reversed(range(length)) if go_backwards else range(length):
        carry, output = body(carry, jax.tree_util.tree_map(lambda x, t=t: x[t], xs))
        outputs.append(output)
    return carry, None if outputs[0] is None else jnp.stack(outputs)


# ------------------------------------------------------------------- with a closed-form gradient


class Rule(NamedTuple):
    """The elementwise part of a cell with tanh and sigmoid, and its gradient.

    Attributes:
        forward: `(x, a, states) -> new states, gates, extra`; x and a are the products of the
            input and of the first state with their kernels, including biases. The gates are one
            array of the shape of x, because they overwrite it in memory. `extra` is what else the
            gradient requires, an array or None.
        backward: `(gates, extra, states, gradients of the new states) -> gradients of x, a,
            states`.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]


# The equations are the only definition of the gated cells: the rules below apply them with tanh and
# sigmoid, the cells of `layers.rnn` with the activations of their arguments.


def lstm_states(
    i: Any, f: Any, g: Any, o: Any, c: Any, activation: Callable[[Any], Any]
) -> tuple[Any, Any, Any]:
    """Returns the new output and cell state of an LSTM, and the activation of the cell state.

    Args:
        i, f, o: the input, forget and output gates (batch, units), after their activation.
        g: the candidate (batch, units), after its activation.
        c: the cell state before the step.
        activation: the activation of the cell state.
    """
    c = f * c + i * g
    t = activation(c)
    return o * t, c, t


def gru_state(z: Any, g: Any, h: Any) -> Any:
    """Returns the new state of a GRU, from the update gate, the candidate and the state before."""
    return z * h + (1 - z) * g


def _simple(x: Any, a: Any, states: Any) -> Any:
    h = jnp.tanh(x + a)
    return (h,), h, None


def _simple_gradient(h: Any, extra: Any, states: Any, grads: Any) -> Any:
    d = grads[0] * (1 - h * h)
    return d, d, (jnp.zeros_like(h),)


def _lstm(x: Any, a: Any, states: Any) -> Any:
    units = states[1].shape[-1]
    # Input and forget gate are adjacent, so that one sigmoid serves both.
    z_if, z_g, z_o = jnp.split(x + a, (2 * units, 3 * units), axis=-1)
    gates = _concatenate_gates(jax.nn.sigmoid(z_if), jnp.tanh(z_g), jax.nn.sigmoid(z_o))
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    h, c, t = lstm_states(i, f, g, o, states[1], jnp.tanh)
    return (h, c), gates, t


def _lstm_gradient(gates: Any, t: Any, states: Any, grads: Any) -> Any:
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    dh, dc = grads
    # tanh(c) was saved as t, so that the gradient evaluates no transcendental function.
    dc = dc + dh * o * (1 - t * t)
    d = jnp.concatenate(
        (
            dc * g * i * (1 - i),
            dc * states[1] * f * (1 - f),
            dc * i * (1 - g * g),
            dh * t * o * (1 - o),
        ),
        axis=-1,
    )
    return d, d, (jnp.zeros_like(dh), dc * f)


def _gru(x: Any, a: Any, states: Any) -> Any:
    (h,) = states
    x_zr, x_g = _split_last(x)
    a_zr, a_g = _split_last(a)
    zr = jax.nn.sigmoid(x_zr + a_zr)
    g = jnp.tanh(x_g + jnp.split(zr, 2, axis=-1)[1] * a_g)
    gates = _concatenate_gates(zr, g)
    z, _, g = jnp.split(gates, 3, axis=-1)
    return (gru_state(z, g, h),), gates, a_g


def _gru_gradient(gates: Any, a_g: Any, states: Any, grads: Any) -> Any:
    z, r, g = jnp.split(gates, 3, axis=-1)
    (d,) = grads
    dg = d * (1 - z) * (1 - g * g)
    dz = d * (states[0] - g) * z * (1 - z)
    dr = dg * a_g * r * (1 - r)
    dx = jnp.concatenate((dz, dr, dg), axis=-1)
    da = jnp.concatenate((dz, dr, dg * r), axis=-1)
    return dx, da, (d * z,)


def _concatenate_gates(*gates: Any) -> Any:
    """Concatenates gates. Without the barrier, XLA computes them again for each use of a part."""
    return lax.optimization_barrier(jnp.concatenate(gates, axis=-1))


def _split_last(x: Any) -> Any:
    """Splits the last axis after two thirds: the gates and the candidate of a GRU."""
    return jnp.split(x, [x.shape[-1] // 3 * 2], axis=-1)


SIMPLE = Rule(_simple, _simple_gradient)
LSTM = Rule(_lstm, _lstm_gradient)
GRU = Rule(_gru, _gru_gradient)


@functools.partial(
    jax.jit,
    static_argnames=("rule", "go_backwards", "zero_output_for_mask", "return_sequences"),
)
def recurrence(
    rule: Rule,
    x: jax.Array,
    states: Any,
    kernel: jax.Array,
    bias: jax.Array | None = None,
    input_bias: jax.Array | None = None,
    *,
    mask: jax.Array | None = None,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = True,
) -> Result:
    """Runs the recurrent loop of a cell whose elementwise part is given by a rule.

        a = h[t-1] @ kernel + bias
        h[t], ... = rule.forward(x[t] + input_bias, a, (h[t-1], ...))

    The output of a step is its first state. The results equal those of `rnn`, which is slower.

    Args:
        rule: `SIMPLE`, `LSTM` or `GRU` (the variant with the reset gate after the product).
        x: the products of the inputs with their kernel, (time, batch, gates * units).
        states: a list or tuple of arrays (batch, units).
        kernel: the recurrent kernel (units, gates * units).
        bias: the recurrent bias (gates * units), or None.
        input_bias: the bias of the inputs, (gates * units), or None. Within the loop the addition
            is fused at no cost; before the loop it would be a pass over x.
        mask, go_backwards, zero_output_for_mask, return_sequences: as in `rnn`.
    """
    biases = (input_bias, bias)
    states, outputs = _loop(
        rule, go_backwards, return_sequences, x, tuple(states), kernel, biases, mask
    )
    last = states[0]
    if mask is not None and zero_output_for_mask:
        last = _select(mask[0 if go_backwards else -1], last, 0)
        outputs = None if outputs is None else _select(mask, outputs, 0)
    if go_backwards and return_sequences:
        outputs = jnp.flip(outputs, 0)
    return Result(last, outputs, list(states))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _loop(
    rule: Rule,
    reverse: bool,
    sequences: bool,
    x: Any,
    states: Any,
    kernel: Any,
    biases: Any,
    mask: Any,
) -> Any:
    def step(states: Any, now: Any) -> Any:
        x, on = now
        new, _, _ = _advance(rule, x, states, kernel, biases, on)
        return new, new[0] if sequences else None

    return lax.scan(step, states, (x, mask), reverse=reverse)


def _advance(rule: Rule, x: Any, states: Any, kernel: Any, biases: Any, on: Any) -> Any:
    # The first state is the output of the step before, in every cell.
    a = states[0] @ kernel
    input_bias, bias = biases
    x = x if input_bias is None else x + input_bias
    a = a if bias is None else a + bias
    new, gates, extra = rule.forward(x, a, states)
    if on is not None:
        new = tuple(_select(on, n, o) for n, o in zip(new, states, strict=True))
    return new, gates, extra


def _loop_forward(
    rule: Rule,
    reverse: bool,
    sequences: bool,
    x: Any,
    states: Any,
    kernel: Any,
    biases: Any,
    mask: Any,
) -> Any:
    # The gates overwrite x, and later their gradients overwrite the gates. Each step writes memory
    # that it has just read, and no array of zeros is allocated for the results.
    def step(carry: Any, now: Any) -> Any:
        states, xs = carry
        t, on = now
        new, gates, extra = _advance(rule, _read_step(xs, t), states, kernel, biases, on)
        return (new, _write_step(xs, gates, t)), (new[0] if sequences else None, states, extra)

    times = jnp.arange(x.shape[0])
    (final, gates), (outputs, before, extra) = lax.scan(
        step, (states, x), (times, mask), reverse=reverse
    )
    return (final, outputs), (gates, before, extra, kernel, biases, mask)


def _loop_backward(rule: Rule, reverse: bool, sequences: bool, saved: Any, grads: Any) -> Any:
    gates, before, extra, kernel, (input_bias, bias), mask = saved
    transposed = kernel.T

    # The gates of a step are read one step ahead, after the last write. XLA copies the whole array
    # if a step both reads it more than once and writes it.
    def step(carry: Any, now: Any) -> Any:
        grads, ds, gates = carry
        t, output_grad, on, states, extra = now
        if output_grad is not None:
            grads = (grads[0] + output_grad, *grads[1:])
        masked = grads
        if on is not None:
            masked = tuple(_select(on, g, 0) for g in grads)
        dx, da, old = rule.backward(gates, extra, states, masked)
        old = (old[0] + da @ transposed, *old[1:])
        if on is not None:
            old = tuple(_select(on, o, g) for o, g in zip(old, grads, strict=True))
        ds = _write_step(ds, dx, t)
        # Where both gradients are the same array (all but GRU), it is stored once.
        return (old, ds, _read_step(ds, t + 1 if reverse else t - 1)), None if da is dx else da

    final_grads, output_grads = grads
    xs = (jnp.arange(gates.shape[0]), output_grads, mask, before, extra)
    carry = (tuple(final_grads), gates, gates[0 if reverse else -1])
    (first_grads, dx, _), da = lax.scan(step, carry, xs, reverse=not reverse)
    da = dx if da is None else da
    dkernel = _kernel_gradient(before[0], da)
    dbiases = tuple(None if b is None else d.sum((0, 1)) for b, d in ((input_bias, dx), (bias, da)))
    return dx, first_grads, dkernel, dbiases, None


_loop.defvjp(_loop_forward, _loop_backward)


def _kernel_gradient(x: jax.Array, d: jax.Array) -> jax.Array:
    """Returns the gradient (features, width) of a kernel, given the gradient d of `x @ kernel`.

    An einsum transposes time and batch of both factors, and `jax.grad` of the product transposes d,
    the larger factor. On CPU these copies take longer than the product.
    """
    return lax.dot_general(x, d, (((0, 1), (0, 1)), ((), ())))


def project(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns `x @ kernel` for x of shape (time, batch, features), with a faster gradient."""
    dtype = jnp.result_type(x, kernel)
    return _project(x.astype(dtype), kernel.astype(dtype))


@jax.custom_vjp
def _project(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return x @ kernel


def _project_backward(saved: Any, d: Any) -> Any:
    x, kernel = saved
    return d @ kernel.T, _kernel_gradient(x, d)


_project.defvjp(lambda x, kernel: (x @ kernel, (x, kernel)), _project_backward)


def _read_step(array: jax.Array, t: Any) -> jax.Array:
    return lax.dynamic_index_in_dim(array, t, 0, keepdims=False)


def _write_step(array: jax.Array, value: jax.Array, t: Any) -> jax.Array:
    return lax.dynamic_update_index_in_dim(array, value, t, 0)
