"""Metric: something that is counted over batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from cornu.core.graph.op import unwrap
from cornu.core.state import scope
from cornu.core.state.dtypes import get_policy, standardize_dtype
from cornu.core.state.tracking import VariableOwner
from cornu.core.state.variable import Variable
from cornu.names import auto_name
from cornu.parts import initializers

__all__ = ["Metric"]


class Metric(VariableOwner):
    """Base of metrics: `update_state` takes a batch, `result` says what was found so far.

    A subclass creates its Variables with `add_variable`, in the constructor or where the first
    batch shows their shape, and assigns them in `update_state`; in a training step this is
    compiled.

    Args:
        dtype: what is computed and counted in: a dtype or a dtype policy; by default the
            process-wide float type.
        name: the metric's name, under which logs show it.

    Example:

    >>> from cornu import ops
    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.largest = self.add_variable((), "zeros", name="largest")
    ...
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))
    ...
    ...     def result(self):
    ...         return self.largest.value
    >>> metric = Largest()
    >>> float(metric([0, 0], [3.0, 5.0])), float(metric([0], [4.0]))
    (5.0, 5.0)
    """

    category = "metrics"

    # "up" where larger results are better, "down" where smaller ones are, None if nobody knows.
    direction: ClassVar[str | None] = None

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self._dtype = get_policy(standardize_dtype(None) if dtype is None else dtype).compute_dtype
        self._made: list[Variable] = []

    # ------------------------------------------------------------------ what a subclass defines

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Takes a batch into account."""
        raise NotImplementedError(f"{type(self).__name__} does not define `update_state`.")

    def result(self) -> Any:
        """Returns the value over all batches since the last reset: a scalar, or a dict of them."""
        raise NotImplementedError(f"{type(self).__name__} does not define `result`.")

    def reset_state(self) -> None:
        """Forgets all batches."""
        for variable in self.variables:
            variable.assign(jnp.zeros(variable.shape, variable.dtype))

    # -------------------------------------------------------------------------------- Variables

    @property
    def dtype(self) -> str:
        """What is computed and counted in."""
        return self._dtype

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any,
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Creates a Variable of the metric.

        Args:
            shape: its shape.
            initializer: a name, an initializer, or a function of `(shape, dtype)`.
            dtype: by default the process-wide float type.
            aggregation: how values are combined over devices.
            name: its name within the metric.
        """
        around = scope.current()
        before = around.layer_path
        around.layer_path = (*before, self.name.replace("/", ">"))
        try:
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=standardize_dtype(dtype),
                trainable=False,
                aggregation=aggregation,
                name=name,
                role="metric",
            )
        finally:
            around.layer_path = before
        self._made.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Creates a Variable of the metric; see `add_variable`."""
        return self.add_variable(shape, initializer or "zeros", dtype=dtype, name=name)

    def create_variables(self, *args: Any, **kwargs: Any) -> None:
        """Creates what `update_state` would create for a batch like this, and computes nothing.

        Args:
            *args, **kwargs: those of `update_state`: arrays, or what has their shape and dtype.
        """
        with scope.abstract_scope():
            jax.eval_shape(self.update_state, *args, **kwargs)

    # ----------------------------------------------------------------------------------- its use

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Takes a batch into account and returns the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(
        self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list[Any]:
        """Returns new values of `variables` for old ones and a batch; assigns nothing."""
        lifted = scope.pure(self.update_state, self.variables)
        return list(lifted(self._values(metric_variables), None, *args, **kwargs)[1])

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """Returns the result for given values of `variables`."""
        return scope.pure(self.result, self.variables)(self._values(metric_variables), None)[0]

    def stateless_reset_state(self) -> list[Any]:
        """Returns the values of `variables` after a reset; assigns nothing."""
        return list(scope.pure(self.reset_state, self.variables)(unwrap(self.variables), None)[1])

    def _values(self, metric_variables: Sequence[Any]) -> list[Any]:
        if len(metric_variables) != len(self.variables):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {len(self.variables)} Variables; "
                f"received {len(metric_variables)} values."
                + ("" if self.variables else "\nCall `create_variables` with a batch first.")
            )
        return unwrap(list(metric_variables))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
