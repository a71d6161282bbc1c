"""WeightMethods: the methods of a layer that concern its Variables, metrics and losses."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import jax.numpy as jnp
import numpy as np

from cornu import registry
from cornu.core.layer.variables import VariableScope, remove_duplicates, set_values
from cornu.core.state import scope, sharing
from cornu.core.state.dtypes import is_float
from cornu.core.state.tracking import VariableOwner, iterate_owned
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.types import (
    ArrayLike,
    ConstraintLike,
    DTypeLike,
    InitializerLike,
    RegularizerLike,
    ShapeLike,
)

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer

__all__ = ["WeightMethods"]


class WeightMethods(VariableOwner):
    """The methods of a Layer that concern what it owns: Variables, metrics and losses.

    A layer creates its Variables with `add_weight`; those of sublayers are found among the
    attributes.
    """

    built: bool
    _trainable: bool
    _weights_: list[Variable]
    _last_losses_: list[Any]

    if TYPE_CHECKING:  # what Layer defines

        @property
        def name(self) -> str: ...

        @property
        def variable_dtype(self) -> str: ...

        def _label_(self) -> str: ...

        def _sublayers_(self) -> list[Layer]: ...

    @property
    def trainable(self) -> bool:
        """Whether training updates the layer. Assignment also sets it for all sublayers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._sublayers_():
            layer.trainable = value

    def add_weight(
        self,
        shape: int | ShapeLike | None = None,
        initializer: InitializerLike | float | None = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: RegularizerLike | None = None,
        constraint: ConstraintLike | None = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Creates a Variable of the layer.

        Args:
            shape: the shape; by default `()`, a scalar.
            initializer: the name of an initializer, an initializer, a function of
                `(shape, dtype)`, or the initial value: a number or an array. The default is
                `"glorot_uniform"` for float dtypes and `"zeros"` for others.
            dtype: the dtype; by default `variable_dtype` of the layer.
            trainable: whether training updates the Variable.
            autocast: whether the layer casts the value to its compute dtype.
            regularizer: a function of the Variable whose value is added to the loss.
            constraint: a function that is applied to the value after each training step.
            aggregation: how values are combined over devices.
            overwrite_with_gradient: whether a training step replaces the value by the gradient,
                as for scaling factors of float8 computations.
            name: the name within the layer.

        Returns:
            The Variable. It is part of `weights` of the layer.
        """
        dtype = self.variable_dtype if dtype is None else dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float(jnp.dtype(dtype)) else "zeros"
        if isinstance(initializer, dict) or inspect.isclass(initializer):
            initializer = registry.resolve("initializers", initializer)
        with VariableScope(self):
            variable = Variable(
                initializer,
                shape=() if shape is None else shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
                role="param" if trainable else "state",
                regularizer=registry.resolve("regularizers", regularizer),
                constraint=registry.resolve("constraints", constraint),
            )
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._weights_.append(variable)
        return variable

    def add_variable(
        self,
        shape: int | ShapeLike,
        initializer: InitializerLike | float | None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: RegularizerLike | None = None,
        constraint: ConstraintLike | None = None,
        name: str | None = None,
    ) -> Variable:
        """Creates a Variable of the layer, as `add_weight` does.

        Args:
            shape, initializer, dtype, trainable, autocast, regularizer, constraint, name: as in
                `add_weight`; the first two are required.
        """
        return self.add_weight(
            shape, initializer, dtype, trainable, autocast, regularizer, constraint, name=name
        )

    def _own_variables_(self) -> list[Variable]:
        """Returns the weights of the layer without those of sublayers, trainable ones first."""
        own = [v for v in iterate_owned(self) if isinstance(v, Variable) and v.role != "metric"]
        # By role, not by `trainable`: files and `get_weights` depend on the order, which must not
        # change when a layer is frozen.
        return sorted(own, key=lambda v: v.role != "param")

    @property
    def weights(self) -> list[Variable]:
        """The Variables of the layer and its sublayers, without those of metrics."""
        inner = [v for layer in self._sublayers_() for v in layer.weights]
        return remove_duplicates(self._own_variables_() + inner)

    @property
    def variables(self) -> list[Variable]:
        """The Variables of the layer and its sublayers, without `metrics_variables`."""
        return self.weights

    @property
    def _all_variables_(self) -> list[Variable]:
        """The Variables of the layer, its sublayers and their metrics, with all their parts."""
        counted = [part for v in self.metrics_variables for part in v._parts_]
        return remove_duplicates(self.weights + counted)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The Variables that training updates by gradients."""
        return self._unfrozen_variables_() if self._trainable else []

    def _unfrozen_variables_(self) -> list[Variable]:
        """Returns the Variables that training updates if a layer around this one is trained.

        As in Keras, a layer may be trained within a frozen one: freezing a layer freezes those
        within it, of which some may be made trainable again.
        """
        own: list[Variable] = []
        if self._trainable:
            # The role is that of creation, `trainable` may have been changed since.
            own = [v for v in self._own_variables_() if v.trainable and v.role == "param"]
        for layer in self._sublayers_():
            own += layer.trainable_variables if layer.trainable else layer._unfrozen_variables_()
        return remove_duplicates(own)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The Variables that training does not update by gradients."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trainable]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training updates by gradients."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not update by gradients."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and its sublayers."""
        own = [
            owned
            for owned in iterate_owned(self)
            if isinstance(owned, VariableOwner) and owned._category_ == "metrics"
        ]
        return own + [metric for layer in self._sublayers_() for metric in layer.metrics]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The Variables of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """Returns the values of `weights` as NumPy arrays, which `set_weights` takes.

        Example:

        >>> import cornu
        >>> layer = cornu.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> [array.shape for array in layer.get_weights()]
        [(3, 2), (2,)]
        """
        return sharing.copy_to_host(self.weights)

    @api_boundary
    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Sets the values of `weights`.

        Args:
            weights: an array for each weight, in the order of `get_weights()`.

        Raises:
            ValueError: the number of arrays or a shape differs. No weight is changed then.
        """
        set_values(self, list(weights))

    @api_boundary
    def count_params(self) -> int:
        """Returns the total number of elements of the weights.

        Raises:
            ValueError: the layer is not built.
        """
        if not self.built:
            raise ValueError(
                f"{self._label_()} is not built, so its weights are not known. "
                "Call it on an input, or pass an input shape."
            )
        return sum(v.size for v in self.weights)

    def add_metric(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises a NotImplementedError, as in Keras; see the message for what to do instead.

        Args:
            *args, **kwargs: the arguments of Keras 2.
        """
        raise NotImplementedError(
            f"{self._label_()}: `add_metric` is not supported.\nPass the metric to "
            "`Model.compile(metrics=[...])`; or create it in the constructor and call its "
            "`update_state` in `call`."
        )

    def add_loss(self, loss: ArrayLike | Sequence[ArrayLike]) -> None:
        """Adds a scalar, or several scalars, to the loss of the current step. `call` may call it.

        Args:
            loss: a scalar array or a list of them; the sum of all is added.
        """
        scope.current().losses.extend(loss if isinstance(loss, (list, tuple)) else [loss])

    @property
    def losses(self) -> list[Any]:
        """The losses added by the last call, and those of regularizers."""
        regularized = [
            v.regularizer(v) for v in self.trainable_variables if v.regularizer is not None
        ]
        around = scope.current()
        added = self._last_losses_ if around.parent is None else around.losses
        return list(added) + regularized
