"""Placement: how values are laid out on several devices.

`cornu.distribution` implements the protocol. Variables ask for their sharding when they are
created, steps ask for that of their batches, and layers for that of their outputs. Without a
placement, which is the default, everything is on the default device of JAX.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import jax
import numpy as np
from jax.sharding import Sharding

from cornu.core.state import scope
from cornu.process.progress import progress

if TYPE_CHECKING:
    from cornu.core.state.variable import Variable

__all__ = [
    "LayoutLike",
    "Pipeline",
    "Placement",
    "current",
    "distribute",
    "gather",
    "gather_steps",
    "get_default",
    "is_partial",
    "lays_out_outputs",
    "place",
    "put",
    "set_default",
    "sharding_of",
    "to_host",
    "use",
]

BatchT = TypeVar("BatchT")


@runtime_checkable
class LayoutLike(Protocol):
    """A layout that stands for a sharding, such as `cornu.distribution.TensorLayout`."""

    @property
    def backend_layout(self) -> Sharding:
        """The sharding."""


class Pipeline(Protocol):
    """Equal blocks of a graph, each of which one device computes."""

    @property
    def parts(self) -> Sequence[Any]:
        """Their blocks and nodes, in order."""

    def run(
        self, run_parts: Callable[[Sequence[Any], dict[int, Any]], None], known: dict[int, Any]
    ) -> None:
        """Computes the outputs of the last block.

        Args:
            run_parts: computes some parts in order.
            known: maps the `id` of Tensors to arrays; the outputs are added.
        """


class Placement(Protocol):
    """Chooses the shardings of values on the devices of a mesh."""

    @property
    def _replicated_(self) -> Sharding:
        """The sharding of values that every device holds."""

    @property
    def _row_multiple_(self) -> int:
        """The number of rows of a batch that is passed must be a multiple of this one."""

    @property
    def _compiler_options_(self) -> tuple[str, ...]:
        """The rows of `cornu.deviations` whose options programs are compiled with."""

    def _plan_(self, model: Any) -> None:
        """Chooses shardings of the Variables of a built model by its structure."""

    def _undivided_(self, model: Any) -> list[tuple[Variable, int]]:
        """Returns the large Variables that it cannot divide, with the number of parts."""

    @property
    def _shares_batches_(self) -> bool:
        """Whether several processes pass the same batches, of which each uses its rows."""

    def _variable_sharding_(self, variable: Variable) -> Sharding:
        """Returns the sharding of a Variable, whose shape is known."""

    @property
    def _lays_out_outputs_(self) -> bool:
        """Whether `_output_sharding_` may return shardings."""

    def _output_sharding_(self, path: str) -> Sharding | None:
        """Returns the sharding of the output of the layer with a path; None for XLA's choice."""

    @property
    def _divides_steps_(self) -> bool:
        """Whether the steps of sequences are divided among devices."""

    def _divide_steps_(self, x: Any) -> Any:
        """Returns the output of a layer, with its steps divided if it is a sequence."""

    def _whole_steps_(self, x: Any) -> Any:
        """Returns an array of shape (batch, steps, ...) of which each device has all steps."""

    def _gather_(self, variable: Variable, value: Any) -> Any:
        """Returns the value of a Variable as layers use it: with all parts, or as it is."""

    def _saving_policy_(self, variables: Sequence[Variable]) -> Callable[..., bool] | None:
        """Returns which results of a layer the backward pass saves; None for all of them.

        Args:
            variables: the Variables of the layer. The result is a policy of `jax.checkpoint`.
        """

    def _find_pipelines_(self, graph: Any) -> Sequence[Pipeline]:
        """Returns the parts of a graph whose blocks are divided among devices."""

    def _place_batch_(self, batch: BatchT) -> BatchT:
        """Returns a batch whose arrays are divided along their first axis.

        With several processes, each passes the same batch, or its part of it if it is given only
        that. An array that cannot be divided evenly is copied to every device.
        """


# That of the process; a Scope may have another one.
_default: Placement | None = None


def current() -> Placement | None:
    """Returns the placement of this thread, or that of the process."""
    found = scope.current().placement
    return _default if found is None else found


def get_default() -> Placement | None:
    """Returns the placement of the process."""
    return _default


def set_default(placement: Placement | None) -> None:
    """Sets the placement of the process."""
    global _default
    _default = placement


@contextlib.contextmanager
def use(placement: Placement | None) -> Iterator[None]:
    """Sets the placement of this thread in a `with` block; None leaves it unchanged."""
    around = scope.current()
    before = around.placement
    if placement is not None:
        around.placement = placement
    try:
        yield
    finally:
        around.placement = before


def sharding_of(layout: Sharding | LayoutLike | None) -> Sharding | None:
    """Returns the sharding that a layout stands for."""
    return layout.backend_layout if isinstance(layout, LayoutLike) else layout


def put(value: Any, sharding: Sharding) -> jax.Array:
    """Returns an array with a sharding: the array itself, if it has it already, or a new one.

    Args:
        value: an array of NumPy or JAX. In a program of several processes, all of them pass the
            same values.
        sharding: the sharding. Each device receives its part only.
    """
    if isinstance(value, jax.core.Tracer):
        constrained: jax.Array = jax.lax.with_sharding_constraint(value, sharding)
        return constrained
    if isinstance(value, jax.Array):
        if value.sharding.is_equivalent_to(sharding, value.ndim):
            return value
        if not value.is_fully_addressable:
            moved: jax.Array = _resharder(sharding)(value)
            return moved
    if sharding.is_fully_addressable:
        # Without aliases: training donates the result, and `value` must remain valid.
        copy: jax.Array = jax.device_put(value, sharding, may_alias=False)
        return copy
    host = np.asarray(value)
    return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])


@cache
def _resharder(sharding: Sharding) -> Any:
    return jax.jit(lambda x: x, out_shardings=sharding)


def is_partial(value: Any) -> bool:
    """Whether other processes hold parts of an array that this process does not have."""
    return (
        isinstance(value, jax.Array)
        and not value.is_fully_addressable
        and not value.is_fully_replicated
    )


def to_host(value: jax.Array) -> np.ndarray:
    """Returns the whole value of an array, some of whose parts other processes may hold.

    With several processes, all of them must call it.
    """
    if not is_partial(value):
        return np.asarray(value)
    sharding: Any = value.sharding
    replicated = jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec())
    with progress.step(is_known=False):
        return np.asarray(_resharder(replicated)(value))


def place(variables: Iterable[Variable], placement: Placement) -> None:
    """Moves Variables to where a placement has them, one after the other."""
    for variable in variables:
        variable._set_sharding_(placement._variable_sharding_(variable))


def distribute(path: tuple[str, ...], outputs: Any) -> Any:
    """Applies the sharding that the current placement has for the outputs of a layer.

    Args:
        path: the names of the layers whose call is running, outermost first.
        outputs: the outputs of the innermost.
    """
    placement = current()
    if placement is None:
        return outputs
    if placement._divides_steps_:
        outputs = jax.tree_util.tree_map(placement._divide_steps_, outputs)
    if not placement._lays_out_outputs_:
        return outputs
    # As in the paths of Variables, the outermost model is left out.
    for names in (path[1:], path):
        sharding = placement._output_sharding_("/".join((*names, "output"))) if names else None
        if sharding is not None:
            return jax.tree_util.tree_map(partial(put, sharding=sharding), outputs)
    return outputs


def gather(variable: Variable, value: Any) -> Any:
    """Returns the value of a Variable that is divided among devices, as layers use it."""
    placement = current()
    return value if placement is None else placement._gather_(variable, value)


def lays_out_outputs() -> bool:
    """Whether layers with equal computations may have outputs of different shardings."""
    placement = current()
    return placement is not None and placement._lays_out_outputs_


def gather_steps(x: jax.Array) -> jax.Array:
    """Returns keys or values of attention, of shape (batch, steps, ...), with all their steps."""
    placement = current()
    whole: jax.Array = x if placement is None else placement._whole_steps_(x)
    return whole
