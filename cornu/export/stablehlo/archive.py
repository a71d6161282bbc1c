"""The members of a StableHLO archive, and the description of a program.

An archive is a zip file whose members are stored without compression:

    program.bin          the program, as `jax.export` serializes it
    weights.safetensors  its weights, by path
    signature.json       the names, shapes and dtypes of inputs and outputs, the preprocessing
    README.txt           how to run it without cornu
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cornu.export.inference import InputDescription, Preprocessing

__all__ = [
    "PROGRAM",
    "README",
    "README_TEXT",
    "SIGNATURE",
    "WEIGHTS",
    "Signature",
    "signature_from_json",
    "signature_to_json",
]

PROGRAM = "program.bin"
WEIGHTS = "weights.safetensors"
SIGNATURE = "signature.json"
README = "README.txt"

README_TEXT = """\
A program of StableHLO, serialized by jax.export, with its weights. In Python:

    import zipfile
    import jax.export
    import safetensors.numpy

    with zipfile.ZipFile("FILE") as archive:
        program = jax.export.deserialize(bytearray(archive.read("program.bin")))
        weights = safetensors.numpy.load(archive.read("weights.safetensors"))
    outputs = program.call(weights, {"NAME OF AN INPUT": array, ...})

signature.json has the names, shapes and dtypes of the inputs and outputs. Deserialize programs of
sources that you trust only: they may call functions of the process. cornu.export.load(file) checks
that they do not.
"""


class Signature(NamedTuple):
    """What a program takes and returns.

    Attributes:
        name: the name of the model.
        inputs, outputs: their names, shapes and dtypes.
        preprocessing: which preprocessing layers the program has.
    """

    name: str
    inputs: tuple[InputDescription, ...]
    outputs: tuple[InputDescription, ...]
    preprocessing: Preprocessing


def signature_to_json(signature: Signature) -> dict[str, Any]:
    """Returns a signature as JSON data."""
    name, inputs, outputs, preprocessing = signature
    return {
        "name": name,
        "inputs": [_description_to_json(d) for d in inputs],
        "outputs": [_description_to_json(d) for d in outputs],
        "preprocessing": {
            "statement": preprocessing.statement,
            "included": list(preprocessing.included),
            "left_out": list(preprocessing.left_out),
            "raw_inputs": [_description_to_json(d) for d in preprocessing.raw_inputs],
        },
    }


def signature_from_json(data: Any) -> Signature:
    """Returns a signature from JSON data.

    Raises:
        ValueError: the data is not that of a signature.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("preprocessing"), Mapping):
        raise ValueError(f"{SIGNATURE} does not describe a program.")
    stated = data["preprocessing"]
    preprocessing = Preprocessing(
        _texts(stated.get("included")),
        _texts(stated.get("left_out")),
        _descriptions(stated.get("raw_inputs")),
    )
    (name,) = _texts([data.get("name")])
    return Signature(
        name, _descriptions(data.get("inputs")), _descriptions(data.get("outputs")), preprocessing
    )


def _description_to_json(description: InputDescription) -> dict[str, Any]:
    name, shape, dtype = description
    return {"name": name, "shape": list(shape), "dtype": dtype}


def _descriptions(data: Any) -> tuple[InputDescription, ...]:
    if not isinstance(data, list) or not all(isinstance(item, Mapping) for item in data):
        raise ValueError(f"{SIGNATURE} does not describe inputs and outputs by name.")
    found = []
    for item in data:
        name, dtype = _texts([item.get("name"), item.get("dtype")])
        shape = item.get("shape")
        if not isinstance(shape, list) or not all(n is None or type(n) is int for n in shape):
            raise ValueError(f"{SIGNATURE}: {name!r} has the shape {shape!r}.")
        found.append(InputDescription(name, tuple(shape), dtype))
    return tuple(found)


def _texts(data: Any) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(item, str) for item in data):
        raise ValueError(f"{SIGNATURE}: expected a list of texts; received {data!r}.")
    return tuple(data)
