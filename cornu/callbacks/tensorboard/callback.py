"""TensorBoard: writes what TensorBoard shows."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

import jax
import numpy as np

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.learning_rates import log_rates
from cornu.callbacks.tensorboard.event_file import EventWriter
from cornu.callbacks.tensorboard.graph_def import graph_def
from cornu.callbacks.tensorboard.projector import check_metadata, write_projector
from cornu.callbacks.tensorboard.weight_image import to_png, weight_picture
from cornu.names import make_unique

__all__ = ["TensorBoard"]

_TRAIN, _VALIDATION = "train", "validation"


class TensorBoard(Callback):
    """Writes curves, histograms, pictures and the graph of a model for TensorBoard.

    Look at them with `tensorboard --logdir logs` (`pip install tensorboard`); writing needs
    neither TensorBoard nor TensorFlow. In `log_dir` there are, for training in `train` and for
    validation in `validation`,

    * `epoch_loss` and other metrics, and `epoch_learning_rate`, over epochs;
    * `batch_loss` and others over training steps, with `update_freq`;
    * `evaluation_loss_vs_iterations` and others over the steps of the optimizer;
    * `.../histogram` and `.../image` for each weight, with `histogram_freq`;
    * the graph, where blocks and nested models are boxes that open.

    Gradients and outputs are shown by `Statistics`.

    Args:
        log_dir: the folder.
        histogram_freq: after every so many epochs weights are written; 0 for never.
        write_graph: whether to write the graph of a model that is drawn.
        write_images: whether to write weights as pictures when their histograms are written.
        write_steps_per_second: whether to write how fast training is, over epochs and (with
            `update_freq`) over steps.
        update_freq: `"epoch"`, or after how many steps metrics are written within an epoch;
            `"batch"` is 1. A number makes every step one dispatch.
        profile_batch: the number of the step to be profiled, or of the first and last one, from
            1 on; 0 for none. Until they are done, every step is one dispatch.
        embeddings_freq: after every so many epochs the tables of Embedding layers are written for
            the projector; 0 for never.
        embeddings_metadata: the file of labels for the rows of these tables, relative to
            `log_dir`: one for all, or a dict by the layer's name.

    Raises:
        ValueError: `update_freq` or `profile_batch` is none of these; `embeddings_metadata` names a
            layer that the model does not have.

    Example:

    >>> import cornu, tempfile
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = cornu.ops.ones((4, 2)), cornu.ops.ones((4, 1))
    >>> folder = tempfile.mkdtemp()
    >>> history = model.fit(x, y, verbose=0, callbacks=[TensorBoard(folder)])

    Differences: the tags are those of Keras, which needs TensorFlow to write them. The steps of
        several `fit` with one callback count on. Steps per second leave out validation. Pictures
        show signs by colour. The graph is that of the drawing. Tables of embeddings are text,
        which the projector reads; Keras writes a file that it does not. A metric that is an array
        is a histogram.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: int | str | tuple[int, int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = _frequency(update_freq)
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._profiled = _steps(profile_batch)  # the first and last step, until they are done
        self._tracing = False
        self._fitting = False
        self._batches = 0
        self._batch_began: float | None = None
        self._clock = _Clock()
        self._writers: dict[str, EventWriter] = {}

    def batch_hooks(self) -> frozenset[str]:
        """Returns the batch methods that are needed: none when everything follows the epochs."""
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

    # ------------------------------------------------------------------------------- the moments

    def on_train_begin(self, logs: Any = None) -> None:
        """Writes the graph."""
        if self.embeddings_freq:
            check_metadata(self.model, self.embeddings_metadata)
        self._fitting = True
        graph = graph_def(self.model) if self.write_graph else None
        if graph is not None:
            self._writer(_TRAIN).graph(graph)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the files."""
        self._stop_profile()
        self._fitting = False
        self._close()

    def on_train_exception(self, error: BaseException) -> None:
        """Closes the files."""
        self.on_train_end()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        if self.write_steps_per_second:
            self._clock.start(self._iterations())

    def on_resume(self, epoch: int, step: int) -> None:
        """Starts the clock."""
        self.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes what follows the epochs."""
        logs = dict(logs or {})
        validation = {name: value for name, value in logs.items() if name.startswith("val_")}
        training = {name: value for name, value in logs.items() if name not in validation}
        log_rates(self.model, training)
        if self.write_steps_per_second:
            training["steps_per_second"] = self._clock.rate(self._iterations())
        for name, value in training.items():
            _write(self._writer(_TRAIN), f"epoch_{name}", value, epoch)
        for name, value in validation.items():
            tag = f"epoch_{name.removeprefix('val_')}"
            _write(self._writer(_VALIDATION), tag, value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            write_projector(self.log_dir, self.model, self.embeddings_metadata)
        for writer in self._writers.values():
            writer.flush()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Begins to profile, if it is time."""
        self._batch_began = time.monotonic()
        if self._profiled and self._batches + 1 == self._profiled[0]:
            self._start_profile()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Writes what follows the steps."""
        self._batches += 1
        if self._tracing and self._profiled and self._batches >= self._profiled[1]:
            dict(logs or {})  # whoever looks, waits for the step
            self._stop_profile()
        if self.update_freq == "epoch" or self._batches % int(self.update_freq):
            return
        writer = self._writer(_TRAIN)
        for name, value in (logs or {}).items():
            _write(writer, f"batch_{name}", value, self._batches)
        if self.write_steps_per_second and self._batch_began is not None:
            rate = 1.0 / max(time.monotonic() - self._batch_began, 1e-9)
            writer.scalar("batch_steps_per_second", rate, self._batches)

    def on_test_begin(self, logs: Any = None) -> None:
        """Stops the clock."""
        self._clock.stop()

    def on_test_end(self, logs: Any = None) -> None:
        """Writes the metrics over the steps of the optimizer."""
        if self.model.optimizer is not None:
            iterations = self._iterations()
            for name, value in (logs or {}).items():
                tag = f"evaluation_{name}_vs_iterations"
                _write(self._writer(_VALIDATION), tag, value, iterations)
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
                picture = weight_picture(value)
                height, width, _ = picture.shape
                writer.image(f"{name}/image", to_png(picture), height, width, epoch)

    # ------------------------------------------------------------------------------------ profile

    def _start_profile(self) -> None:
        try:
            jax.profiler.start_trace(os.path.join(self.log_dir, _TRAIN))
            self._tracing = True
        except RuntimeError as error:  # somebody else profiles: training does not depend on it
            self._profiled = None
            warnings.warn(f"TensorBoard: no profile is written. {error}", stacklevel=2)

    def _stop_profile(self) -> None:
        if self._tracing:
            self._tracing, self._profiled = False, None
            jax.profiler.stop_trace()

    def get_state(self) -> dict[str, Any]:
        """Returns how many steps were counted."""
        return {"batches": self._batches}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned."""
        self._batches = state["batches"]


class _Clock:
    """Measures steps per second of an epoch, up to its validation."""

    def __init__(self) -> None:
        self.start(0)

    def start(self, iterations: int) -> None:
        self._iterations, self._began, self._stopped = iterations, time.monotonic(), 0.0

    def stop(self) -> None:
        self._stopped = time.monotonic()

    def rate(self, iterations: int) -> float:
        seconds = (self._stopped or time.monotonic()) - self._began
        return (iterations - self._iterations) / max(seconds, 1e-9)


def _write(writer: EventWriter, tag: str, value: Any, step: int) -> None:
    if np.ndim(value):
        writer.histogram(tag, value, step)
    else:
        writer.scalar(tag, value, step)


def _frequency(update_freq: Any) -> int | str:
    if update_freq == "epoch":
        return "epoch"
    number = 1 if update_freq == "batch" else update_freq
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(
            "TensorBoard: update_freq is 'epoch', 'batch' or a number of steps from 1 on. "
            f"Received: {update_freq!r}"
        )
    return number


def _steps(profile_batch: Any) -> tuple[int, int] | None:
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
            "TensorBoard: profile_batch is the number of a step from 1 on, two of them (the first "
            f"and the last), or 0. Received: {profile_batch!r}"
        )
    return first, last
