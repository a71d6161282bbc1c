"""Reads the groups of devices between which a collective operation communicates."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from cornu.distribution.planning.hlo import Instruction

__all__ = ["find_axes", "read_groups"]

_AXIS = re.compile(r"'?([\w.\-]+)'?=(\d+)")
_MESH = re.compile(r"replica_groups=(mesh\[[^{]*\{[^}]*\})")
_REFERENCE = re.compile(r"'?([\w.\-]+?)'?(?::\((\d+)\)(\d+))?$")


def read_groups(instruction: Instruction, devices: int) -> np.ndarray:
    """Returns the groups as an array of device numbers, one row for each group.

    XLA writes groups in three ways: as lists (`{{0,1},{2,3}}`), as a reshaped and transposed range
    (`[2,4]<=[4,2]T(1,0)`), and by axes of a mesh (`mesh['a'=4,'b'=2] {'b'}`).

    Args:
        instruction: a collective operation.
        devices: the number of devices of the program.

    Raises:
        ValueError: the text of the groups cannot be read.

    Example:

    >>> from cornu.distribution.planning.hlo import read_program
    >>> program = read_program('''HloModule m, num_partitions=4
    ... ENTRY %main (p: f32[8]) -> f32[8] {
    ...   %p = f32[8]{0} parameter(0)
    ...   ROOT %r = f32[8]{0} all-reduce(%p), replica_groups=[2,2]<=[2,2]T(1,0), to_apply=%add
    ... }''')
    >>> read_groups(program.entry.instructions["r"], 4).tolist()
    [[0, 2], [1, 3]]
    """
    if instruction.opcode.startswith("collective-permute"):
        text = instruction.attribute("source_target_pairs") or "{}"
    else:
        text = instruction.attribute("replica_groups") or "{}"
    if text.startswith("{"):
        rows = [[int(i) for i in row.split(",")] for row in re.findall(r"\{(\d[\d,]*)\}", text)]
        # Without groups, all devices are one group.
        return np.array(rows) if rows else np.arange(devices)[None]
    if text.startswith("["):
        return _read_range(text)
    mesh = _MESH.search(instruction.attributes)
    if mesh is not None:
        return _read_mesh(mesh[1])
    raise ValueError(f"Cannot read the replica groups of {instruction.name}: {text!r}.")


def _read_range(text: str) -> np.ndarray:
    """Reads `[groups,size]<=[shape]T(axes)`."""
    shape, _, source = text.partition("<=")
    return _iota(source).reshape(_integers(shape))


def _iota(text: str) -> np.ndarray:
    """Reads `[shape]T(axes)`: a range, reshaped and transposed."""
    shape, _, axes = text.partition("T")
    numbers = np.arange(math.prod(_integers(shape))).reshape(_integers(shape))
    return numbers.transpose(_integers(axes)) if axes else numbers


def _read_mesh(text: str) -> np.ndarray:
    """Reads `mesh['a'=4,'b'=2], device_ids=(...) {'b'}`; `'b':(1)2` is a part of an axis."""
    head, _, references = text.rpartition("{")
    sizes = {name: int(size) for name, size in _AXIS.findall(head.partition("device_ids")[0])}
    order = re.search(r"device_ids=\(?(\[[\d,]+\](?:<=)?(?:\[[\d,]*\])?(?:T\([\d,]*\))?)", head)
    count = math.prod(sizes.values())
    if order is None:
        ids = np.arange(count)
    elif "<=" in order[1]:
        ids = _read_range(order[1]).reshape(-1)
    elif "T" in order[1]:
        ids = _iota(order[1]).reshape(-1)
    else:
        ids = np.array(_integers(order[1]))
    dims: list[int] = []
    grouped: list[int] = []
    parts = [_REFERENCE.match(part.strip()) for part in references.rstrip("} ").split(",")]
    for name, size in sizes.items():
        part = next((p for p in parts if p is not None and p[1] == name), None)
        if part is None:
            dims.append(size)
        elif part[2] is None:
            grouped.append(len(dims))
            dims.append(size)
        else:
            before, inner = int(part[2]), int(part[3])
            grouped.append(len(dims) + 1)
            dims += [before, inner, size // before // inner]
    rest = [axis for axis in range(len(dims)) if axis not in grouped]
    array = ids.reshape(dims).transpose([*rest, *grouped])
    return array.reshape(-1, math.prod(dims[axis] for axis in grouped))


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def find_axes(groups: np.ndarray, mesh: Mapping[str, int]) -> tuple[str, ...] | None:
    """Returns the axes of a mesh along which groups extend.

    Args:
        groups: the groups, as `read_groups` returns them.
        mesh: the sizes of the axes by name; devices are numbered in their order.

    Returns:
        The names of the axes; None if the groups are not whole lines, planes, ... of the mesh.

    Example:

    >>> find_axes(np.array([[0, 1], [2, 3]]), {"data": 2, "model": 2})
    ('model',)
    """
    coordinates = np.unravel_index(groups, tuple(mesh.values()))
    varying = [
        name
        for name, position in zip(mesh, coordinates, strict=True)
        if (position != position[:, :1]).any()
    ]
    whole = math.prod(mesh[name] for name in varying)
    return tuple(varying) if whole == groups.shape[1] else None
