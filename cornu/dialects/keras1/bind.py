"""Binding: a call as Keras 1 wrote it becomes a call of cornu.

Every class of the era is a `Row` of a table. A row becomes a `Spelling`, which is called like the
class: arguments are bound by the era's own signature (so that positions, keywords and defaults
are right at once), their values are converted, they get the names of today, and the object that
is built is an ordinary one of cornu.
"""

from __future__ import annotations

import ast
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cornu.dialects.keras1.values import VALUES
from cornu.errors import suggest
from cornu.names import auto_name

__all__ = ["LAYER", "RECURRENT", "RENAMES", "Family", "Row", "Spelling", "era_name", "parse"]

Arguments = dict[str, Any]

# What the signatures in the tables abbreviate.
_SHORT = {
    "<I>": "init='glorot_uniform', activation=None, weights=None",
    "<R>": "W_regularizer=None, b_regularizer=None, activity_regularizer=None, "
    "W_constraint=None, b_constraint=None, bias=True",
    "<U>": "W_regularizer=None, U_regularizer=None, b_regularizer=None, dropout_W=0.0, "
    "dropout_U=0.0",
    "<B>": "border_mode='valid', subsample=(1, 1)",
}

# Keywords that every layer takes, and those that recurrent ones take besides.
LAYER = "input_shape=None, batch_input_shape=None, input_dtype=None, name=None, trainable=True"
RECURRENT = (
    "weights=None, return_sequences=False, go_backwards=False, stateful=False, unroll=False, "
    f"consume_less='cpu', input_dim=None, input_length=None, {LAYER}"
)

# The era's words for arguments that mean the same in every class.
RENAMES = {
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "stride": "strides",
    "atrous_rate": "dilation_rate",
    "dim_ordering": "data_format",
    "output_dim": "units",
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "pool_length": "pool_size",
    "p": "rate",
    "sigma": "stddev",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}

# How inputs were fed and which of several equal algorithms ran: nothing depends on it any more.
_MEANINGLESS = frozenset(("input_dtype", "consume_less"))


@dataclass(frozen=True)
class Row:
    """One class of the era.

    Attributes:
        era: its name then.
        signature: its constructor's parameters then, abbreviated as in `_SHORT`.
        modern: the class (or function) of cornu that is called.
        renames: old words to new ones, beyond those that are the same in every class.
        rules: functions that change the bound arguments where a word for a word is not enough;
            one may choose another class as `arguments["modern"]`.
        fixed: arguments that the era had no word for, with what they were.
        words: keyword-only parameters.
        kinds: what `isinstance` takes for this class; by default `modern`.
    """

    era: str
    signature: str
    modern: Callable[..., Any]
    renames: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Callable[[Arguments], None], ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    words: str = LAYER
    kinds: tuple[type, ...] = ()


class Spelling:
    """A name of the era: called, asked by `isinstance` and inherited from like the class it was.

    Args:
        row: what it means.
        base: the era's base class, for classes that the program derives.

    Example:

    >>> from cornu.layers import Dropout
    >>> dropout = Spelling(Row("Dropout", "p, noise_shape=None, seed=None", Dropout))
    >>> layer = dropout(0.25)
    >>> layer.rate, layer.name, isinstance(layer, dropout)
    (0.25, 'dropout_1', True)
    """

    def __init__(self, row: Row, base: tuple[type, ...] = ()) -> None:
        self.row = row
        self.base = base
        self.kinds = row.kinds or (row.modern,)
        self.__name__ = self.__qualname__ = row.era
        self.__doc__ = f"{row.era}({row.signature}) of Keras 1."
        self.__signature__ = parse(row.signature, row.words)
        self._subclassed: type | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arguments = self.arguments(args, kwargs)
        make = arguments.pop("modern", self.row.modern)
        _note(self.row, make, arguments)
        return make(**arguments)

    def arguments(self, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        """Returns the arguments of today for those of then.

        Raises:
            TypeError: one is missing or was not known then.
        """
        given = self._bound(args, kwargs)
        for name, convert in VALUES.items():
            if name in given:
                given[name] = convert(given[name])
        for rule in self.row.rules:
            rule(given)
        if "name" in given and given["name"] is None:
            given["name"] = era_name(self.row.era)
        for name in ("input_shape", "batch_input_shape"):
            if name in given and given[name] is None:
                del given[name]
        names = {**RENAMES, **self.row.renames}
        kept = {names.get(k, k): v for k, v in given.items() if k not in _MEANINGLESS}
        return {**kept, **self.row.fixed}

    def _bound(self, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        known = self.__signature__.parameters
        for name in kwargs:
            if name not in known:
                old = [k for k, v in {**RENAMES, **self.row.renames}.items() if v == name]
                old = [k for k in old if k in known]
                hint = f"It was called {old[0]!r} then." if old else suggest(name, known)
                raise TypeError(
                    f"{self.row.era} of Keras 1 has no argument {name!r}. {hint}\n"
                    f"It accepts: {', '.join(known)}."
                )
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"{self.row.era} of Keras 1: {error}.\nIt accepts: {', '.join(known)}."
            ) from None
        bound.apply_defaults()
        return dict(bound.arguments)

    # ------------------------------------------------------------------------------- as a class

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self.kinds)

    def __subclasscheck__(self, cls: type) -> bool:
        return issubclass(cls, self.kinds)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """Returns what a class gets as its base that is written as a subclass of this name."""
        if self._subclassed is None:
            self._subclassed = self._subclassable()
        return (self._subclassed,)

    def _subclassable(self) -> type:
        modern, spelling = self.row.modern, self
        if not isinstance(modern, type):
            raise TypeError(f"{self.row.era} of Keras 1 cannot be a base class.")

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            arguments = spelling.arguments(args, kwargs)
            if arguments.pop("modern", modern) is not modern:
                raise NotImplementedError(
                    f"{spelling.row.era} of Keras 1 with these arguments is another class here, "
                    "which a subclass cannot become."
                )
            modern.__init__(self, **arguments)

        bases = (*self.base, modern)
        return type(self.row.era, bases, {"__init__": __init__, "__module__": __name__})

    def __repr__(self) -> str:
        return f"<{self.row.era} of Keras 1>"


class Family(type):
    """Metaclass of the era's base classes: objects of the class they stand for are theirs, too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        stood_for = cls.__dict__.get("stands_for", ())
        return isinstance(instance, stood_for) or super().__instancecheck__(instance)


def parse(signature: str, words: str = "") -> inspect.Signature:
    """Returns the signature that a string describes.

    Example:

    >>> str(parse("p, seed=None", "name=None"))
    '(p, seed=None, *, name=None)'
    """
    for short, whole in _SHORT.items():
        signature = signature.replace(short, whole)
    text = ", ".join(part for part in (signature, f"*, {words}" if words else "") if part)
    found = ast.parse(f"def era({text}): ...").body[0].args  # type: ignore[attr-defined]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    required = [inspect.Parameter.empty] * (len(found.args) - len(found.defaults))
    defaults = [*required, *map(ast.literal_eval, found.defaults)]
    parameters = [
        inspect.Parameter(argument.arg, kind, default=default)
        for argument, default in zip(found.args, defaults, strict=True)
    ]
    known = {parameter.name for parameter in parameters}
    parameters += [
        inspect.Parameter(argument.arg, kind.KEYWORD_ONLY, default=ast.literal_eval(default))
        for argument, default in zip(found.kwonlyargs, found.kw_defaults, strict=True)
        if argument.arg not in known
    ]
    return inspect.Signature(parameters)


def era_name(kind: str) -> str:
    """Returns the automatic name of an object: the class name in lower case, counted from 1.

    Example:

    >>> era_name("MaxPooling2D"), era_name("MaxPooling2D")
    ('maxpooling2d_1', 'maxpooling2d_2')
    """
    prefix = kind.lower()
    count = auto_name(prefix).removeprefix(prefix).removeprefix("_")
    return f"{prefix}_{int(count or 0) + 1}"


_noted: list[str] = []


def _note(row: Row, make: Any, arguments: Arguments) -> None:
    """Says how the first call of a program is spelled today, if Python was started with `-W`."""
    if sys.warnoptions and not _noted:
        _noted.append(row.era)
        words = ", ".join(f"{name}=" for name in arguments)
        warnings.warn(
            f"This program speaks Keras 1: {row.era}({row.signature}) is now "
            f"cornu.layers.{make.__name__}({words}).",
            PendingDeprecationWarning,
            stacklevel=3,
        )
