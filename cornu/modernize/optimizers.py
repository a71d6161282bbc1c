"""Rewrites optimizers: learning rates, decay, epsilon, and limits of gradients."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import libcst as cst

from cornu import optimizers as today_optimizers
from cornu import settings
from cornu.legacy import optimizers
from cornu.legacy.keras1.class_mapping import OldClass, parse_signature
from cornu.modernize.arguments import (
    Given,
    UnreadableError,
    bind_call,
    changed_arguments,
    join_arguments,
)
from cornu.modernize.eras import Era
from cornu.modernize.expressions import Expression, code_of, parse
from cornu.modernize.helpers import HELPERS
from cornu.modernize.references import References

__all__ = [
    "NewOptimizer",
    "convert_named",
    "convert_optimizer",
    "convert_tensorflow",
    "find_optimizer",
]

# Optimizers whose formula Keras 3 changed: the class that is inserted into the program, and its
# parameters. RMSprop and Adagrad added epsilon to the root, and Keras 3 adds it under the root;
# the momentum of Nadam followed 0.96 ** (0.004 * step), and that of Keras 3 follows 0.96 ** step.
_INSERTED = {
    "RMSprop": ("OldRMSprop", "learning_rate=0.001, rho=0.9, epsilon=1e-07"),
    "Adagrad": (
        "OldAdagrad",
        "learning_rate=0.01, epsilon=1e-07, initial_accumulator_value=0.0",
    ),
    "Nadam": (
        "OldNadam",
        "learning_rate=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-07, schedule_decay=0.004",
    ),
}
_CENTERED = (
    "epsilon was added to the root of the variance, and is added under the root in Keras 3: other "
    "steps for small gradients"
)
_LIMITS = ("clipnorm", "clipvalue", "global_clipnorm")
_BOTH = "clipnorm and clipvalue cannot be combined in Keras 3"


class NewOptimizer(NamedTuple):
    """An optimizer of today.

    Attributes:
        path: its path below `keras`, or the name of a class in `helpers.HELPERS`.
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

    def function(self, references: References) -> cst.BaseExpression:
        """Returns an expression for its class."""
        if self.is_inserted:
            return references.helper(self.path)
        return references.dotted(self.path)

    @property
    def is_inserted(self) -> bool:
        """Whether the class is inserted into the program."""
        return self.path in HELPERS


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
    return found if found.arguments or found.notes or found.is_inserted else None


def _convert(name: str, given: Given, references: References) -> NewOptimizer:
    values = {key: value for key, value in given.values.items() if key not in ("kwargs", "name")}
    rate = values.pop("lr", values.pop("learning_rate", None))
    decay = values.pop("decay", 0.0)
    if "epsilon" in values and values["epsilon"] is None:
        values["epsilon"] = settings.get("epsilon")
    new: dict[str, Any] = {"learning_rate": rate}
    new |= {key: value for key, value in values.items() if value is not None}
    if decay != 0.0:
        new["learning_rate"] = _schedule(rate, decay, references)
    own = "lr" if "lr" in given.values else "learning_rate"
    old_names = {"learning_rate": own}
    notes = [_BOTH] if sum(limit in new for limit in _LIMITS) > 1 else []
    # The clipnorm of Keras 1 and 2 is that of all gradients; tf.keras has both.
    if "global_clipnorm" not in given.values:
        old_names["global_clipnorm"] = "clipnorm"
        if "clipnorm" in new:
            new["global_clipnorm"] = new.pop("clipnorm")
    path, today = _find_today(name, new)
    if name == "RMSprop" and path not in HELPERS and not new.get("momentum"):
        notes.append(_CENTERED)
    changed = changed_arguments(new, given, old_names, today)
    return NewOptimizer(path, changed, old_names, given, today, notes)


def _find_today(name: str, arguments: dict[str, Any]) -> tuple[str, inspect.Signature]:
    """Returns the path and the signature of the class that computes the same; drops arguments.

    With momentum, RMSprop of tf.keras adds epsilon under the root, as today.
    """
    if name == "RMSprop" and (arguments.get("momentum") or arguments.get("centered")):
        return "optimizers.RMSprop", inspect.signature(today_optimizers.RMSprop)
    if name not in _INSERTED:
        return f"optimizers.{name}", inspect.signature(getattr(today_optimizers, name))
    for unused in ("momentum", "centered"):
        arguments.pop(unused, None)
    path, signature = _INSERTED[name]
    return path, parse_signature(signature)
