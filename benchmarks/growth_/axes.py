"""Scale: how time and memory grow with depth, width, batch, outputs and the size of the data.

`python -m benchmarks.scale` measures each point in a process of its own, and writes tables and
curves into docs/performance.md; `--quick` takes fewer points and writes nothing.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.measure import SETTINGS

__all__ = ["AXES", "Axis", "exponent", "measure", "page", "table"]

_ROOT = Path(__file__).parents[1]
_PAGE = _ROOT / "docs" / "performance.md"
_PICTURE = _ROOT / "benchmarks" / "scale.svg"
_MARKS = ("<!-- scale: begin -->", "<!-- scale: end -->")
Point = dict[str, float]


@dataclass(frozen=True)
class Axis:
    """What is made larger.

    Attributes:
        title: of the table; counts: of what, as its first column says.
        sizes: the points.
        measure: returns the columns of one point.
    """

    title: str
    counts: str
    sizes: tuple[float, ...]
    measure: Callable[[float], Point]


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


def _blocks(layers: float) -> Point:
    """Equal blocks of three layers, made by a function."""
    import cornu
    from cornu import layers as parts

    def block(x: Any) -> Any:
        y = parts.Dense(32)(parts.Dense(32, activation="tanh")(x))
        return parts.Add()([x, y])

    clock = Clock()
    x = inputs = cornu.Input((32,))
    for _ in range(int(layers) // 3):
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


def _layered(width: int, batch: int) -> Point:
    import cornu
    from cornu import layers as parts

    clock = Clock()
    model = cornu.Sequential(
        [cornu.Input((width,)), parts.Dense(width, activation="relu"), parts.Dense(width)]
    )
    clock.note("build, s")
    model.compile("sgd", "mse")
    _trained(clock, model, _random(batch, width), _random(batch, width), steps=20)
    return {**clock.point, "MB": _megabytes("VmHWM")}


def _data(gigabytes: float) -> Point:
    """A file that is mapped into memory, trained on in shuffled order."""
    import cornu
    from cornu import layers as parts

    rows, steps = int(gigabytes * 1e9) // 1024, 300
    with tempfile.TemporaryDirectory() as folder:
        # Sparse: what was not written reads as zeros, and takes no room on the disk.
        x = np.memmap(f"{folder}/x", "float32", "w+", shape=(rows, 256))
        y = np.zeros(rows, "float32")
        model = cornu.Sequential(
            [cornu.Input((256,)), parts.Dense(64, activation="relu"), parts.Dense(1)]
        )
        model.compile("sgd", "mse")
        kwargs: dict[str, Any] = {"batch_size": 256, "verbose": 0}
        model.fit(x[:1024], y[:1024], **kwargs)
        clock = Clock()
        model.fit(x, y, steps_per_epoch=1, **kwargs)
        clock.note("first step, s")
        clock.skip()
        model.fit(x, y, steps_per_epoch=steps, **kwargs)
        clock.note(f"{steps} steps, s")
        # Pages of the file itself belong to the system, which takes them back when it needs them.
        return {**clock.point, "MB": _megabytes("RssAnon")}


_DEPTHS = (10, 100, 300, 1000, 2000)
AXES = {
    "chain": Axis("Depth: distinct layers, one after another", "layers", _DEPTHS, _chain),
    "blocks": Axis(
        "Depth: equal blocks of three layers, made by a function",
        *("layers", (12, 100, 300, 1000, 2000)),
        _blocks,
    ),
    "outputs": Axis(
        "Outputs, each with a loss and a metric", "outputs", (1, 3, 10, 30, 100, 300), _outputs
    ),
    "width": Axis(
        "Width: two dense layers, batch 32; work grows with the square",
        *("units", (32, 128, 512, 2048, 4096)),
        lambda width: _layered(int(width), 32),
    ),
    "batch": Axis(
        "Batch: two dense layers of 256 units",
        *("rows", (1, 8, 64, 512, 4096)),
        lambda batch: _layered(256, int(batch)),
    ),
    "data": Axis("Data: a file mapped into memory, shuffled", "GB", (0.1, 0.3, 1, 3, 10), _data),
}
_QUICK = 3


def measure(name: str, sizes: Sequence[float]) -> dict[float, Point]:
    """Returns the columns of each point of an axis, measured in a process of its own."""
    found = {}
    for size in sizes:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.scale", name, str(size)],
            env={**os.environ, **SETTINGS},
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        found[size] = json.loads(answer.stdout.splitlines()[-1])
        print(name, size, found[size], flush=True)
    return found


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Returns p of `value ~ size ** p` between the last two points.

    Example:

    >>> exponent([1, 10, 100], [5.0, 3.0, 30.0])
    1.0
    """
    return round(math.log(values[-1] / values[-2]) / math.log(sizes[-1] / sizes[-2]), 2)


def table(axis: Axis, points: Mapping[float, Point]) -> str:
    """Returns the points as a Markdown table, whose last row has the exponents."""
    columns = list(next(iter(points.values())))
    rows = [[axis.counts, *columns], ["---:"] * (len(columns) + 1)]
    rows += [[f"{size:g}", *(_digits(p[c]) for c in columns)] for size, p in points.items()]
    ends = [exponent(list(points), [p[c] for p in points.values()]) for c in columns]
    rows.append(["exponent", *(f"{end:.2f}" for end in ends)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:#.2g}"


def page(results: Mapping[str, Mapping[float, Point]]) -> str:
    """Returns the text between the markers of docs/performance.md."""
    parts = [f"### {AXES[name].title}\n\n{table(AXES[name], p)}" for name, p in results.items()]
    return "\n\n".join(parts)


def _draw(results: Mapping[str, Mapping[float, Point]]) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "cornu", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, places = pyplot.subplots(2, 3, figsize=(11, 6.4), constrained_layout=True)
    for place, (name, points) in zip(places.flat, results.items(), strict=True):
        sizes = list(points)
        for column in next(iter(points.values())):
            unit = column.rpartition(", ")[2]
            factor = {"ms": 1e-3, "MB": math.nan}.get(unit, 1.0)
            if not math.isnan(factor):
                label = column.rpartition(", ")[0]
                place.plot(sizes, [factor * p[column] for p in points.values()], ".-", label=label)
        place.set(xscale="log", yscale="log", xlabel=AXES[name].counts, ylabel="s")
        place.set_title(AXES[name].title.partition(",")[0].partition(";")[0], fontsize=9)
        place.grid(alpha=0.3)
        place.legend(fontsize=7)
    figure.savefig(_PICTURE, metadata={"Date": None})


def _write(text: str) -> None:
    whole = _PAGE.read_text(encoding="utf-8")
    before, _, rest = whole.partition(_MARKS[0])
    after = rest.partition(_MARKS[1])[2]
    _PAGE.write_text(f"{before}{_MARKS[0]}\n{text}\n{_MARKS[1]}{after}", encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Measures one point, or all of them."""
    if len(arguments) == 2:
        print(json.dumps(AXES[arguments[0]].measure(float(arguments[1]))))
        return
    quick = arguments == ["--quick"]
    results = {
        name: measure(name, axis.sizes[:_QUICK] if quick else axis.sizes)
        for name, axis in AXES.items()
    }
    print(page(results))
    if not quick:
        _draw(results)
        _write(page(results))


if __name__ == "__main__":
    main(sys.argv[1:])
