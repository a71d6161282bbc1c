"""The table of targets."""

from __future__ import annotations

from benchmarks.fuzzing import catalogue, files, legacy
from benchmarks.fuzzing.target import Target

__all__ = ["TARGETS"]

_MODULES = (catalogue, files, legacy)
TARGETS: dict[str, Target] = {t.name: t for module in _MODULES for t in module.TARGETS}
