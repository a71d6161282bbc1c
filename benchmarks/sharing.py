"""Equal blocks traced once or inlined: the effect on tracing, lowering, compiling and steps.

`python -m benchmarks.sharing MODEL shared|inlined` measures once, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.measure import SETTINGS

__all__ = ["MODELS", "WAYS", "Sample", "measure", "table"]

WAYS = ("inlined", "shared")
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Sample:
    """What one process measured.

    Attributes:
        build, trace, lower, compile: seconds.
        lines: of the program before XLA.
        step: milliseconds, the fastest of several.
        loss: of the last step.
    """

    build: float
    trace: float
    lower: float
    lines: float
    compile: float
    step: float
    loss: float


def _resnet(name: str) -> tuple[Any, Any]:
    from cornu import applications

    build = getattr(applications, name)
    model = build(weights=None, input_shape=(64, 64, 3), classes=10)
    return model, np.random.default_rng(0).normal(size=(8, 64, 64, 3)).astype("float32")


def _transformer(depth: int, width: int = 64, heads: int = 4) -> tuple[Any, Any]:
    from cornu import Input, Model, layers

    def feed_forward(x: Any) -> Any:
        return layers.Dense(width)(layers.Dense(4 * width, activation="gelu")(x))

    def encoder(x: Any) -> Any:
        h = layers.LayerNormalization()(x)
        h = layers.MultiHeadAttention(heads, width // heads)(h, h)
        x = layers.Add()([x, layers.Dropout(0.1)(h)])
        h = feed_forward(layers.LayerNormalization()(x))
        return layers.Add()([x, layers.Dropout(0.1)(h)])

    ids = Input((32,), dtype="int32")
    x = layers.Embedding(1000, width)(ids)
    for _ in range(depth):
        x = encoder(x)
    outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    return Model(ids, outputs), np.random.default_rng(0).integers(0, 1000, (8, 32))


MODELS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "ResNet-50, 8 x 64 x 64": lambda: _resnet("ResNet50"),
    "ResNet-152, 8 x 64 x 64": lambda: _resnet("ResNet152"),
    "Transformer, 24 blocks, 8 x 32 x 64": lambda: _transformer(24),
}


def _once(name: str, way: str) -> Sample:
    import jax

    import cornu

    if way == "inlined":
        cornu.config.disable_block_sharing()
    jax.jit(lambda x: x + 1).lower(1.0).compile()  # what the first use of JAX costs is not counted
    cornu.utils.set_random_seed(0)
    begin = perf_counter()
    model, x = MODELS[name]()
    build = perf_counter() - begin
    y = np.arange(len(x)) % 10
    model.compile("adam", "sparse_categorical_crossentropy")
    runner, batch = (
        model.trainer.programs.runner("train"),
        model.trainer.one_batch(x, y, None, None, train=True).structure,
    )
    batch = jax.tree_util.tree_map(jax.numpy.asarray, batch)
    begin = perf_counter()
    program = runner.program(batch, False)
    trace = perf_counter() - begin
    begin = perf_counter()
    lowered = program.lower(runner.key, batch)
    lower = perf_counter() - begin
    begin = perf_counter()
    lowered.compile()
    compiled = perf_counter() - begin
    program.one(runner.key, 0, batch)
    steps = []
    for i in range(1, 8):
        begin = perf_counter()
        program.one(runner.key, i, batch)
        jax.block_until_ready([v.stored for v in program.written])
        steps.append(1e3 * (perf_counter() - begin))
    loss = float(model.get_metrics_result()["loss"])
    lines = lowered.as_text().count("\n")
    return Sample(build, trace, lower, lines, compiled, min(steps), loss)


def measure(rounds: int, names: Sequence[str] = tuple(MODELS)) -> dict[str, dict[str, Sample]]:
    """Returns the medians over rounds, which take turns, by model and way."""
    found: dict[str, dict[str, list[Sample]]] = {n: {w: [] for w in WAYS} for n in names}
    for name in names:
        for _ in range(rounds):
            for way in WAYS:
                answer = subprocess.run(
                    [sys.executable, "-m", "benchmarks.sharing", name, way],
                    env={**os.environ, **SETTINGS},
                    cwd=_ROOT,
                    stdout=subprocess.PIPE,
                    check=True,
                    text=True,
                )
                found[name][way].append(Sample(**json.loads(answer.stdout.splitlines()[-1])))
    return {n: {w: _medians(s) for w, s in by_way.items()} for n, by_way in found.items()}


def _medians(samples: Sequence[Sample]) -> Sample:
    columns = [asdict(sample) for sample in samples]
    return Sample(**{name: median(column[name] for column in columns) for name in columns[0]})


def table(results: Mapping[str, Mapping[str, Sample]]) -> str:
    """Returns the results as a Markdown table."""
    head = "model blocks build,s trace,s lower,s lines compile,s step,ms loss".split()
    rows = [[cell.replace(",", ", ") for cell in head], ["---"] * len(head)]
    for name, by_way in results.items():
        for way, s in by_way.items():
            times = [f"{value:.2f}" for value in (s.build, s.trace, s.lower)]
            tail = [f"{s.lines:,.0f}", f"{s.compile:.1f}", f"{s.step:.0f}", f"{s.loss:.4f}"]
            rows.append([name, way, *times, *tail])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(json.dumps(asdict(_once(*sys.argv[1:]))))
