"""Symbolic sizes for the unknown sizes of inputs, with which exported functions are traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from cornu.export.inference import InputDescription

__all__ = ["trace_with_sizes"]

T = TypeVar("T")
Specs = dict[str, jax.ShapeDtypeStruct]


def trace_with_sizes(trace: Callable[[Specs], T], inputs: Sequence[InputDescription]) -> T:
    """Returns the result of `trace`, with specs of the inputs that have as few equal sizes as work.

    The first axis of all inputs is the batch and has one size. Of the other unknown sizes, each is
    first a size of its own; then those on the same axis of all inputs are equal; then all. The last
    attempts require at least two rows, because some comparisons of sizes are undecidable otherwise.

    Args:
        trace: traces a function for specs of its inputs, by name.
        inputs: the inputs.

    Raises:
        ValueError: the function cannot be traced with unknown sizes.
    """
    errors: list[Exception] = []
    for specs in _attempts(inputs):
        try:
            return trace(specs)
        except Exception as error:
            if not any(None in d.shape for d in inputs):
                raise  # there are no unknown sizes that could be the reason
            errors.append(error)
    shapes = ", ".join(f"{d.name!r} {d.shape}" for d in inputs)
    raise ValueError(
        f"The model cannot be traced with unknown sizes of its inputs: {shapes}.\n"
        f"{type(errors[0]).__name__}: {errors[0]}\n"
        "Pass fixed sizes, such as input_signature=[cornu.InputSpec(shape=(1, 28, 28))]."
    ) from errors[0]


def _attempts(inputs: Sequence[InputDescription]) -> Iterator[Specs]:
    from jax import export

    seen: set[tuple[Any, ...]] = set()
    for constraints in ((), ("batch >= 2",)):
        for rule in (_own_size, _size_of_axis, _equal_sizes):
            names = tuple(
                tuple(
                    str(size) if size is not None else "batch" if axis == 0 else rule(i, axis)
                    for axis, size in enumerate(d.shape)
                )
                for i, d in enumerate(inputs)
            )
            if (key := (names, constraints)) in seen:
                continue
            seen.add(key)
            unknown = sorted({n for shape in names for n in shape if not n.isdigit()})
            scope = export.SymbolicScope(constraints if "batch" in unknown else ())
            yield {
                d.name: jax.ShapeDtypeStruct(
                    export.symbolic_shape(", ".join(shape), scope=scope), jnp.dtype(d.dtype)
                )
                for d, shape in zip(inputs, names, strict=True)
            }


def _own_size(number: int, axis: int) -> str:
    return f"size_{number}_{axis}"


def _size_of_axis(number: int, axis: int) -> str:
    return f"size_{axis}"


def _equal_sizes(number: int, axis: int) -> str:
    return "size"
