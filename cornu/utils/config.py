"""Config: named values that can be read as attributes, and locked."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from cornu.errors import suggest

__all__ = ["Config"]

_OWN = ("_config", "_frozen")


class Config:
    """A dict whose values are attributes as well, and that can be locked.

    Args:
        **kwargs: the values to begin with.

    Raises:
        AttributeError: a value that is read does not exist.
        ValueError: a value is set or taken away while the config is frozen, or it has the name
            of a method.

    Example:

    >>> config = Config(learning_rate=0.1)
    >>> config.seed = 123
    >>> config["seed"], config.learning_rate, list(config)
    (123, 0.1, ['learning_rate', 'seed'])
    >>> config.freeze()
    >>> config.frozen, config.to_json()
    (True, '{"learning_rate": 0.1, "seed": 123}')

    Differences: a value with the name of a method (such as `keys`) is refused as an attribute; in
    Keras it takes the method's place. As an entry, `config["keys"]`, it is fine.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._config = kwargs
        self._frozen = False

    @property
    def frozen(self) -> bool:
        """Whether the config is locked."""
        return self._frozen

    def freeze(self) -> None:
        """Locks the config: nothing can be changed."""
        self._frozen = True

    def unfreeze(self) -> None:
        """Unlocks the config."""
        self._frozen = False

    def _changing(self) -> dict[str, Any]:
        """Returns the values, if they may be changed."""
        if self._frozen:
            raise ValueError("The config is frozen, and cannot be changed.\nCall unfreeze() first.")
        return self._config

    def as_dict(self) -> dict[str, Any]:
        """Returns the values in a dict of its own."""
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
        """Takes a value away and returns it, like `dict.pop`."""
        return self._changing().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Sets several values, like `dict.update`."""
        self._changing().update(*args, **kwargs)

    def get(self, keyname: str, value: Any = None) -> Any:
        """Returns a value, or `value` if there is none of that name."""
        return self._config.get(keyname, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
        elif name in dir(type(self)):
            raise ValueError(f"{name!r} is a method of Config.\nWrite config[{name!r}] = ...")
        else:
            self._changing()[name] = value

    def __getattr__(self, name: str) -> Any:
        # Before the constructor ran, as when it is copied, there is nothing to look in.
        values = self.__dict__.get("_config", {})
        if name in values:
            return values[name]
        raise AttributeError(f"The config has no value {name!r}. {suggest(name, values)}")

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __setitem__(self, key: str, item: Any) -> None:
        self._changing()[key] = item

    def __delitem__(self, key: str) -> None:
        del self._changing()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
