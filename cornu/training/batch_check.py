"""Checks of the data of a source: of all arrays before training, of each batch of a stream."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.sparse.arrays import stored_values
from cornu.data import Arrays, Stream
from cornu.losses import FunctionLoss
from cornu.training import data_checks
from cornu.training.binding import Binding
from cornu.training.compile.objective import is_library_code
from cornu.types import Batch, DataLike

if TYPE_CHECKING:
    from cornu.training.trainer import Trainer

__all__ = ["BatchCheck", "check_data", "check_inputs"]

ValueCheck = Callable[[np.ndarray], None]


def check_data(trainer: Trainer, binding: Binding, source: Arrays | Stream) -> None:
    """Raises an error for inputs and targets that do not match the model and its losses.

    Arrays are checked as a whole. The first batch of a stream is checked, and each further one
    when it is read.
    """
    _check_source(BatchCheck(trainer, binding), source)


def check_inputs(trainer: Trainer, binding: Binding, source: Arrays | Stream) -> None:
    """Raises an error for inputs that do not match the model; see `check_data`."""
    _check_source(BatchCheck(trainer, binding, inputs_only=True), source)


def _check_source(check: BatchCheck, source: Arrays | Stream) -> None:
    check.check_all(source.preview())
    source.check = check


class _Leaf(NamedTuple):
    """An array of a batch, and the checks of its values.

    Attributes:
        array: the array.
        checks: functions that raise an error for wrong values.
        needs_all: whether a summary of the values does not suffice.
    """

    array: Any
    checks: list[ValueCheck]
    needs_all: bool = False


class BatchCheck:
    """Checks batches that are bound to a model.

    What follows from shapes and dtypes is checked once for each combination of them, values in
    every batch.

    Values on an accelerator are not copied to the host, which would wait for all steps before.
    The device summarizes them, and the summary of a batch is read when the next batch is checked.

    Args:
        trainer: the Trainer of the model.
        binding: the Binding of the batches.
        inputs_only: whether only inputs are checked.
    """

    def __init__(self, trainer: Trainer, binding: Binding, inputs_only: bool = False) -> None:
        self._trainer = trainer
        self._binding = binding
        self._inputs_only = inputs_only
        self._key: Any = None
        self._plan: list[tuple[int, _Leaf]] | None = None
        self._is_flat = False
        # Numbers of batches, arrays that are on an accelerator, and their summaries.
        self._deferred: list[tuple[int, _Leaf, jax.Array]] = []

    def __call__(self, batch: Batch, number: int, is_known: bool = False) -> None:
        """Raises an error for wrong data.

        Args:
            batch: the batch, or all data.
            number: the number of the batch.
            is_known: whether the last batch had the same structure, shapes and dtypes.
        """
        is_flat = is_known and self._is_flat
        leaves: Sequence[Any] = batch if is_flat else jax.tree_util.tree_leaves(batch)
        if self._plan is None or not is_known:
            treedef = jax.tree_util.tree_structure(batch)
            key = (treedef, [(leaf.shape, leaf.dtype) for leaf in leaves])
            if self._plan is None or key != self._key:
                parts = self.check_all(batch, number)
                # Then the leaves are the arrays in the batch itself, up to None at the end.
                self._is_flat = all(a is b for a, b in zip(batch, leaves, strict=False))
                self._key, self._plan = key, _plan(leaves, parts)
                return
        for i, part in self._plan:
            array = leaves[i]
            if type(array) is np.ndarray:  # as for most batches
                for check in part.checks:
                    check(array)
            else:
                self._run(array, part, number)

    def checks_of_values(self) -> list[ValueCheck]:
        """Returns the checks of the values of the only array of the last batch."""
        return [check for _, part in self._plan or () for check in part.checks]

    def check_all(self, batch: Batch, number: int = 0) -> list[_Leaf]:
        """Checks shapes, dtypes and values; returns the arrays with the checks of their values."""
        parts = list(self._leaves(batch))
        for part in parts:
            self._run(part.array, part, number)
        return parts

    def finish(self) -> None:
        """Raises an error if the values of the last batch, on an accelerator, are wrong."""
        if not self._deferred:
            return
        deferred, self._deferred = self._deferred, []
        for number, part, summary in deferred:
            try:
                _run_checks(part.checks, np.asarray(summary))
            except (TypeError, ValueError):
                _check_late(part, number)
                raise

    def _run(self, array: Any, part: _Leaf, number: int) -> None:
        """Runs the checks of the values of an array."""
        if not part.checks:
            return
        if type(array) is not np.ndarray:
            if number and not part.needs_all and _is_remote(array):
                self._deferred.append((number, part._replace(array=array), _summarize(array)))
                return
            array = np.asarray(array)
        for check in part.checks:
            check(array)

    # ------------------------------------------------------------------------ checks of one batch

    def _leaves(self, batch: Batch) -> Iterator[_Leaf]:
        """Checks the shapes of a batch; yields its arrays with the checks of their values."""
        x, y, weight = batch
        yield from self._inputs(x)
        objective = self._trainer.objective
        if objective is None or self._inputs_only or self._binding.own_step:
            return
        outputs = objective.outputs
        targets = outputs.spread_targets(y)
        parts = zip(outputs.names, objective.losses, targets, outputs.tensors, strict=True)
        for i, (name, loss, target, output) in enumerate(parts):
            if i not in objective.targeted:
                continue
            if target is None:
                raise ValueError(
                    f"Output {name!r} has a loss but no target. "
                    f"{_describe_targets(outputs.names, targets)}. Pass a target for it, or None "
                    "as its loss."
                )
            # The user's own losses decide what they take: other shapes, NaN for missing values.
            if isinstance(loss, FunctionLoss) and is_library_code(loss):
                class_weight = self._binding.class_weights.get(name)
                if class_weight:
                    data_checks.check_class_weight(name, loss, output, class_weight)
                yield _target(name, loss, target, output)
        weights = outputs.spread_weights(weight)
        for i, (name, array, output) in enumerate(
            zip(outputs.names, weights, outputs.tensors, strict=True)
        ):
            if array is not None:
                what = "sample_weight" if outputs.single else f"sample_weight of output {name!r}"
                data_checks.check_not_complex(what, array)
                loss = objective.losses[i]
                if isinstance(loss, FunctionLoss) and is_library_code(loss):
                    data_checks.check_weight_shape(what, array, output)
                yield _Leaf(array, [functools.partial(data_checks.check_values, what)])

    def _inputs(self, x: DataLike) -> Iterator[_Leaf]:
        whole = self._trainer.model._graph_
        graph = None if whole is None else whole.device_graph
        for name, tensor, array in self._binding.inputs(x):
            values = stored_values(array)
            if graph is None or tensor is None:
                yield _Leaf(values, [functools.partial(data_checks.check_values, name)])
                continue
            what = f"Input {name!r}"
            graph.check_shape(array, tensor, name)
            data_checks.check_not_complex(what, array, tensor.dtype)
            checks: list[ValueCheck] = [functools.partial(data_checks.check_values, what)]
            checks += [
                functools.partial(data_checks.check_consumer, what, layer)
                for layer in graph.consumers(tensor)
                if type(layer)._find_data_problem_ is not Layer._find_data_problem_
            ]
            if data_checks.needs_range_check(array.dtype, tensor.dtype):
                checks.append(functools.partial(data_checks.check_range, what, tensor.dtype))
            yield _Leaf(values, checks)


def _target(name: str, loss: FunctionLoss, target: Any, output: Any) -> _Leaf:
    what = f"y of output {name!r}"
    data_checks.check_not_complex(what, target, output.dtype)
    # Values first: labels that are NaN have fractions, too.
    checks: list[ValueCheck] = [functools.partial(data_checks.check_values, what)]
    data_checks.check_target_shape(name, loss, target, output)
    check = data_checks.target_check(name, loss, output)
    # The extremes of labels may be that of missing values.
    needs_all = loss._arguments_.get("ignore_class") is not None
    return _Leaf(target, checks if check is None else [*checks, check], needs_all)


def _describe_targets(names: Sequence[str], targets: Sequence[Any]) -> str:
    given = [repr(name) for name, target in zip(names, targets, strict=True) if target is not None]
    return f"Received targets for {', '.join(given)}" if given else "Received y=None"


def _run_checks(checks: list[ValueCheck], values: np.ndarray) -> None:
    for check in checks:
        check(values)


def _check_late(part: _Leaf, number: int) -> None:
    """Raises the error of wrong values that were found when they had been used."""
    try:
        _run_checks(part.checks, np.asarray(part.array))
    except (TypeError, ValueError) as error:
        error.add_note(
            f"This was batch {number} of the data; the first is 0. Its values are on an "
            "accelerator, and were checked when it had been used."
        )
        raise


def _plan(leaves: Sequence[Any], parts: list[_Leaf]) -> list[tuple[int, _Leaf]] | None:
    """Returns the parts by the position of their array in the batch, without the arrays.

    Returns None if the positions are unknown, because arrays are converted or used twice; then
    each batch is checked completely.
    """
    positions = {id(leaf): i for i, leaf in enumerate(leaves)}
    if len(positions) < len(leaves) or any(id(part.array) not in positions for part in parts):
        return None
    return [
        (positions[id(part.array)], part._replace(array=None, checks=_needed(part)))
        for part in parts
    ]


def _needed(part: _Leaf) -> list[ValueCheck]:
    """Returns the checks of an array without that of NaN, for integers and booleans."""
    return part.checks[part.array.dtype.kind in "biu" :]


def _is_remote(array: Any) -> bool:
    """Whether an array is on an accelerator."""
    return (
        isinstance(array, jax.Array)
        and array.dtype.kind != "c"
        and any(d.platform != "cpu" for d in array.devices())
    )


@jax.jit
def _summarize(array: jax.Array) -> jax.Array:
    """Returns values that are wrong if any value is: the extremes, and one with a fraction."""
    flat = array.ravel()
    fraction = flat[jnp.argmax(flat != jnp.floor(flat))]
    return jnp.stack([flat.min(), flat.max(), fraction])
