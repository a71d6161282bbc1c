"""The environment variables of the processes of a job."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings", "count_gpus", "free_address", "process_environment"]

_GPU = re.compile(r"nvidia\d+")


@dataclass(frozen=True)
class Settings:
    """What the processes of a job have in common.

    Attributes:
        count: the number of processes.
        address: the address at which process 0 coordinates them.
        timeout: seconds after which a lost or hung process ends the job.
        devices: devices of each process, or None for the default.
    """

    count: int
    address: str
    timeout: float
    devices: int | None = None


def process_environment(
    index: int, settings: Settings, base: Mapping[str, str], gpus: int
) -> dict[str, str]:
    """Returns the environment of a process.

    Args:
        index: the number of the process.
        settings: what the processes have in common.
        base: the environment of the launcher.
        gpus: the number of GPUs of the machine.

    Example:

    >>> settings = Settings(2, "127.0.0.1:1234", 60.0)
    >>> process_environment(1, settings, {}, gpus=4)["JAX_LOCAL_DEVICE_IDS"]
    '2,3'
    """
    found = {
        **base,
        # The names of Keras, so that programs of Keras find them as well.
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": settings.address,
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(settings.count),
        "KERAS_DISTRIBUTION_PROCESS_ID": str(index),
        "CORNU_TIMEOUT": str(settings.timeout),
        # What a process has printed must be visible if it is killed.
        "PYTHONUNBUFFERED": "1",
    }
    if gpus:
        each = settings.devices or max(1, gpus // settings.count)
        first = index * each
        found["JAX_LOCAL_DEVICE_IDS"] = ",".join(map(str, range(first, first + each)))
    else:
        found["JAX_NUM_CPU_DEVICES"] = str(settings.devices or 1)
    return found


def count_gpus(environment: Mapping[str, str], devices: Path = Path("/dev")) -> int:
    """Returns the number of NVIDIA GPUs that programs may use.

    Args:
        environment: the environment variables, which may hide GPUs.
        devices: the directory of device files.
    """
    platforms = environment.get("JAX_PLATFORMS", "")
    if platforms and not {"cuda", "gpu"} & set(platforms.split(",")):
        return 0
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([part for part in visible.split(",") if part.strip() not in ("", "-1")])
    return sum(1 for path in devices.glob("nvidia*") if _GPU.fullmatch(path.name))


def free_address() -> str:
    """Returns an address of this machine with a port that no process uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"
