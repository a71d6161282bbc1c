"""Outputs: the names and the structure that targets, losses, metrics and weights bind to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.errors import suggest

__all__ = ["Outputs"]


class Outputs:
    """The outputs of a model.

    Args:
        structure: symbolic Tensors in the structure of the model's outputs.
        names: one for each output; made up for a model that is not drawn.

    Attributes:
        names: of the outputs, in the order of the leaves.
        tensors: the Tensors in that order.
    """

    def __init__(self, structure: Any, names: Sequence[str] | None = None) -> None:
        self.structure = structure
        self.tensors: list[Tensor] = tree.leaves(structure)
        if names is None:
            flat_dict = isinstance(structure, dict) and len(structure) == len(self.tensors)
            names = (
                sorted(structure)
                if flat_dict
                else [f"output_{i + 1}" for i in range(len(self.tensors))]
            )
        self.names = list(names)

    def __len__(self) -> int:
        return len(self.tensors)

    @property
    def single(self) -> bool:
        """Whether there is one output that stands for itself."""
        return len(self.tensors) == 1

    def spread(
        self,
        value: Any,
        what: str,
        whole: Callable[[Any], bool] = lambda value: False,
        to_all: bool = False,
    ) -> list[Any]:
        """Returns what belongs to each output, in order; `None` where nothing was given.

        Args:
            value: for one output, the thing itself or in a list or dict; for several, a list
                with one entry each, or a dict by output name.
            what: a word for messages, such as "loss".
            whole: tells whether a list or dict is one thing rather than a collection.
            to_all: whether a single thing counts for every output.
        """
        if value is None:
            return [None] * len(self)
        if isinstance(value, dict) and not whole(value):
            return self._by_name(value, what)
        if isinstance(value, (list, tuple)) and not whole(value):
            if len(value) == len(self):
                return list(value)
            if not self.single and isinstance(self.structure, (list, tuple, dict)):
                flat = tree.leaves(value)
                if len(flat) == len(self):
                    return flat
            raise ValueError(
                f"{what}: the model has {len(self)} outputs ({', '.join(self.names)}); "
                f"received a {type(value).__name__} of {len(value)}.\n"
                f"Give one entry for each output, or a dict by output name."
            )
        if self.single or to_all:
            return [value] * len(self)
        raise ValueError(
            f"{what}: the model has {len(self)} outputs ({', '.join(self.names)}); "
            f"received one {'array' if hasattr(value, 'shape') else type(value).__name__}.\n"
            "Give a list with one entry for each output, or a dict by output name."
        )

    def _by_name(self, value: dict[str, Any], what: str) -> list[Any]:
        for name in value:
            if name not in self.names:
                raise ValueError(
                    f"{what}: the model has no output {name!r}. {suggest(name, self.names)}"
                )
        return [value.get(name) for name in self.names]

    def flatten(self, value: Any) -> list[Any]:
        """Returns the leaves of the outputs of a call."""
        return tree.leaves(value)


def is_array(x: Any) -> bool:
    """Tells whether something counts as one array (a list of numbers does)."""
    if isinstance(x, (list, tuple)):
        return bool(x) and all(isinstance(item, (int, float, np.number)) for item in x)
    return not isinstance(x, dict)
