"""Source text of argument values: constants, initializers, penalties, activations."""

from __future__ import annotations

import inspect
import types
from typing import Any

import libcst as cst

from cornu import activations, initializers, regularizers
from cornu.legacy.activations import hard_sigmoid
from cornu.legacy.keras1.argument_values import PerGateInitializer
from cornu.legacy.regularizers import SummedActivityRegularizer
from cornu.modernize.expressions import Expression, code_of, parse
from cornu.modernize.names import path_of_object
from cornu.modernize.references import References
from cornu.parts import constraints

__all__ = ["PassedInitializer", "PassedRegularizer", "UnwritableError", "is_same", "render"]

_PARTS = (initializers.Initializer, regularizers.Regularizer, constraints.Constraint)
# What a name means today, by the end of the argument's name.
_GETTERS = {
    "_initializer": initializers.get,
    "_regularizer": regularizers.get,
    "_constraint": constraints.get,
    "activation": activations.get,
}
_FANS = ("scale", "mode", "distribution", "input_axes", "output_axes")


class PassedInitializer(initializers.Initializer):
    """An expression that passes through the conversions of a dialect.

    Args:
        expression: the expression.
    """

    def __init__(self, expression: Expression) -> None:
        self.expression = expression


class PassedRegularizer(regularizers.Regularizer):
    """An expression for a penalty that passes through the conversions of a dialect.

    Args:
        expression: the expression.
    """

    def __init__(self, expression: Expression) -> None:
        self.expression = expression


class UnwritableError(ValueError):
    """A value has no source text of today."""


def is_same(argument: str, value: Any, other: Any) -> bool:
    """Tells whether two values of an argument of today have the same meaning.

    Args:
        argument: its name.
        value: a value that a dialect computed.
        other: a value as programs write it.

    Example:

    >>> from cornu.legacy.keras1.argument_values import get_initializer
    >>> is_same("kernel_initializer", get_initializer("glorot_uniform"), "glorot_uniform")
    True
    >>> is_same("kernel_initializer", get_initializer("he_normal"), "he_normal")
    False
    """
    if value is other:
        return True
    if isinstance(value, Expression) or isinstance(other, Expression):
        return False
    if other is None:
        return value is activations.linear
    if isinstance(other, str) and not isinstance(value, str):
        return _means(argument, value, other)
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(value) == len(other) and all(
            is_same(argument, a, b) for a, b in zip(value, other, strict=True)
        )
    if isinstance(value, tuple) and isinstance(other, int) and not isinstance(other, bool):
        return value == (other,) * len(value)
    return type(value) is type(other) and bool(value == other)


def _means(argument: str, value: Any, name: str) -> bool:
    if isinstance(value, types.FunctionType):
        return value.__name__ == name and value is not hard_sigmoid
    for end, get in _GETTERS.items():
        if argument.endswith(end):
            try:
                return _are_equal(value, get(name))
            except ValueError:
                return False
    return False


def _are_equal(first: Any, second: Any) -> bool:
    scaled = initializers.VarianceScaling
    if isinstance(first, scaled) and isinstance(second, scaled):
        return all(getattr(first, name) == getattr(second, name) for name in _FANS)
    penalties = (regularizers.L1, regularizers.L2, regularizers.L1L2)
    if isinstance(first, penalties) and isinstance(second, penalties):
        return _factors(first) == _factors(second)
    same = type(first) is type(second)
    return same and bool(first._constructor_arguments_() == second._constructor_arguments_())


def _factors(penalty: Any) -> tuple[float, float]:
    """Returns the factors of a penalty, of the L1 and the L2 norm."""
    given = penalty._constructor_arguments_()
    return given.get("l1", 0.0), given.get("l2", 0.0)


def render(value: Any, references: References) -> cst.BaseExpression:
    """Returns the source text of a value.

    Args:
        value: a constant, an `Expression`, or an object that a dialect created.
        references: receives what the text names.

    Raises:
        UnwritableError: there is none.
    """
    if isinstance(value, Expression):
        return value.node
    if isinstance(value, (PassedInitializer, PassedRegularizer)):
        return value.expression.node
    if isinstance(value, (tuple, list)):
        parts = [code_of(render(part, references)) for part in value]
        text = ", ".join(parts)
        if isinstance(value, list):
            return parse(f"[{text}]")
        return parse(f"({text},)" if len(parts) == 1 else f"({text})")
    if isinstance(value, dict):
        pairs = [f"{key!r}: {code_of(render(one, references))}" for key, one in value.items()]
        return parse(f"{{{', '.join(pairs)}}}")
    if value is None or isinstance(value, (bool, int, float, str)):
        return parse(repr(value))
    if value is hard_sigmoid:
        return references.helper("hard_sigmoid")
    if isinstance(value, types.FunctionType) and activations.get(value.__name__):
        return parse(repr(value.__name__))
    if isinstance(value, PerGateInitializer):
        return _render_gates(value, references)
    if isinstance(value, SummedActivityRegularizer):
        helper = code_of(references.helper("SummedOverBatch"))
        return parse(f"{helper}({code_of(render(value.penalty, references))})")
    if isinstance(value, _PARTS):
        return _render_part(value, references)
    raise UnwritableError(f"{value!r} has no spelling of today")


def _render_gates(value: PerGateInitializer, references: References) -> cst.BaseExpression:
    first = value.parts[0]
    if any(not _are_equal(part, first) for part in value.parts):
        raise UnwritableError("each gate has an initializer of its own")
    name = code_of(references.helper("PerGate"))
    return parse(f"{name}({code_of(render(first, references))}, {len(value.parts)})")


def _render_part(value: Any, references: References) -> cst.BaseExpression:
    name = _name_of(value)
    if name is not None:
        return parse(repr(name))
    path = path_of_object(type(value))
    has_own_fans = isinstance(value, initializers.VarianceScaling) and value.input_axes is not None
    if path is None or has_own_fans:
        raise UnwritableError(f"{type(value).__name__} has no spelling of today")
    known = inspect.signature(type(value)).parameters
    given = {
        key: one
        for key, one in value._constructor_arguments_().items()
        if one is not None and known[key].default != one
    }
    arguments = [f"{key}={code_of(render(one, references))}" for key, one in given.items()]
    return parse(f"{code_of(references.dotted(path))}({', '.join(arguments)})")


_NAMES = (
    *("zeros", "ones", "glorot_uniform", "glorot_normal", "he_normal", "he_uniform"),
    *("lecun_normal", "lecun_uniform", "orthogonal", "random_normal", "random_uniform"),
)


def _name_of(value: Any) -> str | None:
    """Returns the name of an initializer without arguments."""
    if not isinstance(value, initializers.Initializer):
        return None
    return next((name for name in _NAMES if _are_equal(value, initializers.get(name))), None)
