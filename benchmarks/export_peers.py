"""Exports of cornu beside those of jax2onnx and of Keras on JAX: times, sizes, differences.

    python -m benchmarks.export_peers --jax2onnx PYTHON

Writes export_peers.md. Each file is written and loaded by a process of its own, whose compiled
programs are in no store, so that first predictions include what they compile. The option names an
interpreter that has jax2onnx, which Keras needs for ONNX, beside the packages of cornu; without it,
these rows are left out. Results are collected in build/export_peers.jsonl, where a run that was
ended continues.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import report

_PAGE = Path(__file__).with_name("export_peers.md")
_ROOT = Path(__file__).parents[1]
_MODELS = ("CNN", "ResNet50", "LSTM with masks", "Transformer")
_RESULTS = _ROOT / "build" / "export_peers.jsonl"
_REPETITIONS = 20
_PREFIX = "figures: "


class Figures(NamedTuple):
    """The figures of one file.

    Attributes:
        export: the seconds of the export; None for the model itself.
        nbytes: the size of the file.
        first: the seconds of loading and of the first prediction, with imports.
        next: the least seconds of further predictions.
        difference: the largest difference from the model, relative to its largest output.
    """

    export: float | None
    nbytes: int
    first: float
    next: float
    difference: float


# ----------------------------------------------------------------------------- in the processes


def _call_onnx(path: Path, inputs: dict[str, np.ndarray]) -> Callable[[], Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    names = [value.name for value in session.get_inputs()]
    given = dict(zip(names, inputs.values(), strict=True))
    return lambda: session.run(None, given)[0]


def _call_saved_model(path: Path, inputs: dict[str, np.ndarray]) -> Callable[[], Any]:
    import tensorflow

    loaded = tensorflow.saved_model.load(str(path))
    given = [tensorflow.constant(x) for x in inputs.values()]
    return lambda: loaded.serve(*given).numpy()


def _call_program(path: Path, inputs: dict[str, np.ndarray]) -> Callable[[], Any]:
    import cornu

    program = cornu.export.load(path, trusted=True)
    given = list(inputs.values())
    return lambda: np.asarray(program(given))


def _by_cornu(format: str) -> Callable[[Any, Path, dict[str, np.ndarray]], None]:
    def write(model: Any, path: Path, inputs: dict[str, np.ndarray]) -> None:
        model.export(path, format=format, verbose=False)

    return write


def _by_keras(format: str) -> Callable[[Any, Path, dict[str, np.ndarray]], None]:
    def write(model: Any, path: Path, inputs: dict[str, np.ndarray]) -> None:
        model.export(str(path), format=format, verbose=False)

    return write


def _by_jax2onnx(model: Any, path: Path, inputs: dict[str, np.ndarray]) -> None:
    import jax
    from jax2onnx import to_onnx

    from cornu.deviations import plain_formulations

    def compute(x: Any) -> Any:
        with plain_formulations():
            return model(x, training=False)

    (x,) = inputs.values()
    sizes = ", ".join(["batch", *map(str, x.shape[1:])])
    spec = jax.ShapeDtypeStruct(jax.export.symbolic_shape(sizes), x.dtype)
    to_onnx(compute, [spec], return_mode="file", output_path=str(path))


class _Peer(NamedTuple):
    """A way of exporting.

    Attributes:
        write: writes a model to a path.
        call: returns a function that computes the file.
        file: the name of the file.
        interpreter: the option that names the interpreter; empty for the current one.
        needs_keras: whether `write` takes a model of Keras.
    """

    write: Callable[[Any, Path, dict[str, np.ndarray]], None]
    call: Callable[[Path, dict[str, np.ndarray]], Callable[[], Any]]
    file: str
    interpreter: str = ""
    needs_keras: bool = False


PEERS = {
    "cornu, ONNX": _Peer(_by_cornu("onnx"), _call_onnx, "model.onnx"),
    "jax2onnx, ONNX": _Peer(_by_jax2onnx, _call_onnx, "model.onnx", "jax2onnx"),
    "Keras, ONNX": _Peer(_by_keras("onnx"), _call_onnx, "model.onnx", "jax2onnx", True),
    "cornu, StableHLO": _Peer(_by_cornu("stablehlo"), _call_program, "model.stablehlo"),
    "cornu, SavedModel": _Peer(_by_cornu("tf_saved_model"), _call_saved_model, "saved"),
    "Keras, SavedModel": _Peer(
        _by_keras("tf_saved_model"), _call_saved_model, "saved", needs_keras=True
    ),
}


_ROWS = ("the model itself", *PEERS)


def _inputs(name: str) -> dict[str, np.ndarray]:
    from scripts.export_table.models import build

    return build(name)[1]


def save(name: str, folder: Path) -> Figures:
    """Saves a model and its outputs for the other processes; returns the figures of the model."""
    from scripts.export_table.measure import inputs_of
    from scripts.export_table.models import build

    model, inputs = build(name)
    start = time.perf_counter()
    outputs = np.asarray(model(inputs_of(inputs), training=False))
    first = time.perf_counter() - start
    model.save(folder / "model.keras")
    np.savez(folder / "arrays.npz", outputs, *inputs.values())
    nbytes = sum(v.value.nbytes for v in model.weights)
    shortest = _shortest(lambda: np.asarray(model(inputs_of(inputs), training=False)))
    return Figures(None, nbytes, first, shortest, 0.0)


def export(peer: str, folder: Path) -> tuple[float, int]:
    """Exports the saved model; returns the seconds and the bytes."""
    _, inputs = _arrays(folder)
    chosen = PEERS[peer]
    if chosen.needs_keras:
        import keras as library
    else:
        import cornu as library
    model = library.models.load_model(folder / "model.keras", compile=False)
    if chosen.needs_keras:  # exports models that were called
        model(list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values())))
    path = folder / chosen.file
    start = time.perf_counter()
    chosen.write(model, path, inputs)
    seconds = time.perf_counter() - start
    return seconds, sum(p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file())


def load(peer: str, folder: Path) -> tuple[float, float, float]:
    """Loads an exported file; returns the seconds of the first and later calls, the difference."""
    expected, inputs = _arrays(folder)
    chosen = PEERS[peer]
    start = time.perf_counter()
    call = chosen.call(folder / chosen.file, inputs)
    found = call()
    first = time.perf_counter() - start
    difference = float(np.abs(found - expected).max() / np.abs(expected).max())
    return first, _shortest(call), difference


def _arrays(folder: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    with np.load(folder / "arrays.npz") as stored:
        outputs, *inputs = stored.values()
    with open(folder / "names.json", encoding="utf-8") as file:
        return outputs, dict(zip(json.load(file), inputs, strict=True))


def _shortest(call: Callable[[], Any]) -> float:
    times = []
    for _ in range(_REPETITIONS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


# ------------------------------------------------------------------------------- the main process


def run(python: str, *arguments: str) -> Any:
    """Runs a step in a process; returns its figures, or a text that says why there are none."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.update(CORNU_DISABLE="compilation_cache", PYTHONPATH=str(_ROOT))
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    command = [python, "-m", "benchmarks.export_peers", "--step", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=_ROOT, env=environment)
    for line in done.stdout.splitlines():
        if line.startswith(_PREFIX):
            return json.loads(line.removeprefix(_PREFIX))
    reasons = [line for line in done.stderr.splitlines() if ": " in line and line[0].isalpha()]
    reason = next((line for line in reversed(reasons) if "Error" in line), "no result")
    status = reason.partition("Status Message: ")[2]
    # The kind of the error, and its last part: what is between says where it was raised.
    kind, last = reason.partition(": ")[0], reason.rpartition(": ")[2]
    return f"onnxruntime: {status}" if status else f"{kind}: {last}"


def measure(interpreters: dict[str, str | None]) -> dict[tuple[str, str], Figures | str]:
    """Returns the figures of each model and peer; measures those that are not in the file."""
    found = read_results()
    for name in _MODELS:
        missing = [peer for peer in _ROWS if (name, peer) not in found]
        with tempfile.TemporaryDirectory() as folder:
            figures = run(sys.executable, "save", name, folder) if missing else None
            for peer in missing:
                chosen = PEERS.get(peer)
                if chosen is not None:
                    option = chosen.interpreter
                    python = interpreters[option] if option else sys.executable
                    if python is None:
                        continue
                    figures = run(python, "export", peer, folder)
                    if not isinstance(figures, str):
                        read = run(python, "load", peer, folder)
                        figures = read if isinstance(read, str) else [*figures, *read]
                keep(name, peer, figures)
    found = read_results()
    return {(n, p): found[n, p] for n in _MODELS for p in _ROWS if (n, p) in found}


def read_results() -> dict[tuple[str, str], Figures | str]:
    if not _RESULTS.exists():
        return {}
    rows = map(json.loads, _RESULTS.read_text(encoding="utf-8").splitlines())
    return {(n, p): x if isinstance(x, str) else Figures(*x) for n, p, x in rows}


def keep(name: str, peer: str, figures: Any) -> None:
    """Adds a result to the file."""
    print(name, peer, figures, flush=True)
    _RESULTS.parent.mkdir(exist_ok=True)
    with open(_RESULTS, "a", encoding="utf-8") as file:
        file.write(json.dumps([name, peer, figures]) + "\n")


def page(setting: report.Setting, found: dict[tuple[str, str], Figures | str]) -> str:
    rows = []
    for (name, peer), figures in found.items():
        if isinstance(figures, str):
            rows.append(f"| {name} | {peer} | {figures} | | | | |")
            continue
        seconds = "-" if figures.export is None else f"{figures.export:.2f}"
        rows.append(
            f"| {name} | {peer} | {seconds} | {figures.nbytes / 1e6:.2f} | {figures.first:.2f} "
            f"| {1000 * figures.next:.2f} | {figures.difference:.0e} |"
        )
    return f"""# Exports beside jax2onnx and Keras

Generated by `python -m benchmarks.export_peers`; do not edit.

- {setting.date}; jax {setting.versions["jax"]}, keras {setting.versions["keras"]}
- {setting.machine}, {setting.cores} cores; other programs used the machine

One model, saved as a .keras file, is exported by each library. "export" is the time of the export
after the model was loaded, "first" that of loading the file and the first prediction, in a new
process without a store of compiled programs, with the import of what computes the file: a cold
start, which takes TensorFlow seconds. "next" is the least of {_REPETITIONS} further predictions.
Differences are relative to the largest output. Keras runs on JAX, and its ONNX files are those of
jax2onnx; as a row of its own, jax2onnx receives the model of cornu as a function. Other programs
loaded the machine, so that times vary by a factor of several; rows with an error have no file that
works. Files take batches of any size.

| model | file | export, s | MB | first, s | next, ms | difference |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
{chr(10).join(rows)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jax2onnx")
    parser.add_argument("--step", nargs=3)
    arguments = parser.parse_args()
    if arguments.step is None:
        found = measure({"jax2onnx": arguments.jax2onnx})
        _PAGE.write_text(page(report.setting(), found), encoding="utf-8")
        return
    step, name, folder = arguments.step
    steps: dict[str, Callable[[str, Path], Any]] = {"save": save, "export": export, "load": load}
    if step == "save":
        names = json.dumps(list(_inputs(name)))
        (Path(folder) / "names.json").write_text(names, encoding="utf-8")
    print(_PREFIX + json.dumps(steps[step](name, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
