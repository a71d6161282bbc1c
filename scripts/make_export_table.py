"""Writes docs/export_table.md: every layer, and some models, in every format of export.

    python -m scripts.make_export_table

The layers are those of the conformance tests, with their inputs and masks, and with weights that
are not at their initial values. onnxruntime, TensorFlow and torch must be installed.

A run takes about half an hour on two cores. Processes of their own measure the rows, a few after
the other, and their results are collected in build/export_table.jsonl: a run that was ended
continues there. Remove the file to measure again, or its lines of some rows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from scripts.export_table.measure import EQUAL, FORMATS, Result
from scripts.export_table.models import MODELS
from scripts.export_table.worker import LAYER_FORMATS, PREFIX
from tests.conformance.table import all_rows
from tests.export.test_state_dict import CASES

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs" / "export_table.md"
RESULTS = _ROOT / "build" / "export_table.jsonl"
_AT_ONCE = 30  # configurations of one process
_NAMES = {
    "stablehlo": "StableHLO",
    "onnx": "ONNX",
    "tf_saved_model": "SavedModel",
    "torch": "torch, weights",
}

Row = dict[str, Any]


# --------------------------------------------------------------------------------------- processes


def collect() -> dict[str, Row]:
    """Returns all results by key; measures what is missing."""
    found = read_results()
    names = [row.name for row in all_rows()]
    for first in range(0, len(names), _AT_ONCE):
        chunk = names[first : first + _AT_ONCE]
        missing = [i for i, name in enumerate(chunk) if f"layer {name}" not in found]
        if missing:
            run("layers", str(first + missing[0]), str(first + missing[-1] + 1))
    if any(f"torch {name}" not in found for name in CASES):
        run("torch")
    for name in MODELS:
        if f"model {name}" not in found:
            run("model", name)
    return read_results()


def read_results() -> dict[str, Row]:
    if not RESULTS.exists():
        return {}
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    return {row.pop("key"): row for row in rows}


def run(*arguments: str) -> None:
    """Runs a worker, and appends its results to the file."""
    RESULTS.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "scripts.export_table.worker", *arguments]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
    print(*arguments, flush=True)
    with (
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=_ROOT, env=environment
        ) as worker,
        open(RESULTS, "a", encoding="utf-8") as file,
    ):
        assert worker.stdout is not None
        for line in worker.stdout:
            if line.startswith(PREFIX):
                file.write(line.removeprefix(PREFIX))
                file.flush()
    if worker.returncode:
        sys.exit(f"The worker {arguments} ended with status {worker.returncode}.")


# -------------------------------------------------------------------------------------------- page


def layer_table(found: dict[str, Row]) -> list[str]:
    """Returns the table of layers."""
    by_layer: dict[str, list[Row]] = {}
    for key, row in found.items():
        if key.startswith("layer "):
            by_layer.setdefault(row["layer"], []).append(row)
    compared: dict[str, list[Row]] = {}
    for key, row in found.items():
        if key.startswith("torch "):
            compared.setdefault(row["layer"], []).append(row)
    lines = [
        f"| layer | configurations | {' | '.join(_NAMES[f] for f in LAYER_FORMATS)} | torch |",
        f"| --- | ---: | {'--- | ' * len(LAYER_FORMATS)}--- |",
    ]
    for name in sorted(by_layer):
        rows = by_layer[name]
        cells = [summarize([Result(*row[f]) for row in rows]) for f in LAYER_FORMATS]
        torch = torch_cell(rows, compared.get(name, []))
        lines.append(f"| {name} | {len(rows)} | {' | '.join(cells)} | {torch} |")
    return lines


def summarize(results: list[Result]) -> str:
    """Returns the cell of several configurations of a layer."""
    texts = [describe(result) for result in results]
    count = texts.count("equal")
    if count == len(texts):
        return "equal"
    return f"{count} of {len(texts)} equal; {'; '.join(sorted(set(texts) - {'equal'}))}"


def describe(result: Result) -> str:
    if result.reason:
        return f"not expressible: {result.reason}"
    return "equal" if result.error < EQUAL else f"{result.error:.0e}"


def torch_cell(rows: list[Row], compared: list[Row]) -> str:
    """Returns the modules of torch that have the weights of a layer, and whether they are equal."""
    if compared:
        modules = ", ".join(sorted({row["module"] for row in compared}))
        others = sum(row["torch"] not in ("", "no weights") for row in rows)
        rest = f"; none for {others} of {len(rows)} configurations" if others else ""
        return f"{summarize([Result(row['error']) for row in compared])}: {modules}{rest}"
    reasons = {row["torch"] for row in rows}
    # The empty reason is that of a layer without a module, whose inner layers have modules.
    return "modules of its inner layers" if "" in reasons else max(reasons, key=len)


def summary(found: dict[str, Row]) -> str:
    """Returns a sentence with the numbers of configurations that are equal."""
    rows = [row for key, row in found.items() if key.startswith("layer ")]
    counts = [
        f"{sum(describe(Result(*row[f])) == 'equal' for row in rows)} in {_NAMES[f]}"
        for f in LAYER_FORMATS
    ]
    return f"Of {len(rows)} configurations are equal: {', '.join(counts)}."


def model_table(found: dict[str, Row]) -> list[str]:
    """Returns the table of models."""
    lines = [
        "| model | weights, MB | format | largest difference | export, s | load and first call, s "
        "| file, MB |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for name in MODELS:
        row = found[f"model {name}"]
        start = f"| {name} | {row['weights'] / 1e6:.2f} |"
        lines.append(f"{start} the model itself | - | - | {row['first']:.2f} | - |")
        for format in FORMATS:
            r = Result(*row[format])
            if r.reason:
                lines.append(f"{start} {_NAMES[format]} | {r.reason} | - | - | - |")
                continue
            lines.append(
                f"{start} {_NAMES[format]} | {r.error:.0e} | {r.seconds:.2f} | {r.loading:.2f} "
                f"| {r.nbytes / 1e6:.2f} |"
            )
    return lines


def page(found: dict[str, Row]) -> str:
    packages = ("jax", "onnxruntime", "tensorflow-cpu", "torch")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    lines = [
        "# Exported layers and models",
        "",
        f"Generated by `python -m scripts.make_export_table` with {versions}; do not edit.",
        "",
        f"*Equal* means that outputs differ from those of the model by less than {EQUAL}, relative",
        "to numbers above 1, for files with an unknown batch size. ONNX files are of opset 18 and",
        "run in onnxruntime on a CPU; StableHLO and SavedModels are compiled by XLA.",
        "",
        "## Models",
        "",
        "Times are those of one run on two cores that other programs used as well. What was",
        "written for torch are the weights: they are read into the model again.",
        "",
        *model_table(found),
        "",
        "## Layers",
        "",
        f"All configurations of the conformance tests. {summary(found)}",
        "The column torch compares the outputs of the modules that `cornu.export.state_dict` and",
        "`load_state_dict` convert weights for, which `tests/export/test_state_dict.py` does as",
        "well in both directions.",
        "",
        *layer_table(found),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    found = collect()
    PAGE.write_text(page(found), encoding="utf-8")
    print(summary(found))


if __name__ == "__main__":
    main()
