"""Rematerialization: the backward pass recomputes values instead of storing them in memory.

Extends `jax.checkpoint` to functions that read and assign Variables.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax

from cornu import tree
from cornu.core.graph import call_stack
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.errors import suggest

__all__ = [
    "RematMode",
    "RematScope",
    "check_nesting",
    "current_remat_mode",
    "remat",
    "save_all_but_weights",
]

_MODES = ("full", "activations", "larger_than", "list_of_layers")


class RematMode(NamedTuple):
    """Which layers are rematerialized; see `RematScope`."""

    mode: str
    output_size_threshold: int
    layer_names: tuple[str, ...]

    def policy(self, name: str, outputs: Callable[[], Iterable[Any]]) -> Any:
        """Returns the policy of `jax.checkpoint` for a layer; False if it is not rematerialized.

        Args:
            name: the name of the layer.
            outputs: returns the outputs of the layer. Only called if their sizes are needed,
                since it traces the layer.
        """
        if self.mode == "list_of_layers":
            return None if name in self.layer_names else False
        if self.mode == "larger_than":
            sizes = [math.prod(output.shape) for output in outputs()]
            return None if max(sizes, default=0) > self.output_size_threshold else False
        if self.mode == "activations":
            # Matrix products are most of the computation, and the rest is cheap to repeat.
            return jax.checkpoint_policies.dots_saveable
        return None


class _ThreadState(threading.local):
    mode: RematMode | None = None


_thread = _ThreadState()


def current_remat_mode() -> RematMode | None:
    """Returns the mode of the innermost `RematScope`, which new layers adopt."""
    return _thread.mode


class RematScope:
    """Context manager in which new layers are rematerialized.

    The backward pass computes the values of such a layer again instead of storing them. Training
    requires less memory and more time. Results do not change.

    Args:
        mode: which layers are rematerialized. `"full"`: all layers; `"activations"`: all layers,
            except for the results of matrix products, which are stored; `"larger_than"`: layers
            with an output of more than `output_size_threshold` elements; `"list_of_layers"`: the
            layers in `layer_names`; None: no layer.
        output_size_threshold: a number of elements.
        layer_names: names of layers.

    Raises:
        ValueError: the mode is unknown.

    Example:

    >>> import cornu
    >>> with RematScope(mode="full"):
    ...     layer = cornu.layers.Dense(4, activation="relu")

    References: Tianqi Chen, Bing Xu, Chiyuan Zhang, Carlos Guestrin (2016), "Training Deep Nets
    with Sublinear Memory Cost".

    Differences: in Keras, "activations" recomputes only the activation function.

    Extensions: `model.remat("path")` and `@cornu.block(remat=True)` rematerialize whole blocks,
    which stores much less than layer by layer.
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Iterable[str] | None = None,
    ) -> None:
        if mode is not None and mode not in _MODES:
            raise ValueError(f"RematScope: unknown mode {mode!r}. {suggest(mode, _MODES)}")
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = list(layer_names or [])

    def __enter__(self) -> RematScope:
        self._previous = _thread.mode
        names = tuple(self.layer_names)
        _thread.mode = (
            None if self.mode is None else RematMode(self.mode, self.output_size_threshold, names)
        )
        return self

    def __exit__(self, *_: Any) -> None:
        _thread.mode = self._previous


def save_all_but_weights(primitive: Any, *_: Any, **__: Any) -> bool:
    """A policy of `jax.checkpoint` that saves everything except gathered weights.

    Whole weights that are saved for the backward pass would be the whole model, on every device.
    They are gathered again there.
    """
    return str(primitive) != "linear_call"


def check_nesting() -> None:
    """Raises CaptureError in the call of a layer that `regathering_call` runs.

    Of nested functions under `jax.checkpoint`, the policy of the outermost counts. The layer is
    then called again without it.
    """
    if scope.current().regathers:
        raise scope.CaptureError("the call of a layer is rematerialized in part")


def remat(f: Callable[..., Any] | None = None, policy: Any = None, *, block: str = "") -> Any:
    """Returns a function that computes the same and is recomputed in the backward pass.

    Args:
        f: a function of arrays, or structures of arrays, and constants. It may read and assign
            Variables, use random numbers and add losses. None to return a decorator.
        policy: which values are stored nevertheless, as for `jax.checkpoint`.
        block: the name of a block. The function is one of Tensors then, whose calls are blocks of a
            functional model: `@cornu.remat(block="encoder")` is short for
            `@cornu.block("encoder", remat=True)`.

    Raises:
        ValueError: there are both a block and a policy.

    Example:

    >>> import jax
    >>> import cornu
    >>> round(float(jax.grad(remat(lambda x: cornu.ops.sin(cornu.ops.sin(x))))(1.0)), 2)
    0.36

    Extensions: `block`.
    """
    if block:
        if policy is not None:
            raise ValueError(
                f"remat: a block recomputes all of its values, so policy must be None. Received: "
                f"block={block!r}, policy={policy!r}"
            )
        mark = call_stack.block(block, remat=True)
        return mark if f is None else mark(f)
    if f is None:
        return functools.partial(remat, policy=policy)

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        outer = scope.current()
        check_nesting()
        written: list[Variable] = []
        leaves, definition = tree.flatten_with_treedef((args, kwargs))
        slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, jax.Array)]

        def inner(*arrays: Any) -> Any:
            filled = list(leaves)
            for slot, array in zip(slots, arrays, strict=True):
                filled[slot] = array
                # Masks are found by array, and the traced arrays are new objects.
                mask = outer.masks.get(leaves[slot])
                if mask is not None:
                    outer.masks.put(array, mask)
            args, kwargs = tree.unflatten(definition, filled)
            current = scope.Scope(outer)
            current.recomputes |= policy is None
            with scope.use_scope(current):
                out = f(*args, **kwargs)
            # A traced function returns only arrays: the Variables leave it by the closure.
            written[:] = current.written.values()
            masks = [outer.masks.get(x) for x in jax.tree_util.tree_leaves(out)]
            return out, masks, [current.values[id(v)] for v in written], current.losses

        checkpointed = jax.checkpoint(inner, policy=policy)
        out, masks, news, losses = checkpointed(*(leaves[slot] for slot in slots))
        for x, mask in zip(jax.tree_util.tree_leaves(out), masks, strict=True):
            if mask is not None:
                outer.masks.put(x, mask)
        # Assigned values leave the traced function as outputs; otherwise the tracers would leak.
        for variable, new in zip(written, news, strict=True):
            outer.write(variable, new)
        outer.losses.extend(losses)
        return out

    return run
