"""Traces the training step of a model for the devices of a mesh, without weights or devices."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AbstractMesh, AxisType

from cornu.core.state import scope
from cornu.core.state.placement import use
from cornu.core.state.variable import Variable
from cornu.distribution.base import Distribution
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.planning.compiling import PartitionedProgram, export_program

__all__ = ["AbstractDeviceMesh", "StepTracer", "without_weights"]


@contextlib.contextmanager
def without_weights() -> Iterator[None]:
    """Creates no values for large Variables in a `with` block, unless they are read."""
    inner = scope.Scope(scope.current())
    inner.defers_values = True
    with scope.use_scope(inner):
        yield


class AbstractDeviceMesh(DeviceMesh):
    """A mesh without devices, for which programs can be traced.

    Args:
        sizes: the number of devices along each axis, by name.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        names = [f"abstract:{i}" for i in range(math.prod(sizes.values()))]
        super().__init__(tuple(sizes.values()), tuple(sizes), names)

    @cached_property
    def backend_mesh(self) -> Any:
        """The mesh of JAX, an AbstractMesh."""
        kinds = (AxisType.Auto,) * len(self.axis_names)
        return AbstractMesh(self.shape, self.axis_names, axis_types=kinds)


class StepTracer:
    """Traces the training step of a model for batches of one size.

    Args:
        trainer: the Trainer of a compiled model, prepared for training.
        batch: the specs of a batch, in the order of the model.
    """

    def __init__(self, trainer: Any, batch: Any) -> None:
        self._trainer = trainer
        self._batch = batch
        self._variables: tuple[Variable, ...] = tuple(trainer.touched_variables())

    def state_bytes(self) -> int:
        """Returns the bytes of weights and of the state of the optimizer."""
        return sum(v.size * jnp.dtype(v.dtype).itemsize for v in self._variables)

    def trace(self, distribution: Distribution) -> PartitionedProgram:
        """Returns the program of the step.

        Args:
            distribution: where Variables and batches are; its mesh is abstract.
        """
        variables = self._variables
        lifted = scope.functionalize(
            self._trainer.train_logs, variables, self._trainer.random_sources()
        )
        distribution._plan_(self._trainer.model)
        shardings = [distribution._variable_sharding_(v) for v in variables]
        values = tuple(
            jax.ShapeDtypeStruct(v.shape, jnp.dtype(v.dtype), sharding=sharding)
            for v, sharding in zip(variables, shardings, strict=True)
        )
        batch = jax.tree_util.tree_map(partial(_with_sharding, distribution), self._batch)

        def body(values: Any, batch: Any) -> Any:
            with use(distribution):
                logs, updates, _ = lifted(values, jax.random.key(0), batch)
            return updates, logs

        with _sharded(variables, shardings):
            closed, (updates, logs) = jax.make_jaxpr(body, return_shape=True)(values, batch)
        written = sorted(updates)
        order = [*written, *(i for i in range(len(variables)) if i not in updates)]
        count = len(variables)

        def run(*flat: Any) -> Any:
            arguments: list[Any] = [None] * count
            for position, value in zip(order, flat, strict=False):
                arguments[position] = value
            return jax.core.eval_jaxpr(closed.jaxpr, closed.consts, *arguments, *flat[count:])

        outputs = [shardings[position] for position in written]
        outputs += [distribution._replicated_] * len(jax.tree_util.tree_leaves(logs))
        jitted = jax.jit(run, out_shardings=outputs)
        specs = [*(values[position] for position in order), *jax.tree_util.tree_leaves(batch)]
        mesh = distribution.device_mesh
        sizes = dict(zip(mesh.axis_names, mesh.shape, strict=True))
        return PartitionedProgram(export_program(jitted, specs), sizes, tuple(range(len(written))))


@contextlib.contextmanager
def _sharded(variables: Sequence[Variable], shardings: Sequence[Any]) -> Iterator[None]:
    """Lets Variables have other shardings in a `with` block, without moving their values."""
    before = [variable.sharding for variable in variables]
    try:
        for variable, sharding in zip(variables, shardings, strict=True):
            variable.sharding = sharding
        yield
    finally:
        for variable, sharding in zip(variables, before, strict=True):
            variable.sharding = sharding


def _with_sharding(distribution: Distribution, spec: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
    """Returns the spec of an array of a batch with its sharding."""
    layout = distribution.get_data_layout(spec.shape)
    divides = bool(spec.shape) and spec.shape[0] % distribution.num_model_replicas == 0
    sharding = layout.backend_layout if divides else distribution._replicated_
    return jax.ShapeDtypeStruct(spec.shape, spec.dtype, sharding=sharding)
