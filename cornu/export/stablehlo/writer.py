"""Writes a model as a StableHLO archive."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from cornu.export.inference import InferenceFunction, InputDescription
from cornu.export.stablehlo.archive import (
    PROGRAM,
    README,
    README_TEXT,
    SIGNATURE,
    WEIGHTS,
    Signature,
    signature_to_json,
)
from cornu.export.symbolic_sizes import trace_with_sizes
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.safetensors import stream_safetensors

__all__ = ["PLATFORMS", "write_stablehlo"]

PLATFORMS = ("cpu", "cuda", "tpu")


def write_stablehlo(inference: InferenceFunction, path: Path) -> None:
    """Writes a model as a StableHLO archive, for CPU, NVIDIA GPU and TPU.

    Args:
        inference: the model.
        path: the file.

    Raises:
        ValueError: the model cannot be traced with unknown sizes.
    """
    exported, used = _export(inference)
    shapes = zip(inference.outputs, _output_avals(exported, inference), strict=True)
    outputs = tuple(
        InputDescription(name, _known_shape(aval.shape), aval.dtype.name) for name, aval in shapes
    )
    signature = Signature(inference.name, inference.inputs, outputs, inference.preprocessing)
    weights = {name: inference.weights[name] for name in used}
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(SIGNATURE, json.dumps(signature_to_json(signature), indent=1))
        archive.writestr(README, README_TEXT)
        archive.writestr(PROGRAM, bytes(exported.serialize()))
        with archive.open(WEIGHTS, "w", force_zip64=True) as file:
            stream_safetensors(file, weights)


def _export(inference: InferenceFunction) -> tuple[Any, list[str]]:
    """Returns the exported program, and the paths of the weights that it takes."""
    from jax import export

    specs = {path: jax.ShapeDtypeStruct(x.shape, x.dtype) for path, x in inference.weights.items()}

    def trace(inputs: dict[str, Any]) -> tuple[Any, list[str]]:
        # Weights of losses and metrics, for example, are not needed.
        closed = jax.make_jaxpr(inference.function)(specs, inputs)
        order = sorted(specs)  # JAX sorts the keys of dicts
        taken = closed.jaxpr.invars[: len(order)]
        used = {id(v) for eqn in closed.jaxpr.eqns for v in eqn.invars}
        used |= {id(v) for v in closed.jaxpr.outvars}
        names = [name for name, v in zip(order, taken, strict=True) if id(v) in used]

        def function(weights: dict[str, Any], inputs: dict[str, Any]) -> Any:
            unused = {
                name: jnp.zeros(spec.shape, spec.dtype)
                for name, spec in specs.items()
                if name not in weights
            }
            return inference.function({**unused, **weights}, inputs)

        convert = export.export(jax.jit(function), platforms=PLATFORMS)
        return convert({name: specs[name] for name in names}, inputs), names

    return trace_with_sizes(trace, inference.inputs)


def _output_avals(exported: Any, inference: InferenceFunction) -> list[Any]:
    """Returns the outputs of a program in the order of the model; JAX sorts the keys of dicts."""
    by_name = jax.tree_util.tree_unflatten(exported.out_tree, exported.out_avals)
    return [by_name[name] for name in inference.outputs]


def _known_shape(shape: tuple[Any, ...]) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in shape)
