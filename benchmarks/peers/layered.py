"""cornu and Keras: one program for both, parametrized by the module `k`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.models import CASES, Case, resnet50
from benchmarks.peers import Round
from benchmarks.peers.timing import calls, epochs, resident, since_start
from benchmarks.tasks import STARTED, Size

__all__ = ["SESSIONS"]


def _compiled(case: Case, k: Any) -> Any:
    model = case.build(k)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _clock(k: Any) -> Any:
    """Returns a callback that records the seconds of each epoch."""

    class Clock(k.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.begin = perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds.append(perf_counter() - self.begin)

    return Clock()


def fit(name: str, k: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of `fit`."""
    case = CASES[name]
    model = _compiled(case, k)
    x, y = case.data(size.count)
    kwargs = {"batch_size": case.batch_size, "verbose": 0}
    model.fit(x, y, **kwargs)
    while True:
        clock = _clock(k)
        history = model.fit(x, y, epochs=size.epochs, callbacks=[clock], **kwargs).history
        yield Round([1e3 * s / size.count for s in clock.seconds], history["loss"][-1])


def generator(name: str, k: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of `fit` on a generator."""
    case = CASES[name]
    model = _compiled(case, k)
    x, y = case.data(size.count)

    def batches() -> Any:
        for i in range(0, len(x), case.batch_size):
            yield x[i : i + case.batch_size], y[i : i + case.batch_size]

    return epochs(lambda: model.fit(batches(), verbose=0).history["loss"][-1], size)


def evaluate(name: str, k: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of `evaluate`."""
    case = CASES[name]
    model = _compiled(case, k)
    x, y = case.data(size.count)
    return epochs(lambda: model.evaluate(x, y, batch_size=case.batch_size, verbose=0)[0], size)


def start(name: str, k: Any, size: Size) -> Iterator[Round]:
    """Seconds from the start of the process to the end of an epoch."""
    case = CASES[name]
    x, y = case.data(size.count)

    def run() -> float:
        fitted = _compiled(case, k).fit(x, y, batch_size=case.batch_size, verbose=0)
        return float(fitted.history["loss"][-1])

    return since_start(run)


def first_step(name: str, k: Any, size: Size) -> Iterator[Round]:
    """Seconds from construction to the end of the first step."""
    case = CASES[name]
    x, y = case.data(1)
    begin = perf_counter()
    model = _compiled(case, k)
    history = model.fit(x, y, batch_size=case.batch_size, verbose=0).history
    yield Round([perf_counter() - begin], history["loss"][-1])


def _finish(model: Any) -> None:
    """Waits until the weights are computed."""
    for variable in model.weights:
        np.asarray(variable)


def build(k: Any, size: Size) -> Iterator[Round]:
    """Seconds to build a ResNet-50, until its weights are computed."""
    begin = perf_counter()
    model = resnet50(k)
    _finish(model)
    yield Round([perf_counter() - begin])


def weights(k: Any, size: Size) -> Iterator[Round]:
    """Seconds to write the weights of a ResNet-50 to a file, and to read them again."""
    model = resnet50(k)
    while True:
        seconds = []
        with tempfile.TemporaryDirectory() as folder:
            for epoch in range(size.epochs):
                path = Path(folder) / f"{epoch}.weights.h5"
                begin = perf_counter()
                model.save_weights(path)
                model.load_weights(path)
                _finish(model)
                seconds.append(perf_counter() - begin)
        yield Round(seconds)


def predict(name: str, rows: int, call: Any, k: Any, size: Size) -> Iterator[Round]:
    """Milliseconds to predict some rows."""
    case = CASES[name]
    model = _compiled(case, k)
    x = case.data(-(-rows // case.batch_size))[0][:rows]
    return calls(lambda: call(model, x), size)


def growth(name: str, k: Any, size: Size) -> Iterator[Round]:
    """Megabytes that building, training and dropping a model leave behind."""
    case = CASES[name]
    x, y = case.data(2)

    def run() -> None:
        _compiled(case, k).fit(x, y, batch_size=case.batch_size, verbose=0)

    return resident(run, size)


def _called(model: Any, x: Any) -> Any:
    out = model(x)
    return out.block_until_ready() if hasattr(out, "block_until_ready") else out


SESSIONS: dict[str, Callable[[Any, Size], Iterator[Round]]] = {
    "resnet50_build": build,
    "resnet50_weights": weights,
    **{f"{name}_fit": partial(fit, name) for name in CASES},
    **{f"{name}_first": partial(first_step, name) for name in ("mlp", "cnn")},
    **{f"{name}_start{how}": partial(start, name) for name in STARTED for how in ("", "_warm")},
    "resnet18_first_warm": partial(first_step, "resnet18"),
    "mlp_generator": partial(generator, "mlp"),
    "cnn_evaluate": partial(evaluate, "cnn"),
    "mlp_call": partial(predict, "mlp", 1, _called),
    "mlp_predict": partial(predict, "mlp", 1, lambda model, x: model.predict(x, verbose=0)),
    "mlp_predict_on_batch": partial(predict, "mlp", 1, lambda model, x: model.predict_on_batch(x)),
    "cnn_call_256": partial(predict, "cnn", 256, _called),
    "cnn_predict_256": partial(
        predict, "cnn", 256, lambda model, x: model.predict(x, batch_size=256, verbose=0)
    ),
    "mlp_growth": partial(growth, "mlp"),
}
