"""Exports a model in one format, loads the file, and compares the outputs."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

import cornu
from tests.export.layer_models import error_of

__all__ = ["EQUAL", "FORMATS", "Result", "inputs_of", "measure"]

EQUAL = 1e-5
FORMATS = {
    "stablehlo": "model.stablehlo",
    "onnx": "model.onnx",
    "tf_saved_model": "saved_model",
    "torch": "model.safetensors",
}


class Result(NamedTuple):
    """What came of one export.

    Attributes:
        error: the largest difference from the model, relative to numbers above 1.
        reason: why it is not expressible; empty otherwise.
        seconds: the time of the export.
        loading: the time of loading and of the first call.
        nbytes: the size of the file.
    """

    error: float = 0.0
    reason: str = ""
    seconds: float = 0.0
    loading: float = 0.0
    nbytes: int = 0


def measure(model: Any, data: dict[str, np.ndarray], format: str, expected: Any) -> Result:
    """Exports a model, loads the file and compares the outputs with those of the model.

    Args:
        model: the model.
        data: its inputs, by name.
        format: the format of the export.
        expected: the outputs of the model.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FORMATS[format]
        start = time.perf_counter()
        try:
            model.export(path, format=format, verbose=False)
        except NotImplementedError as error:
            reason = str(error).partition(", in ")[0].partition("\n")[0]
            return Result(reason=reason.removeprefix("ONNX cannot express "))
        middle = time.perf_counter()
        if format == "torch":
            outputs = _compute_with_weights(model, path, data)
        else:
            outputs = _compute(model, path, data)
        end = time.perf_counter()
        nbytes = sum(p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file())
    targets = jax.tree_util.tree_leaves(expected)
    errors = [error_of(y, target) for y, target in zip(outputs, targets, strict=True)]
    return Result(max(errors), "", middle - start, end - middle, nbytes)


def _compute(model: Any, path: Path, data: dict[str, np.ndarray]) -> list[Any]:
    """Returns the outputs of an exported program, in the order of the model."""
    program = cornu.export.load(path, trusted=True)
    outputs = program(data)
    if set(model.functional_graph.output_names) == set(outputs):
        # TensorFlow returns outputs in the order of their names.
        return [outputs[name] for name in model.functional_graph.output_names]
    return list(outputs.values())


def _compute_with_weights(model: Any, path: Path, data: dict[str, np.ndarray]) -> list[Any]:
    """Returns the outputs of the model with other weights, and then with those of a file."""
    before = model.get_weights()
    try:
        model.set_weights([np.zeros_like(array) for array in before])
        cornu.export.load_state_dict(model, path)
        return jax.tree_util.tree_leaves(model(inputs_of(data), training=False))
    finally:
        model.set_weights(before)


def inputs_of(data: dict[str, np.ndarray]) -> Any:
    """Returns inputs by name as the model takes them."""
    return data if len(data) > 1 else next(iter(data.values()))
