"""Compiles programs for many devices in a process with as many virtual devices.

The devices of the calling process are not used: programs are traced and lowered for an abstract
mesh, and a process with virtual CPU devices runs XLA's partitioner and compiler.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cornu.distribution.planning.hlo import Program, read_program

if TYPE_CHECKING:
    from jax.export import Exported

__all__ = [
    "MAX_DEVICES",
    "Compiled",
    "Memory",
    "PartitionedProgram",
    "VirtualDevices",
    "export_program",
]

# The numbers of JAX's CPU devices above this one belong to another process.
MAX_DEVICES = 2048

_DEVICE_COUNT = "xla_force_host_platform_device_count"
_WORKER = Path(__file__).with_name("compile_worker.py")


@dataclass(frozen=True)
class Memory:
    """The memory of one device in a step, in bytes.

    Attributes:
        arguments: weights, optimizer state and the batch.
        outputs: the results that do not reuse the memory of arguments.
        temporary: activations, gradients and gathered weights, as XLA's compiler for CPU assigns
            buffers. It fuses fewer operations than those for accelerators, which need less.
    """

    arguments: int
    outputs: int
    temporary: int

    @property
    def total(self) -> int:
        """The sum."""
        return self.arguments + self.outputs + self.temporary


@dataclass(frozen=True)
class PartitionedProgram:
    """A program to compile.

    Attributes:
        exported: the program, exported by `jax.export` for an abstract mesh.
        mesh: the sizes of the axes of the mesh by name.
        donated: the positions of the flat arguments whose memory results may reuse.
    """

    exported: Exported
    mesh: dict[str, int]
    donated: tuple[int, ...] = ()


@dataclass(frozen=True)
class Compiled:
    """A program that was compiled.

    Attributes:
        program: the program of each device, after partitioning.
        memory: the memory of each device.
        seconds: the time of compilation.
    """

    program: Program
    memory: Memory
    seconds: float


def export_program(jitted: Any, specs: Sequence[Any]) -> Exported:
    """Returns a jitted function for arguments with these specs, for the worker to compile."""
    from jax import export

    # Sharded for the devices of accelerators, but compiled for virtual CPU devices.
    return export.export(jitted, platforms=["cpu"])(*specs)


class VirtualDevices:
    """A process with virtual devices that compiles programs; a context manager.

    Args:
        devices: the number of devices, at most `MAX_DEVICES`.

    Raises:
        ValueError: there are too many devices.
    """

    def __init__(self, devices: int) -> None:
        if devices > MAX_DEVICES:
            raise ValueError(
                f"Programs can be compiled for at most {MAX_DEVICES} virtual devices. Received: "
                f"{devices}"
            )
        self._devices = devices
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> VirtualDevices:
        environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
        environment.pop("JAX_NUM_CPU_DEVICES", None)
        flags = environment.get("XLA_FLAGS", "").split()
        environment["XLA_FLAGS"] = " ".join(flag for flag in flags if _DEVICE_COUNT not in flag)
        # By its file: as a module, it would import the library with all of its packages.
        self._process = subprocess.Popen(
            [sys.executable, str(_WORKER), str(self._devices)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # XLA writes a stack trace where it refuses a product of bfloat16.
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self

    def __exit__(self, *details: object) -> None:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        process.terminate()
        process.wait()

    def compile(self, program: PartitionedProgram) -> Compiled:
        """Compiles a program.

        Raises:
            RuntimeError: the program could not be compiled.
        """
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "program"
            file.write_bytes(program.exported.serialize())
            job = {
                "program": str(file),
                "shape": list(program.mesh.values()),
                "axes": list(program.mesh),
                "donated": program.donated,
            }
            with contextlib.suppress(BrokenPipeError):  # the answer will be empty
                process.stdin.write(json.dumps(job) + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the process ended"}
        if "error" in answer:
            raise RuntimeError(
                f"The step could not be compiled for the mesh {program.mesh}: {answer['error']}\n"
                "If the process ended, the compiler ran out of memory: plan for fewer devices, or "
                "for a model with fewer layers."
            )
        memory = Memory(answer["arguments"], answer["outputs"], answer["temporary"])
        return Compiled(read_program(answer["text"]), memory, answer["seconds"])
