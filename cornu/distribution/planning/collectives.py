"""The collective operations of a compiled program: kinds, bytes, and axes of the mesh."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from cornu.distribution.planning.hlo import Computation, Instruction, Program
from cornu.distribution.planning.replica_groups import find_axes, read_groups

__all__ = ["KINDS", "Collective", "bytes_by_kind", "find_collectives"]

KINDS = (
    "all-reduce",
    "all-gather",
    "reduce-scatter",
    "all-to-all",
    "collective-permute",
    "collective-broadcast",
)

# Operations between an all-reduce and the slice of it that move elements but change none.
_REARRANGING = frozenset(("copy", "transpose", "reshape", "bitcast", "convert"))


@dataclass(frozen=True)
class Collective:
    """A collective operation, executed `count` times in each step.

    Attributes:
        kind: one of `KINDS`.
        operand_bytes: the bytes that each device puts in, per execution.
        result_bytes: the bytes that each device receives, per execution.
        devices: the number of devices that communicate with each other.
        axes: the axes of the mesh along which they lie; None if they are no lines of the mesh.
        count: the number of executions in a step.
        spread: the number of devices of a group in each node of `node_size` devices; see
            `find_collectives`.
        is_scattered: whether each device uses only its part of the sum of an all-reduce. XLA's
            compilers for GPU and TPU make it a reduce-scatter; the one for CPU does not.
    """

    kind: str
    operand_bytes: int
    result_bytes: int
    devices: int
    axes: tuple[str, ...] | None
    count: int
    spread: int = 1
    is_scattered: bool = False

    @property
    def payload(self) -> int:
        """The bytes of the whole array: of the result of an all-gather, else of the operand."""
        return self.result_bytes if self.kind == "all-gather" else self.operand_bytes

    @property
    def sent_bytes(self) -> int:
        """The bytes that each device sends in a step.

        The formulas are those of ring algorithms over `n` devices, for a payload of `S` bytes:
        `2 S (n - 1) / n` for an all-reduce, `S (n - 1) / n` for an all-gather, a reduce-scatter and
        an all-to-all, and `S` for a permutation or a broadcast.
        """
        if self.devices < 2:
            return 0
        factor = {"all-reduce": 2, "collective-permute": 0, "collective-broadcast": 0}
        rounds = factor.get(self.kind, 1)
        if not rounds:
            return self.count * self.payload
        return self.count * rounds * self.payload * (self.devices - 1) // self.devices

    def scattered(self) -> Collective:
        """Returns the reduce-scatter that GPUs and TPUs run instead of a scattered all-reduce."""
        if not self.is_scattered:
            return self
        return replace(self, kind="reduce-scatter", result_bytes=self.operand_bytes // self.devices)


def find_collectives(
    program: Program, mesh: Mapping[str, int], node_size: int = 1
) -> list[Collective]:
    """Returns the collective operations that a program executes.

    Args:
        program: a compiled program.
        mesh: the sizes of the axes of the mesh by name.
        node_size: the number of devices in a node. Devices are numbered node by node.

    Raises:
        ValueError: the mesh has another number of devices than the program.

    Example:

    >>> from cornu.distribution.planning.hlo import read_program
    >>> program = read_program('''HloModule m, num_partitions=4
    ... ENTRY %main (p: f32[8]) -> f32[8] {
    ...   %p = f32[8]{0} parameter(0)
    ...   ROOT %r = f32[8]{0} all-reduce(%p), replica_groups={{0,1},{2,3}}, to_apply=%add
    ... }''')
    >>> found = find_collectives(program, {"data": 2, "model": 2})
    >>> [(c.kind, c.axes, c.operand_bytes, c.sent_bytes) for c in found]
    [('all-reduce', ('model',), 32, 32)]
    """
    devices = math.prod(mesh.values())
    if devices != program.partitions:
        raise ValueError(
            f"The program is compiled for {program.partitions} devices; the mesh {dict(mesh)} has "
            f"{devices}. Pass the mesh for which it was compiled."
        )
    found: dict[Collective, int] = {}
    for computation, instruction, times in program.executions():
        kind = _kind(instruction)
        if kind is None:
            continue
        one = _describe(computation, instruction, kind, mesh, node_size)
        found[one] = found.get(one, 0) + times
    return [replace(one, count=count) for one, count in found.items()]


def _kind(instruction: Instruction) -> str | None:
    """Returns the kind of a collective; of the two parts of an asynchronous one, the first."""
    kind = instruction.opcode.removesuffix("-start")
    return kind if kind in KINDS else None


def _describe(
    computation: Computation,
    instruction: Instruction,
    kind: str,
    mesh: Mapping[str, int],
    node_size: int,
) -> Collective:
    devices = math.prod(mesh.values())
    groups = read_groups(instruction, devices)
    nodes = groups // max(1, node_size)
    operand = computation.operand_bytes(instruction)
    result = instruction.nbytes
    # The result of the first part of an asynchronous operation may include its operand.
    if instruction.opcode.endswith("-start") and kind in ("all-gather", "collective-permute"):
        result -= operand
    size = groups.shape[1]
    spread = max(int((nodes[0] == node).sum()) for node in set(nodes[0].tolist()))
    scattered = kind == "all-reduce" and _is_scattered(computation, instruction, size)
    axes = find_axes(groups, mesh)
    if kind == "collective-permute":
        size = len(groups)
        axes = _axes_of_pairs(groups.tolist(), mesh)
    return Collective(kind, operand, result, size, axes, 1, spread, scattered)


def _axes_of_pairs(
    pairs: Iterable[tuple[int, int]], mesh: Mapping[str, int]
) -> tuple[str, ...] | None:
    """Returns the axes along which a permutation sends, if it does so along one axis."""
    moved: set[str] = set()
    for source, target in pairs:
        before = np.unravel_index(source, tuple(mesh.values()))
        after = np.unravel_index(target, tuple(mesh.values()))
        moved |= {name for name, a, b in zip(mesh, before, after, strict=True) if a != b}
    return tuple(name for name in mesh if name in moved) if len(moved) == 1 else None


def _is_scattered(computation: Computation, instruction: Instruction, devices: int) -> bool:
    """Whether every device uses only a part of `1 / devices` of the result."""
    size = sum(array.size for array in instruction.results)
    users = list(computation.users.get(instruction.name, ()))
    if not users or devices < 2:
        return False
    while users:
        user = users.pop()
        if user.opcode == "dynamic-slice":
            if user.results[0].size * devices > size:
                return False
        elif user.opcode in _REARRANGING and not user.is_root:
            if user.results[0].size != size:
                return False
            users += computation.users.get(user.name, ())
        else:
            return False
    return True


def bytes_by_kind(collectives: Iterable[Collective]) -> dict[str, int]:
    """Returns the bytes that each device sends in a step, by kind of operation."""
    found: dict[str, int] = {}
    for one in collectives:
        found[one.kind] = found.get(one.kind, 0) + one.sent_bytes
    return {kind: found[kind] for kind in KINDS if kind in found}
