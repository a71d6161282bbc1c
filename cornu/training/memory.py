"""The memory of a training step, and the memory that there is for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from cornu.core.state.variable import Variable

__all__ = ["compile_step", "find_available_memory", "program_bytes"]

_DEVICE_FRACTION = 0.9  # of the device's free memory; the rest covers fragmentation
# Of the host's free memory: on CPU, convolutions allocate about as much again as XLA reports.
_HOST_FRACTION = 0.5


def compile_step(lowered: Any) -> Any:
    """Returns a compiled program, or None if the device has too little memory to compile it."""
    try:
        return lowered.compile()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return None


def program_bytes(compiled: Any) -> int:
    """Returns the bytes of arguments, results, temporary arrays and code of a compiled program."""
    parts = compiled.memory_analysis()
    return int(
        parts.argument_size_in_bytes
        + parts.output_size_in_bytes
        # Outputs in the buffers of donated arguments.
        - parts.alias_size_in_bytes
        + parts.temp_size_in_bytes
        + parts.generated_code_size_in_bytes
    )


def find_available_memory(variables: Sequence[Variable], remedy: str) -> int:
    """Returns the bytes that a step may use; its arguments include these Variables.

    Args:
        variables: the Variables of the step, whose bytes count as available.
        remedy: what to write if the memory of the device is unknown.

    Raises:
        ValueError: the memory of the device is unknown.
    """
    device = next(iter(variables[0].stored.devices()))
    own = sum(v.stored.nbytes for v in variables)
    stats = device.memory_stats() or {}
    if "bytes_limit" in stats:
        return int(_DEVICE_FRACTION * (stats["bytes_limit"] - stats["bytes_in_use"] + own))
    free = _free_host_memory()
    if free is None:
        raise ValueError(f"The memory of {device} is unknown. Pass a limit: {remedy}.")
    return int(_HOST_FRACTION * (free + own))


def _free_host_memory() -> int | None:
    """Returns the free bytes of host memory, or None if they are unknown."""
    found = []
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":") for line in meminfo.read_text().splitlines() if ":" in line)
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
    elif "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    # The limit of a container, for control groups of version 2 and 1.
    for maximum, now in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        if Path(maximum).exists() and Path(maximum).read_text().strip().isdigit():
            found.append(int(Path(maximum).read_text()) - int(Path(now).read_text()))
    return min(found, default=None)
