"""Configs of a version for objects without layers: penalties, initializers, losses and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from cornu import registry
from cornu.names import is_library_class
from cornu.types import Config

__all__ = ["PartConfigs", "create_part"]


class PartConfigs:
    """Mixin of classes that precedes the class of today: `get_config` is that of a version.

    Files and copies have the config of today, which describes the object completely. A class of
    the program that is derived from one of these has one config for all of them.

    Attributes:
        _not_of_version_: entries of the config of today that the version does not have.
    """

    _is_derived_: ClassVar[bool] = True
    _not_of_version_: ClassVar[tuple[str, ...]] = ()

    def get_config(self) -> Config:
        """Returns the arguments of the constructor in the layout of the version."""
        config = self._config_of_today_()
        return {k: v for k, v in config.items() if k not in self._not_of_version_}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates an object from a config of the version, or from one of today."""
        return super().from_config(config, custom_objects)  # type: ignore[misc]

    def _config_of_today_(self) -> Config:
        config: Config = super().get_config()  # type: ignore[misc]  # of the class of today
        return config

    def _stored_config_(self) -> Config:
        return self._config_of_today_() if is_library_class(type(self)) else self.get_config()

    @classmethod
    def _from_stored_config_(cls, config: Config) -> Any:
        if not is_library_class(cls):
            return cls.from_config(config)
        return super().from_config(config)  # type: ignore[misc]  # of the class of today


def create_part(
    described: Mapping[str, Any],
    find: Callable[[str], type[Any] | None],
    create_of_today: Callable[[dict[str, Any]], Any],
) -> Any:
    """Returns the object for a class and a config: of the version, or of today.

    A class that the program has registered precedes that of the version.

    Args:
        described: a dict with `class_name` and `config`.
        find: returns the class of the version for a name, or None.
        create_of_today: returns the object for all others.
    """
    name = str(described.get("class_name"))
    cls = None if registry.get_registered_object(name) else find(name)
    if cls is None:
        return create_of_today(dict(described))
    return cls.from_config(described.get("config") or {})
