"""tf.data: a pipeline of TensorFlow as a source of batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.data.sources.stream import Stream

__all__ = ["TensorFlow"]


class TensorFlow(Stream):
    """Batches of a `tf.data.Dataset`.

    A position is kept as (pass, batch), and reached again by reading up to it. That is exact for
    pipelines that give the same again: those without random ops, Python functions or shuffling
    without a seed. Others can only begin an epoch anew.
    """

    def __init__(
        self,
        source: Any,
        steps: int | None,
        read: Callable[[Any], Any],
        prepare: Callable[[Any], Any] = lambda batch: batch,
        restart: bool = False,
    ) -> None:
        super().__init__(source, steps, read, prepare, restart)
        import tensorflow

        length = int(source.cardinality())
        self._length = length if length >= 0 else None
        if length == tensorflow.data.INFINITE_CARDINALITY and steps is None:
            raise ValueError(
                "The tf.data.Dataset has no end (it was repeated): say how many batches make an "
                "epoch, by `steps_per_epoch` (`steps` in evaluate and predict)."
            )
        self.steps = steps if steps is not None else self._length
        self.resumes = "batch" if repeatable(source) else "epoch"

    def _skip_to(self, number: int) -> None:
        while self._pass < number:  # each iterator takes seeds for its shuffling
            self._begin()

    def _reach(self, number: int, count: int, mark: Any) -> None:
        self._skip_to(number)
        while self._count < count:
            assert self._iterator is not None
            next(self._iterator)
            self._count += 1

    def describe(self) -> dict[str, Any]:
        """Returns what must be equal for the batches to be equal, as far as it is known."""
        return {**super().describe(), "kind": "tf.data.Dataset", "count": self._length}


def repeatable(dataset: Any) -> bool:
    """Tells whether another process that makes the same dataset reads the same batches."""
    import tensorflow as tf

    if dataset.options().deterministic is False:
        return False
    try:
        text = tf.raw_ops.DatasetToGraphV2(
            input_dataset=tf.data.experimental.to_variant(dataset),
            external_state_policy=2,  # fails where an op or function keeps something of its own
            strip_device_assignment=True,
        )
    except tf.errors.OpError:
        return False
    graph = tf.compat.v1.GraphDef.FromString(text.numpy())
    nodes = {node.name: node for node in graph.node}
    return all(_is_repeatable(node, nodes) for node in graph.node) and all(
        _is_repeatable(node, {}) for fn in graph.library.function for node in fn.node_def
    )


# The inputs of datasets that draw random numbers, of which at least one must not be zero.
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
