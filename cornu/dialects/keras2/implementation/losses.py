"""Losses of Keras 2: functions of `(y_true, y_pred)`, classes since 2.3, and their names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from cornu import losses, registry
from cornu.core.state import scope
from cornu.dialects.keras2.implementation.version import VERSIONS, Version
from cornu.dialects.old_signatures import class_with_signature, function_of_today, with_signature
from cornu.dialects.part_configs import PartConfigs, create_part
from cornu.errors import suggest
from cornu.legacy.keras1 import objectives
from cornu.registry.custom_objects import registered_names
from cornu.types import Config

__all__ = ["FUNCTIONS", "Reduction", "full_name", "get", "make_classes", "make_functions"]

Function = Callable[..., Any]

# The functions of Keras 1 with the same formula, and those that Keras 2 changed and added.
FUNCTIONS: dict[str, Function] = {
    **objectives.FUNCTIONS,
    "categorical_hinge": losses.categorical_hinge,
    "cosine_proximity": losses.cosine_similarity,
    "logcosh": losses.log_cosh,
}
_SHORT = objectives.SHORT
# Names that Keras 2.3 and tf.keras added.
_LATER: dict[str, Function] = {
    "bce": losses.binary_crossentropy,
    "BCE": losses.binary_crossentropy,
    "cosine_similarity": losses.cosine_similarity,
    "huber_loss": losses.huber,
}
_TENSORFLOW: dict[str, Function] = {
    "huber": losses.huber,
    "kl_divergence": losses.kl_divergence,
    "log_cosh": losses.log_cosh,
    "binary_focal_crossentropy": losses.binary_focal_crossentropy,
    "categorical_focal_crossentropy": losses.categorical_focal_crossentropy,
}
# tf.keras converts the labels 0 and 1 of hinge losses to -1 and 1, as today.
_CONVERTING = {"hinge": losses.hinge, "squared_hinge": losses.squared_hinge}

_CLASSES = (
    *("BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity"),
    *("Hinge", "Huber", "KLDivergence", "LogCosh", "Loss", "MeanAbsoluteError"),
    *("MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError"),
    *("Poisson", "SparseCategoricalCrossentropy", "SquaredHinge"),
)
_TENSORFLOW_CLASSES = ("BinaryFocalCrossentropy", "CategoricalFocalCrossentropy")
_REDUCTION = "reduction='sum_over_batch_size'"
# Constructors of Keras 2.3 and of tf.keras, without `dtype`, where more differs from today.
_SIGNATURES = {
    "BinaryCrossentropy": f"from_logits=False, label_smoothing=0, {_REDUCTION}, "
    "name='binary_crossentropy'",
    "CategoricalCrossentropy": f"from_logits=False, label_smoothing=0, {_REDUCTION}, "
    "name='categorical_crossentropy'",
    "KLDivergence": f"{_REDUCTION}, name='kullback_leibler_divergence'",
    "LogCosh": f"{_REDUCTION}, name='logcosh'",
    "Loss": f"{_REDUCTION}, name=None",
    "SparseCategoricalCrossentropy": f"from_logits=False, {_REDUCTION}, "
    "name='sparse_categorical_crossentropy'",
}
_TENSORFLOW_SIGNATURES = {
    "Loss": f"{_REDUCTION}, name=None",
    "SparseCategoricalCrossentropy": f"from_logits=False, ignore_class=None, {_REDUCTION}, "
    "name='sparse_categorical_crossentropy'",
}


class Reduction:
    """The names of reductions; AUTO, of tf.keras, is SUM_OVER_BATCH_SIZE."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """Returns all names."""
        return (cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: str) -> None:
        """Checks a name.

        Raises:
            ValueError: it is not the name of a reduction.
        """
        if key not in cls.all():
            raise ValueError(f"reduction must be in {', '.join(cls.all())}. Received: {key!r}")


class _TensorflowConfigs(PartConfigs):
    """Mixin with the configs of tf.keras, which have the name of the function of a loss."""

    def __init__(self, *args: Any, reduction: Any = Reduction.AUTO, **kwargs: Any) -> None:
        found = Reduction.SUM_OVER_BATCH_SIZE if reduction == Reduction.AUTO else reduction
        super().__init__(*args, reduction=found, **kwargs)  # type: ignore[call-arg]  # of today
        self._reduction_given = reduction

    def get_config(self) -> Config:
        """Returns the arguments of the constructor, with "auto" if it was given."""
        config = {**super().get_config(), "reduction": self._reduction_given}
        if isinstance(self, losses.FunctionLoss):
            config["fn"] = objectives.function_name(self.fn)
        return config

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates a loss from a config of tf.keras, or from one of today."""
        kept = {name: value for name, value in config.items() if name != "fn"}
        return super().from_config(kept, custom_objects)

    def _config_of_today_(self: Any) -> Config:
        return {**super()._config_of_today_(), "reduction": self.reduction}

    def _stored_config_(self) -> Config:
        config = super()._stored_config_()
        return {**config, "reduction": self._reduction_given} if registry.is_copying() else config


class OverAllSteps:
    """Mixin with the mean of Keras 2.3: masked values are zeros, and count.

    sum(mask * weight * value) / (number of all values)
    """

    def _reduce_(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        total = super()._reduce_(y_true, y_pred, sample_weight)  # type: ignore[misc]
        around = scope.current()
        mask, rows = around.masks.get(y_pred), around.row_mask
        if mask is None:
            return total
        # Rows that fill up a partial batch are not samples.
        data = None if rows is None else jnp.reshape(rows != 0, (-1,) + (1,) * (mask.ndim - 1))
        return total * jnp.mean(mask, where=data, dtype=total.dtype)


@registry.register_keras_serializable(package="keras2_3")
class FunctionOverAllSteps(OverAllSteps, losses.FunctionLoss):
    """A function of `(y_true, y_pred)` as a loss of Keras 2.3."""


@functools.cache
def _over_all_steps(cls: type) -> type:
    body = {"__module__": __name__, "__doc__": cls.__doc__}
    made = type(cls.__name__, (PartConfigs, OverAllSteps, cls), body)
    if cls in registered_names:
        registered_names[made] = registered_names[cls]
    return made


def make_functions(version: Version) -> dict[str, Function]:
    """Returns the functions of a version by all of their names."""
    found = dict(FUNCTIONS)
    if not version.renames_accuracy:
        found |= _LATER | {"LossFunctionWrapper": losses.FunctionLoss}
        found["sparse_categorical_crossentropy"] = with_signature(
            losses.sparse_categorical_crossentropy,
            "y_true, y_pred, from_logits=False, axis=-1, ignore_class=None",
        )
    if version.source.is_tensorflow:
        found |= _TENSORFLOW | _CONVERTING
    return found | {short: found[name] for short, name in _SHORT.items()}


def make_classes(version: Version) -> dict[str, type[Any]]:
    """Returns the classes of a version; Keras 2.2 has none."""
    if version.renames_accuracy:
        return {}
    names = _CLASSES + (_TENSORFLOW_CLASSES if version.source.is_tensorflow else ())
    found = {name: getattr(losses, name) for name in names}
    if version.source.is_tensorflow:
        return {
            name: class_with_signature(
                _of_tensorflow(cls),
                _signature_of_tensorflow(name),
                losses.Loss if name == "Loss" else None,
                reference=(find_class, version.number, name),
            )
            for name, cls in found.items()
        }
    return {
        name: class_with_signature(
            cls if name == "Loss" else _over_all_steps(cls),
            _SIGNATURES.get(name) or _signature_of_today(cls),
            losses.Loss if name == "Loss" else None,
            reference=(find_class, version.number, name),
        )
        for name, cls in found.items()
    }


@functools.cache
def _of_tensorflow(cls: type) -> type:
    body = {"__module__": __name__, "__doc__": cls.__doc__}
    return type(cls.__name__, (_TensorflowConfigs, cls), body)


def find_class(number: str, name: str) -> type:
    """Returns the class of a loss; pickles refer to this function.

    Args:
        number: the number of the version.
        name: the name of the class.
    """
    return make_classes(VERSIONS[number])[name]


def _signature_of_today(cls: type) -> str:
    """Returns the parameters of a class without `dtype`, which Keras 2 does not have."""
    parameters = inspect.signature(cls).parameters.values()
    return ", ".join(f"{p.name}={p.default!r}" for p in parameters if p.name != "dtype")


def _signature_of_tensorflow(name: str) -> str:
    own = _TENSORFLOW_SIGNATURES.get(name) or _signature_of_today(getattr(losses, name))
    return own.replace(_REDUCTION, "reduction='auto'")


def full_name(name: str) -> str:
    """Returns the whole name of a loss that may be abbreviated."""
    return _SHORT.get(name, name)


def get(identifier: Any, version: Version) -> Any:
    """Returns the loss for a name, a function or an object.

    Args:
        identifier: the name or the function; losses are returned unchanged.
        version: the version whose names and weighting are used.

    Raises:
        ValueError: the version has no such loss.
    """
    if identifier is None or isinstance(identifier, losses.Loss):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, losses.Loss):
        return identifier()
    classes = make_classes(version)
    if isinstance(identifier, dict):
        return create_part(identifier, classes.get, losses.get)
    # Keras 2.2 divides weighted losses by the number of weights that are not 0.
    kind: type[losses.FunctionLoss] = FunctionOverAllSteps
    if version.source.is_tensorflow:
        kind = losses.FunctionLoss
    elif version.renames_accuracy:
        kind = objectives.Objective
    if not isinstance(identifier, str):
        name = objectives.function_name(identifier)
        return kind(function_of_today(identifier), name=name)
    functions = make_functions(version)
    if identifier in functions:
        # `fit` checks targets by the function of today.
        return kind(function_of_today(functions[identifier]), name=full_name(identifier))
    if identifier in classes:
        return classes[identifier]()
    raise ValueError(
        f"Unknown loss function of {version.name}: {identifier!r}. "
        f"{suggest(identifier, [*functions, *classes])}"
    )
