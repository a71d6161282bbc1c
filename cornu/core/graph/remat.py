"""remat: recomputing in the gradient what was computed before, instead of keeping it in memory."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax

from cornu import tree
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.errors import suggest

__all__ = ["RematMode", "RematScope", "current_remat_mode", "remat"]

_MODES = ("full", "activations", "larger_than", "list_of_layers")


class RematMode(NamedTuple):
    """Which layers recompute; see `RematScope`."""

    mode: str
    output_size_threshold: int
    layer_names: tuple[str, ...]

    def policy(self, name: str, outputs: Callable[[], Iterable[Any]]) -> Any:
        """Returns what `jax.checkpoint` may keep for a layer; False if it need not recompute."""
        if self.mode == "list_of_layers":
            return None if name in self.layer_names else False
        if self.mode == "larger_than":
            sizes = [math.prod(output.shape) for output in outputs()]
            return None if max(sizes, default=0) > self.output_size_threshold else False
        if self.mode == "activations":
            return jax.checkpoint_policies.dots_saveable
        return None


class _Current(threading.local):
    mode: RematMode | None = None


_current = _Current()


def current_remat_mode() -> RematMode | None:
    """Returns the mode that layers made here take over."""
    return _current.mode


class RematScope:
    """Layers that are made inside compute their values again for the gradient.

    Training then needs less memory and more time. Results do not change.

    Args:
        mode: `"full"`: all of a layer; `"activations"`: only what is cheap, the results of matrix
            products are kept; `"larger_than"`: layers whose outputs are larger than
            `output_size_threshold`; `"list_of_layers"`: those in `layer_names`; None: none.
        output_size_threshold: a number of elements.
        layer_names: names of layers.

    Example:

    >>> import cornu
    >>> with RematScope(mode="full"):
    ...     layer = cornu.layers.Dense(4, activation="relu")

    References: Tianqi Chen, Bing Xu, Chiyuan Zhang, Carlos Guestrin (2016), "Training Deep Nets
    with Sublinear Memory Cost".

    Differences: whole blocks are recomputed with `model.remat("path")` or
    `@cornu.block(remat=True)`; this keeps much less than layer by layer. In Keras "activations"
    recomputes nothing but the activation function.
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Any = None,
    ) -> None:
        if mode is not None and mode not in _MODES:
            raise ValueError(f"RematScope: unknown mode {mode!r}. {suggest(mode, _MODES)}")
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = list(layer_names or [])

    def __enter__(self) -> RematScope:
        self._before = _current.mode
        names = tuple(self.layer_names)
        _current.mode = (
            None if self.mode is None else RematMode(self.mode, self.output_size_threshold, names)
        )
        return self

    def __exit__(self, *_: Any) -> None:
        _current.mode = self._before


def remat(f: Callable[..., Any], policy: Any = None) -> Callable[..., Any]:
    """Returns a function that computes the same, and again for the gradient.

    It may read and assign Variables, draw random numbers and add losses.

    Args:
        f: takes arrays, or structures of them, and constants.
        policy: what may be kept all the same, as for `jax.checkpoint`.

    Example:

    >>> import jax
    >>> import cornu
    >>> round(float(jax.grad(remat(lambda x: cornu.ops.sin(cornu.ops.sin(x))))(1.0)), 2)
    0.36
    """

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        outer = scope.current()
        written: list[Variable] = []
        leaves, definition = tree.flatten_with_treedef((args, kwargs))
        slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, jax.Array)]

        def inner(*arrays: Any) -> Any:
            filled = list(leaves)
            for slot, array in zip(slots, arrays, strict=True):
                filled[slot] = array
                mask = outer.masks.get(leaves[slot])
                if mask is not None:
                    outer.masks.put(array, mask)
            args, kwargs = tree.unflatten(definition, filled)
            around = scope.Scope(outer)
            with scope.use_scope(around):
                out = f(*args, **kwargs)
            written[:] = around.written.values()
            return out, [around.values[id(v)] for v in written], around.losses

        recomputed = jax.checkpoint(inner, policy=policy)
        out, news, losses = recomputed(*(leaves[slot] for slot in slots))
        for variable, new in zip(written, news, strict=True):
            outer.write(variable, new)
        outer.losses.extend(losses)
        return out

    return run
