"""The table of all attacks, by name."""

from __future__ import annotations

from benchmarks.attacks import (
    crafted,
    damaged_files,
    formats,
    interrupts,
    names,
    saving,
    threads,
    training,
)
from benchmarks.attacks.attack import Attack

__all__ = ["ATTACKS"]

_MODULES = (training, saving, interrupts, threads, crafted, formats, damaged_files, names)
ATTACKS: dict[str, Attack] = {}
for _module in _MODULES:
    for _attack in _module.ATTACKS:
        if _attack.name in ATTACKS:
            raise ValueError(f"Two attacks are called {_attack.name!r}.")
        ATTACKS[_attack.name] = _attack
