"""Functions and classes of today, called with the signature of an older version."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from cornu.dialects.renaming import warn_about
from cornu.legacy.keras1.class_mapping import BaseClassMeta, parse_signature
from cornu.registry.custom_objects import registered_names

__all__ = ["bind_call", "class_with_signature", "function_of_today", "with_signature"]

# The attribute of a function with an old signature that is the function of today.
_OF_TODAY = "function_of_today"

Arguments = dict[str, Any]


def bind_call(label: str, signature: inspect.Signature, args: Any, kwargs: Any) -> Arguments:
    """Returns the arguments of a call by name, with the defaults of the signature."""
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{label}() {error}; its parameters are {signature}") from None
    bound.apply_defaults()
    return dict(bound.arguments)


def with_signature(
    function: Callable[..., Any],
    signature: str,
    renames: Mapping[str, str] | None = None,
    ignored: Mapping[str, str] | None = None,
    fixed: Mapping[str, Any] | None = None,
    convert: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Callable[..., Any]:
    """Returns a function with an old signature that calls a function of today.

    Args:
        function: the function of today.
        signature: the old parameters, such as "x, axis=-1".
        renames: the names of today of parameters, where they differ.
        ignored: parameters that have no effect, and why; another value than the default warns.
        fixed: values of parameters of today that the old function does not have.
        convert: the functions that convert values, by the old names of parameters.

    Example:

    >>> power = with_signature(pow, "value, by=2", {"value": "base", "by": "exp"})
    >>> power(3), power(by=3, value=2)
    (9, 8)
    """
    parsed = parse_signature(signature)
    names, reasons = renames or {}, ignored or {}

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = bind_call(function.__name__, parsed, args, kwargs)
        for name, reason in reasons.items():
            if given.pop(name) != parsed.parameters[name].default:
                warn_about(f"{function.__name__}: the argument {name} has no effect: {reason}")
        for name, change in (convert or {}).items():
            given[name] = change(given[name])
        renamed = {names.get(name, name): value for name, value in given.items()}
        return function(**renamed, **(fixed or {}))

    call.__signature__ = parsed  # type: ignore[attr-defined]
    setattr(call, _OF_TODAY, function)
    return call


def function_of_today(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns what `with_signature` was called with for a function, or the function itself."""
    found: Callable[..., Any] = getattr(function, _OF_TODAY, function)
    return found


@functools.cache
def class_with_signature(
    cls: type,
    signature: str,
    stands_for: type | None = None,
    convert: Callable[..., Any] | None = None,
    reference: tuple[Any, ...] | None = None,
    keywords: str = "",
) -> type:
    """Returns a subclass of a loss, metric or optimizer with an old signature.

    Args:
        cls: the class of today.
        signature: the old parameters; their names are those of today.
        stands_for: for the base class of a program's classes: the class of today, of whose objects
            `isinstance` says that they are objects of this class.
        convert: returns the arguments of today for those of the version.
        reference: what returns the class in another process: a function and its arguments.
        keywords: keyword-only parameters.
    """
    parsed = parse_signature(signature, keywords)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        given = bind_call(cls.__name__, parsed, args, kwargs)
        cls.__init__(self, **(convert(given) if convert else given))  # type: ignore[misc]

    def _constructor_arguments_(self: Any) -> Arguments:
        given: Arguments = cls._constructor_arguments_(self)  # type: ignore[attr-defined]
        owner = next(base for base in type(self).__mro__ if "__init__" in vars(base))
        if owner is not made:  # a class of the program with a constructor of its own
            return given
        bound = bind_call(cls.__name__, parsed, (), given)
        return convert(bound) if convert else bound

    __init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
            *parsed.parameters.values(),
        ]
    )
    body = {
        "__init__": __init__,
        "__module__": __name__,
        "__doc__": cls.__doc__,
        "_constructor_arguments_": _constructor_arguments_,
        "_class_reference_": reference,
    }
    made: type
    if stands_for is not None:
        made = BaseClassMeta(cls.__name__, (cls,), {**body, "stands_for": (stands_for,)})
    else:
        made = type(cls.__name__, (cls,), body)
    if cls in registered_names:
        registered_names[made] = registered_names[cls]
    return made
