"""The arithmetic and memory traffic of one device in a step, from its compiled program."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from cornu.distribution.planning.hlo import Computation, Instruction, Program

__all__ = ["Work", "find_work"]

# Operations that read their operands from memory and write their results to it. XLA fuses all
# others, which compute element by element, into these.
_MATERIALIZING = frozenset(
    (
        *("dot", "convolution", "reduce", "reduce-window", "select-and-scatter", "gather"),
        *("scatter", "sort", "custom-call", "fft", "cholesky", "triangular-solve"),
        *("rng-bit-generator", "dynamic-update-slice"),
    )
)


# Calls that only state how an array is divided; they are in programs for one device.
_ANNOTATIONS = ("Sharding", "SPMD", "xla.sdy")


@dataclass(frozen=True)
class Work:
    """An operation of a device, executed `count` times in each step.

    Attributes:
        kind: the operation, such as "dot".
        dtype: the element type of its operands, as XLA names it.
        flops: its floating-point operations, per execution; a multiply-add counts as two.
        nbytes: the bytes that it reads and writes, per execution.
        count: the number of executions.
    """

    kind: str
    dtype: str
    flops: int
    nbytes: int
    count: int = 1


def find_work(program: Program) -> list[Work]:
    """Returns the operations of one device that take time, except communication.

    Products and convolutions are counted exactly; other operations count as memory traffic only.
    Operations that compute element by element are assumed to be fused into those that produce or
    consume their arrays.

    Args:
        program: a program after partitioning and before backends fuse operations.

    Example:

    >>> from cornu.distribution.planning.hlo import read_program
    >>> program = read_program('''HloModule m
    ... ENTRY %main (a: f32[4,8], b: f32[8,2]) -> f32[4,2] {
    ...   %a = f32[4,8]{1,0} parameter(0)
    ...   %b = f32[8,2]{1,0} parameter(1)
    ...   ROOT %d = f32[4,2]{1,0} dot(%a, %b), lhs_contracting_dims={1}, rhs_contracting_dims={0}
    ... }''')
    >>> find_work(program)
    [Work(kind='dot', dtype='f32', flops=128, nbytes=224, count=1)]
    """
    found: dict[Work, int] = {}
    for computation, instruction, times in program.executions():
        if instruction.opcode not in _MATERIALIZING or not instruction.results:
            continue
        if (instruction.attribute("custom_call_target") or "").strip('"').startswith(_ANNOTATIONS):
            continue
        operands = computation.operands(instruction)
        first = operands[0].results[0] if operands else instruction.results[0]
        one = Work(
            instruction.opcode,
            first.dtype,
            _FLOPS.get(instruction.opcode, _no_flops)(computation, instruction),
            _traffic(computation, instruction),
        )
        found[one] = found.get(one, 0) + times
    return [replace(one, count=count) for one, count in found.items()]


def _traffic(computation: Computation, instruction: Instruction) -> int:
    if instruction.opcode == "dynamic-update-slice":
        # The array is updated in place: only the slice is read and written.
        return 2 * computation.operands(instruction)[1].nbytes
    if instruction.opcode == "gather":
        return 2 * instruction.nbytes
    return computation.operand_bytes(instruction) + instruction.nbytes


def _no_flops(computation: Computation, instruction: Instruction) -> int:
    return 0


def _dot_flops(computation: Computation, instruction: Instruction) -> int:
    left = computation.operands(instruction)[0].results[0]
    summed = math.prod(left.shape[i] for i in instruction.indices("lhs_contracting_dims"))
    return 2 * instruction.results[0].size * summed


def _convolution_flops(computation: Computation, instruction: Instruction) -> int:
    """Each output element sums the products of a window over the input channels of a group.

    Zeros that a dilation of the input inserts, as in gradients of strided convolutions, count as
    no work.
    """
    kernel = computation.operands(instruction)[1].results[0]
    labels = instruction.attribute("dim_labels") or ""
    features = labels.partition("_")[2].partition("->")[0].index("o")
    per_output = kernel.size // kernel.shape[features]
    window = instruction.attribute("window") or ""
    dilation = 1
    for part in window.strip("{}").split():
        name, _, sizes = part.partition("=")
        if name == "lhs_dilate":
            dilation = math.prod(int(size) for size in sizes.split("x"))
    return 2 * instruction.results[0].size * per_output // dilation


_FLOPS: dict[str, Callable[[Computation, Instruction], int]] = {
    "dot": _dot_flops,
    "convolution": _convolution_flops,
}
