"""The product of faults, sources and methods; `run` judges the outcome of a case."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tests.attacks.wrong_data.faults import Data, Fault, faults
from tests.attacks.wrong_data.models import BATCHES, FIRST, ROWS, load_model
from tests.attacks.wrong_data.sources import (
    ARRAYS,
    STREAMS,
    TYPED,
    batches_with,
    pack,
    select_rows,
)


def _fit(model: Any, x: Any, y: Any = None, weight: Any = None, **kwargs: Any) -> Any:
    kwargs = {"shuffle": False, "verbose": 0, "sample_weight": weight, **kwargs}
    return model.fit(x, y, **kwargs).history["loss"]


def _evaluate(model: Any, x: Any, y: Any = None, weight: Any = None, **kwargs: Any) -> Any:
    return model.evaluate(x, y, sample_weight=weight, verbose=0, **kwargs)


def _train_on_batch(model: Any, x: Any, y: Any = None, weight: Any = None, **kwargs: Any) -> Any:
    return model.train_on_batch(x, y, weight, **kwargs)


def _validate(model: Any, *data: Any, stream: bool = False, clean: Any = ()) -> Any:
    held_out = data[0] if stream else data
    kwargs = {"batch_size": ROWS, "shuffle": False, "verbose": 0}
    logs = model.fit(*clean, validation_data=held_out, **kwargs).history
    return logs["val_loss"]


_METHODS: dict[str, Callable[..., Any]] = {
    "fit": _fit,
    "evaluate": _evaluate,
    "predict": lambda model, x, **kwargs: model.predict(x, verbose=0, **kwargs),
    "validation_data": _validate,
    "train_on_batch": _train_on_batch,
    "test_on_batch": lambda model, *data: model.test_on_batch(*data),
    "predict_on_batch": lambda model, x: model.predict_on_batch(x),
}
_ON_BATCH = ("train_on_batch", "test_on_batch", "predict_on_batch")
_INPUTS_ONLY = ("predict", "predict_on_batch")


class Case(NamedTuple):
    """A fault, passed to a method in a source; `at` is the number of the batch that has it."""

    fault: Fault
    source: str
    method: str
    at: int

    def __str__(self) -> str:
        at = f", batch {self.at}" if self.source in STREAMS else ""
        return f"{self.fault.model}: {self.fault.name} | {self.source}{at} | {self.method}"


def cases() -> Iterator[Case]:
    """Yields the product of faults, sources, methods and positions."""
    for fault in faults():
        for method in _METHODS:
            if method in _INPUTS_ONLY and (fault.part != "x" or fault.kwargs):
                continue
            # In `predict`, x alone determines the rows; values are not checked on a single batch.
            if method in _INPUTS_ONLY and "rows in x" in fault.name:
                continue
            if method == "predict_on_batch" and fault.plain and not fault.whole and not fault.means:
                continue
            if fault.kwargs and method not in ("fit", "train_on_batch"):
                continue
            yield Case(fault, "arrays", method, 0)
            if method in _ON_BATCH:
                continue
            single = fault.model != "pair" and not fault.kwargs
            if fault.plain and single and fault.name not in ("NaN in x, bfloat16",):
                for source in ARRAYS:
                    if source != "arrays" and not (source == "h5py" and "uint64" in fault.name):
                        yield Case(fault, source, method, 0)
            for source in STREAMS:
                if not fault.plain and source in TYPED:
                    continue
                yield Case(fault, source, method, 0)
                if fault.means is None and not fault.kwargs:
                    yield Case(fault, source, method, 2)


class Outcome(NamedTuple):
    """What happened: "refused", "right", or a failure with its kind."""

    kind: str
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether the case passed."""
        return self.kind in ("refused", "right", "impossible")


# Words that belong to the internals of cornu and of the libraries below it.
_RAW = (
    *("tracer", "jax", "jit", "xla", "has no attribute", "unhashable", "iterable'"),
    *("not supported between", "subscriptable", "cannot be interpreted", "is not iterable"),
    *("could not broadcast", "inhomogeneous", "invalid literal", "argument must be", "abstract"),
)


def run(case: Case) -> Outcome:
    """Runs a case and judges its outcome."""
    fault, source, method, at = case
    model, x, y, weights = load_model(fault.model)
    data = Data(x, y)
    streamed = source in STREAMS
    inputs_only = method in _INPUTS_ONLY
    try:
        given = _prepare(case, data, fault.apply)
    except Exception as error:  # another library cannot hold the data
        return Outcome("impossible", f"{type(error).__name__}: {error}")
    kwargs: dict[str, Any] = dict(fault.kwargs)
    if method == "validation_data":
        kwargs |= {"clean": (x, y), "stream": streamed}
    elif not streamed and method not in _ON_BATCH:
        kwargs["batch_size"] = ROWS
    model.set_weights(weights)
    begun = int(np.asarray(model.optimizer.iterations.value))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = _METHODS[method](model, *given, **kwargs)
    except Exception as error:
        done = int(np.asarray(model.optimizer.iterations.value)) - begun
        if type(error).__module__.startswith("tensorflow"):
            return Outcome("impossible", f"{type(error).__name__}: {error}")
        return _judge_error(case, error, done)
    if fault.means is None:
        if method == "predict_on_batch" and not np.isfinite(np.asarray(found)).all():
            return Outcome("right", "the predictions are not finite")
        return Outcome("taken", f"returned {found!r:.60}")
    after = model.get_weights()
    model.set_weights(weights)
    if method == "validation_data":
        kwargs["stream"] = False
    elif method not in _ON_BATCH:
        kwargs["batch_size"] = ROWS
    kwargs.pop("class_weight", None)
    expected = _METHODS[method](model, *pack(_reference(case, data), inputs_only), **kwargs)
    if not np.allclose(found, expected, rtol=1e-4, equal_nan=False):
        return Outcome("wrong", f"{np.ravel(found)[:3]} instead of {np.ravel(expected)[:3]}")
    pairs = zip(after, model.get_weights(), strict=True)
    if not all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs):
        return Outcome("wrong", "the weights differ")
    return Outcome("right")


def _reference(case: Case, data: Data) -> Data:
    """Returns the arrays that the data with the fault means."""
    if case.method in _ON_BATCH:
        return case.fault.clean(select_rows(data, FIRST))
    if case.source not in STREAMS:
        return case.fault.clean(data)
    batches = batches_with(case.fault, data, case.at, case.fault.clean)

    def joined(*parts: Any) -> Any:
        if isinstance(parts[0], tuple):
            return tuple(map(joined, *parts))
        return None if parts[0] is None else np.concatenate(list(map(np.asarray, parts)))

    return Data(*map(joined, *batches))


def _prepare(case: Case, data: Data, change: Callable[[Data], Any]) -> Any:
    inputs_only = case.method in _INPUTS_ONLY
    if case.source in STREAMS:
        batches = batches_with(case.fault, data, case.at, change)
        packed = [pack(batch, inputs_only) for batch in batches]
        return (STREAMS[case.source](packed),)
    if case.method in _ON_BATCH:
        data = select_rows(data, FIRST)
    x, y, weight = change(data)
    convert = ARRAYS[case.source]
    if case.source != "arrays":
        x, y, weight = (None if part is None else convert(part) for part in (x, y, weight))
    return pack((x, y, weight), inputs_only)


def _judge_error(case: Case, error: Exception, done: int) -> Outcome:
    text = str(error)
    notes = "\n".join(getattr(error, "__notes__", ()))
    detail = f"{type(error).__name__}: {text} {notes}"
    if case.fault.means is not None:
        return Outcome("refused, but right", detail)
    lowered = text.lower()
    if not isinstance(error, (TypeError, ValueError)):
        return Outcome("raw", detail)
    if any(word in lowered for word in _RAW) or len(text) < 30:
        return Outcome("raw", detail)
    # Trained before the batch with the fault: as many steps as there are batches before it.
    allowed = case.at if case.method == "fit" and case.source in STREAMS else 0
    if case.method == "validation_data" and case.at and case.source in STREAMS:
        allowed = BATCHES
    if done > allowed:
        return Outcome("late", f"after {done} steps. {detail}")
    if case.at and case.source in STREAMS and "batch" not in (text + notes).lower():
        return Outcome("nameless", detail)
    if "\n" not in text and text.count(". ") == 0 and ": " not in text:
        return Outcome("curt", detail)
    return Outcome("refused", detail)
