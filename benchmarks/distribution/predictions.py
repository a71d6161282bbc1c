"""Predicted and measured step times on eight virtual devices of this machine.

The devices share the cores, so that times say nothing about accelerators. They test the model: a
chip whose rates are measured here must give the right order of layouts and sizes.
`python -m benchmarks.distribution.predictions` writes `docs/planning.md` between its markers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import cornu
from benchmarks.distribution.models import mlp, resnet, transformer
from benchmarks.distribution.plans import write
from cornu.distribution import Chip, DeviceMesh
from cornu.distribution.planning.layouts import Layout, candidates
from cornu.distribution.planning.roofline import predict_step
from cornu.distribution.planning.step_cost import StepCosts

_DEVICES = 8
_LAYOUTS = ("data", "fsdp", "tensor 2", "tensor 8", "fsdp x tensor 2")
_ROUNDS = 5

CASES: dict[str, Callable[[], Any]] = {
    "MLP 64, 64 rows": partial(mlp, 64, 64),
    "MLP 512, 64 rows": partial(mlp, 512, 64),
    "MLP 1024, 256 rows": partial(mlp, 1024, 256),
    "ResNet 16, 64 rows": partial(resnet, 16, 2, 64),
    "Transformer 64, 32 rows": partial(transformer, 64, 2, 32, 32),
    "Transformer 256, 32 rows": partial(transformer, 256, 2, 32, 64),
}


def _best(run: Callable[[], Any]) -> float:
    """Returns the shortest of several times of a function."""
    jax.block_until_ready(run())
    found = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        jax.block_until_ready(run())
        found.append(time.perf_counter() - began)
    return min(found)


def measure_chip() -> Chip:
    """Returns a chip with the rates of one of the eight virtual devices."""
    mesh = jax.make_mesh((_DEVICES,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
    divided = NamedSharding(mesh, PartitionSpec("d"))
    whole = NamedSharding(mesh, PartitionSpec())

    def filled(*shape: int) -> jax.Array:
        return jax.device_put(np.ones(shape, "float32"), divided)

    a, b = filled(_DEVICES, 512, 512), filled(_DEVICES, 512, 512)
    product = _best(partial(jax.jit(jnp.matmul), a, b))
    x = filled(_DEVICES, 1 << 22)
    copy = _best(partial(jax.jit(lambda x: x + 1), x))
    total = jax.jit(lambda x: x.sum(0), out_shardings=whole)
    large, small = _best(partial(total, x)), _best(partial(total, filled(_DEVICES, 8)))
    sent = 2 * x.nbytes / _DEVICES * (_DEVICES - 1) / _DEVICES
    latency = small / (2 * 3)  # an all-reduce has two rounds of log2(8) latencies
    return Chip(
        name="this machine",
        title="a virtual device of this machine",
        flops={"f32": 2 * 512**3 / product},
        memory=1e9,
        memory_rate=2 * x.nbytes / _DEVICES / copy,
        link_rate=sent / max(large - small, 1e-6),
        network_rate=1e9,
        node_size=_DEVICES,
        sources=("measured by benchmarks/distribution/predictions.py",),
        link_latency=latency,
        reduce_scatters=False,
    )


def measure_step(model: Any, x: Any, y: Any, loss: Any, layout: Layout) -> float:
    """Returns the time of a training step on the eight devices."""
    mesh = DeviceMesh(tuple(layout.mesh.values()), tuple(layout.mesh))
    model.compile("adam", loss, distribution=layout.create(mesh))
    trainer = model._trainer_
    batch = trainer.placement._place_batch_(
        trainer.one_batch(x, y, None, None, train=True).structure
    )
    runner = trainer.programs.runner("train")
    program = runner.program(batch, False)

    def step() -> Any:
        program.one(runner.key, 0, batch)
        return [variable.stored for variable in program.written]

    return _best(step)


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Returns Spearman's rank correlation of two sequences without ties.

    Example:

    >>> rank_correlation([1.0, 2.0, 3.0], [10.0, 30.0, 20.0])
    0.5
    """
    ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
    return round(float(np.corrcoef(*ranks)[0, 1]), 3)


def compare() -> str:
    """Returns the table of predicted and measured times, and the correlations."""
    chip = measure_chip()
    rows = [["model", "layout", "predicted, ms", "measured, ms"], ["---", "---", "---:", "---:"]]
    pairs: list[tuple[str, str, float, float]] = []
    layouts = [layout for layout in candidates(_DEVICES, _DEVICES) if layout.name in _LAYOUTS]
    for name, construct in CASES.items():
        cornu.utils.set_random_seed(0)
        model, x, y, loss = construct()
        model.compile("adam", loss)
        for layout, cost in StepCosts(model).measure(layouts, len(x), _DEVICES):
            step = predict_step(cost.work, cost.state_traffic, cost.collectives, chip)
            measured = measure_step(*construct(), layout)
            pairs.append((name, layout.name, step.without_overlap, measured))
            shown = [f"{1e3 * seconds:.2f}" for seconds in (step.without_overlap, measured)]
            rows.append([name, layout.name, *shown])
            print(*rows[-1], flush=True)
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{_describe(chip, pairs)}\n\n{text}"


def _describe(chip: Chip, pairs: Sequence[tuple[str, str, float, float]]) -> str:
    overall = rank_correlation([p[2] for p in pairs], [p[3] for p in pairs])
    within = [
        rank_correlation(
            [p[2] for p in pairs if p[0] == name], [p[3] for p in pairs if p[0] == name]
        )
        for name in CASES
    ]
    ratios = [p[3] / p[2] for p in pairs]
    return (
        f"Rates of one of eight virtual devices: {chip.flops['f32'] / 1e9:.1f} GFLOP/s, "
        f"{chip.memory_rate / 1e9:.2f} GB/s of memory, {chip.link_rate / 1e9:.2f} GB/s between "
        f"devices, {1e6 * chip.link_latency:.0f} µs of latency. Spearman's rank correlation of "
        f"predicted and measured times: {overall:.2f} over all {len(pairs)} pairs; between the "
        f"{len(_LAYOUTS)} layouts of one model "
        + ", ".join(f"{value:.2f} ({name})" for name, value in zip(CASES, within, strict=True))
        + f". Steps take {np.median(ratios):.1f} times the prediction in the median, between "
        f"{min(ratios):.1f} and {max(ratios):.1f}."
    )


def main() -> None:
    """Measures in a process with eight virtual devices, and writes the page."""
    if jax.device_count() != _DEVICES:
        environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(_DEVICES), "JAX_PLATFORMS": "cpu"}
        subprocess.run(
            [sys.executable, "-m", "benchmarks.distribution.predictions"],
            env=environment,
            cwd=Path(__file__).parents[2],
            check=True,
        )
        return
    write("predictions", compare())


if __name__ == "__main__":
    main()
