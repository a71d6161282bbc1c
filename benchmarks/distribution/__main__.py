"""Training on eight virtual devices: equality, memory, checkpoints.

`python -m benchmarks.distribution` runs all parts, each in a process of its own, and writes
`benchmarks/distribution.md`. `python -m benchmarks.distribution memory layers` computes two of
the tables.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

import cornu
from benchmarks import report
from benchmarks.distribution.layer_cases import LAYERS, train_with
from benchmarks.distribution.models import DEEP_MODELS, MODELS, mlp
from benchmarks.distribution.restored import load, save
from benchmarks.distribution.runs import activations_of, losses_of, memory_of

_PAGE = Path(__file__).parents[1] / "distribution.md"
_NAMES = ("data", "fsdp", "tensor")
_WIDTH, _DEPTH = 1024, 8
_COUNTS = {"none": (1,), "fsdp": (1, 2, 4, 8), "pipeline": (1, 2, 4, 8)}


def equality() -> list[str]:
    """Returns the rows of the table of losses."""
    rows = []
    for model in MODELS:
        expected = losses_of(model, None)
        for name in (*_NAMES, *(["sequence"] if model == "Transformer" else [])):
            found = losses_of(model, name)
            rows.append(f"{model} | {name} | {_compared(found, expected)}")
    names = cornu.distribution.list_devices()
    for model in DEEP_MODELS:
        expected = losses_of(model, None)
        for stages in (2, 4, 8):
            given = cornu.distribution.PipelineParallel(devices=names[:stages])
            label = f"pipeline, {stages} stages"
            rows.append(f"{model} | {label} | {_compared(losses_of(model, given), expected)}")
        given = cornu.distribution.PipelineParallel(pipeline_parallel=4)
        label = "pipeline, 2 groups of 4 stages"
        rows.append(f"{model} | {label} | {_compared(losses_of(model, given), expected)}")
    return rows


def _compared(found: np.ndarray, expected: np.ndarray) -> str:
    return f"{found[0]:.5f} | {found[-1]:.5f} | {np.abs(found - expected).max():.1e}"


def layers() -> list[str]:
    """Returns the rows of the table of layers."""
    rows = []
    for name in LAYERS:
        expected, _ = train_with(name, None)
        cells = []
        for distribution in ("data", cornu.distribution.FullySharded(min_size=8)):
            found, kinds = train_with(name, distribution)
            counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
            cells.append(f"{counts} | {np.abs(found - expected).max():.0e}")
        rows.append(f"{name} | {' | '.join(cells)}")
    return rows


def memory() -> list[str]:
    """Returns the rows of the table of memory."""
    names = cornu.distribution.list_devices()
    rows = []
    kinds_of: dict[str, Callable[..., Any]] = {
        "none": lambda devices: None,
        "data": cornu.distribution.DataParallel,
        "fsdp": cornu.distribution.FullySharded,
        "pipeline": cornu.distribution.PipelineParallel,
        "tensor": cornu.distribution.TensorParallel,
    }
    for label, make in kinds_of.items():
        for devices in _COUNTS.get(label, (8,)):
            found = memory_of(make(devices=names[:devices]), _WIDTH, _DEPTH)
            kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(found.collectives.items()))
            sizes = " | ".join(
                f"{size / 2**20:.2f}" for size in (found.state, found.shards, found.temporary)
            )
            rows.append(f"{label} | {devices} | {sizes} | {kinds or 'none'}")
    return rows


def activations() -> list[str]:
    """Returns the rows of the table of activations."""
    names = cornu.distribution.list_devices()
    cases: list[tuple[str, Any, int, int, int]] = [
        ("data", cornu.distribution.DataParallel(), 8, 32, 64),
        ("fsdp", cornu.distribution.FullySharded(), 8, 32, 64),
    ]
    for parts in (1, 2, 4):
        given = cornu.distribution.PipelineParallel(devices=names[:parts])
        cases.append(("pipeline", given, parts, 32, 64))
    for parts in (1, 2, 4, 8):
        given = cornu.distribution.SequenceParallel(devices=names[:parts], sequence_parallel=parts)
        cases.append(("sequence", given, parts, 1, 512))
    rows = []
    for label, given, parts, size, length in cases:
        found = [activations_of(given, size, length, remat).temporary for remat in (False, True)]
        sizes = " | ".join(f"{size / 2**20:.2f}" for size in found)
        rows.append(f"{label} | {parts} | {size} x {length} | {sizes}")
    return rows


def restored() -> list[str]:
    """Returns the rows of the table of restored checkpoints."""
    rows = []
    program = Path(__file__).with_name("restored.py")
    with tempfile.TemporaryDirectory() as name:
        with cornu.distribution.scope("fsdp"):
            save(Path(name, "saved"))
        expected = load(Path(name, "saved"))["losses"]
        for count in (1, 2, 4):
            launch = ("-m", "cornu", "launch", "-n", str(count), "--distribution", "fsdp")
            subprocess.run(
                [sys.executable, *launch, program, "load", Path(name, "saved"), name],
                check=True,
                env={**os.environ, "JAX_NUM_CPU_DEVICES": "1", "PYTHONPATH": os.getcwd()},
                stdout=subprocess.DEVNULL,
            )
            found = [json.loads(Path(name, f"{i}.json").read_text()) for i in range(count)]
            apart = np.abs(np.array(found[0]["losses"]) - expected).max()
            sizes = [found[0]["state"], *(max(row[key] for row in found) for key in _READ)]
            cells = " | ".join(f"{size / 2**20:.2f}" for size in sizes)
            rows.append(f"8 devices | {count} | {cells} | {apart:.1e}")
    return rows


_READ = ("read", "whole")


def resume(folder: str, stop: str) -> list[str]:
    """Trains for up to four epochs from the state in a folder, and ends before epoch `stop`.

    Returns:
        The losses, and the number of epochs of this process.
    """
    devices = jax.device_count()
    cornu.utils.set_random_seed(3)
    model, x, y, loss = mlp(rows=64)
    optimizer = cornu.optimizers.Adam(0.01, epsilon=1e-3)
    model.compile(optimizer, loss, distribution="fsdp" if devices > 1 else None)

    begun: list[int] = []

    def end(epoch: int, logs: object) -> None:
        begun.append(epoch)
        if epoch == int(stop):
            # States are written in the background; the first one before the first step.
            while not list(Path(folder).glob(f"state-*0{epoch + 1}.safetensors")):
                time.sleep(0.01)
            os._exit(0)  # as if the process were killed

    history = model.fit(
        *(x, y, 24),
        epochs=4,
        verbose=0,
        resume=cornu.Resume(folder, every="epoch"),
        callbacks=[cornu.callbacks.LambdaCallback(on_epoch_begin=end)],
    )
    losses = " ".join(float(value).hex() for value in history.history["loss"])
    weights = np.concatenate([w.ravel() for w in model.get_weights()])
    np.save(Path(folder) / "weights.npy", weights)
    return [losses, str(len(begun))]


_PARTS: dict[str, Callable[..., list[str]]] = {
    "activations": activations,
    "equality": equality,
    "layers": layers,
    "memory": memory,
    "restored": restored,
    "resume": resume,
}


def _run(part: str, *arguments: object, devices: int = 8) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.distribution", "--part", part, *map(str, arguments)],
        env={**os.environ, "JAX_NUM_CPU_DEVICES": str(devices), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def _resumed() -> list[str]:
    """Returns the rows of the table of resumed runs."""

    def run(path: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the losses and the weights."""
        with tempfile.TemporaryDirectory() as folder:
            for epoch, devices in enumerate(path[:-1], 1):
                assert _run("resume", folder, epoch, devices=devices) == []
            line, epochs = _run("resume", folder, -1, devices=path[-1])
            assert int(epochs) == 4 - (len(path) - 1)
            losses = np.array([float.fromhex(word) for word in line.split()])
            return losses, np.load(Path(folder) / "weights.npy")

    whole = {devices: run((devices,)) for devices in (1, 2, 8)}
    rows = []
    for path in ((8, 8), (2, 2), (8, 2, 1), (2, 8), (1, 8)):
        expected, found = whole[path[-1] if len(set(path)) == 1 else 1], run(path)
        apart = [np.abs(a - b).max() for a, b in zip(found, expected, strict=True)]
        same = "yes" if not any(apart) else "no"
        arrow = " to ".join(map(str, path))
        rows.append(f"{arrow} | {apart[0]:.1e} | {apart[1]:.1e} | {same}")
    return rows


def _table(head: str, rows: list[str]) -> str:
    line = " | ".join(["---"] * (head.count("|") + 1))
    return "\n".join(f"| {row} |" for row in (head, line, *rows))


# In the order of the page: the columns and the rows of each table.
_TABLES: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "equality": (
        "model | distribution | loss of step 1 | of step 50 | largest difference",
        partial(_run, "equality"),
    ),
    "memory": (
        "distribution | devices | state by the compiler | state by the arrays "
        "| temporary | operations between devices",
        partial(_run, "memory"),
    ),
    "activations": (
        "distribution | devices | rows x steps | temporary | with `model.remat`",
        partial(_run, "activations"),
    ),
    "resumed": (
        "devices before and after | largest difference of losses | of weights | identical",
        _resumed,
    ),
    "restored": (
        "written by | read by processes | whole state | read by a process "
        "| whole arrays on its host | largest difference of losses",
        partial(_run, "restored"),
    ),
    "layers": (
        "layers | data: operations | difference | fsdp: operations | difference",
        partial(_run, "layers"),
    ),
}


def main(names: Sequence[str]) -> None:
    """Computes the tables with some names, or all of them, and writes the page."""
    tables = re.findall(r"(?m)(?:^\|.*\n)+", _PAGE.read_text(encoding="utf-8"))
    for i, (name, (head, rows)) in enumerate(_TABLES.items()):
        if not names or name in names:
            tables[i : i + 1] = [_table(head, rows())]
    text = _TEXT.format(report.setting(), *map(str.rstrip, tables), width=_WIDTH, depth=_DEPTH)
    _PAGE.write_text(text, encoding="utf-8")


_TEXT = """# Several devices

Generated by `python -m benchmarks.distribution`; do not edit. Devices are virtual devices of a CPU,
which divide programs as others do. They share its cores: no times are given.

- {0.date}; jax {0.versions[jax]}
- {0.machine}, {0.cores} cores

## Losses

Fifty steps of Adam on one device and on eight, from the same seeds, with dropout, batch
normalization (over whole batches) and partial last batches. No batch is divisible by eight. The
deep models have eight equal blocks, the stages of a pipeline, and no batch normalization.
Epsilon of Adam is 1e-3: with 1e-7, a change of the images by one unit in the last place changes the
loss of the ResNet by 8e-4 within 50 steps on one device.

{1}

## Memory

A training step of {depth} Dense layers of {width} units with Adam, in MiB on each device. The state
consists of weights and Variables of the optimizer and the metrics. A kernel has 4 MiB.

On one device, `fsdp` and `pipeline` divide nothing, and their program is that of `none`, which has
the gradient of one kernel at a time. On several, a stage of `pipeline` also has the kernels of
its own blocks, their gradients, and those of one microbatch: three times 1/n of all kernels. `fsdp`
has those of two or three layers.

{2}

## Activations

The temporary memory of a training step of a Transformer of 4 blocks with 64 features, in MiB on
each device, without and with rematerialized blocks. `fsdp` saves as much by rematerialization as
`data`. `pipeline` has one block per stage on four devices; each has the activations of its blocks
for all microbatches. `sequence` divides a single row, which the others cannot.

{3}

## Resumed runs

Four epochs of the MLP by fsdp. A process ends as if it were killed, and another one with another
number of devices continues from `fit(resume=...)`. A run that continues on the same number of
devices is compared with one that was not interrupted, others with one on a single device.

{4}

## Restored checkpoints

A folder of `OrbaxCheckpoint`, of which each process reads the parts of its own devices, in MiB. The
losses are those of two further epochs, compared with the model that one device restores.

{5}

## Layers

Three steps of SGD on models with layers of each kind: the operations between devices in a step, and
the largest difference of the losses from those of one device. `all-reduce` sums gradients and the
statistics of batch normalization, `all-gather` collects weights. Layers that cannot be divided
would exchange activations.

{6}
"""

if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        print("\n".join(_PARTS[sys.argv[2]](*sys.argv[3:])))
    else:
        main(sys.argv[1:])
