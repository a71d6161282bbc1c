"""Calls of small models, whose programs run in the calling thread, from several threads at once.

Each output must have the bits that the same call has without `inline_programs`.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

import cornu
from benchmarks.safety.checks import Finding
from benchmarks.safety.networks import NETWORKS, Network, sample
from benchmarks.safety.shapes import Sampler
from cornu.process import programs
from cornu.training.step.program import counters

__all__ = ["KIND", "METHODS", "Call", "Case", "check", "make", "reference"]

KIND = "inline"

_THREADS = (1, 2, 3, 4, 6, 8)
_CALLS = 40  # of each thread
_MOST_ROWS = 32
# How often a model is deleted after a call of it, while other threads call it or its successor.
_DELETED = 0.05
_CACHE_EVENT = "/jax/compilation_cache/"


class Call(NamedTuple):
    """A call of a model.

    Attributes:
        model: its number.
        method: a name in `METHODS`.
        rows: how many rows the inputs have.
        batch: the batch size of `predict`.
    """

    model: int
    method: str
    rows: int
    batch: int


@dataclass(frozen=True)
class Case:
    """Models, and what each thread does: calls, and whether the model is deleted after it."""

    text: str
    networks: tuple[Network, ...]
    threads: tuple[tuple[tuple[Call, bool], ...], ...]

    @property
    def calls(self) -> list[Call]:
        """All different calls, in the order of their first occurrence."""
        return list(dict.fromkeys(call for thread in self.threads for call, _ in thread))


def _call_with_uncomputed(model: Any, inputs: Any, batch: int) -> Any:
    return model(jax.tree_util.tree_map(_start_computing, inputs))


METHODS: dict[str, Callable[[Any, Any, int], Any]] = {
    "model(NumPy array)": lambda model, inputs, batch: model(inputs),
    "model(JAX array)": lambda model, inputs, batch: model(jax.device_put(inputs)),
    "model(array being computed)": _call_with_uncomputed,
    "predict_on_batch": lambda model, inputs, batch: model.predict_on_batch(inputs),
    "predict": lambda model, inputs, batch: model.predict(inputs, batch_size=batch, verbose=0),
}


def make(number: int, seed: int = 0) -> Case:
    """Returns a case."""
    cornu.utils.clear_session()
    cornu.utils.set_random_seed(seed + 1)
    draw = Sampler(KIND, number, seed)
    # The program of the first one is neither too small nor too large.
    families = ["sized", *(draw.choice(tuple(NETWORKS)) for _ in range(draw.choice((1, 2, 3))))]
    networks = tuple(sample(family, draw) for family in families)
    # Each number of rows is compiled separately, so each model has two.
    rows = [(1, 1 + draw.size(_MOST_ROWS)) for _ in networks]

    def one(model: int) -> Call:
        method = draw.choice(tuple(METHODS))
        batch = draw.choice(rows[model]) if method == "predict" else 0
        return Call(model, method, draw.choice(rows[model]), batch)

    threads = tuple(
        # One thread deletes: each new model is compiled.
        tuple(
            (one(int(draw.rng.integers(len(networks)))), not n and draw.chance(_DELETED))
            for _ in range(_CALLS)
        )
        for n in range(draw.choice(_THREADS))
    )
    names = "; ".join(network.text for network in networks)
    return Case(f"{len(threads)} threads, {names}", networks, threads)


def reference(case: Case) -> list[np.ndarray]:
    """Returns the bits of the outputs of each different call, made one by one."""
    models = [network.build() for network in case.networks]
    before = counters["inline"]
    found = [np.frombuffer(_bits(_outputs(case, models, call)), "uint8") for call in case.calls]
    if counters["inline"] != before:
        raise RuntimeError("The programs to compare with must not run in the calling thread.")
    return found


def check(case: Case, expected: Sequence[np.ndarray]) -> Finding:
    """Makes the calls of all threads at once and compares their outputs with those expected."""
    known = {call: bits.tobytes() for call, bits in zip(case.calls, expected, strict=True)}
    models = [network.build() for network in case.networks]
    start = threading.Barrier(len(case.threads))
    before = counters["inline"]
    events: list[str] = []

    def note(event: str, **_: Any) -> None:
        if event.startswith(_CACHE_EVENT):
            events.append(event.removeprefix(_CACHE_EVENT))

    jax.monitoring.register_event_listener(note)
    try:
        with ThreadPoolExecutor(len(case.threads)) as pool:
            work = [
                pool.submit(_work, case, models, n, known, start) for n in range(len(case.threads))
            ]
            wrong = [line for future in work for line in future.result()]
    finally:
        jax.monitoring.unregister_event_listener(note)
    counts = {
        "calls": sum(map(len, case.threads)),
        "deleted": sum(deletes for thread in case.threads for _, deletes in thread),
        "inline": counters["inline"] - before,
        "read": events.count("cache_hits"),
    }
    if not counts["inline"]:
        wrong.append("no program ran in the calling thread")
    if programs.folder() is not None and (not counts["read"] or "cache_misses" in events):
        wrong.append(f"{events.count('cache_misses')} programs were not read from the cache")
    return Finding(programs=counts["inline"], wrong=wrong, counts=counts)


def _work(
    case: Case,
    models: list[Any],
    thread: int,
    known: Mapping[Call, bytes],
    start: threading.Barrier,
) -> list[str]:
    """Makes the calls of one thread; returns what is wrong."""
    wrong = []
    start.wait()
    for call, deletes in case.threads[thread]:
        outputs = _outputs(case, models, call)
        if deletes:
            # The outputs may still be computed, and other threads may call the model.
            models[call.model] = case.networks[call.model].build()
            gc.collect()
        found, expected = _bits(outputs), known[call]
        if found != expected:
            differs = sum(a != b for a, b in zip(found, expected, strict=False))
            wrong.append(f"thread {thread}, {call}: {differs} of {len(expected)} bytes differ")
    return wrong


def _outputs(case: Case, models: Sequence[Any], call: Call) -> Any:
    inputs = case.networks[call.model].rows(call.rows)
    return METHODS[call.method](models[call.model], inputs, call.batch)


def _bits(outputs: Any) -> bytes:
    """Returns dtypes, shapes and values of all outputs."""
    arrays = [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(outputs)]
    return b"".join(f"{array.dtype} {array.shape} ".encode() + array.tobytes() for array in arrays)


def _start_computing(array: np.ndarray) -> Any:
    """Returns an equal array of JAX, which is computed after something larger."""
    return _add_zero_with_product(array, np.ones((300, 300), "float32"))[0]


@jax.jit
def _add_zero_with_product(array: Any, large: Any) -> Any:
    return array + 0, large @ large @ large
