"""Mapping of Keras 1 classes to classes of cornu.

Each class of Keras 1 is a `ClassMapping`, one row of a table. `OldClass` makes it callable: it
binds the arguments to the old signature, which determines positions, keywords and defaults,
converts their values, renames them, and returns an ordinary object of cornu.
"""

from __future__ import annotations

import ast
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import suggest
from cornu.legacy.keras1.argument_values import VALUE_CONVERTERS
from cornu.names import auto_name
from cornu.renamed import KERAS_1_ARGUMENTS

__all__ = [
    "LAYER_KEYWORDS",
    "RECURRENT_KEYWORDS",
    "TARGET_CLASS",
    "Arguments",
    "BaseClassMeta",
    "ClassMapping",
    "OldClass",
    "automatic_name",
    "convert_bound",
    "parse_signature",
]

Arguments = dict[str, Any]

# Abbreviations in the signatures of the tables.
_ABBREVIATIONS = {
    "<I>": "init='glorot_uniform', activation=None, weights=None",
    "<R>": "W_regularizer=None, b_regularizer=None, activity_regularizer=None, "
    "W_constraint=None, b_constraint=None, bias=True",
    "<U>": "W_regularizer=None, U_regularizer=None, b_regularizer=None, dropout_W=0.0, "
    "dropout_U=0.0",
    "<B>": "border_mode='valid', subsample=(1, 1)",
}

# Keyword arguments of every layer, and of every recurrent layer.
LAYER_KEYWORDS = (
    "input_shape=None, batch_input_shape=None, input_dtype=None, name=None, trainable=True"
)
RECURRENT_KEYWORDS = (
    "weights=None, return_sequences=False, go_backwards=False, stateful=False, unroll=False, "
    f"consume_less='cpu', input_dim=None, input_length=None, {LAYER_KEYWORDS}"
)

# The dtype of placeholders, and the choice among equivalent algorithms.
_IGNORED_ARGUMENTS = frozenset(("input_dtype", "consume_less"))

# The key under which a conversion stores a class other than the target of the mapping.
TARGET_CLASS = "target_class"


@dataclass(frozen=True)
class ClassMapping:
    """One class of Keras 1.

    Attributes:
        old_name: its name in Keras 1.
        signature: the parameters of its constructor in Keras 1, with `_ABBREVIATIONS`.
        target: the class or function of cornu that is called.
        renames: old argument names to new ones, in addition to `KERAS_1_ARGUMENTS`.
        conversions: functions that change the bound arguments in place, where renaming is not
            enough; one may choose another class as `arguments[TARGET_CLASS]`.
        fixed: arguments that Keras 1 did not have, with the values that it used.
        keywords: keyword-only parameters.
        instance_types: the classes that `isinstance` accepts; by default `target`.
    """

    old_name: str
    signature: str
    target: Callable[..., Any]
    renames: Mapping[str, str] = field(default_factory=dict)
    conversions: tuple[Callable[[Arguments], None], ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    keywords: str = LAYER_KEYWORDS
    instance_types: tuple[type, ...] = ()

    @property
    def argument_names(self) -> dict[str, str]:
        """Old argument names to new ones."""
        return {**KERAS_1_ARGUMENTS, **self.renames}


class OldClass:
    """A class name of Keras 1: can be called, subclassed, and used with `isinstance`.

    Args:
        mapping: the row of the table.
        bases: base classes of Keras 1, for subclasses that the program defines.

    Example:

    >>> from cornu.layers import Dropout
    >>> dropout = OldClass(ClassMapping("Dropout", "p, noise_shape=None, seed=None", Dropout))
    >>> layer = dropout(0.25)
    >>> layer.rate, layer.name, isinstance(layer, dropout)
    (0.25, 'dropout_1', True)
    """

    def __init__(self, mapping: ClassMapping, bases: tuple[type, ...] = ()) -> None:
        self.mapping = mapping
        self.bases = bases
        target = mapping.target
        default_types = (target,) if isinstance(target, type) else ()
        self.instance_types = mapping.instance_types or default_types
        self.__name__ = self.__qualname__ = mapping.old_name
        self.__doc__ = f"{mapping.old_name}({mapping.signature}) of Keras 1."
        self.__signature__ = parse_signature(mapping.signature, mapping.keywords)
        self._subclassable: type | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arguments = self.convert_arguments(args, kwargs)
        target = arguments.pop(TARGET_CLASS, self.mapping.target)
        _warn_once(self.mapping, target, arguments)
        return target(**arguments)

    def convert_arguments(self, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        """Returns keyword arguments of the target for arguments of Keras 1.

        Raises:
            TypeError: an argument is missing or did not exist in Keras 1.
        """
        arguments = self._bind(args, kwargs)
        if "name" in arguments and arguments["name"] is None:
            arguments["name"] = automatic_name(self.mapping.old_name)
        return convert_bound(self.mapping, arguments)

    def _bind(self, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        old_name, known = self.mapping.old_name, self.__signature__.parameters
        for name in kwargs:
            if name not in known:
                old = [k for k, v in self.mapping.argument_names.items() if v == name]
                old = [k for k in old if k in known]
                hint = f"Keras 1 calls it {old[0]!r}." if old else suggest(name, known)
                raise TypeError(
                    f"{old_name} of Keras 1 has no argument {name!r}. {hint}\n"
                    f"It accepts: {', '.join(known)}."
                )
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"{old_name} of Keras 1: {error}.\nIt accepts: {', '.join(known)}."
            ) from None
        bound.apply_defaults()
        return dict(bound.arguments)

    # ------------------------------------------------------------------------------- as a class

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self.instance_types)

    def __subclasscheck__(self, cls: type) -> bool:
        return issubclass(cls, self.instance_types)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """Returns the real base of `class Mine(OldName)`; see PEP 560."""
        if self._subclassable is None:
            self._subclassable = self._make_subclassable()
        return (self._subclassable,)

    def _make_subclassable(self) -> type:
        old_name, target, convert_arguments = (
            self.mapping.old_name,
            self.mapping.target,
            self.convert_arguments,
        )
        if not isinstance(target, type):
            raise TypeError(f"{old_name} of Keras 1 cannot be subclassed.")

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            arguments = convert_arguments(args, kwargs)
            other = arguments.pop(TARGET_CLASS, target)
            if other is not target:
                raise NotImplementedError(
                    f"A subclass of {old_name} of Keras 1 does not support these arguments: they "
                    f"require the class {other.__name__}, not {target.__name__}."
                )
            target.__init__(self, **arguments)

        return type(old_name, (*self.bases, target), {"__init__": __init__, "__module__": __name__})

    def __repr__(self) -> str:
        return f"<{self.mapping.old_name} of Keras 1>"


def convert_bound(mapping: ClassMapping, arguments: Arguments) -> Arguments:
    """Returns keyword arguments of the target for all arguments of a class of Keras 1.

    Args:
        mapping: the row of the table.
        arguments: the arguments by their old names, which is changed. It may receive
            `TARGET_CLASS`.
    """
    for name, convert in VALUE_CONVERTERS.items():
        if name in arguments:
            arguments[name] = convert(arguments[name])
    for convert_in_place in mapping.conversions:
        convert_in_place(arguments)
    for name in ("input_shape", "batch_input_shape"):
        if name in arguments and arguments[name] is None:
            del arguments[name]
    new_names = mapping.argument_names
    renamed = {
        new_names.get(name, name): value
        for name, value in arguments.items()
        if name not in _IGNORED_ARGUMENTS
    }
    return {**renamed, **mapping.fixed}


class BaseClassMeta(type):
    """Metaclass of base classes of Keras 1, for which `isinstance` also accepts `stands_for`."""

    def __instancecheck__(cls, instance: Any) -> bool:
        stands_for = cls.__dict__.get("stands_for", ())
        return isinstance(instance, stands_for) or super().__instancecheck__(instance)


def parse_signature(signature: str, keywords: str = "") -> inspect.Signature:
    """Parses a signature; keyword-only parameters are separate.

    Example:

    >>> str(parse_signature("p, seed=None", "name=None"))
    '(p, seed=None, *, name=None)'
    """
    for abbreviation, text in _ABBREVIATIONS.items():
        signature = signature.replace(abbreviation, text)
    text = ", ".join(part for part in (signature, f"*, {keywords}" if keywords else "") if part)
    function = ast.parse(f"def old({text}): ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    parsed = function.args
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    required = [inspect.Parameter.empty] * (len(parsed.args) - len(parsed.defaults))
    defaults = [*required, *map(ast.literal_eval, parsed.defaults)]
    parameters = [
        inspect.Parameter(argument.arg, kind, default=default)
        for argument, default in zip(parsed.args, defaults, strict=True)
    ]
    known = {parameter.name for parameter in parameters}
    parameters += [
        inspect.Parameter(argument.arg, kind.KEYWORD_ONLY, default=ast.literal_eval(default))
        for argument, default in zip(parsed.kwonlyargs, parsed.kw_defaults, strict=True)
        if argument.arg not in known and default is not None
    ]
    return inspect.Signature(parameters)


def automatic_name(class_name: str) -> str:
    """Returns a unique name for an object: its class name in lower case, with a number from 1.

    Example:

    >>> automatic_name("MaxPooling2D"), automatic_name("MaxPooling2D")
    ('maxpooling2d_1', 'maxpooling2d_2')
    """
    prefix = class_name.lower()
    count = auto_name(prefix).removeprefix(prefix).removeprefix("_")
    return f"{prefix}_{int(count or 0) + 1}"


_warned: list[str] = []


def _warn_once(mapping: ClassMapping, target: Callable[..., Any], arguments: Arguments) -> None:
    """Warns once per process, with the equivalent call of cornu, if Python runs with `-W`."""
    if sys.warnoptions and not _warned:
        _warned.append(mapping.old_name)
        keywords = ", ".join(f"{name}=" for name in arguments)
        warnings.warn(
            f"This program uses Keras 1. {mapping.old_name}({mapping.signature}) is now "
            f"cornu.layers.{target.__name__}({keywords}).",
            PendingDeprecationWarning,
            stacklevel=user_stacklevel(),
        )
