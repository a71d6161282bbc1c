"""Control flow that JAX can compile, and functions that treat functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from cornu.core.graph.op import op, unwrap

__all__ = [
    "associative_scan",
    "cond",
    "custom_gradient",
    "fori_loop",
    "map",
    "scan",
    "stop_gradient",
    "switch",
    "vectorized_map",
    "while_loop",
]


def _pure(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function with arrays where it returns Variables."""
    return lambda *args: unwrap(function(*args))


@op
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """What one of two functions returns: the first if `pred` holds, else the second.

    Both are traced; they must return arrays of equal shapes and dtypes, and assign nothing.

    Args:
        pred: a boolean.
        true_fn: a function of no arguments.
        false_fn: a function of no arguments.

    Example:

    >>> import cornu
    >>> int(cornu.ops.cond(True, lambda: 1, lambda: 2))
    1
    """
    return jax.lax.cond(pred, _pure(true_fn), _pure(false_fn))


@op
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """What the function number `index` returns.

    Args:
        index: an integer; outside the range it means the first or last function.
        branches: functions of the operands that return equal shapes and dtypes.
        operands: what they are called with.

    Example:

    >>> import cornu
    >>> int(cornu.ops.switch(1, [lambda x: x + 1, lambda x: x * 10], 7))
    70
    """
    return jax.lax.switch(index, [_pure(branch) for branch in branches], *operands)


@op
def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Repeats `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds.

    Args:
        cond: returns a boolean.
        body: returns new values, of the same shapes and dtypes.
        loop_vars: a list or tuple of values, or one value.
        maximum_iterations: when to stop at the latest.

    Example:

    >>> import cornu
    >>> int(cornu.ops.while_loop(lambda i: i < 100, lambda i: i * 2, 1))
    128
    """
    several = isinstance(loop_vars, (list, tuple))
    values = tuple(loop_vars) if several else (loop_vars,)
    body = _pure(body)

    def step(state: Any) -> Any:
        count, values = state
        new = body(*values)
        return count + 1, tuple(new) if several else (new,)

    def goes_on(state: Any) -> Any:
        count, values = state
        more = unwrap(cond(*values))
        return more if maximum_iterations is None else more & (count < maximum_iterations)

    _, values = jax.lax.while_loop(goes_on, step, (0, values))
    return values if several else values[0]


@op
def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    """Repeats `value = body_fun(i, value)` for i from `lower` to below `upper`.

    Args:
        lower: the first i.
        upper: the end, which is not reached.
        body_fun: returns the new value, of the same shape and dtype.
        init_val: the value to begin with.

    Example:

    >>> import cornu
    >>> int(cornu.ops.fori_loop(0, 4, lambda i, total: total + i, 0))
    6
    """
    return jax.lax.fori_loop(lower, upper, _pure(body_fun), init_val)


@op
def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """Carries a state along the first axis: `carry, y = f(carry, x)` for each x.

    Args:
        f: returns the new state, of the same shapes and dtypes, and an output.
        init: the state to begin with.
        xs: arrays with equal first axes, or None.
        length: the number of steps where `xs` is None.
        reverse: whether to go from the end to the start.
        unroll: how many steps to write into one iteration.

    Returns:
        The last state, and the outputs stacked along a first axis.

    Example:

    >>> import cornu
    >>> x = cornu.ops.array([1, 2, 3])
    >>> total, sums = cornu.ops.scan(lambda carry, x: (carry + x, carry + x), 0, x)
    >>> int(total), sums.tolist()
    (6, [1, 3, 6])
    """
    return jax.lax.scan(_pure(f), init, xs, length=length, reverse=reverse, unroll=unroll)


@op
def map(f: Callable[..., Any], xs: Any) -> Any:
    """What a function returns for each slice along the first axis, one after the other.

    `vectorized_map` computes all at once, which is faster and takes more memory.

    Args:
        f: a function of one slice.
        xs: an array, or a structure of arrays with equal first axes.

    Example:

    >>> import cornu
    >>> cornu.ops.map(lambda x: x * x, cornu.ops.array([1, 2, 3])).tolist()
    [1, 4, 9]
    """
    return jax.lax.map(_pure(f), xs)


@op
def vectorized_map(function: Callable[..., Any], elements: Any) -> Any:
    """What a function returns for each slice along the first axis, computed at once.

    Args:
        function: a function of one slice.
        elements: an array, or a structure of arrays with equal first axes.

    Example:

    >>> import cornu
    >>> x = cornu.ops.array([[1, 2], [3, 4]])
    >>> cornu.ops.vectorized_map(cornu.ops.sum, x).tolist()
    [3, 7]
    """
    return jax.vmap(_pure(function))(elements)


@op
def associative_scan(
    f: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """All partial results of an associative operation along an axis, in a logarithm of steps.

    Args:
        f: an associative function of two (structures of) arrays.
        elems: an array, or a structure of them.
        reverse: whether to go from the end to the start.
        axis: the axis.

    Example:

    >>> import cornu
    >>> cornu.ops.associative_scan(cornu.ops.maximum, cornu.ops.array([1, 3, 2])).tolist()
    [1, 3, 3]
    """
    return jax.lax.associative_scan(_pure(f), elems, reverse, axis)


@op
def stop_gradient(variable: Any) -> Any:
    """The same values, through which no gradient flows.

    Args:
        variable: an array, or a structure of arrays.
    """
    return jax.lax.stop_gradient(variable)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes an op of a function that brings its own gradient.

    Args:
        f: returns its result and a function that makes the gradients with respect to the
            arguments from the gradient with respect to the result.

    Example:

    >>> import cornu, jax
    >>> @cornu.ops.custom_gradient
    ... def double(x):
    ...     return 2 * x, lambda upstream: 100 * upstream
    >>> float(double(3.0)), float(jax.grad(double)(3.0))
    (6.0, 100.0)
    """
    return op(jax.custom_gradient(f), name=getattr(f, "__name__", "custom_gradient"))
