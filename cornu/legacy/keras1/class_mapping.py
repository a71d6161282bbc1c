"""Mapping of classes of Keras 1 and Keras 2 to classes of cornu.

Each old class is a `ClassMapping`, one row of a table. `OldClass` makes it callable: it binds the
arguments to the old signature, which determines positions, keywords and defaults, converts their
values, renames them, and returns an ordinary object of cornu. What all classes of a version have in
common is its `Era`.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cornu.errors import suggest
from cornu.legacy.keras1.argument_values import VALUE_CONVERTERS
from cornu.legacy.keras1.calls import record_call
from cornu.legacy.keras1.notes import Call, note_once
from cornu.names import auto_name
from cornu.renamed import KERAS_1_ARGUMENTS

__all__ = [
    "LAYER_KEYWORDS",
    "RECURRENT_KEYWORDS",
    "TARGET_CLASS",
    "Arguments",
    "BaseClassMeta",
    "Call",
    "ClassMapping",
    "Era",
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
    "<K>": "kernel_initializer='glorot_uniform', bias_initializer='zeros', "
    "kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, "
    "kernel_constraint=None, bias_constraint=None",
    "<RI>": "kernel_initializer='glorot_uniform', recurrent_initializer='orthogonal', "
    "bias_initializer='zeros'",
    "<RC>": "kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, "
    "activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, "
    "bias_constraint=None",
    "<RC->": "kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, "
    "kernel_constraint=None, recurrent_constraint=None, bias_constraint=None",
    "<D>": "dropout=0.0, recurrent_dropout=0.0",
    "<S>": "return_sequences=False, return_state=False, go_backwards=False, stateful=False, "
    "unroll=False",
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
class Era:
    """What the classes of one version have in common.

    Attributes:
        name: the version, as in messages.
        convert: returns keyword arguments of the target for all arguments by their old names.
        automatic_name: returns a unique name for an object of a class.
        argument_names: old argument names to new ones, in every class.
        prepare: returns the arguments of a call by their names in the version, where it accepted
            other names and positions as well.
    """

    name: str
    convert: Callable[[ClassMapping, Arguments], Arguments]
    automatic_name: Callable[[str], str]
    argument_names: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[ClassMapping, Call], Call] | None = None


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


def automatic_name(class_name: str) -> str:
    """Returns a unique name for an object: its class name in lower case, with a number from 1.

    Example:

    >>> automatic_name("MaxPooling2D"), automatic_name("MaxPooling2D")
    ('maxpooling2d_1', 'maxpooling2d_2')
    """
    prefix = class_name.lower()
    count = auto_name(prefix).removeprefix(prefix).removeprefix("_")
    return f"{prefix}_{int(count or 0) + 1}"


KERAS_1 = Era("Keras 1", convert_bound, automatic_name, KERAS_1_ARGUMENTS)


@dataclass(frozen=True)
class ClassMapping:
    """One class of an old version.

    Attributes:
        old_name: its name in the version.
        signature: the parameters of its constructor, with `_ABBREVIATIONS`.
        target: the class or function of cornu that is called.
        renames: old argument names to new ones, in addition to those of the era.
        conversions: functions that change the bound arguments in place, where renaming is not
            enough; one may choose another class as `arguments[TARGET_CLASS]`.
        fixed: arguments that the version did not have, with the values that it used.
        keywords: keyword-only parameters.
        instance_types: the classes that `isinstance` accepts; by default `target`.
        era: the version.
    """

    old_name: str
    signature: str
    target: Callable[..., Any]
    renames: Mapping[str, str] = field(default_factory=dict)
    conversions: tuple[Callable[[Arguments], None], ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    keywords: str = LAYER_KEYWORDS
    instance_types: tuple[type, ...] = ()
    era: Era = KERAS_1

    @property
    def argument_names(self) -> dict[str, str]:
        """Old argument names to new ones."""
        return {**self.era.argument_names, **self.renames}

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The parameters of the constructor by name."""
        return parse_signature(self.signature, self.keywords).parameters


class OldClass:
    """A class name of an old version: can be called, subclassed, and used with `isinstance`.

    Args:
        mapping: the row of the table.
        bases: base classes of the version, for subclasses that the program defines.
        subclassable: the class that such subclasses are derived from; by default one that is made
            of `bases` and the class of today.

    Example:

    >>> from cornu.layers import Dropout
    >>> dropout = OldClass(ClassMapping("Dropout", "p, noise_shape=None, seed=None", Dropout))
    >>> layer = dropout(0.25)
    >>> layer.rate, layer.name, isinstance(layer, dropout)
    (0.25, 'dropout_1', True)
    """

    # Returns the class of the objects, for the class of today and the old one.
    derive: Callable[[type, OldClass], type] | None = None
    # Sets what the constructor of today does not accept, for the object and the arguments.
    finish: Callable[[Any, Arguments], None] | None = None
    # What returns this object in another process: a function and its arguments.
    reference: tuple[Any, ...] | None = None

    def __init__(
        self, mapping: ClassMapping, bases: tuple[type, ...] = (), subclassable: type | None = None
    ) -> None:
        self.mapping = mapping
        self.bases = bases
        target = mapping.target
        default_types = (target,) if isinstance(target, type) else ()
        self.instance_types = mapping.instance_types or default_types
        if subclassable is not None:
            self.instance_types += (subclassable,)
        self.__name__ = self.__qualname__ = mapping.old_name
        self.__doc__ = f"{mapping.old_name}({mapping.signature}) of {mapping.era.name}."
        self.__signature__ = parse_signature(mapping.signature, mapping.keywords)
        self._subclassable = subclassable
        self._derived: dict[type, type] = {}
        # `Dense.__init__(self, ...)` in a subclass is the constructor of the class, not this one.
        vars(self)["__init__"] = self._initialize

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = self.bind_arguments(args, kwargs)
        arguments = self.mapping.era.convert(self.mapping, dict(bound))
        target = arguments.pop(TARGET_CLASS, self.mapping.target)
        names = (self.mapping.era.name, self.mapping.old_name)
        note_once(names, (args, kwargs), target, arguments)
        made = (self.class_for(target) if isinstance(target, type) else target)(**arguments)
        if self.finish is not None:
            self.finish(made, bound)
        record_call(made, self.mapping, bound)
        return made

    def __reduce__(self) -> Any:
        if self.reference is None:
            return super().__reduce__()
        function, *arguments = self.reference
        return function, tuple(arguments)

    def class_for(self, target: type) -> type:
        """Returns the class of the objects for a class of today: itself, or one derived from it."""
        if self.derive is None:
            return target
        if target not in self._derived:
            self._derived[target] = self.derive(target, self)
        return self._derived[target]

    def bind_arguments(self, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        """Returns all arguments by their old names, with the defaults of the version.

        Raises:
            TypeError: an argument is missing or did not exist in the version.
        """
        era = self.mapping.era
        if era.prepare is not None:
            args, kwargs = era.prepare(self.mapping, (args, kwargs))
        arguments = self._bind(args, kwargs)
        if "name" in arguments and arguments["name"] is None:
            arguments["name"] = era.automatic_name(self.mapping.old_name)
        return arguments

    def _bind(self, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        old_name, known = self.mapping.old_name, self.__signature__.parameters
        era = self.mapping.era.name
        for name in kwargs:
            if name not in known:
                old = [k for k, v in self.mapping.argument_names.items() if v == name]
                old = [k for k in old if k in known]
                hint = f"{era} calls it {old[0]!r}." if old else suggest(name, known)
                raise TypeError(
                    f"{old_name} of {era} has no argument {name!r}. {hint}\n"
                    f"It accepts: {', '.join(known)}."
                )
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"{old_name} of {era}: {error}.\nIt accepts: {', '.join(known)}."
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
        return (self._base_of_subclasses(),)

    def __getattr__(self, name: str) -> Any:
        """Returns a method of the class, as in `LSTM.build(self, input_shape)`."""
        if name.startswith("__") or not isinstance(self.mapping.target, type):
            raise AttributeError(f"{self.__name__!r} has no attribute {name!r}")
        return getattr(self._base_of_subclasses(), name)

    def from_config(self, config: Arguments) -> Any:
        """Returns an object for a result of its `get_config`, or a config of today."""
        target: Any = self.mapping.target
        return self.class_for(target).from_config(config)  # type: ignore[attr-defined]

    def _initialize(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        self._base_of_subclasses().__init__(instance, *args, **kwargs)  # type: ignore[misc]

    def _base_of_subclasses(self) -> type:
        if self._subclassable is None:
            self._subclassable = self._make_subclassable()
        return self._subclassable

    def _make_subclassable(self) -> type:
        mapping, bind_arguments = self.mapping, self.bind_arguments
        old_name, target, era = mapping.old_name, mapping.target, mapping.era.name
        if not isinstance(target, type):
            raise TypeError(f"{old_name} of {era} cannot be subclassed.")

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            bound = bind_arguments(args, kwargs)
            arguments = mapping.era.convert(mapping, dict(bound))
            other = arguments.pop(TARGET_CLASS, target)
            if other is not target:
                raise NotImplementedError(
                    f"A subclass of {old_name} of {era} does not support these arguments: they "
                    f"require the class {other.__name__}, not {target.__name__}."
                )
            target.__init__(self, **arguments)
            record_call(self, mapping, bound)

        return type(old_name, (*self.bases, target), {"__init__": __init__, "__module__": __name__})

    def __repr__(self) -> str:
        return f"<{self.mapping.old_name} of {self.mapping.era.name}>"


class BaseClassMeta(type):
    """Metaclass of base classes of programs, for which `isinstance` also accepts `stands_for`."""

    def __instancecheck__(cls, instance: Any) -> bool:
        stands_for = cls.__dict__.get("stands_for", ())
        return isinstance(instance, stands_for) or super().__instancecheck__(instance)


@functools.lru_cache(maxsize=1024)
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
