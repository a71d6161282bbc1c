"""Rewrites optimizers: learning rates, decay, epsilon, and limits of gradients."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import libcst as cst

from cornu import optimizers as today_optimizers
from cornu import settings
from cornu.legacy import optimizers
from cornu.legacy.keras1.class_mapping import OldClass
from cornu.modernize.arguments import (
    Given,
    UnreadableError,
    bind_call,
    changed_arguments,
    join_arguments,
)
from cornu.modernize.eras import Era
from cornu.modernize.expressions import Expression, code_of, parse
from cornu.modernize.references import References

__all__ = [
    "NewOptimizer",
    "convert_named",
    "convert_optimizer",
    "convert_tensorflow",
    "find_optimizer",
]

_RENAMES = {"learning_rate": "lr", "global_clipnorm": "clipnorm"}
# Optimizers whose epsilon was outside the root: sqrt(a) + epsilon. Its square inside the root is
# the same for a = 0, and for a much larger than it.
_OUTSIDE = ("RMSprop", "Adagrad")
_NADAM = (
    "Nadam of Keras 1 and 2 changes its momentum by 0.96 ** (0.004 t), that of Keras 3 by 0.96 ** t"
)
_EPSILON = (
    "epsilon was added to the root of the mean square, and is added under the root in Keras 3: its "
    "square makes slightly other steps"
)
_BOTH = "clipnorm and clipvalue cannot be combined in Keras 3"


class NewOptimizer(NamedTuple):
    """An optimizer of today.

    Attributes:
        path: its path below `keras`.
        arguments: the arguments that must be written.
        old_names: names of today -> names in the program.
        given: the arguments of the program.
        today: the signature of today.
        notes: what differs.
    """

    path: str
    arguments: dict[str, Any]
    old_names: dict[str, str]
    given: Given
    today: inspect.Signature
    notes: list[str]


def find_optimizer(value: Any) -> type | None:
    """Returns the class of `cornu.legacy.optimizers` that an object of a dialect stands for."""
    target = value.mapping.target if isinstance(value, OldClass) else value
    for cls in getattr(target, "__mro__", ()):
        if cls.__module__ == optimizers.__name__ and cls.__name__ in optimizers.__all__:
            return cls if cls is not optimizers.OldOptimizer else None
    return None


def convert_optimizer(call: cst.Call, old: Any, references: References) -> NewOptimizer:
    """Returns the call of today for the call of an optimizer.

    Raises:
        UnreadableError: the arguments cannot be read.
    """
    cls = find_optimizer(old)
    assert cls is not None
    signature = inspect.signature(old)
    args = call.args
    known = signature.parameters
    if "lr" not in known or "learning_rate" not in known:
        # Both names of the learning rate are accepted.
        there, other = ("lr", "learning_rate") if "lr" in known else ("learning_rate", "lr")
        args = [
            arg.with_changes(keyword=cst.Name(there))
            if arg.keyword is not None and arg.keyword.value == other
            else arg
            for arg in args
        ]
    return _convert(cls.__name__, bind_call(args, signature), references)


def convert_tensorflow(call: cst.Call, references: References) -> cst.Call:
    """Renames the arguments of an optimizer of tf.keras, whose defaults are those of today.

    Raises:
        UnreadableError: there is a decay without a learning rate.
    """
    named = {arg.keyword.value: arg for arg in call.args if arg.keyword is not None}
    rate = named.get("lr", named.get("learning_rate"))
    decay = named.get("decay")
    if rate is None:
        if decay is not None:
            raise UnreadableError("the learning rate of the decay is not written by its name")
        return call
    value = rate.value
    if decay is not None:
        value = _schedule(Expression(value), Expression(decay.value), references).node
    new = rate.with_changes(value=value, keyword=cst.Name("learning_rate"))
    kept = [new if arg is rate else arg for arg in call.args if arg is not decay]
    return call.with_changes(args=join_arguments(kept, call))


def _schedule(rate: Any, decay: Any, references: References) -> Expression:
    """Returns the schedule for a learning rate that is divided by 1 + decay * step."""
    schedule = code_of(references.dotted("optimizers.schedules.InverseTimeDecay"))
    return Expression(parse(f"{schedule}({rate!r}, decay_steps=1, decay_rate={decay!r})"))


def convert_named(name: str, era: Era, references: References) -> NewOptimizer | None:
    """Returns the call of today for a name; None if the name means the same today."""
    get = era.find("optimizers.get")
    cls = find_optimizer(type(get(name)))
    if cls is None:
        return None
    old = era.find(f"optimizers.{cls.__name__}")
    given = bind_call([], inspect.signature(old))
    found = _convert(cls.__name__, given, references)
    return found if found.arguments or found.notes else None


def _convert(name: str, given: Given, references: References) -> NewOptimizer:
    values = {key: value for key, value in given.values.items() if key not in ("kwargs", "name")}
    notes = [_NADAM] if name == "Nadam" else []
    values.pop("schedule_decay", None)
    rate = values.pop("lr", values.pop("learning_rate", None))
    decay = values.pop("decay", 0.0)
    new: dict[str, Any] = {"learning_rate": rate}
    new |= {key: value for key, value in values.items() if value is not None}
    if decay != 0.0:
        new["learning_rate"] = _schedule(rate, decay, references)
    limits = [key for key in ("clipnorm", "clipvalue") if key in new]
    if len(limits) > 1:
        notes.append(_BOTH)
    if "clipnorm" in new:
        new["global_clipnorm"] = new.pop("clipnorm")
    if name != "SGD":
        new["epsilon"] = _convert_epsilon(name, values.get("epsilon"))
    if name in _OUTSIDE and "epsilon" in given.nodes:
        notes.append(_EPSILON)
    if name == "Adagrad":
        new.setdefault("initial_accumulator_value", 0.0)
    today = inspect.signature(getattr(today_optimizers, name))
    own = "lr" if "lr" in given.values else "learning_rate"
    old_names = {**_RENAMES, "learning_rate": own}
    changed = changed_arguments(new, given, old_names, today)
    return NewOptimizer(f"optimizers.{name}", changed, old_names, given, today, notes)


def _convert_epsilon(name: str, epsilon: Any) -> Any:
    value = settings.get("epsilon") if epsilon is None else epsilon
    if name not in _OUTSIDE:
        return value
    if isinstance(value, Expression):
        return Expression(parse(f"({value!r}) ** 2"))
    return float(f"{value * value:.6g}")
