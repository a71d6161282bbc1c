"""The kinds of operations: what cornu computes, and the same in a plain formulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.safety.recurrent import plain_loop
from benchmarks.safety.shapes import DTYPES, Sampler
from cornu import ops, random
from cornu.ops.nn.rnn import GRU, LSTM, project, recurrence

__all__ = ["KINDS", "Case", "make"]

# Attention over some hundred steps is where oneDNN corrupted the heap: so many multiplications in
# each of its products, at most.
_ATTENTION_WORK = 2**29


@dataclass(frozen=True)
class Case:
    """One random program.

    Attributes:
        text: the operation and its shapes.
        ours: a function of `floats` and `integers` as cornu computes it.
        plain: the same function in plain JAX.
        floats: float64 arrays; the gradient is computed with respect to each.
        integers: arrays of integers or booleans.
        dtype: what the floats are rounded to.
    """

    text: str
    ours: Callable[..., Any]
    plain: Callable[..., Any]
    floats: tuple[np.ndarray, ...]
    integers: tuple[np.ndarray, ...] = ()
    dtype: str = "float32"


def make(kind: str, number: int, seed: int = 0) -> Case:
    """Returns a case of a kind."""
    draw = Sampler(kind, number, seed)
    dtype = draw.choice(DTYPES)
    case = KINDS[kind](draw)
    kept = {name: value for name, value in vars(case).items() if name != "dtype"}
    shapes = " ".join("x".join(map(str, array.shape)) or "()" for array in case.floats)
    return Case(**{**kept, "text": f"{case.text}, {dtype}, {shapes}", "dtype": dtype})


# ---------------------------------------------------------------------------------- products


def _product(draw: Sampler) -> Case:
    rows, inner, columns = draw.sizes(3, draw.work())
    batch = draw.sizes(draw.choice((0, 0, 1, 2)), 16)
    left = draw.normal(*batch, rows, inner)
    right = draw.normal(inner, columns) / inner**0.5
    bias = draw.normal(columns)
    transposed = draw.chance(0.3)
    if transposed:
        right = right.T
    name = draw.choice(("none", "bias", "tanh"))
    end = {
        "none": lambda y, b: y,
        "bias": lambda y, b: y + b,
        "tanh": lambda y, b: jnp.tanh(y + b),
    }[name]

    def written(matmul: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x, w, b: end(matmul(x, w.T if transposed else w), b)

    text = f"matmul, transposed {transposed}, epilogue {name}"
    return Case(text, written(ops.matmul), written(jnp.matmul), (left, right, bias))


# Those of attention and their gradients, of dense layers with several axes, and plain ones.
_PATTERNS = (
    *("btf,bsf->bts", "bts,bsf->btf", "bthk,bshk->bhts", "bhts,bshk->bthk", "btf,fhk->bthk"),
    *("bthk,hkf->btf", "bhtk,bhsk->bhts", "bhts,bhsk->bhtk", "bij,bjk->bik", "bij,bkj->bik"),
    *("bji,bjk->bik", "bji,bkj->bik", "bi,bj->bij", "bi,bi->b", "bij,bj->bi", "abij,abjk->abik"),
)


def _batched_product(draw: Sampler) -> Case:
    pattern = draw.choice(_PATTERNS)
    letters = sorted(set(pattern) - set(",->"))
    work = 2 ** int(draw.rng.integers(24, 28)) if draw.chance(0.02) else draw.work()
    sizes = dict(zip(letters, draw.sizes(len(letters), work), strict=True))
    inputs, output = pattern.split("->")
    left, right = ([sizes[letter] for letter in part] for part in inputs.split(","))
    inner = np.prod([sizes[a] for a in letters if a not in output and a in inputs], dtype=int)
    arrays = draw.normal(*left), draw.normal(*right) / max(inner, 1) ** 0.5
    softmax = draw.chance(0.3)

    def written(einsum: Callable[..., Any]) -> Callable[..., Any]:
        def call(x: Any, y: Any) -> Any:
            z = einsum(pattern, x, y)
            return jax.nn.softmax(z) if softmax else z

        return call

    text = f"einsum {pattern}, softmax {softmax}"
    return Case(text, written(ops.einsum), written(jnp.einsum), arrays)


# ------------------------------------------------------------------- convolutions and pooling


def _window(draw: Sampler, rank: int, most: int = 7) -> list[int]:
    """Returns a window: mostly one whose elements are few enough for the sums of slices."""
    sizes = [1 + int(draw.rng.integers(most if draw.chance(0.3) else 3)) for _ in range(rank)]
    return [min(size, 4) for size in sizes] if rank == 3 else sizes


def _frame(draw: Sampler, reach: Sequence[int], padding: str, work: int) -> tuple[int, list[int]]:
    """Returns a batch size and spatial sizes that a window of some reach fits in."""
    batch, *spatial = draw.sizes(len(reach) + 1, max(work, 8))
    if padding == "valid":
        spatial = [max(size, least) for size, least in zip(spatial, reach, strict=True)]
    # The batch is what gives way where the window made the image larger.
    return max(1, min(batch, work // max(1, int(np.prod(spatial))))), spatial


def _layout(batch: int, spatial: Sequence[int], channels: int, data_format: str) -> tuple[int, ...]:
    if data_format == "channels_last":
        return (batch, *spatial, channels)
    return (batch, channels, *spatial)


def _axes(rank: int, data_format: str) -> tuple[str, str, str]:
    names = "XYZ"[:rank]
    data = f"N{names}C" if data_format == "channels_last" else f"NC{names}"
    return data, f"{names}IO", data


def _convolution(draw: Sampler) -> Case:
    name = draw.choice(("conv", "conv", "depthwise_conv", "conv_transpose"))
    rank = draw.choice((1, 1, 2, 2, 2, 3))
    padding = draw.choice(("valid", "same"))
    data_format = "channels_first" if draw.chance(0.2) else "channels_last"
    window = _window(draw, rank)
    strides = [draw.choice((1, 1, 2, 3)) for _ in window]
    rates = [draw.choice((1, 1, 1, 2, 3)) for _ in window]
    if name == "conv_transpose":
        rates = [1] * rank
    groups, per_group, filters = draw.sizes(3, 64 if rank == 3 else 512, 64)
    if name != "conv" or draw.chance(0.5):
        groups, per_group = 1, groups * per_group
    area = int(np.prod(window)) * groups * per_group * filters
    reach = [(size - 1) * rate + 1 for size, rate in zip(window, rates, strict=True)]
    work = max(8 * draw.work(), 4 * area)
    batch, spatial = _frame(draw, reach, padding, max(8, work // area))
    channels = groups * per_group
    axes = _axes(rank, data_format)
    if name == "depthwise_conv":
        filters = min(filters, 3)
        kernel_shape = [*window, channels, filters]
    elif name == "conv_transpose":
        kernel_shape = [*window, filters, channels]
    else:
        kernel_shape = [*window, per_group, filters * groups]
    x = draw.normal(*_layout(batch, spatial, channels, data_format))
    kernel = draw.normal(*kernel_shape) / (np.prod(window) * per_group) ** 0.5

    def ours(x: Any, kernel: Any) -> Any:
        call = getattr(ops, name)
        return call(x, kernel, strides, padding, data_format=data_format, dilation_rate=rates)

    def convolve(x: Any, kernel: Any, groups: int) -> Any:
        return lax.conv_general_dilated(
            *(x, kernel, strides, padding.upper()),
            rhs_dilation=rates,
            dimension_numbers=axes,
            feature_group_count=groups,
        )

    def plain(x: Any, kernel: Any) -> Any:
        if name == "conv":
            return convolve(x, kernel, groups)
        if name == "depthwise_conv":
            return convolve(x, kernel.reshape(*window, 1, -1), channels)
        steps = zip(spatial, strides, window, strict=True)
        larger = [n * s if padding == "same" else (n - 1) * s + max(s, k) for n, s, k in steps]
        before = jnp.zeros(_layout(batch, larger, filters, data_format), x.dtype)
        return jax.vjp(lambda y: convolve(y, kernel, 1), before)[1](x)[0]

    text = f"{name}, strides {strides}, dilation {rates}, groups {groups}, {padding}, {data_format}"
    return Case(text, ours, plain, (x, kernel))


def _pooling(draw: Sampler) -> Case:
    largest = draw.chance(0.6)
    rank = draw.choice((1, 2, 2, 3))
    padding = draw.choice(("valid", "same"))
    data_format = "channels_first" if draw.chance(0.2) else "channels_last"
    window = _window(draw, rank)
    steps = window if draw.chance(0.5) else [1 + int(draw.rng.integers(3)) for _ in window]
    channels = draw.size(64)
    batch, spatial = _frame(draw, window, padding, max(8, min(draw.work(), 2**18) // channels))
    shape = _layout(batch, spatial, channels, data_format)
    # Few different values make ties, whose gradient goes to the first. The sign is exact in each
    # dtype, and is fused with what reads it.
    x = draw.rng.integers(-3, 4, shape).astype(float) if draw.chance(0.3) else draw.normal(*shape)
    sizes, strides = (_layout(1, values, 1, data_format) for values in (window, steps))

    def ours(x: Any) -> Any:
        call = ops.max_pool if largest else ops.average_pool
        return call(-x, window, steps, padding, data_format)

    def plain(x: Any) -> Any:
        def reduce(x: Any, first: float, by: Any) -> Any:
            return lax.reduce_window(x, np.asarray(first, x.dtype), by, sizes, strides, pads)

        pads = padding.upper()
        if largest:
            return reduce(-x, -np.inf, lax.max)
        return reduce(-x, 0.0, lax.add) / reduce(jnp.ones_like(x), 0.0, lax.add)

    name = "max_pool" if largest else "average_pool"
    text = f"{name}, window {window}, strides {steps}, {padding}, {data_format}"
    return Case(text, ours, plain, (x,))


# -------------------------------------------------------------------------------- reductions


def _normalize(library: Any, x: Any, axes: Any) -> Any:
    apart = x - library.mean(x, axes, keepdims=True)
    return apart / library.sqrt(library.var(x, axes, keepdims=True) + 0.01)


_REDUCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    **{name: (getattr(ops, name), getattr(jnp, name)) for name in ("sum", "mean", "max", "min")},
    "var": (ops.var, jnp.var),
    "logsumexp": (ops.logsumexp, jax.nn.logsumexp),
    "normalize": (
        lambda x, axes: _normalize(ops, x, axes),
        lambda x, axes: _normalize(jnp, x, axes),
    ),
}


def _reduction(draw: Sampler) -> Case:
    name = draw.choice(tuple(_REDUCTIONS))
    rank = int(draw.rng.integers(1, 5))
    x = draw.normal(*draw.sizes(rank, min(draw.work(), 2**20)))
    count = int(draw.rng.integers(1, rank + 1))
    axes = tuple(sorted(int(axis) for axis in draw.rng.permutation(rank)[:count]))
    ours, plain = _REDUCTIONS[name]
    # A sum of products is what a loss is: it is fused with the reduction.
    scale = 2.0 if draw.chance(0.5) else 1.0
    return Case(
        f"{name}, axes {axes}",
        lambda x: ours(x * scale, axes),
        lambda x: plain(x * scale, axes),
        (x,),
    )


# --------------------------------------------------------------------------- loops over time


def _recurrent(draw: Sampler) -> Case:
    name, gates, states = draw.choice((("lstm", 4, 2), ("gru", 3, 1)))
    time = draw.size(40)
    batch, features, units = draw.sizes(3, max(8, min(8 * draw.work(), 2**23) // time), 512)
    x = draw.normal(time, batch, features)
    kernel = draw.normal(features, gates * units) / features**0.5
    recurrent = draw.normal(units, gates * units) / units**0.5
    biases = tuple(draw.normal(gates * units) for _ in range(2)) if draw.chance(0.7) else ()
    before = tuple(draw.normal(batch, units) for _ in range(states))
    mask = (draw.rng.random((time, batch)) > 0.3,) if draw.chance(0.4) else ()
    backwards, zero, sequences = (draw.chance(0.4) for _ in range(3))
    rule = LSTM if name == "lstm" else GRU
    floats = (x, kernel, recurrent, *before, *biases)
    # A pattern of how the arguments lie, since biases and masks may be absent.
    last = 3 + states

    def ours(x: Any, kernel: Any, recurrent: Any, *rest: Any) -> Any:
        first, more = rest[:states], rest[states:]
        bias, input_bias = more[:2] if biases else (None, None)
        return recurrence(
            *(rule, project(x, kernel), list(first), recurrent, bias, input_bias),
            mask=more[-1] if mask else None,
            go_backwards=backwards,
            zero_output_for_mask=zero,
            return_sequences=sequences,
        )

    def plain(*args: Any) -> Any:
        bias, input_bias = args[last : last + 2] if biases else (0.0, 0.0)
        return plain_loop(
            *(name, args[0] @ args[1] + input_bias, args[3:last], args[2], bias),
            mask=args[-1] if mask else None,
            backwards=backwards,
            zero=zero,
            sequences=sequences,
        )

    text = f"{name}, mask {bool(mask)}, biases {bool(biases)}, backwards {backwards}"
    return Case(f"{text}, sequences {sequences}", ours, plain, floats, mask)


# ----------------------------------------------------------------- attention, rows, dropout


def _attention(draw: Sampler) -> Case:
    large = draw.chance(0.03)
    batch, time, steps, heads, features = draw.sizes(5, 4 * draw.work(), 2048)
    if large:
        time = steps = 200 + draw.size(800)
        heads, features = draw.size(8), 16 + draw.size(64)
        batch = _ATTENTION_WORK // (time * steps * heads * features)
    # All scores are held at once.
    batch = max(1, min(batch, 2**24 // max(1, time * steps * heads)))
    shared = draw.choice([n for n in (1, 2, 3, 4) if heads % n == 0])
    depth = features if draw.chance(0.7) else draw.size(64)
    query = draw.normal(batch, time, heads, features)
    key = draw.normal(batch, steps, heads // shared, features)
    value = draw.normal(batch, steps, heads // shared, depth)
    causal = draw.chance(0.3)

    def partly(*shape: int) -> list[int]:
        return [1 if draw.chance(0.4) else size for size in shape]

    bias = (draw.normal(*partly(batch, heads, time, steps)),) if draw.chance(0.3) else ()
    mask = ()
    if draw.chance(0.4):
        mask = (draw.rng.random(partly(batch, heads, time, steps)) > 0.3,)

    def ours(query: Any, key: Any, value: Any, *rest: Any) -> Any:
        given = rest[0] if bias else None, rest[-1] if mask else None
        return ops.dot_product_attention(query, key, value, *given, is_causal=causal)

    def plain(query: Any, key: Any, value: Any, *rest: Any) -> Any:
        wide = jnp.promote_types(query.dtype, "float32")
        key, value = (jnp.repeat(x, shared, axis=2) for x in (key, value))
        scores = jnp.einsum("bthf,bshf->bhts", query, key, preferred_element_type=wide)
        scores = scores / features**0.5
        if bias:
            scores = scores + rest[0].astype(wide)
        if causal:
            scores = jnp.where(jnp.tril(jnp.ones((time, steps), bool)), scores, -1e30)
        if mask:
            scores = jnp.where(rest[-1], scores, -1e30)
        weights = jax.nn.softmax(scores).astype(value.dtype)
        return jnp.einsum("bhts,bshd->bthd", weights, value)

    text = f"attention, causal {causal}, bias {bool(bias)}, mask {bool(mask)}"
    return Case(text, ours, plain, (query, key, value, *bias), mask)


def _embedding(draw: Sampler) -> Case:
    rows, width = draw.sizes(2, min(draw.work(), 2**18))
    ids = draw.rng.integers(0, rows, draw.sizes(draw.choice((1, 2)), 2048)).astype("int32")
    product = rows <= 512 and draw.chance(0.4)

    def ours(table: Any, ids: Any) -> Any:
        if product:
            return ops.matmul(ops.one_hot(ids, rows, dtype=table.dtype), table)
        return ops.take(table, ids, axis=0)

    text = f"{'one_hot' if product else 'take'}, ids {'x'.join(map(str, ids.shape))}"
    return Case(text, ours, lambda table, ids: table[ids], (draw.normal(rows, width),), (ids,))


def _dropout(draw: Sampler) -> Case:
    x = draw.normal(*draw.sizes(int(draw.rng.integers(1, 5)), min(draw.work(), 2**20)))
    rate = float(draw.choice((0.1, 0.25, 0.5, 0.9)))
    shape = [1 if draw.chance(0.2) else size for size in x.shape]
    words = draw.rng.integers(0, 2**32, 2, dtype="uint32")

    def ours(x: Any, words: Any) -> Any:
        return random.dropout(x, rate, shape, seed=jax.random.wrap_key_data(words))

    def plain(x: Any, words: Any) -> Any:
        # Of float32, so that the bits in a float64 program are the same.
        key, probability = jax.random.wrap_key_data(words), np.float32(1 - rate)
        return jnp.where(jax.random.bernoulli(key, probability, shape), x / (1 - rate), 0)

    return Case(f"dropout, rate {rate}, noise_shape {shape}", ours, plain, (x,), (words,))


KINDS: dict[str, Callable[[Sampler], Case]] = {
    "product": _product,
    "batched_product": _batched_product,
    "convolution": _convolution,
    "pooling": _pooling,
    "reduction": _reduction,
    "recurrence": _recurrent,
    "attention": _attention,
    "embedding": _embedding,
    "dropout": _dropout,
}
