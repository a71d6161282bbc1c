"""Modules: the arrays of another library, by the modules that they are parameters of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

__all__ = ["Modules", "join"]

_NUMBER = re.compile(r"\d+")
_NUMBERED = re.compile(r"_\d+$")


def join(prefix: str, name: str, separator: str) -> str:
    """Returns the key of a parameter of a module, which may be the root."""
    return f"{prefix}{separator}{name}" if prefix else name


class Modules:
    """Arrays by key, such as `encoder.0.weight`, seen as modules with parameters.

    Args:
        state: the arrays by key.
        separator: what is between the parts of a key.
        ignored: last parts of keys that no layer has.
        signatures: names of parameters of modules whose inner modules are not layers.
    """

    def __init__(
        self,
        state: Mapping[str, np.ndarray],
        separator: str,
        ignored: Collection[str] = (),
        signatures: Collection[str] = (),
    ) -> None:
        self.separator = separator
        self._state = {k: v for k, v in state.items() if k.rpartition(separator)[2] not in ignored}
        self._direct: dict[str, list[str]] = {}
        for key in self._state:
            prefix, _, name = key.rpartition(separator)
            self._direct.setdefault(prefix, []).append(name)
        self._wholes = {prefix for name in signatures for prefix in self.with_parameter(name)}
        self._taken: set[str] = set()

    @property
    def prefixes(self) -> list[str]:
        """The modules with parameters of their own."""
        return list(self._direct)

    def with_parameter(self, name: str) -> Iterator[str]:
        """Yields the prefixes of modules that have a parameter, which may be one of inner modules.

        Args:
            name: the parameter, such as `weight` or `out_proj.weight`.
        """
        inner, _, last = name.rpartition(self.separator)
        ending = f"{self.separator}{inner}"
        for prefix, names in self._direct.items():
            if last not in names:
                continue
            if not inner:
                yield prefix
            elif prefix == inner:
                yield ""
            elif prefix.endswith(ending):
                yield prefix.removesuffix(ending)

    def parameters(self, prefix: str, expected: Iterable[str]) -> dict[str, np.ndarray]:
        """Returns the parameters of a module, and those of inner modules that are expected."""
        names = dict.fromkeys([*self._direct.get(prefix, ()), *expected])
        keys = {name: join(prefix, name, self.separator) for name in names}
        return {name: self._state[key] for name, key in keys.items() if key in self._state}

    def take(self, prefix: str, names: Iterable[str]) -> None:
        """Records that a layer has parameters of a module."""
        self._taken.update(join(prefix, name, self.separator) for name in names)

    def is_free(self, prefix: str, names: Iterable[str]) -> bool:
        """Returns whether a module may be chosen for a layer without being named.

        No layer has its parameters, and it is not a part of another module, as the projections of
        attention are.
        """
        outer = prefix
        while outer:
            outer = outer.rpartition(self.separator)[0]
            if outer in self._wholes:
                return False
        keys = (join(prefix, name, self.separator) for name in names)
        return not any(key in self._taken for key in keys)

    def left(self) -> dict[str, np.ndarray]:
        """Returns the arrays that no layer has."""
        return {key: x for key, x in self._state.items() if key not in self._taken}

    def with_class(self, prefixes: Collection[str], classes: Collection[str]) -> Collection[str]:
        """Returns those of prefixes that are named after a class, such as `LayerNorm_0`; or all."""
        found = [
            p for p in prefixes if _NUMBERED.sub("", p.rpartition(self.separator)[2]) in classes
        ]
        return found or prefixes

    def are_numbered(self, prefixes: Iterable[str]) -> bool:
        """Returns whether prefixes differ in their numbers only, as `Dense_0` and `Dense_1` do."""
        return len({_NUMBER.sub("", prefix) for prefix in prefixes}) == 1

    def by_number(self, prefixes: Iterable[str]) -> list[str]:
        """Returns prefixes that differ in their numbers only in the order of these."""
        return sorted(prefixes, key=lambda p: [int(number) for number in _NUMBER.findall(p)])
