"""Config: a dict with attribute access that can be frozen."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from cornu.errors import suggest

__all__ = ["Config"]

_OWN = ("_config", "_frozen")


class Config:
    """A dict whose values are also attributes, and that can be frozen.

    Args:
        **kwargs: the initial values.

    Raises:
        AttributeError: a value does not exist.
        ValueError: a value is set or removed while the config is frozen, or it has the name of a
            method.

    Example:

    >>> config = Config(learning_rate=0.1)
    >>> config.seed = 123
    >>> config["seed"], config.learning_rate, list(config)
    (123, 0.1, ['learning_rate', 'seed'])
    >>> config.freeze()
    >>> config.frozen, config.to_json()
    (True, '{"learning_rate": 0.1, "seed": 123}')

    Fixes: setting an attribute with the name of a method, such as `keys`, is an error; in Keras it
    replaces the method. Use `config["keys"]` instead.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._config = kwargs
        self._frozen = False

    @property
    def frozen(self) -> bool:
        """Whether the config is frozen."""
        return self._frozen

    def freeze(self) -> None:
        """Makes the config read-only."""
        self._frozen = True

    def unfreeze(self) -> None:
        """Makes the config writable again."""
        self._frozen = False

    def _writable(self) -> dict[str, Any]:
        """Returns the values; raises ValueError if the config is frozen."""
        if self._frozen:
            raise ValueError("The config is frozen and cannot be modified.\nCall unfreeze() first.")
        return self._config

    def as_dict(self) -> dict[str, Any]:
        """Returns the values as a new dict."""
        return dict(self._config)

    def to_json(self) -> str:
        """Returns the values as JSON."""
        return json.dumps(self._config)

    def keys(self) -> KeysView[str]:
        """Returns the names."""
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """Returns the values."""
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """Returns pairs of names and values."""
        return self._config.items()

    def pop(self, *args: Any) -> Any:
        """Removes a value and returns it, like `dict.pop`.

        Args:
            *args: the name, and what is returned if it does not exist.
        """
        return self._writable().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Sets several values, like `dict.update`.

        Args:
            *args: a dict, or an iterable of pairs.
            **kwargs: values by name.
        """
        self._writable().update(*args, **kwargs)

    def get(self, keyname: str, value: Any = None) -> Any:
        """Returns the value of a name, or `value` if it does not exist.

        Args:
            keyname: the name of the value.
            value: what is returned if the name does not exist.
        """
        return self._config.get(keyname, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
        elif name in dir(type(self)):
            raise ValueError(f"{name!r} is a method of Config.\nWrite config[{name!r}] = ...")
        else:
            self._writable()[name] = value

    def __getattr__(self, name: str) -> Any:
        # While the object is copied or unpickled, `_config` does not exist yet.
        values = self.__dict__.get("_config", {})
        if name in values:
            return values[name]
        raise AttributeError(f"The config has no value {name!r}. {suggest(name, values)}")

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __setitem__(self, key: str, item: Any) -> None:
        self._writable()[key] = item

    def __delitem__(self, key: str) -> None:
        del self._writable()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
