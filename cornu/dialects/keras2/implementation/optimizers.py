"""Optimizers of Keras 2, with `lr`, `decay` and `clipnorm` of the norm of all gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from cornu import optimizers as modern
from cornu import settings
from cornu.dialects.keras2.implementation.tensorflow_optimizers import (
    OPTIMIZERS,
    make_base_class,
    make_optimizer,
)
from cornu.dialects.keras2.implementation.version import TENSORFLOW, VERSIONS, Version
from cornu.dialects.optimizer_steps import (
    LaterOptimizerMethods,
    TensorflowOptimizerMethods,
    derive_old_class,
)
from cornu.dialects.part_configs import create_part
from cornu.dialects.subclasses.optimizer_rules import make_subclassable
from cornu.errors import suggest
from cornu.legacy import optimizers as old
from cornu.legacy.keras1.class_mapping import Arguments, Call, ClassMapping, Era, OldClass

__all__ = ["get", "make_legacy_optimizers", "make_optimizers"]

_BETAS = "beta_1=0.9, beta_2=0.999"
# Signatures of Keras 2.2.
_SIGNATURES = {
    "SGD": "lr=0.01, momentum=0.0, decay=0.0, nesterov=False",
    "RMSprop": "lr=0.001, rho=0.9, epsilon=None, decay=0.0",
    "Adagrad": "lr=0.01, epsilon=None, decay=0.0",
    "Adadelta": "lr=1.0, rho=0.95, epsilon=None, decay=0.0",
    "Adam": f"lr=0.001, {_BETAS}, epsilon=None, decay=0.0, amsgrad=False",
    "Adamax": f"lr=0.002, {_BETAS}, epsilon=None, decay=0.0",
    "Nadam": f"lr=0.002, {_BETAS}, epsilon=None, schedule_decay=0.004",
}
_LIMITS = "clipnorm=None, clipvalue=None"
# Keras 2.3 turned these into keyword arguments.
_SINCE_2_3 = {
    "SGD": "learning_rate=0.01, momentum=0.0, nesterov=False",
    "RMSprop": "learning_rate=0.001, rho=0.9",
    "Adagrad": "learning_rate=0.01",
    "Adadelta": "learning_rate=1.0, rho=0.95",
    "Adam": f"learning_rate=0.001, {_BETAS}, amsgrad=False",
    "Adamax": f"learning_rate=0.002, {_BETAS}",
    "Nadam": f"learning_rate=0.002, {_BETAS}",
}
# Those of `tf.keras.optimizers.legacy`; `lr`, `decay` and the limits are keyword arguments.
_EPSILON = "epsilon=1e-07"
_LEGACY = {
    "SGD": "learning_rate=0.01, momentum=0.0, nesterov=False, name='SGD'",
    "RMSprop": f"learning_rate=0.001, rho=0.9, momentum=0.0, {_EPSILON}, centered=False, "
    "name='RMSprop'",
    "Adagrad": f"learning_rate=0.001, initial_accumulator_value=0.1, {_EPSILON}, name='Adagrad'",
    "Adadelta": f"learning_rate=0.001, rho=0.95, {_EPSILON}, name='Adadelta'",
    "Adam": f"learning_rate=0.001, {_BETAS}, {_EPSILON}, amsgrad=False, name='Adam'",
    "Adamax": f"learning_rate=0.001, {_BETAS}, {_EPSILON}, name='Adamax'",
    "Nadam": f"learning_rate=0.001, {_BETAS}, {_EPSILON}, name='Nadam'",
    "Ftrl": "learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1, "
    "l1_regularization_strength=0.0, l2_regularization_strength=0.0, name='Ftrl', "
    "l2_shrinkage_regularization_strength=0.0, beta=0.0",
}
_OF_TENSORFLOW = f"decay=0.0, {_LIMITS}, global_clipnorm=None"


@functools.cache
def make_optimizers(version: Version) -> dict[str, Any]:
    """Returns the optimizers of a version by all of their names."""
    if version.source.is_tensorflow:
        return {name: make_optimizer(name) for name in OPTIMIZERS}
    if version.renames_accuracy:
        rows = {name: (signature, _LIMITS) for name, signature in _SIGNATURES.items()}
    else:
        rows = {name: (signature, _keywords(name)) for name, signature in _SINCE_2_3.items()}
    era = Era(version.name, _convert, version.automatic_name, {"learning_rate": "lr"}, _prepare)
    made = {
        name: OldClass(
            ClassMapping(name, signature, getattr(old, name), keywords=keywords, era=era),
            subclassable=make_subclassable(name, signature, keywords, is_keras_1=False),
        )
        for name, (signature, keywords) in rows.items()
    }
    for name, value in made.items():
        value.derive = derive_old_class(find_class, version.number, methods=LaterOptimizerMethods)
        value.reference = (find_old_class, version.number, name)
    return {
        **made,
        **{name.lower(): value for name, value in made.items()},
    }


@functools.cache
def make_legacy_optimizers(version: Version) -> dict[str, Callable[..., Any]]:
    """Returns the optimizers of `tf.keras.optimizers.legacy`, with `Optimizer`."""
    era = Era(version.name, _convert, version.automatic_name, {"learning_rate": "lr"}, _prepare)
    made: dict[str, OldClass] = {
        name: OldClass(
            ClassMapping(
                name,
                signature,
                getattr(old, name),
                keywords=f"schedule_decay=0.004, {_OF_TENSORFLOW}"
                if name == "Nadam"
                else _OF_TENSORFLOW,
                era=era,
                conversions=(_rename_limits,),
            )
        )
        for name, signature in _LEGACY.items()
    }
    for value in made.values():
        value.derive = derive_old_class(find_legacy_class, methods=TensorflowOptimizerMethods)
    base = make_base_class(old.OldOptimizer)
    return {**made, "Optimizer": base}


def _rename_limits(arguments: Arguments) -> None:
    """Gives `clipnorm`, which limits each gradient, and `global_clipnorm` their old names."""
    arguments["norm_of_each"] = arguments.pop("clipnorm")
    arguments["clipnorm"] = arguments.pop("global_clipnorm")
    if "schedule_decay" in arguments:
        del arguments["decay"]


def _keywords(name: str) -> str:
    rest = "schedule_decay=0.004" if name == "Nadam" else "decay=0.0"
    return f"{_LIMITS}, {'' if name == 'SGD' else 'epsilon=None, '}{rest}, name=None"


def _prepare(mapping: ClassMapping, call: Call) -> Call:
    """Accepts both names of the learning rate."""
    args, given = call[0], dict(call[1])
    for name, other in (("lr", "learning_rate"), ("learning_rate", "lr")):
        if name in given and name not in mapping.parameters:
            given[other] = given.pop(name)
    return args, given


def _convert(mapping: ClassMapping, arguments: Arguments) -> Arguments:
    for convert in mapping.conversions:
        convert(arguments)
    given = {name: value for name, value in arguments.items() if name != "name"}
    if "learning_rate" in given:
        given["lr"] = given.pop("learning_rate")
    if "epsilon" in given and given["epsilon"] is None:
        given["epsilon"] = settings.get("epsilon")
    return given


def find_old_class(number: str, name: str) -> Any:
    """Returns the class of an optimizer that programs call; pickles refer to this function."""
    return make_optimizers(VERSIONS[number])[name]


def find_class(number: str, name: str) -> type:
    """Returns the class of the objects of an optimizer; pickles refer to this function."""
    old_class = find_old_class(number, name)
    found: type = old_class.class_for(old_class.mapping.target)
    return found


def find_legacy_class(name: str) -> type:
    """Returns the class of the objects of an optimizer of `tf.keras.optimizers.legacy`."""
    old_class: Any = make_legacy_optimizers(TENSORFLOW)[name]
    found: type = old_class.class_for(old_class.mapping.target)
    return found


def get(identifier: Any, version: Version) -> Any:
    """Returns the optimizer for a name, case-insensitive; other values as today.

    Raises:
        ValueError: the version has no such optimizer.
    """
    if isinstance(identifier, modern.Optimizer):
        return identifier
    names = {name.lower(): value for name, value in make_optimizers(version).items()}
    if isinstance(identifier, dict):
        return create_part(identifier, lambda name: names.get(name.lower()), modern.get)
    if not isinstance(identifier, str):
        raise ValueError(f"Expected a name or an optimizer. Received: {identifier!r}")
    if identifier.lower() not in names:
        raise ValueError(
            f"Unknown optimizer of {version.name}: {identifier!r}. {suggest(identifier, names)}"
        )
    return names[identifier.lower()]()
