"""`keras.engine` of Keras 1: the functions that `fit` is made of, and the description of calls."""

from __future__ import annotations

import atexit
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import ops, utils
from cornu.core.graph.tensor import Node

__all__ = ["TOPOLOGY", "TRAINING"]

_LONGEST_END = 2.0  # seconds that a program waits for its generators


def get_source_inputs(tensor: Any, layer: Any = None, node_index: int | None = None) -> Any:
    """Returns the inputs that a Tensor is computed from."""
    return utils.get_source_inputs(tensor)


class GeneratorEnqueuer:
    """Reads a generator in a background thread.

    Args:
        generator: yields batches.
        pickle_safe: ignored: no processes are started.

    Attributes:
        queue: the batches.
    """

    def __init__(self, generator: Any, pickle_safe: bool = False) -> None:
        self._generator = generator
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.queue: queue.Queue[Any] = queue.Queue()

    def start(self, nb_worker: int = 1, max_q_size: int = 10, wait_time: float = 0.05) -> None:
        """Starts to fill the queue with up to `max_q_size` batches."""

        def fill() -> None:
            for batch in self._generator:
                while self.queue.qsize() >= max_q_size and not self._stopping.is_set():
                    time.sleep(wait_time)
                if self._stopping.is_set():
                    return
                self.queue.put(batch)

        self._stopping.clear()
        self._thread = threading.Thread(target=fill, daemon=True)
        self._thread.start()
        # Python may abort if it ends while a thread is in native code, such as a call of JAX.
        atexit.register(self.stop, _LONGEST_END)

    def is_running(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout: float | None = None) -> None:
        """Ends the thread."""
        self._stopping.set()
        atexit.unregister(self.stop)
        if self._thread is not None:
            self._thread.join(timeout)


def slice_X(X: Any, start: Any = None, stop: int | None = None) -> Any:
    """Returns rows of an array, or of each array in a list.

    Args:
        X: an array or a list of arrays.
        start: the first row, or a list of rows.
        stop: the row after the last one.

    Example:

    >>> slice_X([np.arange(4), np.arange(4) * 10], 1, 3)
    [array([1, 2]), array([10, 20])]
    """
    if isinstance(X, list):
        return [slice_X(part, start, stop) for part in X]
    if hasattr(start, "__len__"):
        return X[np.asarray(start).tolist() if hasattr(X, "normalizer") else np.asarray(start)]
    return X[start:stop]


def make_batches(size: int, batch_size: int) -> list[tuple[int, int]]:
    """Returns the first row and the row after the last one of each batch.

    Example:

    >>> make_batches(5, 2)
    [(0, 2), (2, 4), (4, 5)]
    """
    return [(i, min(size, i + batch_size)) for i in range(0, size, batch_size)]


def batch_shuffle(index_array: Any, batch_size: int) -> np.ndarray:
    """Shuffles the order of whole batches; the rows after the last whole batch stay at the end."""
    rows = np.asarray(index_array)
    count = len(rows) // batch_size
    whole = rows[: count * batch_size].reshape(count, batch_size)
    np.random.shuffle(whole)
    return np.append(whole.ravel(), rows[count * batch_size :])


def standardize_input_data(
    data: Any,
    names: Any,
    shapes: Any = None,
    check_batch_axis: bool = True,
    exception_prefix: str = "",
) -> list[np.ndarray]:
    """Returns one array for each name, with at least two axes.

    Raises:
        ValueError: an array is missing, or has another shape.
    """
    if isinstance(data, dict):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(f"No data provided for {missing[0]!r}. Needed: {list(names)}")
        data = [data[name] for name in names]
    arrays = list(data) if isinstance(data, (list, tuple)) else [data]
    if len(arrays) != len(names):
        raise ValueError(f"{exception_prefix}: expected {len(names)} arrays, got {len(arrays)}")
    arrays = [np.expand_dims(a, 1) if np.ndim(a) == 1 else np.asarray(a) for a in arrays]
    for name, array, shape in zip(names, arrays, shapes or [None] * len(names), strict=True):
        expected = None if shape is None else tuple(shape)
        if expected is None:
            continue
        first = 0 if check_batch_axis else 1
        pairs = list(zip(array.shape, expected, strict=False))[first:]
        if len(array.shape) != len(expected) or any(b and a != b for a, b in pairs):
            raise ValueError(
                f"{exception_prefix}: {name} must have the shape {expected}, got {array.shape}"
            )
    return arrays


def standardize_sample_or_class_weights(x_weight: Any, output_names: Any, weight_type: str) -> Any:
    """Returns one entry for each output: from a list, a dict by name, or a single value."""
    if x_weight is None or (isinstance(x_weight, (list, dict)) and not x_weight):
        return [None] * len(output_names)
    if len(output_names) == 1:
        if isinstance(x_weight, list) and len(x_weight) == 1:
            return x_weight
        named = isinstance(x_weight, dict) and output_names[0] in x_weight
        return [x_weight[output_names[0]]] if named else [x_weight]
    if isinstance(x_weight, list) and len(x_weight) == len(output_names):
        return x_weight
    if isinstance(x_weight, dict):
        return [x_weight.get(name) for name in output_names]
    raise TypeError(
        f"{weight_type} must be a list or dict with an entry for each of {list(output_names)}. "
        f"Received: {x_weight!r}"
    )


def standardize_class_weights(class_weight: Any, output_names: Any) -> Any:
    """Returns the class weights of each output."""
    return standardize_sample_or_class_weights(class_weight, output_names, "class_weight")


def standardize_sample_weights(sample_weight: Any, output_names: Any) -> Any:
    """Returns the sample weights of each output."""
    return standardize_sample_or_class_weights(sample_weight, output_names, "sample_weight")


def check_array_lengths(inputs: Any, targets: Any, weights: Any) -> None:
    """Checks that all arrays have the same number of rows.

    Raises:
        ValueError: they do not.
    """
    lengths = {len(a) for part in (inputs, targets, weights) for a in part if a is not None}
    if len(lengths) > 1:
        raise ValueError(f"All arrays must have the same number of rows. Found: {sorted(lengths)}")


def check_loss_and_target_compatibility(targets: Any, losses: Any, output_shapes: Any) -> None:
    """Checks that the targets of element-wise losses have the shape of the outputs.

    Raises:
        ValueError: they do not.
    """
    for target, loss, shape in zip(targets, losses, output_shapes, strict=True):
        if loss.__name__ == "categorical_crossentropy" and target.shape[-1] == 1:
            raise ValueError(
                f"categorical_crossentropy needs targets with {shape[-1]} columns, got "
                f"{target.shape}. Use sparse_categorical_crossentropy for integers."
            )
        if loss.__name__ in ("mean_squared_error", "binary_crossentropy"):
            pairs = zip(target.shape[1:], shape[1:], strict=False)
            if len(target.shape) != len(shape) or any(b and a != b for a, b in pairs):
                raise ValueError(f"Targets of shape {target.shape} do not fit outputs {shape}.")


def collect_metrics(metrics: Any, output_names: Any) -> list[list[Any]]:
    """Returns the metrics of each output."""
    if not metrics:
        return [[] for _ in output_names]
    if isinstance(metrics, list):
        return [list(metrics) for _ in output_names]
    if isinstance(metrics, dict):
        found = [metrics.get(name, []) for name in output_names]
        return [one if isinstance(one, list) else [one] for one in found]
    raise TypeError(f"metrics must be a list or a dict by output. Received: {metrics!r}")


def weighted_objective(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of `(y_true, y_pred, weights, mask)` with the mean of Keras 1."""

    def weighted(y_true: Any, y_pred: Any, weights: Any, mask: Any = None) -> Any:
        scores = fn(y_true, y_pred)
        if mask is not None:
            mask = ops.cast(mask, "float32")
            scores = scores * mask / ops.mean(mask)
        if weights is not None:
            axes = tuple(range(len(weights.shape), len(scores.shape)))
            scores = (ops.mean(scores, axis=axes) if axes else scores) * weights
            scores = scores / ops.mean(ops.cast(ops.not_equal(weights, 0), "float32"))
        return ops.mean(scores)

    return weighted


def standardize_weights(
    y: Any, sample_weight: Any = None, class_weight: Any = None, sample_weight_mode: Any = None
) -> np.ndarray:
    """Returns the weight of each sample, from those of samples or of classes."""
    if sample_weight is not None:
        return np.asarray(sample_weight)
    if isinstance(class_weight, dict):
        wide = y.ndim == 2 and y.shape[1] > 1
        classes = y.argmax(axis=1) if wide else np.reshape(y, len(y))
        return np.array([class_weight[c] for c in classes])
    return np.ones(y.shape[:1] if sample_weight_mode is None else y.shape[:2])


def to_list(x: Any) -> list[Any]:
    """Returns lists unchanged, and other values as a list of one."""
    return x if isinstance(x, list) else [x]


def object_list_uid(object_list: Any) -> str:
    """Returns a text that identifies objects."""
    return ", ".join(str(abs(id(one))) for one in to_list(object_list))


TOPOLOGY: dict[str, Any] = {"Node": Node, "object_list_uid": object_list_uid, "to_list": to_list}
TRAINING: dict[str, Any] = {
    made.__name__: made
    for made in (
        GeneratorEnqueuer,
        *(batch_shuffle, check_array_lengths, check_loss_and_target_compatibility),
        *(collect_metrics, make_batches, slice_X, standardize_class_weights),
        *(standardize_input_data, standardize_sample_or_class_weights, standardize_sample_weights),
        *(standardize_weights, weighted_objective),
    )
}
