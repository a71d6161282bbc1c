"""Exports models in formats that other programs read, and loads what was exported."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import check_choice, did_you_mean
from cornu.export.exported_model import ExportedModel
from cornu.export.inference import InferenceFunction, describe_inference
from cornu.export.onnx.reader import read_onnx
from cornu.export.onnx.writer import write_onnx
from cornu.export.saved_model import read_saved_model, write_saved_model
from cornu.export.stablehlo.reader import read_stablehlo
from cornu.export.stablehlo.writer import write_stablehlo
from cornu.export.weights.files import write_state_dict
from cornu.export.weights.matching import Names
from cornu.export.weights.state_dict import state_dict
from cornu.saving.validation import resolve_existing_path

__all__ = ["FORMATS", "export_model", "load"]


class _Format(NamedTuple):
    """A format of exported models.

    Attributes:
        write: writes a model to a path; takes the keyword arguments `options`.
        options: the names of these.
        takes_weights: whether only the weights are written, and `write` takes the model.
    """

    write: Callable[..., None]
    options: tuple[str, ...] = ()
    takes_weights: bool = False


def _write_weights(model: Any, path: Path, names: Names | None = None) -> None:
    write_state_dict(state_dict(model, names), path)


FORMATS: dict[str, _Format] = {
    "tf_saved_model": _Format(write_saved_model, ("is_static", "jax2tf_kwargs")),
    "stablehlo": _Format(write_stablehlo),
    "onnx": _Format(
        write_onnx,
        ("opset_version", "external_data", "precision", "keep_io_types", "calibration_data"),
    ),
    "torch": _Format(_write_weights, ("names",), takes_weights=True),
}
# Formats of Keras that are written by converters of other frameworks.
_NOT_SUPPORTED = {
    "openvino": "Export to ONNX, which OpenVINO reads: openvino.read_model(path).",
    "litert": (
        "Export to a SavedModel, which the converter of TensorFlow reads: "
        "tf.lite.TFLiteConverter.from_saved_model(path)."
    ),
}
_ZIP = b"PK"


def export_model(
    model: Any,
    filepath: str | os.PathLike[str],
    format: str = "tf_saved_model",
    verbose: bool | None = None,
    input_signature: Any = None,
    **kwargs: Any,
) -> None:
    """Implements `Model.export`."""
    if format in _NOT_SUPPORTED:
        raise NotImplementedError(f"format={format!r} is not supported. {_NOT_SUPPORTED[format]}")
    check_choice(f"Model {model.name!r}.export", "format", format, FORMATS)
    chosen = FORMATS[format]
    for name in kwargs:
        if name not in chosen.options:
            raise TypeError(
                f"format={format!r} has no option {name!r}. It has: "
                f"{', '.join(chosen.options) or 'no options'}. "
                f"{did_you_mean(name, chosen.options)}".rstrip()
            )
    if chosen.takes_weights:
        chosen.write(model, Path(filepath), **kwargs)
        if verbose or verbose is None:
            print(f"Saved the weights of {model.name!r} to {os.fspath(filepath)!r} ({format}).")
        return
    inference = describe_inference(model, input_signature)
    chosen.write(inference, Path(filepath), **kwargs)
    if verbose or verbose is None:
        print(_describe(inference, filepath, format))


def _describe(inference: InferenceFunction, filepath: Any, format: str) -> str:
    inputs = ", ".join(f"{d.name} {d.dtype}{list(d.shape)}" for d in inference.inputs)
    return (
        f"Saved {inference.name!r} to {os.fspath(filepath)!r} ({format}).\n"
        f"Inputs: {inputs}. Outputs: {', '.join(inference.outputs)}.\n"
        f"{inference.preprocessing.statement}"
    )


@api_boundary
def load(filepath: str | os.PathLike[str], *, trusted: bool = False) -> ExportedModel:
    """Loads a program that `Model.export` wrote, as a function of arrays.

    The program of a StableHLO archive is validated before it is compiled: it consists of operations
    that compute, and calls no function of the process other than the linear algebra of JAX. Another
    process reads it first, because JAX's reader of programs ends the process for some damaged ones.
    What remains trusted is this reader and XLA's compiler; and as any program, it may take long.
    ONNX files are computed by `onnxruntime`, which receives their bytes and those of external data
    in a file beside them, and opens no file itself. The graph of a SavedModel, which TensorFlow
    computes, may do anything: load only those that you trust.

    Args:
        filepath: the file, or the directory of a SavedModel.
        trusted: whether to leave out the process that reads the program first, which takes about a
            second. Pass True for files of your own.

    Raises:
        FileNotFoundError: it does not exist.
        ValueError: it is damaged, of another format, or does more than compute.
        ImportError: `onnxruntime` or TensorFlow, which the format needs, is not installed.

    Example:

    >>> import cornu, numpy as np, pathlib, tempfile
    >>> inputs = {"a": cornu.Input((2,), name="a"), "b": cornu.Input((2,), name="b")}
    >>> model = cornu.Model(inputs, {"total": cornu.layers.Add()([inputs["a"], inputs["b"]])})
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.stablehlo")
    >>> model.export(path, format="stablehlo", verbose=False)
    >>> ones = np.ones((3, 2), "float32")
    >>> cornu.export.load(path)({"a": ones, "b": ones})["total"].shape
    (3, 2)
    """
    path = resolve_existing_path(filepath, directories=True)
    if path.is_dir():
        return read_saved_model(path)
    with open(path, "rb") as file:
        is_zip = file.read(len(_ZIP)) == _ZIP
    return read_stablehlo(path, trusted) if is_zip else read_onnx(path)
