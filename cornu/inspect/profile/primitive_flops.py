"""The floating-point operations of a jaxpr, with one formula for each primitive."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.graph.jaxprs import count_multiplications, inner_jaxprs

__all__ = ["PRODUCTS", "SCOPE", "count_flops"]

# The prefix of named scopes whose operations are also counted separately.
SCOPE = "owner:"
# The primitives of products and convolutions.
PRODUCTS = frozenset(("conv_general_dilated", "dot_general"))

# Takes an equation of a jaxpr and returns the number of operations, None if unknown.
Formula = Callable[[Any], "int | None"]


def count_flops(jaxpr: Any, primitives: Collection[str] | None = None) -> dict[str, int | None]:
    """Returns the number of operations of a jaxpr, under '', and of each owner in it.

    An owner is a `jax.named_scope` whose name starts with `SCOPE`. None means unknown: a `while`
    loop whose number of iterations depends on data, or a primitive without a formula.

    Args:
        jaxpr: the program.
        primitives: the names of those that count; all if None.
    """
    counted: dict[str, int | None] = {"": 0}
    _walk(jaxpr, 1, ("",), counted, primitives)
    return counted


def _walk(
    jaxpr: Any,
    times: int,
    around: tuple[str, ...],
    counted: dict[str, int | None],
    primitives: Collection[str] | None,
) -> None:
    for equation in jaxpr.eqns:
        owners = _owners(equation, around, counted)
        name = equation.primitive.name
        if name in _CALLS:
            for inner in inner_jaxprs(equation):
                _walk(inner, times, owners, counted, primitives)
        elif name == "scan":
            repeated = times * equation.params["length"]
            _walk(next(inner_jaxprs(equation)), repeated, owners, counted, primitives)
        elif name == "cond":
            branches = list(inner_jaxprs(equation))
            _add_largest_branch(branches, times, owners, counted, primitives)
        elif name == "while":
            # The number of iterations is unknown, which only matters if the body has operations.
            parts: dict[str, int | None] = {"": 0}
            for inner in inner_jaxprs(equation):
                _walk(inner, 1, ("",), parts, primitives)
            _add(counted, owners, 0 if parts[""] == 0 else None, 1)
        elif primitives is None or name in primitives:
            _add(counted, owners, _operations(equation), times)


def _owners(
    equation: Any, around: tuple[str, ...], counted: dict[str, int | None]
) -> tuple[str, ...]:
    names = [
        part.name
        for part in equation.source_info.name_stack.stack
        if str(part.name).startswith(SCOPE)
    ]
    for name in names:
        counted.setdefault(name, 0)
    return (*around, *(name for name in names if name not in around)) if names else around


def _add_largest_branch(
    branches: list[Any],
    times: int,
    owners: tuple[str, ...],
    counted: dict[str, int | None],
    primitives: Collection[str] | None,
) -> None:
    """Adds the branch with the most operations, because it is unknown which one runs."""
    each: list[dict[str, int | None]] = []
    for branch in branches:
        parts: dict[str, int | None] = {"": 0}
        _walk(branch, times, ("",), parts, primitives)
        each.append(parts)
    unknown = [parts for parts in each if parts[""] is None]
    widest = unknown[0] if unknown else max(each, key=lambda parts: parts[""] or 0)
    for name, operations in widest.items():
        _add(counted, (name,) if name else owners, operations, 1)


def _add(
    counted: dict[str, int | None], owners: tuple[str, ...], operations: int | None, times: int
) -> None:
    for owner in owners:
        known = counted.get(owner, 0)
        both = known is not None and operations is not None
        counted[owner] = known + operations * times if both else None  # type: ignore[operator]


def _operations(equation: Any) -> int | None:
    name = equation.primitive.name
    if name in _FREE:
        return 0
    if name in _ELEMENTWISE:
        return _size(equation.outvars[0]) if _floating(equation) else 0
    formula = _FORMULAS.get(name)
    return None if formula is None else formula(equation)


def _size(variable: Any) -> int:
    return math.prod(variable.aval.shape)


def _floating(equation: Any) -> bool:
    return any(
        jnp.issubdtype(v.aval.dtype, np.inexact) for v in (*equation.invars, *equation.outvars)
    )


def _dot_general(equation: Any) -> int:
    return 2 * count_multiplications(equation)


def _conv(equation: Any) -> int:
    # The kernel has its inputs per group on one axis, and its outputs on another.
    kernel = equation.invars[1].aval.shape
    numbers = equation.params["dimension_numbers"]
    each = math.prod(kernel) // kernel[numbers.rhs_spec[0]]
    # Zeros between the inputs, as in a transposed convolution, are not multiplied.
    sparse = math.prod(equation.params["lhs_dilation"])
    groups = equation.params["batch_group_count"]
    return int(2 * _size(equation.outvars[0]) * each // sparse // groups)


def _reduction(equation: Any) -> int:
    """Of n numbers, n - 1 operations."""
    if not _floating(equation):
        return 0
    return _size(equation.invars[0]) - _size(equation.outvars[0])


def _window(equation: Any) -> int:
    window = math.prod(equation.params["window_dimensions"])
    return int(_size(equation.outvars[0]) * max(window - 1, 0))


def _window_gradient(equation: Any) -> int:
    return int(_size(equation.invars[0]) * math.prod(equation.params["window_dimensions"]))


def _cumulative(equation: Any) -> int:
    return _size(equation.invars[0]) if _floating(equation) else 0


def _scatter(equation: Any) -> int:
    return _size(equation.invars[2]) if _floating(equation) else 0


def _sort(equation: Any) -> int:
    variable = equation.invars[0]
    length = variable.aval.shape[equation.params["dimension"]] if variable.aval.shape else 1
    return _size(variable) * max(length - 1, 0).bit_length()


def _top_k(equation: Any) -> int:
    variable = equation.invars[0]
    steps = int(max(variable.aval.shape[-1] - 1, 0)).bit_length()
    return _size(variable) * steps


def _fft(equation: Any) -> int:
    # The usual estimate 5 n log2(n) of a complex FFT.
    lengths = math.prod(equation.params["fft_lengths"])
    whole = max(_size(equation.invars[0]), _size(equation.outvars[0]))
    return round(5 * whole * math.log2(lengths)) if lengths > 1 else 0


def _matrices(variable: Any) -> tuple[int, int, int]:
    """Returns the number of matrices in a batch, and their rows and columns."""
    *many, rows, columns = variable.aval.shape
    return math.prod(many), rows, columns


def _cholesky(equation: Any) -> int:
    # The usual operation counts of dense factorizations, here and below.
    many, rows, _ = _matrices(equation.invars[0])
    return many * rows**3 // 3


def _lu(equation: Any) -> int:
    many, rows, columns = _matrices(equation.invars[0])
    small, large = sorted((rows, columns))
    return many * (large * small**2 - small**3 // 3)


def _triangular_solve(equation: Any) -> int:
    _, rows, _ = _matrices(equation.invars[0])
    return _size(equation.invars[1]) * rows


# Primitives that run an inner jaxpr once.
_CALLS = frozenset(
    "call closed_call composite custom_jvp_call custom_jvp_call_jaxpr custom_vjp_call "
    "custom_vmap_call eval_jaxpr jit remat2".split()
)

# Primitives without float arithmetic: moving data, constants, random bits, comparisons, casts.
_FREE = frozenset(
    "and axis_index bitcast_convert_type broadcast_in_dim broadcast_to clz concatenate "
    "convert_element_type copy create_token debug_callback debug_print device_put dynamic_slice "
    "dynamic_update_slice empty empty2 eq eq_to expand_dims gather ge gt imag iota is_finite "
    "layout_constraint le le_to lt lt_to lu_pivots_to_permutation mulhi name ne not "
    "optimization_barrier or pad philox2x32 philox4x32 platform_index population_count pvary "
    "random_bits random_clone random_fold_in random_seed random_split random_unwrap random_wrap "
    "real reduce_and reduce_or reduce_precision reduce_xor reshape reshard rev rng_bit_generator "
    "scatter select_n sharding_constraint shift_left shift_right_arithmetic shift_right_logical "
    "slice split squeeze stack stop_gradient threefry2x32 threefry4x32 tile transpose unstack "
    "xor zeros_like".split()
)

# One operation for each element of the output, if it is a float.
_ELEMENTWISE = frozenset(
    "abs acos acosh add add_any asin asinh atan atan2 atanh bessel_i0e bessel_i1e cbrt ceil "
    "clamp complex conj cos cosh digamma div erf erf_inv erfc exp exp2 expm1 floor igamma "
    "igamma_grad_a igammac integer_pow lgamma log log1p logistic max min mul neg nextafter "
    "polygamma pow regularized_incomplete_beta rem round rsqrt sign sin sinh sqrt square sub tan "
    "tanh zeta".split()
)

_FORMULAS: dict[str, Formula] = {
    "argmax": _reduction,
    "argmin": _reduction,
    "cholesky": _cholesky,
    "conv_general_dilated": _conv,
    "cumlogsumexp": _cumulative,
    "cummax": _cumulative,
    "cummin": _cumulative,
    "cumprod": _cumulative,
    "cumsum": _cumulative,
    "dot_general": _dot_general,
    "fft": _fft,
    "lu": _lu,
    "reduce_max": _reduction,
    "reduce_min": _reduction,
    "reduce_prod": _reduction,
    "reduce_sum": _reduction,
    "reduce_window": _window,
    "reduce_window_max": _window,
    "reduce_window_min": _window,
    "reduce_window_sum": _window,
    "scatter-add": _scatter,
    "scatter-max": _scatter,
    "scatter-min": _scatter,
    "scatter-mul": _scatter,
    "scatter-sub": _scatter,
    "select_and_gather_add": _window,
    "select_and_scatter_add": _window_gradient,
    "sort": _sort,
    "top_k": _top_k,
    "triangular_solve": _triangular_solve,
}
