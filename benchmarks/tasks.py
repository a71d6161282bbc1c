"""The tasks: what is measured, in which unit, how much of it, and the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["STARTED", "TASKS", "Size", "Target", "Task"]


@dataclass(frozen=True)
class Size:
    """How much is done in a round.

    Attributes:
        count: batches of an epoch, or calls of which the mean is taken.
        epochs: how often that is done; the best counts.
    """

    count: int
    epochs: int


@dataclass(frozen=True)
class Target:
    """The required result of cornu: at most `factor` times a peer, plus something.

    Attributes:
        factor: of the peer's value; peer: its name, "best" for the best of them.
        plus: in the unit of the task.
    """

    factor: float
    peer: str
    plus: float = 0.0

    def limit(self, values: Mapping[str, float]) -> float | None:
        """Returns the limit, given the values of the peers; None if the peer is not there."""
        if self.factor == 0.0:
            return self.plus
        if self.peer == "best":
            return self.factor * min(values.values()) + self.plus if values else None
        return self.factor * values[self.peer] + self.plus if self.peer in values else None

    def text(self, unit: str) -> str:
        """Returns a description of the target."""
        measure = unit.partition("/")[0]
        if self.factor == 0.0:
            return f"{self.plus:g} {measure}"
        whose = "best peer" if self.peer == "best" else self.peer
        times = whose if self.factor == 1.0 else f"{self.factor:g} x {whose}"
        return f"{times} + {self.plus:g} {measure}" if self.plus else times


@dataclass(frozen=True)
class Task:
    """One row of the table.

    Attributes:
        title: what is measured; unit: of its values.
        full, quick: how much of it.
        fresh: whether every round needs a process in which nothing happened before.
        needs_layers: whether it needs a library with layers; plain programs are left out then.
        cached: whether compiled programs are kept on disk, and a process before it made them.
        brief: whether a quick run has it, too.
        target: the required result, if any.
        over_rounds: returns the value, given the best epoch of each round; by default the least,
            because other work on the machine can only make times longer.
    """

    title: str
    unit: str
    full: Size
    quick: Size
    fresh: bool = False
    needs_layers: bool = False
    cached: bool = False
    brief: bool = True
    target: Target | None = None
    over_rounds: Callable[[Sequence[float]], float] = min


_ONCE = Size(1, 1)
_CALLS = {"unit": "ms", "full": Size(300, 5), "quick": Size(50, 2)}

# The models that are trained from the start of a process, with the batches of an epoch.
STARTED = {
    "mlp": ("MLP", 500),
    "cnn": ("CNN", 20),
    "lstm": ("LSTM", 20),
    "transformer": ("Transformer", 8),
}


def _start(name: str, cached: bool) -> Task:
    title, batches = STARTED[name]
    how = "with compiled programs of another process" if cached else "cold"
    return Task(
        f"{title}: from the start of the process to the end of an epoch of {batches} steps, {how}",
        *("s", Size(batches, 1), Size(2, 1)),
        fresh=True,
        cached=cached,
        brief=False,
    )


TASKS = {
    "import": Task(
        "import, until Sequential, Dense and Adam are there",
        *("s", _ONCE, _ONCE),
        fresh=True,
        target=Target(1.0, "jax", 0.15),
    ),
    "resnet50_build": Task(
        "ResNet-50: build with weights",
        *("s", _ONCE, _ONCE),
        fresh=True,
        needs_layers=True,
        target=Target(0.0, "", 0.5),
    ),
    "resnet50_weights": Task(
        "ResNet-50: save and load weights", "s", Size(1, 2), _ONCE, needs_layers=True
    ),
    "mlp_first": Task("MLP: build, compile, first step, cold", "s", _ONCE, _ONCE, fresh=True),
    "cnn_first": Task("CNN: build, compile, first step, cold", "s", _ONCE, _ONCE, fresh=True),
    "resnet18_first_warm": Task(
        "ResNet-18: build, compile, first step, in the second process",
        *("s", _ONCE, _ONCE),
        fresh=True,
        cached=True,
        brief=False,
    ),
    **{f"{name}_start": _start(name, cached=False) for name in STARTED},
    **{f"{name}_start_warm": _start(name, cached=True) for name in STARTED},
    "mlp_fit": Task(
        "MLP 784-64-64-10: fit, batch 32",
        *("ms/step", Size(500, 5), Size(100, 3)),
        target=Target(0.6, "jax"),
    ),
    "cnn_fit": Task(
        "CNN on 28 x 28: fit, batch 128",
        *("ms/step", Size(20, 3), Size(10, 2)),
        target=Target(0.65, "best"),
    ),
    "lstm_fit": Task(
        "LSTM(128) over 100 steps: fit, batch 32",
        *("ms/step", Size(20, 3), Size(10, 2)),
        target=Target(1.0, "best"),
    ),
    "transformer_fit": Task(
        "Transformer, 2 blocks, 128 x 128: fit, batch 32",
        *("ms/step", Size(8, 2), Size(4, 2)),
        target=Target(0.7, "best"),
    ),
    "resnet18_fit": Task(
        "ResNet-18 on 32 x 32: fit, batch 32",
        *("ms/step", Size(4, 2), Size(2, 1)),
        brief=False,
        target=Target(1.0, "best"),
    ),
    "mlp_generator": Task(
        "MLP: fit on a generator, batch 32", "ms/step", Size(300, 4), Size(100, 3)
    ),
    "cnn_evaluate": Task("CNN: evaluate, batch 128", "ms/step", Size(20, 3), Size(10, 2)),
    "cnn_call_256": Task("CNN, 256 samples: model(x)", "ms", Size(20, 3), Size(10, 2)),
    "cnn_predict_256": Task("CNN, 256 samples: predict", "ms", Size(20, 3), Size(10, 2)),
    "mlp_growth": Task(
        "MLP: 20 x (build, fit, drop), growth",
        *("MB", Size(20, 1), Size(10, 1)),
        fresh=True,
        target=Target(0.0, "", 2.0),
        over_rounds=median,
    ),
    "mlp_call": Task("MLP, one sample: model(x)", **_CALLS, target=Target(1.0, "jax", 0.1)),
    "mlp_predict": Task("MLP, one sample: predict", **_CALLS, target=Target(1.0, "jax", 0.1)),
    "mlp_predict_on_batch": Task(
        "MLP, one sample: predict_on_batch", **_CALLS, target=Target(1.0, "jax", 0.1)
    ),
}
