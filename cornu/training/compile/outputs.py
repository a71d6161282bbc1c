"""Outputs: assigns losses, metrics, targets and weights to the outputs of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.errors import quantity, suggest
from cornu.types import DataLike, PyTree

__all__ = ["Entry", "Outputs", "is_array"]


class Entry(NamedTuple):
    """A part of an argument, and the outputs that it is for.

    Attributes:
        path: the keys and positions that lead to these outputs.
        outputs: the index of one output, or a structure of indices.
        value: the part of the argument.
    """

    path: tuple[Any, ...]
    outputs: PyTree
    value: Any

    @property
    def indices(self) -> list[int]:
        """The indices of the outputs."""
        found: list[int] = tree.leaves(self.outputs)
        return found


class Outputs:
    """The outputs of a model; assigns losses, metrics, targets and weights to them.

    Args:
        structure: symbolic Tensors in the structure of the model's outputs.
        names: the names of the outputs; by default the keys of a dict, or `output_1`, ...

    Attributes:
        names: the names of the outputs, in the order of the leaves.
        labels: the names for losses and metrics; None for outputs that the user did not name.
        paths: the keys and positions that lead to each output.
        tensors: the Tensors in the same order.
        targeted: the indices of the outputs that need targets; None for all.
    """

    def __init__(self, structure: PyTree, names: Sequence[str] | None = None) -> None:
        self.structure = structure
        self.tensors: list[Tensor]
        self.tensors, treedef = tree.flatten_with_treedef(structure)
        self._indices = tree.unflatten(treedef, range(len(self.tensors)))
        self.paths = [path for path, _ in tree.flatten_with_path(self._indices)]
        flat_dict = isinstance(structure, dict) and len(structure) == len(self.tensors)
        if names is None and flat_dict:
            # The order of the leaves of a dict.
            names = sorted(structure)
        self.labels: list[str | None] = [None] * len(self) if names is None else list(names)
        self.names = list(names or [f"output_{i + 1}" for i in range(len(self))])
        self.targeted: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.tensors)

    @property
    def single(self) -> bool:
        """Whether there is exactly one output."""
        return len(self.tensors) == 1

    def entries(
        self, value: Any, what: str, whole: Callable[[Any], bool] = lambda value: False
    ) -> list[Entry]:
        """Returns the parts of an argument, each with the outputs that it is for.

        Args:
            value: nested like the outputs, where tuples and lists are the same; or a list with one
                entry for each output; or a dict by output name. Entries that are missing or None
                are left out. A part that is not nested where the outputs are is for all of them.
            what: the name of the argument in error messages, such as "loss".
            whole: whether a list or dict is a single entry rather than a collection.

        Raises:
            ValueError: the number of entries is not that of the outputs, or a name is unknown.
        """
        if value is None:
            return []
        if not _is_nested(value, whole):
            return [Entry((), self._indices, value)]
        if isinstance(value, dict):
            return self._entries_by_name(value, what, whole)
        if len(value) == len(self) and not any(_is_nested(part, whole) for part in value):
            return self._numbered(value)
        if isinstance(self._indices, (list, tuple)) and len(value) == len(self._indices):
            found = self._nested_like_outputs(value, whole)
            if found is not None:
                return found
        if len(value) == len(self):
            return self._numbered(value)
        if not self.single and isinstance(self.structure, (list, tuple, dict)):
            flat: list[Any] = tree.leaves(value)
            if len(flat) == len(self):
                return self._numbered(flat)
        raise ValueError(
            f"{what}: the model has {quantity(len(self), 'output')} ({', '.join(self.names)}); "
            f"received a {type(value).__name__} of {len(value)}.\n"
            "Pass one entry for each output, or a dict by output name."
        )

    def spread(
        self,
        value: Any,
        what: str,
        whole: Callable[[Any], bool] = lambda value: False,
        to_all: bool = False,
    ) -> list[Any]:
        """Returns the entry for each output, in order; `None` for outputs without entry.

        Args:
            value, what, whole: as in `entries`.
            to_all: whether a part for several outputs applies to each of them.

        Raises:
            ValueError: a part is for several outputs, or as `entries`.
        """
        found: list[Any] = [None] * len(self)
        for entry in self.entries(value, what, whole):
            indices = entry.indices
            if len(indices) > 1 and not to_all:
                names = ", ".join(self.names[i] for i in indices)
                part = entry.value
                raise ValueError(
                    f"{what}: the model has {quantity(len(indices), 'output')} ({names}); "
                    f"received one {'array' if hasattr(part, 'shape') else type(part).__name__}.\n"
                    "Pass a list with one entry for each output, or a dict by output name."
                )
            for i in indices:
                found[i] = entry.value
        return found

    def spread_targets(self, y: DataLike) -> list[Any]:
        """Returns the targets of each output.

        Targets for the outputs in `targeted` alone are accepted as well, in their order.
        """
        targeted = self.targeted
        if targeted is not None and len(targeted) < len(self) and not isinstance(y, dict):
            parts = [y] if is_array(y) else list(y)
            if y is not None and len(parts) == len(targeted) and all(map(is_array, parts)):
                given = dict(zip(targeted, parts, strict=True))
                return [given.get(i) for i in range(len(self))]
        return self.spread(y, "y", whole=is_array)

    def spread_weights(self, sample_weight: DataLike) -> list[Any]:
        """Returns the sample weights of each output; a single array applies to all."""
        return self.spread(sample_weight, "sample_weight", whole=is_array, to_all=True)

    def _numbered(self, parts: Sequence[Any]) -> list[Entry]:
        """Returns an entry for each part that is not None."""
        return [
            Entry(path, i, part)
            for i, (path, part) in enumerate(zip(self.paths, parts, strict=True))
            if part is not None
        ]

    def _entries_by_name(
        self, value: dict[Any, Any], what: str, whole: Callable[[Any], bool]
    ) -> list[Entry]:
        keys = self.structure.keys() if isinstance(self.structure, dict) else ()
        if not set(value) - set(keys):
            found = self._nested_like_outputs(value, whole)
            if found is not None:
                return found
        for name in value:
            if name not in self.names:
                raise ValueError(
                    f"{what}: the model has no output {name!r}. {suggest(name, self.names)}"
                )
        return self._numbered([value.get(name) for name in self.names])

    def _nested_like_outputs(self, value: Any, whole: Callable[[Any], bool]) -> list[Entry] | None:
        """Returns the entries of a value that is nested like the outputs; None for others."""
        try:
            return list(_walk(self._indices, value, (), whole))
        except _OtherStructureError:
            return None


class _OtherStructureError(Exception):
    pass


def _walk(
    outputs: PyTree, value: Any, path: tuple[Any, ...], whole: Callable[[Any], bool]
) -> Iterator[Entry]:
    """Yields the entries of a value, along a structure of indices of outputs."""
    if value is None:
        return
    if isinstance(outputs, int) or not _is_nested(value, whole):
        yield Entry(path, outputs, value)
    elif isinstance(outputs, dict) and isinstance(value, dict) and not set(value) - set(outputs):
        # In the order of the value, in which Keras lists the losses.
        for key, part in value.items():
            yield from _walk(outputs[key], part, (*path, key), whole)
    elif (
        isinstance(outputs, (list, tuple))
        and isinstance(value, (list, tuple))
        and len(outputs) == len(value)
    ):
        for i, (inner, part) in enumerate(zip(outputs, value, strict=True)):
            yield from _walk(inner, part, (*path, i), whole)
    else:
        raise _OtherStructureError


def _is_nested(value: Any, whole: Callable[[Any], bool]) -> bool:
    return isinstance(value, (list, tuple, dict)) and not whole(value)


def is_array(x: DataLike) -> bool:
    """Whether a value is treated as a single array; a list of numbers is."""
    if isinstance(x, (list, tuple)):
        return bool(x) and all(isinstance(item, (int, float, np.number)) for item in x)
    return not isinstance(x, dict)
