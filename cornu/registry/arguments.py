"""The arguments of constructors, which are captured when an object is created.

Configs consist of them, so that classes need not define `get_config()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from cornu.names import is_library_class, public_names
from cornu.registry.keywords import check_keywords
from cornu.registry.names import find_pickling
from cornu.registry.signatures import signature_of
from cornu.types import Config

__all__ = ["ArgumentCapture"]


_MAX_LENGTH = 60  # characters of an argument in `repr`


def _abbreviate(value: object) -> str:
    """Returns the repr of an argument on one line."""
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    text = " ".join(repr(value).split())
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."


class ArgumentCapture:
    """Base class of `Configurable`, as far as serialization needs it: all but the conversion.

    `serialize` and `deserialize` recognize objects by this class, and `Configurable` converts its
    arguments by calling them.
    """

    _category_: ClassVar[str] = "objects"
    # Whether an archive that contains an object twice describes one object, not two equal ones.
    _has_identity_: ClassVar[bool] = False
    # Whether a class of the program restores its state by itself, before an object is used.
    _builds_itself_: ClassVar[bool] = False
    # Whether a class is a variant of one of Keras, with its arguments and weights: files name both,
    # so that Keras reads them.
    _is_variant_: ClassVar[bool] = False
    # Whether a class has the public name of the class that it is derived from, as those of old
    # versions: files name the class of today, and copies have the class itself.
    _is_derived_: ClassVar[bool] = False
    # How a pickler stores a class that is made at run time: a function and its arguments.
    _class_reference_: ClassVar[tuple[Any, ...] | None] = None
    # The attributes that hold arguments of the constructor under another name, by argument.
    _argument_attributes_: ClassVar[Mapping[str, str]] = {}
    _constructed_with_: tuple[Any, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if kwargs:
            check_keywords(cls, kwargs)
        self = object.__new__(cls)
        # In `__new__`, because a constructor of a subclass may change its arguments before it
        # calls `super().__init__()`.
        object.__setattr__(self, "_constructed_with_", (args, kwargs))
        return self

    def __repr__(self) -> str:
        args, kwargs = self._constructed_with_
        parts = [*map(_abbreviate, args), *(f"{k}={_abbreviate(v)}" for k, v in kwargs.items())]
        return f"{type(self).__name__}({', '.join(parts)})"

    @property
    def _constructor_call_(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The positional and keyword arguments of the constructor, as they were passed."""
        return self._constructed_with_

    def _public_name_(self) -> tuple[str, str]:
        """Returns the module and class name by which a config refers to the class.

        Configs name the modules of Keras, so that Keras can read files that cornu writes.
        """
        cls = type(self)
        if not is_library_class(cls):
            return cls.__module__, cls.__name__
        own = (base for base in cls.__mro__ if issubclass(base, ArgumentCapture))
        public = next(base for base in own if not base._is_derived_)
        return f"keras.{self._category_}", public.__name__

    def _constructor_arguments_(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, including defaults, by parameter name.

        For a class of the program that overrides `get_config`, or whose constructor takes
        `*args`, they are those of the class of the library that it is derived from: such a
        `get_config` adds the arguments of its own, as in `dict(units=3, **super().get_config())`.

        Raises:
            NotImplementedError: the constructor was called with variadic positional arguments.
        """
        args, kwargs = self._constructed_with_
        cls, library = type(self), self._library_class_()
        if library is not cls:
            has_varargs = any(
                p.kind is p.VAR_POSITIONAL for p in signature_of(cls.__init__).parameters.values()
            )
            if has_varargs or cls.get_config is not library.get_config:
                return self._library_arguments_(library)
        signature = signature_of(type(self).__init__)
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        arguments: dict[str, Any] = {}
        for name, parameter in list(signature.parameters.items())[1:]:
            if parameter.kind is parameter.VAR_KEYWORD:
                arguments.update(bound.arguments[name])
            elif parameter.kind is parameter.VAR_POSITIONAL:
                if bound.arguments[name]:
                    raise NotImplementedError(
                        f"The constructor of {type(self).__name__} takes *{name}, which has no "
                        "parameter names for a config. Define `get_config()` and `from_config()`."
                    )
            else:
                arguments[name] = bound.arguments[name]
        return arguments

    @classmethod
    def _library_class_(cls) -> type[ArgumentCapture]:
        """Returns the class itself, or the class of the library that it is derived from."""
        return next(base for base in cls.__mro__ if is_library_class(base))

    def _library_arguments_(self, library: type[ArgumentCapture]) -> dict[str, Any]:
        """Returns the arguments of the constructor of a base class, as attributes hold them."""
        passed = self._constructed_with_[1]
        arguments: dict[str, Any] = {}
        for name, parameter in signature_of(library.__init__).parameters.items():
            is_property = isinstance(getattr(type(self), name, None), property)
            if is_property and name not in self._argument_attributes_:
                value = getattr(self, name)
            else:
                attribute = self._argument_attributes_.get(name, name)
                value = vars(self).get(attribute, passed.get(name, parameter.empty))
            # The class of a whole category, such as Layer, leaves out what is seldom given.
            is_seldom = "_category_" in vars(library) and parameter.default in (None, True)
            if value is not parameter.empty and not (is_seldom and value is parameter.default):
                arguments[name] = value
        return arguments

    def __dir__(self) -> list[str]:
        return public_names(self, super().__dir__())

    def get_config(self) -> Config:
        """Returns the arguments of the constructor as plain data. `Configurable` implements it."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates an object from the result of `get_config()`. `Configurable` implements it."""
        raise NotImplementedError

    # A class of an old version has configs in the layout of the version. Files and copies have
    # those of today, which describe the object completely.

    def _stored_config_(self) -> Config:
        """Returns the config in files and copies: that of `get_config()`."""
        return self.get_config()

    @classmethod
    def _from_stored_config_(cls, config: Config) -> Any:
        """Creates an object from the result of `_stored_config_()`."""
        return cls.from_config(config)

    def _state_config_(self) -> Config:
        """Returns what an archive describes beside the constructor arguments, such as shapes."""
        return {}

    def _restore_state_(self, config: Config) -> None:
        """Brings a new object into the state that `_state_config_()` described."""

    def _live_state_(self) -> Config:
        """Returns what a copy has in addition to what files contain, such as counters."""
        return {}

    def _set_live_state_(self, state: Config) -> None:
        """Brings a copy into the state that `_live_state_()` returned."""

    # `pickle`, `copy` and others copy objects by their configs and Variables, as files do.

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        reduced: tuple[Any, ...] = find_pickling().reduce_object(self)
        return reduced

    def __copy__(self) -> Self:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied: Self = find_pickling().copy_object(self, memo)
        return copied
