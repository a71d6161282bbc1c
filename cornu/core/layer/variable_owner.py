"""Weighted: names, dtypes and Variables of something that owns Variables and the like of itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from cornu import registry
from cornu.core.state import scope
from cornu.core.state.dtypes import DTypePolicy, get_policy, is_float
from cornu.core.state.tracking import VariableOwner, iterate_owned, owning_attributes
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.names import auto_name

__all__ = ["Weighted", "naming_build"]


class Weighted(VariableOwner):
    """The part of a Layer that has a name, a dtype policy, Variables and losses."""

    # Under which names attributes are saved, where Keras calls them otherwise.
    saved_names: ClassVar[dict[str, str]] = {}
    # Attributes that are not looked at when the layer computes.
    bookkeeping: ClassVar[frozenset[str]] = frozenset(
        ("_name", "_constructed_with", "_building", "_last_losses")
    )

    built: bool
    _name: str
    _trainable: bool
    _policy: DTypePolicy | None
    _building: bool
    _weights: list[Variable]
    _last_losses: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls, *args, **kwargs)
        # Set here, so that a subclass that forgets super().__init__() still works.
        self.built = False
        self._name = ""
        self._trainable = True
        self._policy = None
        self._building = False
        self._weights = []
        self._last_losses = []
        return self

    # -------------------------------------------------------------------------------- attributes

    @property
    def name(self) -> str:
        """The layer's name."""
        if not self._name:
            self._name = auto_name(type(self).__name__)
        return self._name

    @property
    def dtype_policy(self) -> DTypePolicy:
        """What the layer computes in and what it stores."""
        if self._policy is None:
            self._policy = get_policy(None)
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._policy = get_policy(value)

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation and of outputs."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the Variables."""
        return self.dtype_policy.variable_dtype

    @property
    def dtype(self) -> str:
        """The dtype of the Variables."""
        return self.variable_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self.compute_dtype

    @property
    def trainable(self) -> bool:
        """Whether training changes the layer; setting it sets it for all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.sublayers():
            layer.trainable = value

    # --------------------------------------------------------------------------------- Variables

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Creates a Variable of the layer.

        Args:
            shape: its shape, `()` by default.
            initializer: a name, an initializer, or a function of `(shape, dtype)`; by default
                Glorot uniform for floats and zeros otherwise.
            dtype: by default the layer's variable dtype.
            trainable: whether training changes it.
            autocast: whether it is read in the layer's compute dtype.
            regularizer: a function of it whose value is added to the loss.
            constraint: a function applied to it after each training step.
            aggregation: how values are combined over devices.
            overwrite_with_gradient: whether its gradient is its next value.
            name: its name within the layer.
        """
        shape = () if shape is None else shape
        dtype = self.variable_dtype if dtype is None else dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float(jnp.dtype(dtype)) else "zeros"
        with _Within(self):
            variable = Variable(
                registry.resolve("initializers", initializer),
                shape=shape,
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
        self._weights.append(variable)
        return variable

    add_variable = add_weight

    def sublayers(self) -> list[Any]:
        """Returns the layers that this one owns directly, in the order of the attributes."""
        return [thing for thing in iterate_owned(self) if isinstance(thing, Weighted)]

    def saved_attributes(self) -> list[tuple[str, Any]]:
        """Returns the attributes by the names under which layers in them are saved, in order."""
        named = [
            (self.saved_names.get(name, name), value) for name, value in owning_attributes(self)
        ]
        return sorted(named, key=lambda part: (part[0].startswith("_"), part[0]))

    def structural_attributes(self) -> dict[str, Any]:
        """Returns everything beside the class that determines what the layer computes."""
        return {k: v for k, v in vars(self).items() if k not in self.bookkeeping}

    def own_variables(self) -> list[Variable]:
        """Returns the layer's own weights, those that are trained first."""
        own = [v for v in iterate_owned(self) if isinstance(v, Variable) and v.role != "metric"]
        return sorted(own, key=lambda v: v.role != "param")

    @property
    def weights(self) -> list[Variable]:
        """The Variables of the layer and of the layers inside, without those of metrics."""
        return _unique(
            self.own_variables() + [v for layer in self.sublayers() for v in layer.weights]
        )

    @property
    def variables(self) -> list[Variable]:
        """The Variables of the layer and of the layers inside; see `metrics_variables`."""
        return self.weights

    @property
    def all_variables(self) -> list[Variable]:
        """Those of the layer and of the layers and metrics inside: what a call may touch."""
        return _unique(self.weights + self.metrics_variables)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The Variables that training changes."""
        if not self._trainable:
            return []
        own = [v for v in self.own_variables() if v.trainable and v.role == "param"]
        return _unique(own + [v for la in self.sublayers() for v in la.trainable_variables])

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The Variables that training does not change by gradients."""
        trained = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trained]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change by gradients."""
        trained = {id(v) for v in self.trainable_variables}
        return [v for v in self.weights if id(v) not in trained]

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and of the layers inside."""
        own = [
            thing
            for thing in iterate_owned(self)
            if isinstance(thing, VariableOwner) and (thing.category == "metrics")
        ]
        return own + [metric for layer in self.sublayers() for metric in layer.metrics]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The Variables of those metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """Returns the values of `weights` as NumPy arrays."""
        return [v.numpy() for v in self.weights]

    @api_boundary
    def set_weights(self, weights: Any) -> None:
        """Sets the values of `weights`, in the order of `get_weights()`.

        Raises:
            ValueError: the number or a shape differs; nothing is changed then.
        """
        own = self.weights
        values = list(weights)
        if len(own) != len(values):
            raise ValueError(
                f"{self._label()} has {len(own)} weights; received {len(values)} arrays."
                + (f"\nExpected, in this order: {_listed(own)}." if own else "")
                + ("" if self.built else "\nThe layer is not built: call it on an input first.")
            )
        for variable, value in zip(own, values, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"{self._label()}: weight {variable.path!r} has the shape {variable.shape}; "
                    f"received {tuple(np.shape(value))}. No weight was changed."
                    + ("\nPass its transpose." if np.shape(value)[::-1] == variable.shape else "")
                )
        for variable, value in zip(own, values, strict=True):
            variable.assign(value)

    @api_boundary
    def count_params(self) -> int:
        """Returns the number of elements in all weights."""
        if not self.built:
            raise ValueError(
                f"{self._label()} is not built, so that its weights are not known. "
                "Call it on an input, or give it an input shape."
            )
        return sum(v.size for v in self.weights)

    # ------------------------------------------------------------------------------------ losses

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar (or scalars) to the loss of the step that is running."""
        scope.current().losses.extend(loss if isinstance(loss, (list, tuple)) else [loss])

    @property
    def losses(self) -> list[Any]:
        """Losses of regularizers, and those added in the last call."""
        regularized = [
            v.regularizer(v) for v in self.trainable_variables if v.regularizer is not None
        ]
        around = scope.current()
        added = self._last_losses if around.parent is None else around.losses
        return list(added) + regularized

    def _label(self) -> str:
        return f"{type(self).__name__} layer {self.name!r}"


class _Within:
    """A `with` block in which Variables get paths below a layer, at full precision."""

    def __init__(self, layer: Weighted) -> None:
        self.layer = layer

    def __enter__(self) -> None:
        around = scope.current()
        self.before = (around.layer_path, around.compute_dtype)
        if around.layer_path[-1:] != (self.layer.name,):
            around.layer_path = (*around.layer_path, self.layer.name)
        around.compute_dtype = None

    def __exit__(self, *_: Any) -> None:
        around = scope.current()
        around.layer_path, around.compute_dtype = self.before


def naming_build(build: Callable[..., None]) -> Callable[..., None]:
    """Wraps a `build`, so that Variables get paths below the layer and `built` is set."""

    @functools.wraps(build)
    def named(self: Weighted, *args: Any, **kwargs: Any) -> None:
        if self._building:  # super().build() of a subclass
            return build(self, *args, **kwargs)
        self._building = True
        try:
            with _Within(self):
                build(self, *args, **kwargs)
        finally:
            self._building = False
        self.built = True
        return None

    return named


def _listed(variables: list[Variable], most: int = 8) -> str:
    shown = ", ".join(f"{v.path} {v.shape}" for v in variables[:most])
    return f"{shown}, ..." if len(variables) > most else shown


def _unique(variables: list[Variable]) -> list[Variable]:
    return list({id(v): v for v in variables}.values())
