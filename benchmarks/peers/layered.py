"""cornu and Keras: one program for both, told apart by the module `k` that it is given."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import jax

from benchmarks.models import CNN, MLP, Case, resnet50
from benchmarks.peers import Round
from benchmarks.tasks import Size

__all__ = ["SESSIONS"]


def _compiled(case: Case, k: Any) -> Any:
    model = case.draw(k)
    model.set_weights(case.start())
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _clock(k: Any) -> Any:
    """Returns a callback that notes the seconds of each epoch."""

    class Clock(k.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.begin = perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds.append(perf_counter() - self.begin)

    return Clock()


def fit(case: Case, k: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of `fit`."""
    model = _compiled(case, k)
    x, y = case.data(size.count)
    words = {"batch_size": case.batch_size, "verbose": 0}
    model.fit(x, y, **words)
    while True:
        clock = _clock(k)
        history = model.fit(x, y, epochs=size.epochs, callbacks=[clock], **words).history
        yield Round([1e3 * s / size.count for s in clock.seconds], history["loss"][-1])


def first_step(case: Case, k: Any, size: Size) -> Iterator[Round]:
    """Seconds from nothing to the end of the first step."""
    x, y = case.data(1)
    begin = perf_counter()
    model = _compiled(case, k)
    history = model.fit(x, y, batch_size=case.batch_size, verbose=0).history
    yield Round([perf_counter() - begin], history["loss"][-1])


def build(k: Any, size: Size) -> Iterator[Round]:
    """Seconds to build a ResNet-50, until its weights are there."""
    begin = perf_counter()
    model = resnet50(k)
    jax.block_until_ready([v.value for v in model.weights])
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
                jax.block_until_ready([v.value for v in model.weights])
                seconds.append(perf_counter() - begin)
        yield Round(seconds)


def one_sample(call: Callable[[Any, Any], Any], k: Any, size: Size) -> Iterator[Round]:
    """Milliseconds to predict one sample."""
    model = _compiled(MLP, k)
    x = MLP.data(1)[0][:1]
    call(model, x)
    while True:
        values = []
        for _ in range(size.epochs):
            begin = perf_counter()
            for _ in range(size.count):
                call(model, x)
            values.append(1e3 * (perf_counter() - begin) / size.count)
        yield Round(values)


SESSIONS: dict[str, Callable[[Any, Size], Iterator[Round]]] = {
    "resnet50_build": build,
    "resnet50_weights": weights,
    "mlp_first": partial(first_step, MLP),
    "cnn_first": partial(first_step, CNN),
    "mlp_fit": partial(fit, MLP),
    "cnn_fit": partial(fit, CNN),
    "mlp_call": partial(one_sample, lambda model, x: jax.block_until_ready(model(x))),
    "mlp_predict": partial(one_sample, lambda model, x: model.predict(x, verbose=0)),
    "mlp_predict_on_batch": partial(one_sample, lambda model, x: model.predict_on_batch(x)),
}
