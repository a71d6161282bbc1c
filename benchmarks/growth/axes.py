"""What is measured: for each axis, the sizes and the columns of one point."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

__all__ = ["AXES", "FIGURES", "Axis", "Point"]

Point = dict[str, float]


@dataclass(frozen=True)
class Axis:
    """What is made larger.

    Attributes:
        title: of the table; counts: of what, as its first column says.
        sizes: the points.
        measure: returns the columns of one point.
        work: the exponent of the work of a step.
    """

    title: str
    counts: str
    sizes: tuple[float, ...]
    measure: Callable[[float], Point]
    work: float = 1.0


class Clock:
    """Records seconds by name."""

    def __init__(self) -> None:
        self.point: Point = {}
        self.begin = perf_counter()

    def note(self, name: str, times: float = 1.0) -> None:
        """Notes the time since the last note, times something."""
        self.point[name] = times * (perf_counter() - self.begin)
        self.begin = perf_counter()

    def skip(self) -> None:
        """Restarts the clock without recording."""
        self.begin = perf_counter()


def _megabytes(kind: str) -> float:
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"{kind}:\s+(\d+) kB", status)
    return int(found[1]) / 1e3 if found else math.nan


def _random(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def _trained(clock: Clock, model: Any, x: Any, y: Any, steps: int = 5) -> None:
    """Traces, lowers, compiles and runs the training step of a model."""
    import jax

    runner, batch = (
        model.trainer.programs.runner("train"),
        model.trainer.one_batch(x, y, None, None, train=True).structure,
    )
    batch = jax.tree_util.tree_map(jax.numpy.asarray, batch)
    clock.skip()
    program = runner.program(batch, False)
    clock.note("trace, s")
    lowered = program.lower(runner.key, batch)
    clock.note("lower, s")
    lowered.compile()
    clock.note("compile, s")
    program.one(runner.key, 0, batch)
    best = math.inf
    for i in range(1, steps + 1):
        begin = perf_counter()
        program.one(runner.key, i, batch)
        jax.block_until_ready([v.stored for v in program.written])
        best = min(best, perf_counter() - begin)
    clock.point["step, ms"] = 1e3 * best


def _kept(clock: Clock, model: Any) -> None:
    """Summarizes, saves and loads a model."""
    import cornu

    clock.skip()
    model.summary(print_fn=lambda line: None)
    clock.note("summary, s")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        clock.skip()
        model.save(path)
        clock.note("save, s")
        cornu.models.load_model(path)
        clock.note("load, s")


def _chain(layers: float) -> Point:
    """A sequence of distinct layers."""
    import cornu
    from cornu import layers as parts

    clock = Clock()
    x = inputs = cornu.Input((32,))
    for _ in range(int(layers) - 1):
        x = parts.Dense(32, activation="tanh")(x)
    model = cornu.Model(inputs, parts.Dense(1)(x))
    clock.note("build, s")
    model.compile("sgd", "mse")
    _kept(clock, model)
    _trained(clock, model, _random(8, 32), _random(8, 1))
    return {**clock.point, "MB": _megabytes("VmHWM")}


def _blocks(blocks: float) -> Point:
    """Equal blocks of three layers, made by a function."""
    import cornu
    from cornu import layers as parts

    def block(x: Any) -> Any:
        y = parts.Dense(32)(parts.Dense(32, activation="tanh")(x))
        return parts.Add()([x, y])

    clock = Clock()
    x = inputs = cornu.Input((32,))
    for _ in range(int(blocks)):
        x = block(x)
    model = cornu.Model(inputs, parts.Dense(1)(x))
    clock.note("build, s")
    model.compile("sgd", "mse")
    _kept(clock, model)
    _trained(clock, model, _random(8, 32), _random(8, 1))
    return {**clock.point, "MB": _megabytes("VmHWM")}


def _outputs(count: float) -> Point:
    """Outputs, each with a loss and a metric."""
    import cornu
    from cornu import layers as parts

    clock = Clock()
    inputs = cornu.Input((32,))
    x = parts.Dense(32, activation="relu")(inputs)
    model = cornu.Model(inputs, [parts.Dense(1, name=f"out_{i}")(x) for i in range(int(count))])
    clock.note("build, s")
    model.compile("sgd", ["mse"] * int(count), metrics=[["mae"]] * int(count))
    _trained(clock, model, _random(8, 32), [_random(8, 1)] * int(count))
    return {**clock.point, "MB": _megabytes("VmHWM")}


def _inputs(count: float) -> Point:
    """Inputs, each with a layer."""
    import cornu
    from cornu import layers as parts

    clock = Clock()
    inputs = [cornu.Input((32,), name=f"in_{i}") for i in range(int(count))]
    features = [parts.Dense(8, activation="relu")(x) for x in inputs]
    x = parts.Concatenate()(features) if count > 1 else features[0]
    model = cornu.Model(inputs, parts.Dense(1)(x))
    clock.note("build, s")
    model.compile("sgd", "mse")
    _trained(clock, model, [_random(8, 32)] * int(count), _random(8, 1))
    return {**clock.point, "MB": _megabytes("VmHWM")}


def _metrics(count: float) -> Point:
    """Metrics of one output."""
    import cornu
    from cornu import layers as parts

    clock = Clock()
    model = cornu.Sequential([cornu.Input((32,)), parts.Dense(1)])
    clock.note("build, s")
    metrics = [cornu.metrics.MeanAbsoluteError(name=f"error_{i}") for i in range(int(count))]
    model.compile("sgd", "mse", metrics=metrics)
    _trained(clock, model, _random(8, 32), _random(8, 1))
    return {**clock.point, "MB": _megabytes("VmHWM")}


def _sequential(
    shape: tuple[int, ...], batch: int, make: Callable[[Any], list[Any]], classes: int = 0
) -> Point:
    """A sequence of layers.

    Args:
        shape: of an input; batch: rows.
        make: returns the layers, given `cornu.layers`.
        classes: the number of classes; 0 for targets of the shape of the outputs.
    """
    import cornu

    clock = Clock()
    model = cornu.Sequential([cornu.Input(shape), *make(cornu.layers)])
    clock.note("build, s")
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else "mse"
    model.compile("sgd", loss)
    y = np.arange(batch) % classes if classes else _random(batch, *model.output_shape[1:])
    _trained(clock, model, _random(batch, *shape), y, steps=10)
    return {**clock.point, "MB": _megabytes("VmHWM")}


def _two_layers(width: int, batch: int) -> Point:
    return _sequential((width,), batch, lambda L: [L.Dense(width, "relu"), L.Dense(width)])


def _attention(tokens: float) -> Point:
    """Self-attention, whose scores grow with the square of the length."""
    import cornu
    from cornu import layers as parts

    clock = Clock()
    inputs = cornu.Input((int(tokens), 32))
    model = cornu.Model(inputs, parts.MultiHeadAttention(2, 16)(inputs, inputs))
    clock.note("build, s")
    model.compile("sgd", "mse")
    _trained(clock, model, _random(2, int(tokens), 32), _random(2, int(tokens), 32))
    return {**clock.point, "MB": _megabytes("VmHWM")}


def _rows(rows: float) -> Point:
    """Files that are mapped into memory, trained on in shuffled order."""
    import cornu
    from cornu import layers as parts

    count, steps = int(rows), 300
    with tempfile.TemporaryDirectory() as folder:
        # Sparse: what was not written is read as zeros, and takes no space on the disk.
        x = np.memmap(f"{folder}/x", "float32", "w+", shape=(count, 32))
        y = np.memmap(f"{folder}/y", "float32", "w+", shape=(count,))
        x[:1024], y[:1024] = _random(1024, 32)[:count], _random(1024)[:count]
        model = cornu.Sequential(
            [cornu.Input((32,)), parts.Dense(32, activation="relu"), parts.Dense(1)]
        )
        model.compile("sgd", "mse")
        kwargs: dict[str, Any] = {"batch_size": 256, "verbose": 0}
        model.fit(x[:1024], y[:1024], **kwargs)
        clock = Clock()
        model.fit(x, y, steps_per_epoch=1, **kwargs)
        clock.note("first step, s")
        clock.skip()
        model.fit(x, y, steps_per_epoch=min(steps, -(-count // 256)), **kwargs)
        clock.note("300 steps, s", max(1.0, steps / -(-count // 256)))
        # Pages of the file itself belong to the system, which takes them back when it needs them.
        return {**clock.point, "MB": _megabytes("RssAnon")}


_DEPTHS = (4, 16, 64, 256, 512)
_PARTS = (1, 3, 10, 30, 100, 300)
AXES = {
    "chain": Axis("Depth: distinct layers, one after another", "layers", _DEPTHS, _chain),
    "blocks": Axis("Depth: equal blocks of three layers", "blocks", _DEPTHS, _blocks),
    "width": Axis(
        "Width: two dense layers, batch 32",
        *("units", (32, 128, 512, 2048, 4096)),
        lambda width: _two_layers(int(width), 32),
        work=2,
    ),
    "batch": Axis(
        "Batch: two dense layers of 256 units",
        *("rows", (1, 8, 64, 512, 4096)),
        lambda batch: _two_layers(256, int(batch)),
    ),
    "steps": Axis(
        "Sequence length: LSTM(64), batch 8",
        *("steps", (16, 64, 256, 1024)),
        lambda steps: _sequential((int(steps), 16), 8, lambda L: [L.LSTM(64), L.Dense(1)]),
    ),
    "tokens": Axis(
        "Sequence length: self-attention, two heads, batch 2",
        *("tokens", (64, 256, 1024, 2048)),
        _attention,
        work=2,
    ),
    "classes": Axis(
        "Classes of a softmax over 64 features, batch 32",
        *("classes", (10, 100, 1000, 10_000, 100_000, 1_000_000)),
        lambda classes: _sequential((64,), 32, lambda L: [L.Dense(int(classes))], int(classes)),
    ),
    "inputs": Axis("Inputs, each with a dense layer", "inputs", _PARTS, _inputs),
    "metrics": Axis("Metrics of one output", "metrics", _PARTS, _metrics),
    "outputs": Axis("Outputs, each with a loss and a metric", "outputs", _PARTS, _outputs),
    "rows": Axis(
        "Rows of a file mapped into memory, shuffled, batch 256",
        *("rows", (1e3, 1e4, 1e5, 1e6, 1e7, 1e8)),
        _rows,
    ),
}
# The pictures, and the axes whose curves they show.
FIGURES = {
    "growth_depth": ("chain", "blocks"),
    "growth_size": ("width", "batch", "classes"),
    "growth_length": ("steps", "tokens"),
    "growth_parts": ("inputs", "metrics", "outputs"),
    "growth_rows": ("rows",),
}
