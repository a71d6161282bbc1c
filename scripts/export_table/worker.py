"""A process that measures some rows, and prints one line of JSON for each.

    python -m scripts.export_table.worker layers 0 40
    python -m scripts.export_table.worker torch
    python -m scripts.export_table.worker model ResNet50

Memory that TensorFlow and XLA keep is freed when it ends.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
import warnings
from typing import Any

import numpy as np

import cornu
from scripts.export_table.measure import FORMATS, Result, inputs_of, measure
from scripts.export_table.models import build
from tests.conformance.table import LayerRow, all_rows
from tests.export import test_state_dict as modules
from tests.export.layer_models import error_of, model_of

__all__ = ["LAYER_FORMATS", "PREFIX"]

PREFIX = "row: "
LAYER_FORMATS = ("stablehlo", "onnx", "tf_saved_model")


def measure_layers(first: int, last: int) -> None:
    """Measures configurations of the conformance tests."""
    for row in all_rows()[first:last]:
        model, data = model_of(row)
        expected = model(inputs_of(data), training=False)
        results = {name: attempt(model, data, name, expected) for name in LAYER_FORMATS}
        write(f"layer {row.name}", layer=class_of(row), torch=torch_reason(model), **results)


def class_of(row: LayerRow) -> str:
    return type(row.make(cornu)).__name__


def torch_reason(model: Any) -> str:
    """Returns why no module of torch has the weights of a layer; empty if one has."""
    if not model.weights:
        return "no weights"
    try:
        cornu.export.state_dict(model, lambda path: path)
    except NotImplementedError:
        return "torch has no such module"
    return ""


def measure_torch() -> None:
    """Compares layers with modules of torch, which have the weights that layers write."""
    import torch

    for name, (make, make_module, shape, spatial) in modules.CASES.items():
        rng = np.random.default_rng(0)
        is_table = name == "embedding"
        x = rng.integers(0, 7, shape) if is_table else rng.normal(size=shape)
        x = x.astype("int32" if is_table else "float32")
        layer = make()
        model, module = modules.model_of(layer, x), make_module().eval()
        model.set_weights([rng.uniform(0.1, 0.6, v.shape).astype(v.dtype) for v in model.weights])
        state = cornu.export.state_dict(model, lambda path: "")
        tensors = {key: torch.from_numpy(array.copy()) for key, array in state.items()}
        counters = [key for key in module.state_dict() if key.endswith("num_batches_tracked")]
        module.load_state_dict(tensors, strict=not counters)
        found = modules.run_torch(module, x, spatial)
        error = error_of(np.reshape(model(x), found.shape), found)
        write(
            f"torch {name}",
            layer=type(layer).__name__,
            module=type(module).__name__,
            error=error,
        )


def measure_model(name: str) -> None:
    """Measures a model in each format."""
    model, data = build(name)
    start = time.perf_counter()
    expected = model(inputs_of(data), training=False)
    first = time.perf_counter() - start
    weights = sum(v.value.nbytes for v in model.weights)
    results = {format: attempt(model, data, format, expected) for format in FORMATS}
    write(f"model {name}", first=first, weights=weights, **results)


def attempt(model: Any, data: dict[str, np.ndarray], format: str, expected: Any) -> Result:
    """Measures one export; an unexpected error is its reason."""
    try:
        return measure(model, data, format, expected)
    except Exception as error:
        traceback.print_exc()
        text = str(error).strip().splitlines() or [""]
        return Result(reason=f"{type(error).__name__}: {text[0][:160]}")


def write(key: str, **fields: Any) -> None:
    print(PREFIX + json.dumps({"key": key, **fields}), flush=True)


def main() -> None:
    warnings.simplefilter("ignore")
    match sys.argv[1:]:
        case ["layers", first, last]:
            measure_layers(int(first), int(last))
        case ["torch"]:
            measure_torch()
        case ["model", name]:
            measure_model(name)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
