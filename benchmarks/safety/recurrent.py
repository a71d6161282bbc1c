"""LSTM and GRU as loops of JAX, differentiated by JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

__all__ = ["plain_loop"]


def _lstm(x: Any, a: Any, h: Any, c: Any) -> tuple[Any, ...]:
    i, f, g, o = jnp.split(x + a, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _gru(x: Any, a: Any, h: Any) -> tuple[Any, ...]:
    (x_z, x_r, x_g), (a_z, a_r, a_g) = jnp.split(x, 3, axis=-1), jnp.split(a, 3, axis=-1)
    z, r = jax.nn.sigmoid(x_z + a_z), jax.nn.sigmoid(x_r + a_r)
    return (z * h + (1 - z) * jnp.tanh(x_g + r * a_g),)


_CELLS = {"lstm": _lstm, "gru": _gru}


def plain_loop(
    name: str,
    x: Any,
    states: tuple[Any, ...],
    kernel: Any,
    bias: Any,
    *,
    mask: Any,
    backwards: bool,
    zero: bool,
    sequences: bool,
) -> Any:
    """Returns last output, outputs or None, and states, as `cornu.ops.nn.rnn.recurrence` does.

    Args:
        name: `"lstm"` or `"gru"`.
        x: inputs times their kernel, (time, batch, gates * units).
        states: before the first step.
        kernel, bias: the recurrent ones.
        mask: booleans (time, batch), or None.
        backwards, zero, sequences: as `go_backwards`, `zero_output_for_mask` and
            `return_sequences` of `recurrence`.
    """

    def step(states: Any, now: Any) -> Any:
        x, on = now
        new = _CELLS[name](x, states[0] @ kernel + bias, *states)
        output = new[0]
        if on is not None:
            new = tuple(jnp.where(on[:, None], n, o) for n, o in zip(new, states, strict=True))
            output = jnp.where(on[:, None], output, 0) if zero else new[0]
        return new, output

    last, outputs = lax.scan(step, tuple(states), (x, mask), reverse=backwards)
    if backwards:
        outputs = jnp.flip(outputs, 0)
    return outputs[-1], outputs if sequences else None, list(last)
