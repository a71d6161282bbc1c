"""TensorFlow: pipelines of tf.data as sources of batches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from cornu.data.sources.stream import Prepare, Stream, keep_structure
from cornu.types import DataLike

__all__ = ["TensorFlow"]


class TensorFlow(Stream):
    """Batches of a `tf.data.Dataset`.

    A position (pass, batch) is restored by reading the preceding batches. This is exact for
    repeatable pipelines: those without random ops, Python functions, or shuffling without a seed.
    Other pipelines can only be resumed at the start of an epoch.
    """

    def __init__(
        self,
        source: Any,
        steps: int | None,
        read: Callable[[Any], Any],
        prepare: Prepare = keep_structure,
        restart: bool = False,
    ) -> None:
        super().__init__(source, steps, read, prepare, restart)
        import tensorflow

        length = int(source.cardinality())
        self._length = length if length >= 0 else None
        if length == tensorflow.data.INFINITE_CARDINALITY and steps is None:
            raise ValueError(
                "The tf.data.Dataset is infinite (it is repeated): pass the number of batches per "
                "epoch, `steps_per_epoch` (`steps` in evaluate and predict)."
            )
        self.steps = steps if steps is not None else self._length

    # Computed when it is needed: the graph of a dataset may contain its data.
    @functools.cached_property
    def resumes(self) -> str:  # type: ignore[override]
        """Where another process can continue; see `Stream`."""
        return "batch" if repeatable(self._source) else "epoch"

    def _skip_to(self, number: int) -> None:
        while self._pass < number:  # each new iterator advances the seed of the shuffling
            self._begin()

    def _seek(self, number: int, count: int, position: Any) -> None:
        self._skip_to(number)
        while self._count < count:
            assert self._iterator is not None
            next(self._iterator)
            self._count += 1

    def describe(self) -> dict[str, Any]:
        """Returns a description that differs for sources with different batches, if known."""
        return {**super().describe(), "kind": "tf.data.Dataset", "count": self._length}


def repeatable(dataset: DataLike) -> bool:
    """Whether another process that creates the same dataset reads the same batches."""
    import tensorflow as tf

    if dataset.options().deterministic is False:
        return False
    try:
        text = tf.raw_ops.DatasetToGraphV2(
            input_dataset=tf.data.experimental.to_variant(dataset),
            external_state_policy=2,  # fails for ops and functions with external state
            strip_device_assignment=True,
        )
    except tf.errors.OpError:
        return False
    graph = tf.compat.v1.GraphDef.FromString(text.numpy())
    nodes = {node.name: node for node in graph.node}
    return all(_is_repeatable(node, nodes) for node in graph.node) and all(
        _is_repeatable(node, {}) for fn in graph.library.function for node in fn.node_def
    )


# The seed inputs of random datasets; if all are zero, the seed is chosen at run time.
_SEEDS = {
    "ShuffleDataset": (2, 4),
    "ShuffleDatasetV3": (2, 4),
    "RandomDataset": (0, 2),
    "RandomDatasetV2": (0, 2),
}


def _is_repeatable(node: Any, nodes: dict[str, Any]) -> bool:
    if "deterministic" in node.attr and node.attr["deterministic"].s == b"false":
        return False
    if node.op in _SEEDS:
        named = (name.split(":")[0] for name in node.input[slice(*_SEEDS[node.op])])
        given = (nodes.get(name) for name in named)
        return any(_constant(seed) for seed in given if seed is not None)
    return not ("Shuffle" in node.op or "Random" in node.op and "Dataset" in node.op)


def _constant(node: Any) -> int:
    import tensorflow as tf

    return int(tf.make_ndarray(node.attr["value"].tensor)) if node.op == "Const" else 0
