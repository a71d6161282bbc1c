"""TensorBoard: writes event files for TensorBoard."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any, Literal

import jax
import numpy as np

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.learning_rates import log_learning_rates
from cornu.callbacks.tensorboard.event_file import EventWriter
from cornu.callbacks.tensorboard.graph_def import encode_graph
from cornu.callbacks.tensorboard.projector import Metadata, check_metadata, write_projector
from cornu.callbacks.tensorboard.weight_image import encode_png, render_weight
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import is_positive_integer
from cornu.names import make_unique
from cornu.process import job
from cornu.types import Logs

__all__ = ["TensorBoard"]

_TRAIN, _VALIDATION = "train", "validation"


class TensorBoard(Callback):
    """Writes metrics, histograms, images and the graph of a model for TensorBoard.

    View them with `tensorboard --logdir logs` (`pip install tensorboard`). Writing needs neither
    TensorBoard nor TensorFlow. The subfolders `train` and `validation` of `log_dir` contain

    * `epoch_loss` and other metrics, and `epoch_learning_rate`, by epoch;
    * `batch_loss` and other metrics by training step, with `update_freq`;
    * `evaluation_loss_vs_iterations` and other metrics by optimizer step;
    * `.../histogram` and `.../image` of each weight, with `histogram_freq`;
    * the graph, in which blocks and nested models are expandable boxes.

    To record gradients and outputs, use `Statistics`.

    Args:
        log_dir: the folder.
        histogram_freq: the number of epochs between two histograms of weights; 0 to disable.
        write_graph: whether to write the graph of a functional model.
        write_images: whether to write weights as images together with their histograms.
        write_steps_per_second: whether to write the training speed, by epoch and (with
            `update_freq`) by step.
        update_freq: `"epoch"`, or the number of steps after which metrics are written within an
            epoch; `"batch"` is 1. With a number, each step runs by itself, which is
            slower.
        profile_batch: the step to profile, or the first and the last step, counted from 1; 0 to
            disable. Until the last of them, each step runs by itself.
        embeddings_freq: the number of epochs between two exports of the weights of Embedding
            layers for the projector; 0 to disable.
        embeddings_metadata: the path of a file with labels of the embedded items, relative to
            `log_dir`: one for all layers, or a dict by layer name.

    Raises:
        ValueError: `update_freq` or `profile_batch` is invalid; `embeddings_metadata` contains the
            name of an unknown layer.

    Example:

    >>> import cornu, tempfile
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = cornu.ops.ones((4, 2)), cornu.ops.ones((4, 1))
    >>> folder = tempfile.mkdtemp()
    >>> history = model.fit(x, y, verbose=0, callbacks=[TensorBoard(folder)])

    Differences: steps are counted over all calls of `fit` with the same callback. Steps per second
    exclude validation. Images show the sign of weights by color. The graph is the functional graph
    of the model. Embeddings are written as text, which the projector can read; it cannot read the
    file that Keras writes. A metric that is an array is written as a histogram.

    Extensions: TensorFlow is not required; the tags are those of Keras.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | Literal["batch", "epoch"] = "epoch",
        profile_batch: int | str | tuple[int, int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Metadata | None = None,
    ) -> None:
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = _check_update_freq(update_freq)
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        # The first and the last step; None when done.
        self._profiled = _parse_profile_batch(profile_batch)
        self._tracing = False
        self._fitting = False
        self._batches = 0
        self._batch_began: float | None = None
        self._clock = _Clock()
        self._writers: dict[str, EventWriter] = {}

    def batch_hooks(self) -> frozenset[str]:
        """Returns the batch methods that are needed: none if everything is written by epoch."""
        needed = set()
        if self.update_freq != "epoch":
            needed.add("on_train_batch_end")
        if self._profiled or (self.update_freq != "epoch" and self.write_steps_per_second):
            needed |= {"on_train_batch_begin", "on_train_batch_end"}
        own = {
            name
            for name in ("on_train_batch_begin", "on_train_batch_end")
            if getattr(type(self), name) is getattr(TensorBoard, name)
        }
        return super().batch_hooks() - (own - needed)

    def _writer(self, run: str) -> EventWriter:
        if run not in self._writers:
            self._writers[run] = EventWriter(os.path.join(self.log_dir, run))
        return self._writers[run]

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    # ------------------------------------------------------------------------------------- hooks

    def on_train_begin(self, logs: Logs = None) -> None:
        """Writes the graph."""
        if self.embeddings_freq:
            check_metadata(self.model, self.embeddings_metadata)
        self._fitting = True
        graph = encode_graph(self.model) if self.write_graph else None
        if graph is not None:
            self._writer(_TRAIN).graph(graph)

    def on_train_end(self, logs: Logs = None) -> None:
        """Closes the files."""
        self._stop_profile()
        self._fitting = False
        self._close()

    def on_train_exception(self, error: BaseException) -> None:
        """Closes the files."""
        self.on_train_end()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Starts the clock."""
        if self.write_steps_per_second:
            self._clock.start(self._iterations())

    def on_resume(self, epoch: int, step: int) -> None:
        """Starts the clock."""
        self.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Writes the metrics and weights of the epoch."""
        logs = dict(logs or {})
        validation = {name: value for name, value in logs.items() if name.startswith("val_")}
        training = {name: value for name, value in logs.items() if name not in validation}
        # As in Keras, the learning rate is one of the metrics.
        log_learning_rates(self.model, training)
        if self.write_steps_per_second:
            training["steps_per_second"] = self._clock.rate(self._iterations())
        for name, value in training.items():
            _write_value(self._writer(_TRAIN), f"epoch_{name}", value, epoch)
        for name, value in validation.items():
            tag = f"epoch_{name.removeprefix('val_')}"
            _write_value(self._writer(_VALIDATION), tag, value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            write_projector(self.log_dir, self.model, self.embeddings_metadata)
        for writer in self._writers.values():
            writer.flush()

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Starts the profiler before the first profiled step."""
        self._batch_began = time.monotonic()
        # The profilers of several processes of a machine would write the same files.
        if self._profiled and self._batches + 1 == self._profiled[0] and job.is_first():
            self._start_profile()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Writes metrics after every `update_freq` steps."""
        self._batches += 1
        if self._tracing and self._profiled and self._batches >= self._profiled[1]:
            dict(logs or {})  # reading the logs waits until the step has run
            self._stop_profile()
        if self.update_freq == "epoch" or self._batches % int(self.update_freq):
            return
        writer = self._writer(_TRAIN)
        for name, value in (logs or {}).items():
            _write_value(writer, f"batch_{name}", value, self._batches)
        if self.write_steps_per_second and self._batch_began is not None:
            rate = 1.0 / max(time.monotonic() - self._batch_began, 1e-9)
            writer.scalar("batch_steps_per_second", rate, self._batches)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Stops the clock."""
        self._clock.stop()

    def on_test_end(self, logs: Logs = None) -> None:
        """Writes the metrics by optimizer step."""
        if self.model.optimizer is not None:
            iterations = self._iterations()
            for name, value in (logs or {}).items():
                tag = f"evaluation_{name}_vs_iterations"
                _write_value(self._writer(_VALIDATION), tag, value, iterations)
        if not self._fitting:
            self._close()

    def _iterations(self) -> int:
        return int(np.asarray(self.model.optimizer.iterations))

    # ------------------------------------------------------------------------------------ weights

    def _write_weights(self, epoch: int) -> None:
        writer, taken = self._writer(_TRAIN), dict[str, int]()
        for variable in self.model.weights:
            name, value = make_unique(variable.path, taken), variable.numpy()
            writer.histogram(f"{name}/histogram", value, epoch)
            if self.write_images and value.size:
                image = render_weight(value)
                height, width, _ = image.shape
                writer.image(f"{name}/image", encode_png(image), height, width, epoch)

    # ------------------------------------------------------------------------------------ profile

    def _start_profile(self) -> None:
        try:
            jax.profiler.start_trace(os.path.join(self.log_dir, _TRAIN))
            self._tracing = True
        except RuntimeError as error:  # a profiler is running already
            self._profiled = None
            warnings.warn(
                f"TensorBoard: the profiler could not be started. {error}",
                stacklevel=user_stacklevel(),
            )

    def _stop_profile(self) -> None:
        if self._tracing:
            self._tracing, self._profiled = False, None
            jax.profiler.stop_trace()

    def get_state(self) -> dict[str, Any]:
        """Returns the step counter."""
        return {"batches": self._batches}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state()` returned."""
        self._batches = state["batches"]


class _Clock:
    """Measures the steps per second of an epoch, without validation."""

    def __init__(self) -> None:
        self.start(0)

    def start(self, iterations: int) -> None:
        self._iterations, self._began, self._stopped = iterations, time.monotonic(), 0.0

    def stop(self) -> None:
        self._stopped = time.monotonic()

    def rate(self, iterations: int) -> float:
        seconds = (self._stopped or time.monotonic()) - self._began
        return (iterations - self._iterations) / max(seconds, 1e-9)


def _write_value(writer: EventWriter, tag: str, value: Any, step: int) -> None:
    if np.ndim(value):
        writer.histogram(tag, value, step)
    else:
        writer.scalar(tag, value, step)


def _check_update_freq(update_freq: object) -> int | str:
    if update_freq == "epoch":
        return "epoch"
    number = 1 if update_freq == "batch" else update_freq
    if not is_positive_integer(number):
        raise ValueError(
            "TensorBoard: update_freq must be 'epoch', 'batch' or a positive integer. "
            f"Received: {update_freq!r}"
        )
    return int(number)


def _parse_profile_batch(profile_batch: Any) -> tuple[int, int] | None:
    given = profile_batch.split(",") if isinstance(profile_batch, str) else profile_batch
    ends = given if isinstance(given, (tuple, list)) else (given, given)
    try:
        first, last = (int(end) for end in (ends if len(ends) == 2 else (*ends, *ends)))
    except (TypeError, ValueError):
        first, last = -1, -1
    if first == last == 0:
        return None
    if not 1 <= first <= last:
        raise ValueError(
            "TensorBoard: profile_batch must be a positive integer, a pair of them (the first and "
            f"the last step), or 0. Received: {profile_batch!r}"
        )
    return first, last
