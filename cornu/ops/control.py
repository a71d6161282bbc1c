"""Control flow that JAX can compile, and transformations of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from cornu import tree
from cornu.core.graph.op import op, unwrap
from cornu.ops.arguments import to_array

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


def _unwrap_results(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a function so that it returns arrays in place of Variables.

    JAX rejects results that are not arrays, and users write `lambda: self.weight`.
    """
    return lambda *args: unwrap(function(*args))


@op
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Calls `true_fn` if a condition is true, and `false_fn` otherwise.

    Both functions are traced. They must return arrays of equal shapes and dtypes, and must not
    assign to Variables.

    Args:
        pred: a boolean.
        true_fn: a function without arguments.
        false_fn: a function without arguments.

    Example:

    >>> import cornu
    >>> int(cornu.ops.cond(True, lambda: 1, lambda: 2))
    1
    """
    return jax.lax.cond(pred, _unwrap_results(true_fn), _unwrap_results(false_fn))


@op
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Calls the function at position `index` of a sequence.

    Args:
        index: an integer; it is clamped to the valid range.
        branches: functions of the operands that return arrays of equal shapes and dtypes.
        operands: the arguments of the function.

    Example:

    >>> import cornu
    >>> int(cornu.ops.switch(1, [lambda x: x + 1, lambda x: x * 10], 7))
    70
    """
    return jax.lax.switch(index, [_unwrap_results(branch) for branch in branches], *operands)


@op
def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Repeats `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds.

    Args:
        cond: a function of the values that returns a boolean.
        body: a function of the values that returns new ones of the same shapes and dtypes.
        loop_vars: the initial values: a list or tuple, or a single value.
        maximum_iterations: the maximum number of iterations; unlimited by default.

    Example:

    >>> import cornu
    >>> int(cornu.ops.while_loop(lambda i: i < 100, lambda i: i * 2, 1))
    128
    """
    # As in Keras, a single value is passed to the functions, and returned, without a tuple.
    several = isinstance(loop_vars, (list, tuple))
    values = tuple(loop_vars) if several else (loop_vars,)
    body = _unwrap_results(body)

    def step(state: Any) -> Any:
        count, values = state
        new = body(*values)
        # The iterations are counted in the state, because XLA's loop offers no counter.
        return count + 1, tuple(new) if several else (new,)

    def should_continue(state: Any) -> Any:
        count, values = state
        result = unwrap(cond(*values))
        return result if maximum_iterations is None else result & (count < maximum_iterations)

    _, values = jax.lax.while_loop(should_continue, step, (0, values))
    return values if several else values[0]


@op
def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    """Repeats `value = body_fun(i, value)` for `i` in `range(lower, upper)`.

    Args:
        lower: the first index.
        upper: the end of the range, exclusive.
        body_fun: a function of the index and the value that returns a new value of the same shape
            and dtype.
        init_val: the initial value.

    Example:

    >>> import cornu
    >>> int(cornu.ops.fori_loop(0, 4, lambda i, total: total + i, 0))
    6
    """
    return jax.lax.fori_loop(lower, upper, _unwrap_results(body_fun), init_val)


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
        init: the initial state.
        xs: arrays with first axes of equal size, or None.
        length: the number of steps; required if `xs` is None.
        reverse: whether to scan from the last element to the first.
        unroll: the number of steps that are unrolled in one iteration of the compiled loop.

    Returns:
        The final state, and the outputs stacked along a new first axis.

    Example:

    >>> import cornu
    >>> x = cornu.ops.array([1, 2, 3])
    >>> total, sums = cornu.ops.scan(lambda carry, x: (carry + x, carry + x), 0, x)
    >>> int(total), sums.tolist()
    (6, [1, 3, 6])
    """
    return jax.lax.scan(_unwrap_results(f), init, xs, length=length, reverse=reverse, unroll=unroll)


@op
def map(f: Callable[..., Any], xs: Any) -> Any:
    """Applies a function to each slice along the first axis, sequentially.

    `vectorized_map` processes all slices at once, which is faster but requires more memory.

    Args:
        f: a function of one slice.
        xs: an array, or a nested structure of arrays with first axes of equal size.

    Example:

    >>> import cornu
    >>> cornu.ops.map(lambda x: x * x, cornu.ops.array([1, 2, 3])).tolist()
    [1, 4, 9]
    """
    return jax.lax.map(_unwrap_results(f), xs)


@op
def vectorized_map(function: Callable[..., Any], elements: Any) -> Any:
    """Applies a function to all slices along the first axis at once.

    Args:
        function: a function of one slice.
        elements: an array, or a nested structure of arrays with first axes of equal size.

    Example:

    >>> import cornu
    >>> x = cornu.ops.array([[1, 2], [3, 4]])
    >>> cornu.ops.vectorized_map(cornu.ops.sum, x).tolist()
    [3, 7]
    """
    return jax.vmap(_unwrap_results(function))(elements)


@op
def associative_scan(
    f: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """Computes the cumulative results of an associative operation along an axis.

    The scan runs in parallel, in a number of steps that is logarithmic in the size of the axis.

    Args:
        f: an associative function of two arrays, or of two nested structures of arrays.
        elems: an array, or a nested structure of arrays.
        reverse: whether to scan from the last element to the first.
        axis: the axis of the scan.

    Example:

    >>> import cornu
    >>> cornu.ops.associative_scan(cornu.ops.maximum, cornu.ops.array([1, 3, 2])).tolist()
    [1, 3, 3]
    """
    return jax.lax.associative_scan(_unwrap_results(f), elems, reverse, axis)


@op
def stop_gradient(variable: Any) -> Any:
    """Returns its input unchanged; gradients do not flow through it.

    Args:
        variable: an array, or a nested structure of arrays.

    Example:

    >>> import cornu
    >>> x = cornu.ops.array([1.0, 2.0])
    >>> cornu.ops.stop_gradient(x).tolist()
    [1.0, 2.0]
    """
    return jax.lax.stop_gradient(tree.map(to_array, variable))


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: makes an op from a function that defines its own gradient.

    Args:
        f: returns its result, and a function that maps the gradient with respect to the result to
            the gradients with respect to the arguments.

    Example:

    >>> import cornu, jax
    >>> @cornu.ops.custom_gradient
    ... def double(x):
    ...     return 2 * x, lambda upstream: 100 * upstream
    >>> float(double(3.0)), float(jax.grad(double)(3.0))
    (6.0, 100.0)
    """
    return op(jax.custom_gradient(f), name=getattr(f, "__name__", "custom_gradient"))
