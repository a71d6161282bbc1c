"""Functions of the backend that apply a function of the program to steps, and CTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from cornu import ops
from cornu.core.graph.op import op, unwrap

__all__ = ["FUNCTIONS", "make_ctc_batch_cost"]

StepFunction = Callable[[Any, list[Any]], tuple[Any, list[Any]]]


@op
def rnn(
    step_function: StepFunction,
    inputs: Any,
    initial_states: Any,
    go_backwards: bool = False,
    mask: Any = None,
    constants: Any = None,
    unroll: bool = False,
    input_length: int | None = None,
) -> tuple[Any, Any, list[Any]]:
    """Iterates over the second axis of `inputs`.

    Args:
        step_function: `f(inputs_of_step, states + constants)` returns the output and the states.
        inputs: an array (samples, time, ...).
        initial_states: a list of arrays.
        go_backwards: whether to iterate in reverse order.
        mask: an array (samples, time); steps where it is 0 keep the states.
        constants: arrays that every step receives after the states.
        unroll: whether to trace each step separately.
        input_length: not needed.

    Returns:
        The last output, the outputs (samples, time, ...), and a list of the last states.
    """
    steps = jnp.swapaxes(inputs, 0, 1)
    masks = None
    if mask is not None:
        masks = jnp.swapaxes(jnp.asarray(mask, bool).reshape(inputs.shape[:2]), 0, 1)
    if go_backwards:
        steps = jnp.flip(steps, 0)
        masks = None if masks is None else jnp.flip(masks, 0)
    fixed = list(constants or [])

    def step(carry: Any, now: Any) -> tuple[Any, Any]:
        states, last = carry
        x, valid = now
        output, news = unwrap(step_function(x, [*states, *fixed]))
        news = list(news)
        if valid is not None:
            before = last
            if before is None:
                like = bool(states) and states[0].shape == output.shape
                before = states[0] if like else jnp.zeros_like(output)
            output = _choose(valid, output, before)
            news = [_choose(valid, n, s) for n, s in zip(news, states, strict=True)]
        news = [jnp.asarray(n, s.dtype) for n, s in zip(news, states, strict=True)]
        return (news, output if valid is not None else None), output

    carry: Any = ([jnp.asarray(state) for state in initial_states], None)
    if unroll or masks is not None:
        # The output before the first step has a shape that only the step function determines.
        carry, first = step(carry, (steps[0], None if masks is None else masks[0]))
        found = [first]
        if unroll:
            for i in range(1, steps.shape[0]):
                carry, output = step(carry, (steps[i], None if masks is None else masks[i]))
                found.append(output)
            outputs = jnp.stack(found)
        else:
            assert masks is not None
            carry, others = jax.lax.scan(step, carry, (steps[1:], masks[1:]))
            outputs = jnp.concatenate([first[None], others])
    else:
        carry, outputs = jax.lax.scan(lambda c, x: step(c, (x, None)), carry, steps)
    return outputs[-1], jnp.swapaxes(outputs, 0, 1), carry[0]


def _choose(valid: Any, new: Any, old: Any) -> Any:
    return jnp.where(valid.reshape(valid.shape + (1,) * (new.ndim - valid.ndim)), new, old)


def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """Applies a function to each item along the first axis."""
    result = _map(fn, elems)
    return result if dtype is None else ops.cast(result, dtype)


@op
def _map(fn: Callable[[Any], Any], elems: Any) -> Any:
    return jax.lax.map(lambda x: unwrap(fn(x)), elems)


@op
def _fold(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, reverse: bool) -> Any:
    if initializer is None:
        initializer = elems[-1 if reverse else 0]
        elems = elems[:-1] if reverse else elems[1:]
    initializer = jnp.asarray(initializer)

    def step(total: Any, x: Any) -> tuple[Any, None]:
        return jnp.asarray(unwrap(fn(total, x)), initializer.dtype), None

    return jax.lax.scan(step, initializer, elems, reverse=reverse)[0]


def foldl(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None
) -> Any:
    """Combines the items along the first axis by `fn(total, item)`, from the first to the last."""
    return _fold(fn, elems, initializer, False)


def foldr(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None
) -> Any:
    """Combines the items along the first axis by `fn(total, item)`, from the last to the first."""
    return _fold(fn, elems, initializer, True)


def make_ctc_batch_cost(epsilon: float) -> Callable[..., Any]:
    """Returns `ctc_batch_cost` for a number that is added to the probabilities."""

    @op
    def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
        """Returns the CTC loss of each sample, (samples, 1); the last class is the blank.

        Args:
            y_true: the labels (samples, labels).
            y_pred: the probabilities (samples, time, classes).
            input_length, label_length: the lengths of each, (samples, 1).
        """
        scores = jnp.log(y_pred + epsilon)
        labels, frames = (jnp.reshape(n, (-1,)) for n in (label_length, input_length))
        blank = y_pred.shape[-1] - 1
        return ops.ctc_loss(y_true, scores, labels, frames, mask_index=blank)[:, None]

    return ctc_batch_cost


@op
def ctc_decode(
    y_pred: Any,
    input_length: Any,
    greedy: bool = True,
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = False,
) -> tuple[list[Any], Any]:
    """Returns the most probable labels, a list of arrays padded with -1, and their scores."""
    scores = jnp.log(y_pred + 1e-8)
    lengths = jnp.reshape(input_length, (-1,))
    if greedy:
        labels, probability = ops.ctc_decode(scores, lengths, mask_index=None)
    else:
        labels, probability = ops.ctc_decode(
            scores, lengths, "beam_search", beam_width, top_paths, mask_index=None
        )
    return list(labels), probability


@op
def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> Any:
    """Returns the labels, with -1 after the length of each."""
    inside = jnp.arange(labels.shape[1]) < jnp.reshape(label_lengths, (-1, 1))
    return jnp.where(inside, labels, -1)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (ctc_decode, ctc_label_dense_to_sparse, foldl, foldr, map_fn, rnn)
}
