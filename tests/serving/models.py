"""Models that tests serve, and messages for them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

import cornu
from cornu import layers

X = np.arange(12, dtype="float32").reshape(4, 3) / 10


def two_outputs() -> cornu.Model:
    """Returns a model with the input "x" and the outputs "y" and "z"."""
    x = cornu.Input((3,), name="x")
    return cornu.Model(
        x, {"y": layers.Dense(2, name="y")(x), "z": layers.ReLU(name="z")(x)}, name="m"
    )


def ids_and_flags() -> cornu.Model:
    """Returns a model with integers and booleans as inputs."""
    ids = cornu.Input((2,), dtype="int32", name="ids")
    flags = cornu.Input((2,), dtype="bool", name="flags")
    rows = layers.Embedding(5, 3)(ids)
    weighted = cornu.ops.where(flags[..., None], rows, 0.0)
    return cornu.Model([ids, flags], layers.Flatten(name="out")(weighted), name="m")


def texts() -> cornu.Model:
    """Returns a model with texts as input."""
    x = cornu.Input((), dtype="string", name="text")
    lookup = layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
    return cornu.Model(x, layers.Dense(2, name="out")(lookup(x)), name="m")


def tensor(name: str, array: Any, datatype: str, **more: Any) -> dict[str, Any]:
    """Returns an input of a request."""
    array = np.asarray(array)
    entry = {"name": name, "shape": list(array.shape), "datatype": datatype}
    return {**entry, "data": array.ravel().tolist(), **more}


def binary(entry: dict[str, Any], data: bytes, **more: Any) -> tuple[bytes, dict[str, str]]:
    """Returns the body and headers of a request whose input follows the JSON."""
    entry = {k: v for k, v in entry.items() if k != "data"}
    entry["parameters"] = {"binary_data_size": len(data)}
    text = json.dumps({"inputs": [entry], **more}).encode()
    return text + data, {"Inference-Header-Content-Length": str(len(text))}
