"""Formulations: times of ops, values and gradients, compared with plain formulations.

`python -m benchmarks.formulations` measures once, both ways in turns in one process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import SETTINGS

__all__ = ["FORMULATIONS", "Pair", "measure", "table"]

_ROOT = Path(__file__).parents[1]
_TURNS, _CALLS = 9, 5


class Pair(NamedTuple):
    """Milliseconds of a value with its gradients, written the plain way and cornu's.

    Attributes:
        plain, ours: medians of several turns.
        apart: the greatest difference of the gradients, relative to the greatest of them.
    """

    plain: float
    ours: float
    apart: float


class Ways(NamedTuple):
    """Two functions of the same arrays. `engines` is False where plain has XLA's own options."""

    plain: Callable[..., Any]
    ours: Callable[..., Any]
    args: tuple[Any, ...]
    engines: bool = True


def _draw(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def _max_pool(size: int, strides: int, *shape: int) -> Ways:
    from jax import lax

    from cornu import ops

    window, steps = (1, size, size, 1), (1, strides, strides, 1)
    return Ways(
        lambda x: lax.reduce_window(x, -np.inf, lax.max, window, steps, "VALID"),
        lambda x: ops.max_pool(x, size, strides),
        (_draw(*shape),),
    )


def _average_pool(size: int, *shape: int) -> Ways:
    from jax import lax

    from cornu import ops

    window = (1, size, size, 1)
    return Ways(
        lambda x: lax.reduce_window(x, 0.0, lax.add, window, window, "VALID") / size**2,
        lambda x: ops.average_pool(x, size),
        (_draw(*shape),),
    )


def _convolve(x: Any, kernel: Any, groups: int = 1) -> Any:
    from jax import lax

    axes = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=axes, feature_group_count=groups
    )


def _convolution(filters: int, *shape: int) -> Ways:
    args = (_draw(*shape), _draw(3, 3, shape[-1], filters))
    return Ways(_convolve, _convolve, args, engines=False)


def _dense(units: int, *shape: int) -> Ways:
    from jax import numpy as jnp

    from cornu import ops

    return Ways(jnp.matmul, ops.matmul, (_draw(*shape), _draw(shape[-1], units)))


def _depthwise(*shape: int) -> Ways:
    from cornu import ops

    channels = shape[-1]
    return Ways(
        lambda x, kernel: _convolve(x, kernel.reshape(3, 3, 1, channels), channels),
        lambda x, kernel: ops.depthwise_conv(x, kernel, padding="same"),
        (_draw(*shape), _draw(3, 3, channels, 1)),
    )


def _attention(*shape: int) -> Ways:
    import jax

    from cornu import ops

    args = (_draw(*shape), _draw(*shape), _draw(*shape))
    return Ways(jax.nn.dot_product_attention, ops.dot_product_attention, args)


def _dropout(*shape: int) -> Ways:
    import jax
    import jax.numpy as jnp

    from cornu import random

    key = jax.random.key(0)
    return Ways(
        lambda x: jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x * 2, 0),
        lambda x: random.dropout(x, 0.5, seed=key),
        (_draw(*shape),),
    )


def _recurrent(cell: str, units: int, *shape: int) -> Ways:
    import cornu
    from cornu import layers

    # A class of one's own: RNN does not know that its cell has a gradient in closed form.
    plain_cell = type("PlainCell", (getattr(layers, f"{cell}Cell"),), {"rule": None})
    plain = layers.RNN(plain_cell(units))
    ours = getattr(layers, cell)(units)
    for layer in (plain, ours):
        layer.build(shape)
    plain.set_weights(ours.get_weights())
    args = (_draw(*shape), *ours.get_weights())

    def call(layer: Any) -> Callable[..., Any]:
        pure = cornu.pure(layer, layer.variables)
        return lambda x, *weights: pure(weights, None, x)[0]

    return Ways(call(plain), call(ours), args)


FORMULATIONS: dict[str, Callable[[], Ways]] = {
    "Max pooling 2 x 2, 128 x 26 x 26 x 32": lambda: _max_pool(2, 2, 128, 26, 26, 32),
    "Max pooling 3 x 3, strides 2, 8 x 57 x 57 x 64": lambda: _max_pool(3, 2, 8, 57, 57, 64),
    "Average pooling 2 x 2, 64 x 16 x 16 x 128": lambda: _average_pool(2, 64, 16, 16, 128),
    "Convolution 3 x 3, 128 x 13 x 13 x 32 to 64": lambda: _convolution(64, 128, 13, 13, 32),
    "Convolution 3 x 3, 32 x 32 x 32 x 64 to 64": lambda: _convolution(64, 32, 32, 32, 64),
    "Depthwise convolution 3 x 3, 32 x 28 x 28 x 64": lambda: _depthwise(32, 28, 28, 64),
    "Dense product, 32 x 128 x 512 to 128": lambda: _dense(128, 32, 128, 512),
    "Dense product, 32 x 128 x 128 to 512": lambda: _dense(512, 32, 128, 128),
    "Attention, 32 x 128, 4 heads of 32": lambda: _attention(32, 128, 4, 32),
    "Dropout, 128 x 1600": lambda: _dropout(128, 1600),
    "LSTM(128), 32 x 100 x 32": lambda: _recurrent("LSTM", 128, 32, 100, 32),
    "GRU(128), 32 x 100 x 32": lambda: _recurrent("GRU", 128, 32, 100, 32),
}


def _with_gradients(fn: Callable[..., Any]) -> Callable[..., Any]:
    import jax

    def both(along: Any, x: Any, *rest: Any) -> Any:
        # Rectified, because the preceding op is fused with it in a model.
        value, pull = jax.vjp(lambda x, *rest: fn(jax.nn.relu(x), *rest), x, *rest)
        return value, pull(along)

    return both


def _once(name: str) -> Pair:
    import jax

    from cornu.core import compiler_options

    ways = FORMULATIONS[name]()
    shape = jax.eval_shape(ways.plain, *ways.args).shape
    args = jax.device_put((_draw(*shape), *ways.args))
    plain, ours = _with_gradients(ways.plain), _with_gradients(ways.ours)
    engines = compiler_options.select_options() if ways.engines else None
    as_trained = compiler_options.select_options(jax.make_jaxpr(ours)(*args).jaxpr)
    both = {
        "plain": jax.jit(plain, compiler_options=engines),
        "ours": jax.jit(ours, compiler_options=as_trained),
    }
    gradients = [jax.tree_util.tree_leaves(fn(*args)[1]) for fn in both.values()]
    apart = max(float(abs(a - b).max() / abs(a).max()) for a, b in zip(*gradients, strict=True))
    taken: dict[str, list[float]] = {way: [] for way in both}
    for _ in range(_TURNS):
        for way, fn in both.items():
            begin = perf_counter()
            for _ in range(_CALLS):
                out = fn(*args)
            jax.block_until_ready(out)
            taken[way].append(1e3 * (perf_counter() - begin) / _CALLS)
    return Pair(median(taken["plain"]), median(taken["ours"]), apart)


def measure() -> dict[str, Pair]:
    """Returns the times by formulation, measured in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.formulations", "json"],
        env={**os.environ, **SETTINGS},
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return {name: Pair(*pair) for name, pair in json.loads(answer.stdout.splitlines()[-1]).items()}


def table(pairs: Mapping[str, Pair]) -> str:
    """Returns the times as a Markdown table."""
    rows = [["op", "plain, ms", "cornu, ms", "ratio", "gradients apart"], ["---"] * 5]
    rows += [
        [name, f"{p.plain:.2f}", f"{p.ours:.2f}", f"{p.ours / p.plain:.2f}", f"{p.apart:.0e}"]
        for name, p in pairs.items()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    found = {name: _once(name) for name in FORMULATIONS}
    print(json.dumps(found) if sys.argv[1:] == ["json"] else table(found))
