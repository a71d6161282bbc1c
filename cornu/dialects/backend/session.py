"""Session: what `get_session` returns in place of a session of TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.core.state.variable import Variable
from cornu.dialects.backend.functions import Function, Step, Update

__all__ = ["Session"]


class Session:
    """The result of `get_session`: `run` computes Tensors and assigns updates."""

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        """Returns the values of a Tensor, a Variable or a list of them.

        Args:
            fetches: Tensors, Variables and updates, in nested lists.
            feed_dict: values of placeholders.
        """
        fed = feed_dict or {}
        leaves, structure = tree.flatten_with_treedef(fetches)
        updates = [one for one in leaves if isinstance(one, (Update, Step))]
        outputs = [one for one in leaves if isinstance(one, (Tensor, Variable))]
        found = iter(Function(list(fed), outputs, updates)(list(fed.values())))
        values = [next(found) if isinstance(x, (Tensor, Variable)) else None for x in leaves]
        return tree.unflatten(structure, values)

    def close(self) -> None:
        """Does nothing."""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        """Does nothing."""
