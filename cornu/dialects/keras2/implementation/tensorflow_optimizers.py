"""Optimizers of tf.keras: the classes of today, with the order of arguments of tf.keras."""

from __future__ import annotations

import functools
import inspect
import types
from typing import Any

from cornu import optimizers as modern
from cornu import settings
from cornu.dialects.old_signatures import class_with_signature
from cornu.dialects.optimizer_steps import (
    ModernOptimizerMethods,
    TensorflowOptimizerMethods,
    derive_optimizer,
)
from cornu.dialects.renaming import warn_about
from cornu.legacy import optimizers as old
from cornu.legacy.keras1.class_mapping import Arguments, BaseClassMeta
from cornu.names import is_library_class

__all__ = ["OPTIMIZERS", "make_base_class", "make_optimizer"]

OPTIMIZERS = (
    *("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"),
    *("Ftrl", "AdamW", "Adafactor", "Lion"),
)
# Parameters of today that tf.keras does not have; they are keyword arguments.
_OF_TODAY = ("gradient_accumulation_steps", "loss_scale_factor")
# Defaults of tf.keras that are others today.
_DEFAULTS: dict[str, Arguments] = {
    "Lion": {"learning_rate": 0.0001},
    "RMSprop": {"ema_overwrite_frequency": 100},
}


class _Methods(ModernOptimizerMethods):
    """The methods of tf.keras; a call with `decay` creates the optimizer of Keras 2."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if "lr" in kwargs:
            warn_about(f"{cls.__name__}: the argument lr is called learning_rate in tf.keras 2.")
        if kwargs.get("decay") and is_library_class(cls):
            return _make_decaying(cls, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)


def _make_decaying(cls: type, *args: Any, **kwargs: Any) -> Any:
    """Returns the optimizer of Keras 2 for the arguments of a class of tf.keras."""
    given = _to_today(inspect.signature(cls).bind_partial(*args, **kwargs).arguments)
    if given.get("clipnorm"):
        given["norm_of_each"] = given.pop("clipnorm")
    if "learning_rate" in given:
        given["lr"] = given.pop("learning_rate")
    if cls.__name__ != "SGD":
        given.setdefault("epsilon", settings.get("epsilon"))
    return getattr(old, cls.__name__)(decay=kwargs["decay"], **given)


def _to_today(arguments: Arguments) -> Arguments:
    """Returns the arguments of today for those of tf.keras."""
    # Steps are compiled by `compile`.
    given = {k: v for k, v in arguments.items() if k not in ("decay", "jit_compile", "lr")}
    rate = arguments.get("lr")
    return given if rate is None else {**given, "learning_rate": rate}


@functools.cache
def make_optimizer(name: str) -> type:
    """Returns an optimizer of tf.keras, which accepts `lr` and `decay`; pickles refer to this.

    Args:
        name: the name of the class.
    """
    target = getattr(modern, name)
    cls = derive_optimizer(target, name, _Methods)
    parameters = inspect.signature(target).parameters.values()
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    defaults = {p.name: p.default for p in parameters if p.kind is kind}
    own = {k: v for k, v in defaults.items() if k not in (*_OF_TODAY, "name")}
    values = {**own, **_DEFAULTS.get(name, {}), "jit_compile": True, "name": name}
    further = {"lr": None, "decay": 0.0, **dict.fromkeys(_OF_TODAY)}
    made = class_with_signature(
        cls,
        ", ".join(f"{key}={value!r}" for key, value in values.items()),
        getattr(old, name, None),  # of which the objects with `decay` are
        _to_today,
        (make_optimizer, name),
        ", ".join(f"{key}={value!r}" for key, value in further.items()),
    )
    return made


def make_base_class(target: type) -> type:
    """Returns the class `Optimizer` for classes of programs and for `isinstance`.

    Args:
        target: the class of today that it is derived from, of whose objects `isinstance` says
            that they are objects of this class.
    """
    cls = derive_optimizer(target, "Optimizer", TensorflowOptimizerMethods)
    body = {"stands_for": (target,), "__module__": __name__, "__doc__": cls.__doc__}
    return types.new_class(
        "Optimizer", (cls,), {"metaclass": BaseClassMeta}, lambda namespace: namespace.update(body)
    )
