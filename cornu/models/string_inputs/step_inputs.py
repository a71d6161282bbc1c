"""StepInputs: what the compiled part of a model with inputs of strings takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax

from cornu.models.functional import FunctionalGraph

__all__ = ["DeviceGraph", "StepInputs"]


class StepInputs(Mapping[str, Any]):
    """The numbers that the compiled part of a model takes, by the name of their layer or input.

    A custom `train_step` receives them as x and passes them to the model.
    """

    __slots__ = ("_arrays",)

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._arrays = dict(arrays)

    def __getitem__(self, name: str) -> Any:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return f"StepInputs({self._arrays!r})"


def _flatten(inputs: StepInputs) -> tuple[list[tuple[Any, Any]], tuple[str, ...]]:
    names = tuple(inputs)
    return [(jax.tree_util.DictKey(name), inputs[name]) for name in names], names


def _unflatten(names: tuple[str, ...], arrays: Iterable[Any]) -> StepInputs:
    return StepInputs(dict(zip(names, arrays, strict=True)))


jax.tree_util.register_pytree_with_keys(StepInputs, _flatten, _unflatten)


class DeviceGraph(FunctionalGraph):
    """The compiled part of a split graph, whose inputs are StepInputs."""

    def match(self, value: Any) -> list[Any]:
        """Returns the arrays of StepInputs."""
        return [value[name] for name in self.input_names]

    def arrange(self, values: Sequence[Any]) -> StepInputs:
        """Returns StepInputs with one value for each input."""
        return StepInputs(dict(zip(self.input_names, values, strict=True)))
