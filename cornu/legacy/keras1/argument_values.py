"""Argument values of Keras 1: names of initializers, activations, regularizers and so on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cornu import registry
from cornu.core.state.initial_value import DeferrableInitializer
from cornu.core.state.variable import Variable
from cornu.errors import suggest
from cornu.legacy.activations import hard_sigmoid
from cornu.legacy.regularizers import SummedActivityRegularizer
from cornu.parts import activations, constraints, regularizers
from cornu.parts import initializers as modern
from cornu.parts.initializers.base import numpy_dtype
from cornu.parts.initializers.scaled import Distribution, FanMode

__all__ = [
    "ACTIVATIONS",
    "CONSTRAINTS",
    "INITIALIZERS",
    "REGULARIZERS",
    "VALUE_CONVERTERS",
    "ArrayInitializer",
    "FunctionInitializer",
    "PerGateInitializer",
    "SummedActivityRegularizer",
    "convert_border_mode",
    "convert_dim_ordering",
    "get_activation",
    "get_activity_regularizer",
    "get_constraint",
    "get_initializer",
    "get_regularizer",
    "hard_sigmoid",
    "image_dim_ordering",
    "set_image_dim_ordering",
]

_FORMATS = {"th": "channels_first", "tf": "channels_last"}
_ordering = {"default": "tf"}


def image_dim_ordering() -> str:
    """Returns "tf" (channels last) or "th" (channels first)."""
    return _ordering["default"]


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Sets the meaning of `dim_ordering="default"`."""
    _ordering["default"] = (
        dim_ordering if dim_ordering in _FORMATS else _raise_unknown_ordering(dim_ordering)
    )


def convert_dim_ordering(dim_ordering: str | None) -> str:
    """Converts a `dim_ordering` to a `data_format`."""
    ordering = _ordering["default"] if dim_ordering in ("default", None) else dim_ordering
    return _FORMATS[ordering] if ordering in _FORMATS else _raise_unknown_ordering(ordering)


def _raise_unknown_ordering(dim_ordering: Any) -> str:
    raise ValueError(f"dim_ordering must be 'tf' or 'th'. Received: {dim_ordering!r}")


def convert_border_mode(border_mode: str) -> str:
    """Validates a `border_mode`, which is the `padding` of Keras 3."""
    if border_mode not in ("valid", "same"):
        raise ValueError(
            f"border_mode must be 'valid' or 'same' ('full' requires Theano). "
            f"Received: {border_mode!r}"
        )
    return border_mode


# ------------------------------------------------------------------------------------ initializers


def _freeze(initializer: Any) -> Any:
    """Returns an initializer with the values that a call would return now."""
    is_deferrable = isinstance(initializer, DeferrableInitializer)
    return initializer._freeze_() if is_deferrable else initializer


@registry.register_keras_serializable(package="keras1", name="Gates")
class PerGateInitializer(modern.Initializer):
    """Initializes the gates of a recurrent layer separately, as blocks along the last axis.

    Keras 1 has one array per gate, so that Glorot limits and orthogonality refer to one gate.

    Args:
        parts: an initializer for each gate.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = [modern.get(part) for part in parts]

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        block = (*shape[:-1], shape[-1] // len(self.parts))
        values = np.empty(tuple(shape), numpy_dtype(dtype))
        for i, part in enumerate(self.parts):  # one gate in memory at a time
            values[..., i * block[-1] : (i + 1) * block[-1]] = part(block, dtype)
        return values

    def _freeze_(self) -> PerGateInitializer:
        # The kernel of a layer on the features of a picture may have gigabytes.
        return PerGateInitializer([_freeze(part) for part in self.parts])


@registry.register_keras_serializable(package="keras1", name="Drawn")
class FunctionInitializer(modern.Initializer):
    """Wraps an initializer function with the signature of Keras 1, `function(shape, name=None)`.

    Args:
        function: a function that returns an array or a Variable.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        value = self.function(tuple(shape), name=None)
        return np.asarray(value.numpy() if isinstance(value, Variable) else value, dtype)


class ArrayInitializer(modern.Initializer):
    """An array from the `weights` argument of a layer.

    Its config is that of zeros, so that configs contain no arrays; a saved model contains the
    weights anyway.

    Args:
        array: the values.
    """

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        if self.array.shape != tuple(shape):
            raise ValueError(
                f"weights: expected an array of shape {tuple(shape)}. "
                f"Received shape {self.array.shape}"
            )
        return self.array.astype(dtype or "float32")

    def _public_name_(self) -> tuple[str, str]:
        """Returns the registered name of `Zeros`."""
        return "keras.initializers", "Zeros"

    def get_config(self) -> dict[str, Any]:
        """Returns an empty config."""
        return {}


def _scaled(scale: float, mode: FanMode, distribution: Distribution) -> Callable[[], Any]:
    return lambda: modern.VarianceScaling(scale, mode, distribution)


# Keras 1 does not truncate normal distributions, and scales orthogonal matrices by 1.1.
INITIALIZERS: dict[str, Callable[[], Any]] = {
    "uniform": lambda: modern.RandomUniform(-0.05, 0.05),
    "normal": lambda: modern.RandomNormal(0.0, 0.05),
    "lecun_uniform": _scaled(1.0, "fan_in", "uniform"),
    "glorot_normal": _scaled(1.0, "fan_avg", "untruncated_normal"),
    "glorot_uniform": _scaled(1.0, "fan_avg", "uniform"),
    "he_normal": _scaled(2.0, "fan_in", "untruncated_normal"),
    "he_uniform": _scaled(2.0, "fan_in", "uniform"),
    "orthogonal": lambda: modern.Orthogonal(1.1),
    "identity": lambda: modern.Identity(1.0),
    "zero": modern.Zeros,
    "one": modern.Ones,
}


def get_initializer(init: Any) -> Any:
    """Returns the initializer for a name, a function `f(shape, name=None)` or a config."""
    # ParametricSoftplus has numbers as initial values.
    if init is None or isinstance(init, (modern.Initializer, dict, float, int)):
        return init
    if callable(init):
        return FunctionInitializer(init)
    return _look_up("initialization", init, INITIALIZERS)()


# ------------------------------------------------------------------------------------- activations


ACTIVATIONS = {
    "elu": activations.elu,
    "hard_sigmoid": hard_sigmoid,
    "linear": activations.linear,
    "relu": activations.relu,
    "sigmoid": activations.sigmoid,
    "softmax": activations.softmax,
    "softplus": activations.softplus,
    "softsign": activations.softsign,
    "tanh": activations.tanh,
}


def get_activation(name: Any) -> Any:
    """Returns the activation with a name; returns functions unchanged."""
    return _look_up("activation", name, ACTIVATIONS) if isinstance(name, str) else name


# ------------------------------------------------------------------------ penalties and constraints


REGULARIZERS: dict[str, Callable[[], Any]] = {
    "l1": lambda: regularizers.L1L2(l1=0.01),
    "l2": lambda: regularizers.L1L2(l2=0.01),
    "l1l2": lambda: regularizers.L1L2(0.01, 0.01),
    "activity_l1": lambda: regularizers.L1L2(l1=0.01),
    "activity_l2": lambda: regularizers.L1L2(l2=0.01),
    "activity_l1l2": lambda: regularizers.L1L2(0.01, 0.01),
}
CONSTRAINTS: dict[str, Callable[[], Any]] = {
    "maxnorm": constraints.MaxNorm,
    "nonneg": constraints.NonNeg,
    "unitnorm": constraints.UnitNorm,
}


def get_regularizer(identifier: Any) -> Any:
    """Returns the regularizer with a name; returns objects unchanged."""
    if isinstance(identifier, str):
        return _look_up("regularizer", identifier, REGULARIZERS)()
    return identifier


def get_activity_regularizer(identifier: Any) -> Any:
    """Returns a regularizer of outputs, summed over the batch."""
    found = get_regularizer(identifier)
    return None if found is None else SummedActivityRegularizer(found)


def get_constraint(identifier: Any) -> Any:
    """Returns the constraint with a name; returns objects unchanged."""
    if isinstance(identifier, str):
        return _look_up("constraint", identifier, CONSTRAINTS)()
    return identifier


def _look_up(kind: str, name: Any, table: Mapping[str, Any]) -> Any:
    if isinstance(name, str) and name in table:
        return table[name]
    raise ValueError(f"Keras 1 has no {kind} {name!r}. {suggest(str(name), table)}")


# Old argument names whose values are converted, in all signatures.
VALUE_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "init": get_initializer,
    "inner_init": get_initializer,
    "forget_bias_init": get_initializer,
    "beta_init": get_initializer,
    "gamma_init": get_initializer,
    "t_left_init": get_initializer,
    "a_left_init": get_initializer,
    "t_right_init": get_initializer,
    "a_right_init": get_initializer,
    "activation": get_activation,
    "inner_activation": get_activation,
    "W_regularizer": get_regularizer,
    "U_regularizer": get_regularizer,
    "b_regularizer": get_regularizer,
    "beta_regularizer": get_regularizer,
    "gamma_regularizer": get_regularizer,
    "depthwise_regularizer": get_regularizer,
    "pointwise_regularizer": get_regularizer,
    "activity_regularizer": get_activity_regularizer,
    "W_constraint": get_constraint,
    "b_constraint": get_constraint,
    "depthwise_constraint": get_constraint,
    "pointwise_constraint": get_constraint,
    "dim_ordering": convert_dim_ordering,
    "border_mode": convert_border_mode,
}
