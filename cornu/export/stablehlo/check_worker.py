"""Validation of programs of StableHLO, which come from files that are not trusted.

A program may ask XLA to call a function of the process by its name and an address. A program is
compiled only if it consists of operations of StableHLO, and calls only functions of this table,
which compute.

The reader of MLIR ends the process for some damaged programs. Therefore `reader` first runs this
file as a process of its own, which reads a program from its standard input, and writes what is
wrong with it, or OK, to its standard output. It must not import the rest of the library, which
takes time.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from jax import export
from jax.interpreters import mlir

__all__ = ["MOST_BYTES", "OK", "check_program", "deserialize"]

OK = "valid"

# Dialects of operations without effects.
_DIALECTS = ("builtin", "chlo", "func", "stablehlo")
# What `jax.export` may write for operations of JAX, apart from kernels and calls of Python.
_TARGETS = (
    "ApproxTopK",
    "Eigh",
    "LuDecomposition",
    "ProductOfElementaryHouseholderReflectors",
    "Qr",
    "Sharding",
    "cu_threefry2x32_ffi",
    "hip_threefry2x32_ffi",
    "shape_assertion",
)
_TARGET_PREFIXES = ("lapack_", "cusolver_", "hipsolver_", "stablehlo.dynamic_")
# Operations of StableHLO that communicate, or depend on the order of effects.
_EXCLUDED = ("infeed", "outfeed", "recv", "send", "create_token")
MOST_BYTES = 1 << 40
"""The largest array of known size that a program may have; larger ones cannot be computed."""


def deserialize(data: bytes) -> Any:
    """Returns a program, as `jax.export.deserialize` does.

    Raises:
        ValueError: the program is damaged.
    """
    try:
        return export.deserialize(bytearray(data))
    except Exception as error:  # those of the reader of flat buffers
        raise ValueError(f"The program cannot be read. {type(error).__name__}: {error}") from error


def check_program(exported: Any) -> None:
    """Checks that a program only computes.

    Args:
        exported: the program, as `jax.export.deserialize` returns it.

    Raises:
        ValueError: it is damaged, or has operations or calls that a model does not need.
    """
    try:
        text = exported.mlir_module()
        with mlir.make_ir_context():
            root = mlir.ir.Module.parse(text).operation
            _check_operations(root)
    except ValueError:
        raise
    except Exception as error:  # those of MLIR
        raise ValueError(f"The program cannot be read. {type(error).__name__}: {error}") from error


def _check_operations(root: Any) -> None:
    pending = [root]
    while pending:
        operation = pending.pop()
        _check_operation(operation)
        for region in operation.regions:
            for block in region.blocks:
                pending += [inner.operation for inner in block.operations]


def _check_operation(operation: Any) -> None:
    dialect, _, kind = operation.name.partition(".")
    if dialect not in _DIALECTS or kind in _EXCLUDED:
        raise ValueError(
            f"The program has the operation {operation.name!r}, which no exported model has. "
            f"It was not compiled; expected operations of {', '.join(_DIALECTS)}."
        )
    if operation.name == "stablehlo.custom_call":
        target = mlir.ir.StringAttr(operation.attributes["call_target_name"]).value
        if target not in _TARGETS and not target.startswith(_TARGET_PREFIXES):
            raise ValueError(
                f"The program calls the function {target!r} of the process, which is not in the "
                "table of functions that programs may call. It was not compiled.\nIf you trust "
                "the file, deserialize its program with jax.export.deserialize."
            )
    for result in operation.results:
        size = _known_bytes(result.type)
        if size > MOST_BYTES:
            raise ValueError(
                f"The program has an array of {size} bytes ({result.type}); at most {MOST_BYTES} "
                "are computed."
            )


def _known_bytes(kind: Any) -> int:
    """Returns the size of an array, with 1 for unknown sizes; 0 for other values."""
    if not isinstance(kind, mlir.ir.RankedTensorType):
        return 0
    sizes = [1 if kind.is_dynamic_dim(i) else kind.get_dim_size(i) for i in range(kind.rank)]
    return 8 * math.prod(sizes)  # an element has at most 8 bytes, or 16 if it is complex


def main() -> None:
    """Checks the program on the standard input."""
    try:
        check_program(deserialize(sys.stdin.buffer.read()))
    except ValueError as error:
        print(error)
    else:
        print(OK)


if __name__ == "__main__":
    main()
