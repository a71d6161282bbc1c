"""Errors and warnings.

Only built-in exception types are raised, so programs can catch them without importing cornu's:

    ValueError      a value, shape or name that is not valid
    TypeError       an object of the wrong kind
    RuntimeError    a valid call in an invalid state (an unbuilt layer, a leaked value)
    KeyError / IndexError / AttributeError / FileNotFoundError / ImportError: as in Python

A probable mistake emits a `ModelWarning`.

A message contains the problem, what was expected and received, the remedy, and the location (the
layer path and the user's file:line).
"""

from __future__ import annotations

import difflib
import numbers
import os
import sys
import warnings
from collections.abc import Collection, Iterable
from typing import NoReturn, TypeGuard, TypeVar

from cornu import settings
from cornu.names import is_submodule, printable
from cornu.renamed import describe_argument, describe_name

__all__ = [
    "ModelWarning",
    "check_choice",
    "did_you_mean",
    "find_similar",
    "is_positive_integer",
    "missing_package",
    "quantity",
    "suggest",
    "suggest_argument",
    "suggest_names",
    "unknown_name",
    "visible_cause",
    "warn",
]

T = TypeVar("T")

_MAX_NAMES = 30  # that a message lists
_MAX_LENGTH = 200  # characters of a name that may be a misspelling of another one
# Similarities of names, from 0 to 1. With these bounds, 'glorot' suggests 'glorot_normal', but
# 'Scale' does not suggest 'MSLE'.
_MIN_RATIO = 0.6
_MIN_SCORE = 0.68
_TOLERANCE = 0.15  # between the score of the best suggestion and those of the others


class ModelWarning(UserWarning):
    """Warning about a probable mistake in a model, its data or its training.

    Args:
        text: the message.
        code: the code of the check.

    Attributes:
        code: the code of the check, such as "C012", which `cornu.config.silence` accepts; see
            `docs/checks.md`.

    Example:

    >>> import warnings
    >>> warnings.filterwarnings("ignore", message="C012", category=ModelWarning)
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(printable(text, keep="\n"))
        self.code = code


def warn(code: str, text: str, stacklevel: int = 2) -> None:
    """Emits a `ModelWarning`, unless its code is silenced.

    Args:
        code: the code of the check.
        text: the message.
        stacklevel: as for `warnings.warn`, counted from the caller of this function.

    Example:

    >>> import warnings
    >>> import cornu
    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     cornu.errors.warn("C001", "The loss is constant.")
    >>> str(caught[0].message)
    'C001 The loss is constant.'
    """
    if code not in settings.get("silenced"):
        warnings.warn(ModelWarning(f"{code} {text}", code), stacklevel=stacklevel + 1)


def check_choice(label: str, name: str, value: T, allowed: Iterable[object]) -> T:
    """Returns the value of an argument; raises if it is not one of the allowed values.

    Args:
        label: the object that has the argument, such as "Hashing layer 'hash'".
        name: the name of the argument.
        value: its value.
        allowed: the allowed values.

    Raises:
        ValueError: the value is not allowed.

    Example:

    >>> import cornu
    >>> cornu.errors.check_choice("Layer", "padding", "same", ("same", "valid"))
    'same'
    """
    known = tuple(allowed)
    if value not in known:
        raise ValueError(f"{label}: {name} must be one of {known}. Received: {value!r}")
    return value


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Returns "Did you mean ...?" with similar names, or '' if no known name is similar.

    Args:
        name: the unknown name.
        known: the known names.

    Example:

    >>> did_you_mean("adamm", ["SGD", "Adam"])
    "Did you mean 'Adam'?"
    """
    similar = [repr(item) for item in find_similar(str(name), map(str, known))]
    if len(similar) > 2:
        similar = [", ".join(similar[:-1]), similar[-1]]
    return f"Did you mean {' or '.join(similar)}?" if similar else ""


def find_similar(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Returns the known names that resemble a name, the most similar first.

    Case is ignored. Names that begin with the same letters count as more similar (Winkler's
    modification of string similarity), because typing errors seldom affect the first letters.

    Args:
        name: the unknown name.
        known: the known names.
        limit: the maximum number of names that are returned.

    Example:

    >>> find_similar("adamm", ["Nadam", "SGD", "AdamW", "Adam"])
    ['Adam', 'AdamW', 'Nadam']
    """
    if len(name) > _MAX_LENGTH:
        return []
    word = name.lower()
    matcher = difflib.SequenceMatcher()
    matcher.set_seq2(word)  # first: the matcher caches its analysis of the second sequence
    scored = []
    for candidate in dict.fromkeys(known):
        lower = candidate.lower()
        matcher.set_seq1(lower)
        if matcher.quick_ratio() < _MIN_RATIO:  # an upper bound, much faster than `ratio`
            continue
        ratio = matcher.ratio()
        prefix = len(os.path.commonprefix([lower, word]))
        score = ratio + 0.1 * min(prefix, 4) * (1 - ratio)
        contained = lower in word or word in lower  # "loss" in "val_loss"
        if ratio >= _MIN_RATIO and (contained or score >= _MIN_SCORE):
            exact = len(os.path.commonprefix([candidate, name]))  # "Dense" before "dense"
            scored.append((-score, -exact, candidate))
    scored.sort()
    # Next to a close match, a distant one would only distract.
    return [name for score, _, name in scored[:limit] if score <= scored[0][0] + _TOLERANCE]


def suggest(name: object, known: Iterable[object]) -> str:
    """Returns "Did you mean ...?" with similar names, or the list of known names.

    Args:
        name: the unknown name.
        known: the known names.

    Example:

    >>> import cornu
    >>> cornu.errors.suggest("rleu", ["relu", "tanh"])
    "Did you mean 'relu'?"
    """
    names = [printable(str(item)) for item in known]
    hint = did_you_mean(name, names)
    if hint:
        return hint
    more = f", and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"Known: {', '.join(names[:_MAX_NAMES])}{more}." if names else "There are none."


def suggest_argument(name: str, known: Iterable[str]) -> str:
    """Returns what to write instead of an unknown argument: its present name, or similar ones.

    Args:
        name: the unknown argument.
        known: the arguments that the function or class has.

    Example:

    >>> suggest_argument("nb_epoch", ["epochs", "verbose"]).splitlines()[0]
    "Today it is called 'epochs'."
    >>> suggest_argument("epoch", ["epochs", "verbose"])
    "Did you mean 'epochs'?"
    """
    names = list(dict.fromkeys(known))
    return describe_argument(name, names) or suggest(name, names)


def is_positive_integer(value: object) -> TypeGuard[int]:
    """Whether a value is a positive integer of Python or NumPy.

    Args:
        value: any object.

    Example:

    >>> is_positive_integer(3), is_positive_integer(0), is_positive_integer(True)
    (True, False, False)
    """
    # A bool is an int in Python, but never a size or a number of steps.
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) > 0


def quantity(count: int, noun: str) -> str:
    """Returns a number and a noun in the singular or plural, for messages.

    Args:
        count: the number.
        noun: the noun in the singular.

    Example:

    >>> quantity(1, "row"), quantity(3, "batch"), quantity(0, "axis")
    ('1 row', '3 batches', '0 axes')
    """
    if count != 1:
        if noun.endswith("axis"):
            noun = f"{noun[:-2]}es"
        elif noun.endswith(("ry", "ty")):
            noun = f"{noun[:-1]}ies"
        else:
            noun += "es" if noun.endswith(("s", "x", "tch")) else "s"
    return f"{count} {noun}"


def suggest_names(
    module: str, known: Iterable[str] = (), moved_to_ops: Collection[str] = ()
) -> None:
    """Makes a module list its public names only, and suggest similar ones for unknown names.

    Python suggests names itself, but only where it prints the traceback: not in notebooks, nor in
    the text of the error.

    Args:
        module: the name of the module.
        known: its public names.
        moved_to_ops: the names that it had in older versions, and that are in `cornu.ops` now.
    """

    def raise_unknown(name: str) -> NoReturn:
        path = vars(sys.modules[module]).get("__path__", ())
        error = unknown_name(module, name, () if is_submodule(path, name) else known)
        if name in moved_to_ops:
            error.args = (f"{error.args[0]}. Use cornu.ops.{name}.",)
        try:
            raise error
        except AttributeError:
            # A bare `raise` adds no frame, so that the traceback ends at the user's line.
            error.__traceback__ = None
            raise

    # Not a `def __getattr__` in each module: type checkers would accept any name then.
    contents = vars(sys.modules[module])
    contents["__getattr__"] = raise_unknown
    # What an editor completes at run time, without imported names and submodules.
    contents["__dir__"] = lambda: sorted({*known, *filter(_is_special, contents)})


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def unknown_name(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """Returns the error for a name that a module does not have, with similar names.

    Args:
        module: the name of the module.
        name: the name that it does not have.
        known: its public names.

    Example:

    >>> import cornu
    >>> print(cornu.errors.unknown_name("cornu.ops", "rleu", ["relu", "tanh"]))
    module 'cornu.ops' has no attribute 'rleu'. Did you mean 'relu'?
    """
    old = describe_name(module, name)
    hint = "" if name.startswith("__") else old or did_you_mean(name, known)
    text = f"module {module!r} has no attribute {name!r}{hint and f'. {hint}'}"
    # With its attribute `obj` set, the error gets no second suggestion from Python.
    return AttributeError(text, name=name, obj=None)


def missing_package(package: str, extra: str, purpose: str) -> ImportError:
    """Returns the error for an optional package that is not installed.

    Args:
        package: the name by which the package is imported.
        extra: the extra of cornu that installs it, as in `cornu[plot]`.
        purpose: what needs the package; the message begins with it.

    Example:

    >>> import cornu
    >>> print(str(cornu.errors.missing_package("onnx", "onnx", "This")).partition(".")[0])
    This needs the package 'onnx', which is not installed
    """
    return ImportError(
        f"{purpose} needs the package {package!r}, which is not installed. "
        f"Install it with: pip install 'cornu[{extra}]'"
    )


def visible_cause(error: Exception) -> Exception | None:
    """Returns the error to use as the cause of its translation; None if tracebacks are filtered.

    Python prints the cause before an error. The original error is always available as
    `__context__`.

    Args:
        error: the original error.

    Example:

    >>> import cornu
    >>> cornu.errors.visible_cause(ValueError("a")) is None
    True
    """
    return None if settings.get("traceback_filtering") else error


suggest_names(__name__, __all__)
