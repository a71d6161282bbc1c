"""Metric: a quantity that is accumulated over batches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp

from cornu.core.graph.op import unwrap
from cornu.core.state import scope
from cornu.core.state.accumulator import Accumulator, zeros
from cornu.core.state.dtype_policy import DTypePolicy, get_policy
from cornu.core.state.dtypes import is_float, standardize_dtype
from cornu.core.state.tracking import VariableOwner, iterate_owned
from cornu.core.state.variable import Variable
from cornu.errors import quantity
from cornu.names import auto_name, check_name, printable
from cornu.parts import initializers
from cornu.types import Array, ArrayLike, Config, DTypeLike, InitializerLike

__all__ = ["Metric"]


class Metric(VariableOwner):
    """Base class of metrics: `update_state` accumulates a batch, `result` returns the value so far.

    A subclass creates its Variables with `add_variable`, in the constructor or when the first
    batch determines their shape, and assigns them in `update_state`, which is compiled as part of
    a training step.

    Args:
        dtype: the dtype or dtype policy of the computation; by default the process-wide float type.
            Sums of a shorter float are computed in float32.
        name: the metric's name in logs.

    Fixes: `assign_add` of a float32 Variable is exact for counts up to 2**48 (see `add_variable`);
    in Keras, it stops at 2**24. Metrics in half precision have Variables and results in float32; in
    Keras, a float16 sum above 65504 is infinite.

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

    _category_ = "metrics"

    # "up" if larger results are better, "down" if smaller ones are, None if unknown.
    direction: ClassVar[Literal["up", "down"] | None] = None
    # The sizes in the first batch for which the Variables were created, if they depend on them.
    _built_for_: Any = None

    def __init__(
        self, dtype: DTypeLike | DTypePolicy | None = None, name: str | None = None
    ) -> None:
        if name is not None:
            check_name("A metric's name", name)
        self.name = name or auto_name(type(self).__name__)
        # The float type and not the dtype policy, as in losses.
        self._dtype = get_policy(standardize_dtype(None) if dtype is None else dtype).compute_dtype
        # Owned in the order of creation, even if the subclass keeps no attribute for them.
        self._created_: list[Variable] = []

    # ------------------------------------------------------------------ what a subclass defines

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Accumulates a batch. A subclass defines it with parameters of its own.

        Args:
            *args, **kwargs: usually `y_true`, `y_pred` and `sample_weight`: labels, predictions and
                the weights of the rows.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `update_state`.")

    def result(self) -> Array | dict[str, Array]:
        """Returns the value over all batches since the last reset: an array or a dict of arrays."""
        raise NotImplementedError(f"{type(self).__name__} does not define `result`.")

    def reset_state(self) -> None:
        """Sets all Variables to zero."""
        for variable in self.variables:
            # As in Keras, to zero, whatever the initializer.
            variable.assign(zeros(variable.shape, variable.dtype))

    # -------------------------------------------------------------------------------- Variables

    @property
    def dtype(self) -> str:
        """The dtype of the computation."""
        return self._dtype

    @property
    def _sum_dtype_(self) -> str:
        """The dtype of sums: that of the computation, and float32 for shorter floats."""
        return _widen(self._dtype)

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: InitializerLike,
        dtype: DTypeLike | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Creates a Variable of the metric.

        If the dtype is float32, what `assign_add` would lose by rounding is kept in another
        Variable, which `variables` does not list, and added later: a sum of 10**9 ones is exact.

        Args:
            shape: the shape.
            initializer: a name, an initializer, or a function of `(shape, dtype)`.
            dtype: by default the process-wide float type; at least float32 for floats.
            aggregation: how the values of several devices are combined.
            name: the name within the metric.
        """
        current = scope.current()
        # Metric names may contain "/", which separates the parts of a path.
        outer = current.layer_path
        current.layer_path = (*outer, self.name.replace("/", ">"))
        try:
            wide = _widen(standardize_dtype(dtype))
            # The type of the state is no choice of the subclass: most add to it.
            make = Accumulator if wide == "float32" else partial(Variable, dtype=wide)
            variable = make(
                initializers.get(initializer),
                shape=shape,
                trainable=False,
                aggregation=aggregation,
                name=name,
                role="metric",
            )
        finally:
            current.layer_path = outer
        self._created_.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: InitializerLike | None = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> Variable:
        """Creates a Variable of the metric, as `add_variable` does with other defaults.

        Args:
            shape: the shape; a scalar by default.
            initializer: a name, an initializer, or a function of `(shape, dtype)`; zeros by
                default.
            dtype: by default the process-wide float type; at least float32 for floats.
            name: the name within the metric.
        """
        return self.add_variable(shape, initializer or "zeros", dtype=dtype, name=name)

    def create_variables(self, *args: Any, **kwargs: Any) -> None:
        """Creates the Variables that `update_state` creates for the first batch; computes nothing.

        Args:
            *args, **kwargs: the arguments of `update_state`: arrays, or objects with their shape
                and dtype.
        """
        with scope.abstract_scope():
            jax.eval_shape(self.update_state, *args, **kwargs)

    # Called by the library, so that a subclass may use the plain name for something else.
    _create_variables_ = create_variables

    def _build_(self, sizes: Any) -> None:
        """Creates the Variables whose shapes depend on the first batch, and sets `_built_for_`."""

    def _metrics_(self) -> list[Metric]:
        """Returns this metric, and those that it consists of."""
        return [self, *(part for part in iterate_owned(self) if isinstance(part, Metric))]

    def _live_state_(self) -> Config:
        return {"built_for": self._built_for_, "names": [m.name for m in self._metrics_()]}

    def _set_live_state_(self, state: Config) -> None:
        # A config may have None, for a generated name.
        for metric, name in zip(self._metrics_(), state["names"], strict=False):
            metric.name = name
        if state["built_for"] is not None and self._built_for_ is None:
            self._build_(state["built_for"])

    # ----------------------------------------------------------------------------------- its use

    def __call__(self, *args: Any, **kwargs: Any) -> Array | dict[str, Array]:
        """Accumulates a batch and returns the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(
        self, metric_variables: Sequence[ArrayLike], *args: Any, **kwargs: Any
    ) -> list[Array]:
        """Returns the values of `variables` after a batch, given those before; assigns nothing.

        Args:
            metric_variables: a value for each Variable in `variables`, in their order.
            *args, **kwargs: the arguments of `update_state`.

        Note: one float32 array per Variable holds a sum, as in Keras, so that a count of single
        samples stops at 2**24. `update_state`, and so `fit`, keeps the rounding errors as well;
        `cornu.pure(metric.update_state, variables)` does if `variables` includes the `residual` of
        each Variable that has one.
        """
        lifted = scope.pure(self.update_state, self.variables)
        return list(lifted(self._values_(metric_variables), None, *args, **kwargs)[1])

    def stateless_result(self, metric_variables: Sequence[ArrayLike]) -> Array | dict[str, Array]:
        """Returns the result, given values of `variables`.

        Args:
            metric_variables: a value for each Variable in `variables`, in their order.

        Raises:
            ValueError: the number of values differs.
        """
        lifted = scope.pure(self.result, self.variables)
        result: Array | dict[str, Array] = lifted(self._values_(metric_variables), None)[0]
        return result

    def stateless_reset_state(self) -> list[Array]:
        """Returns the values of `variables` after a reset; assigns nothing."""
        return list(scope.pure(self.reset_state, self.variables)(unwrap(self.variables), None)[1])

    def _values_(self, metric_variables: Sequence[ArrayLike]) -> list[Array]:
        if len(metric_variables) != len(self.variables):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {len(self.variables)} Variables; "
                f"received {quantity(len(metric_variables), 'value')}."
                + ("" if self.variables else "\nCall `create_variables` with a batch first.")
            )
        values: list[Array] = unwrap(list(metric_variables))
        return values

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={printable(self.name)}>"


def _widen(dtype: str) -> str:
    # In half precision, a sum stops growing when the terms are small against it.
    return "float32" if is_float(dtype) and jnp.dtype(dtype).itemsize < 4 else dtype
