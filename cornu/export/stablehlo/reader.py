"""Reads a StableHLO archive, whose contents are validated before they are compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from cornu.export.exported_model import ExportedModel
from cornu.export.stablehlo import check_worker
from cornu.export.stablehlo.archive import PROGRAM, SIGNATURE, WEIGHTS, signature_from_json
from cornu.saving.formats.safetensors import SafetensorsReader
from cornu.saving.validation import open_zip, read_json, read_zip_member, wrap_read_errors

__all__ = ["read_stablehlo"]

_MOST_SECONDS = 300  # a program of a thousand layers takes one second


def read_stablehlo(path: Path, trusted: bool = False) -> ExportedModel:
    """Returns the program of a StableHLO archive.

    Args:
        path: the file.
        trusted: whether the program is read without a process that reads it first.

    Raises:
        ValueError: the file is damaged, or the program has operations that models do not have.
    """
    name = repr(str(path))
    with wrap_read_errors(name), open_zip(path, name) as archive:
        signature = signature_from_json(read_json(read_zip_member(archive, SIGNATURE), SIGNATURE))
        reader = SafetensorsReader(memoryview(read_zip_member(archive, WEIGHTS)), name)
        program = read_zip_member(archive, PROGRAM)
        try:
            if not trusted:
                _check_in_process(program)
            exported = check_worker.deserialize(program)
            check_worker.check_program(exported)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        weights, inputs = _specs(exported, name)
        wrong = [key for key in weights if reader.shapes.get(key) != weights[key].shape]
        if wrong or len(weights) != len(reader.shapes):
            raise ValueError(f"{name}: the weights are not those of the program: {wrong}.")
        stated = {d.name: (len(d.shape), d.dtype) for d in signature.inputs}
        if stated != {key: (len(x.shape), x.dtype.name) for key, x in inputs.items()}:
            raise ValueError(f"{name}: the inputs are not those of the program: {list(inputs)}.")
        arrays = {key: jnp.asarray(reader.read(key)) for key in weights}
    compiled = jax.jit(exported.call)

    def call(inputs: dict[str, Any]) -> Any:
        for description in signature.inputs:
            shape = inputs[description.name].shape
            sizes = zip(description.shape, shape, strict=True)
            if any(stated is None and not size for stated, size in sizes):
                raise ValueError(
                    f"Input {description.name!r} has the shape {shape}. Of unknown sizes, programs "
                    f"of StableHLO take at least 1: they are traced for {description.shape}."
                )
        return compiled(arrays, inputs)

    return ExportedModel(
        signature.name,
        "stablehlo",
        signature.inputs,
        signature.outputs,
        signature.preprocessing,
        call,
    )


def _check_in_process(program: bytes) -> None:
    """Checks a program in another process, which the reader of MLIR may end."""
    command = [sys.executable, "-P", check_worker.__file__]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    try:
        done = subprocess.run(
            command, input=program, capture_output=True, timeout=_MOST_SECONDS, env=environment
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"The program could not be read in {_MOST_SECONDS} seconds.") from None
    answer = done.stdout.decode(errors="replace").strip()
    if answer != check_worker.OK:
        reason = f"the process that reads it ended with status {done.returncode}"
        raise ValueError(answer or f"The program cannot be read: {reason}.")


def _specs(exported: Any, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the weights and the inputs that a program takes."""
    args, kwargs = jax.tree_util.tree_unflatten(exported.in_tree, exported.in_avals)
    if kwargs or len(args) != 2 or not all(isinstance(part, dict) for part in args):
        raise ValueError(f"{name}: the program does not take weights and inputs by name.")
    weights, inputs = args
    return weights, inputs
