"""Writes docs/export_table.md: every layer in ONNX, and some models in every format of export.

    python -m scripts.make_export_table

The layers are those of the conformance tests, with their inputs and masks, and with weights that
are not at their initial values. onnxruntime and TensorFlow must be installed.
Times are those of one run on two cores.
"""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

import cornu
from cornu import layers
from cornu.export.state_dict.layouts import find_layout
from tests.conformance.table import LayerRow, all_rows
from tests.export.layer_models import error_of, model_of

PAGE = Path(__file__).parents[1] / "docs" / "export_table.md"
EQUAL = 1e-5
FORMATS = {"stablehlo": "model.stablehlo", "onnx": "model.onnx", "tf_saved_model": "saved_model"}


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

    @property
    def text(self) -> str:
        """The result as a cell of the table."""
        if self.reason:
            return f"not expressible: {self.reason}"
        return "equal" if self.error < EQUAL else f"{self.error:.0e}"


def export(model: Any, data: dict[str, np.ndarray], format: str) -> Result:
    """Exports a model, loads the file and compares the outputs with those of the model."""
    inputs = data if len(data) > 1 else next(iter(data.values()))
    expected = jax.tree_util.tree_leaves(model(inputs, training=False))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FORMATS[format]
        start = time.perf_counter()
        try:
            model.export(path, format=format, verbose=False)
        except NotImplementedError as error:
            return Result(
                reason=str(error).partition(", in ")[0].removeprefix("ONNX cannot express ")
            )
        middle = time.perf_counter()
        program = cornu.export.load(path, trusted=True)
        outputs = program(data)
        end = time.perf_counter()
        nbytes = sum(p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file())
    # TensorFlow returns outputs in the order of their names.
    names = [d.name for d in program.outputs]
    if format == "tf_saved_model" and model.functional_graph is not None:
        names = list(model.functional_graph.output_names)
    errors = [error_of(outputs[n], y) for n, y in zip(names, expected, strict=True)]
    return Result(max(errors), "", middle - start, end - middle, nbytes)


# ------------------------------------------------------------------------------------------- layers


def layer_table() -> list[str]:
    """Returns the table of layers."""
    rows: dict[str, list[LayerRow]] = {}
    for row in all_rows():
        rows.setdefault(type(row.make(cornu)).__name__, []).append(row)
    lines = [
        "| layer | configurations | ONNX | torch |",
        "| --- | ---: | --- | --- |",
    ]
    for name in sorted(rows):
        onnx = [export(*model_of(row), "onnx") for row in rows[name]]
        torch = torch_cell(rows[name][0])
        lines.append(f"| {name} | {len(onnx)} | {summarize(onnx)} | {torch} |")
        print(lines[-1], flush=True)
    return lines


def summarize(results: list[Result]) -> str:
    """Returns the cell of several configurations of a layer."""
    equal = sum(not r.reason and r.error < EQUAL for r in results)
    if equal == len(results):
        return "equal"
    others = sorted({r.text for r in results if r.text != "equal"})
    return f"{equal} of {len(results)} equal; {'; '.join(others)}"


def torch_cell(row: LayerRow) -> str:
    """Returns the module of torch that has the weights of a layer."""
    layer, call = row.make(cornu), row.call()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer(*call.args, **call.kwargs)
    if not layer.weights:
        return "no weights"
    layout = find_layout(layer)
    return "no such module" if layout is None else layout.module


# ------------------------------------------------------------------------------------------- models


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def tokens(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 50, shape).astype("int32")


def masked_lstm() -> Any:
    words = cornu.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(50, 32, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(32, return_sequences=True))(x)
    return cornu.Model(words, layers.Dense(2)(layers.LSTM(32)(x)))


def transformer() -> Any:
    def block(x: Any) -> Any:
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 16)(x, x))
        return layers.LayerNormalization()(x + layers.Dense(64)(layers.Dense(256, "gelu")(x)))

    words = cornu.Input((32,), dtype="int32", name="tokens")
    x = layers.Embedding(50, 64)(words)
    for _ in range(4):
        x = block(x)
    return cornu.Model(words, x)


def several() -> Any:
    image, table = cornu.Input((16, 16, 3), name="image"), cornu.Input((5,), name="table")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(image))
    x = layers.Concatenate()([x, layers.Dense(8)(table)])
    return cornu.Model([image, table], {"kind": layers.Dense(3)(x), "size": layers.Dense(1)(x)})


def network(name: str) -> Callable[[], Any]:
    def build() -> Any:
        model = getattr(cornu.applications, name)(weights=None, input_shape=(128, 128, 3))
        return model

    return build


MODELS: dict[str, tuple[Callable[[], Any], Callable[[], dict[str, np.ndarray]]]] = {
    "ResNet50": (network("ResNet50"), lambda: {"image": normal(2, 128, 128, 3)}),
    "EfficientNetB0": (network("EfficientNetB0"), lambda: {"image": normal(2, 128, 128, 3)}),
    "LSTM with masks": (masked_lstm, lambda: {"tokens": tokens(4, 20)}),
    "Transformer": (transformer, lambda: {"tokens": tokens(4, 32)}),
    "several inputs and outputs": (
        several,
        lambda: {"image": normal(2, 16, 16, 3), "table": normal(2, 5)},
    ),
}


def model_table() -> list[str]:
    """Returns the table of models."""
    lines = [
        "| model | weights, MB | format | largest difference | export, s | load and first call, s "
        "| file, MB |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for name, (build, data) in MODELS.items():
        model = build()
        given = dict(zip(model.functional_graph.input_names, data().values(), strict=True))
        start = time.perf_counter()
        model(given if len(given) > 1 else next(iter(given.values())), training=False)
        first = time.perf_counter() - start
        weights = sum(v.value.nbytes for v in model.weights) / 1e6
        lines.append(f"| {name} | {weights:.2f} | the model itself | - | - | {first:.2f} | - |")
        for format in FORMATS:
            r = export(model, given, format)
            lines.append(
                f"| {name} | {weights:.2f} | {format} | {r.error:.0e} | {r.seconds:.2f} "
                f"| {r.loading:.2f} | {r.nbytes / 1e6:.2f} |"
            )
        lines += peers(name, model, weights)
        print(*lines[-5:], sep="\n", flush=True)
    return lines


def peers(name: str, model: Any, weights: float) -> list[str]:
    """Returns the lines of Keras."""
    with tempfile.TemporaryDirectory() as folder:
        keras_file = Path(folder) / "model.keras"
        model.save(keras_file)
        found = []
        for peer, write in PEERS.items():
            path = Path(folder) / "exported"
            try:
                seconds = write(keras_file, model, path)
            except Exception as error:
                line = str(error).splitlines()[0][:120] if str(error) else ""
                found.append(f"| {name} | {weights:.2f} | {peer} | {line} | | | |")
                continue
            files = [p for p in [path, *path.rglob("*")] if p.is_file()]
            nbytes = sum(p.stat().st_size for p in files)
            found.append(
                f"| {name} | {weights:.2f} | {peer} | - | {seconds:.2f} | - | {nbytes / 1e6:.2f} |"
            )
    return found


def write_by_keras(keras_file: Path, model: Any, path: Path) -> float:
    """Exports by Keras on JAX, and returns the seconds."""
    import keras

    loaded = keras.models.load_model(keras_file)
    start = time.perf_counter()
    loaded.export(path, format="tf_saved_model", verbose=False)
    return time.perf_counter() - start


PEERS = {"Keras, tf_saved_model": write_by_keras}


def main() -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    warnings.simplefilter("ignore")
    versions = {name: __import__(name).__version__ for name in ("jax", "onnxruntime", "tensorflow")}
    stated = ", ".join(f"{name} {version}" for name, version in versions.items())
    text = [
        "# Exported layers and models",
        "",
        f"Generated by `python -m scripts.make_export_table` with {stated}; do not edit.",
        "",
        f"*Equal* means that outputs differ from those of the layer by less than {EQUAL}, relative",
        "to numbers above 1, for files with an unknown batch size. ONNX files are of opset 18 and",
        "run in onnxruntime on a CPU, for all configurations of the conformance tests.",
        "The column torch has the module that",
        "`cornu.export.load_state_dict` and `state_dict` convert weights from and to;",
        "`tests/export/test_state_dict.py` compares the outputs of both.",
        "",
        "## Models",
        "",
        *model_table(),
        "",
        "## Layers",
        "",
        *layer_table(),
    ]
    PAGE.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
