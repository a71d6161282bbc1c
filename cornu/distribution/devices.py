"""The devices of all processes of a program."""

from __future__ import annotations

import jax

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest

__all__ = ["find_device", "get_device_count", "list_devices"]


@api_boundary
def list_devices(device_type: str | None = None) -> list[str]:
    """Returns the names of the devices of all processes, such as `"gpu:0"`.

    Args:
        device_type: `"cpu"`, `"gpu"` or `"tpu"`; by default JAX's default type.

    Example:

    >>> import cornu
    >>> cornu.distribution.list_devices("cpu")[0]
    'cpu:0'
    """
    return [f"{device.platform}:{device.id}" for device in jax.devices(_backend(device_type))]


@api_boundary
def get_device_count(device_type: str | None = None) -> int:
    """Returns the number of devices of all processes.

    Args:
        device_type: `"cpu"`, `"gpu"` or `"tpu"`; by default JAX's default type.

    Example:

    >>> import cornu
    >>> cornu.distribution.get_device_count() == len(cornu.distribution.list_devices())
    True
    """
    return jax.device_count(_backend(device_type))


def find_device(name: str | jax.Device) -> jax.Device:
    """Returns the device with a name such as `"gpu:0"`; `"gpu"` is the first one.

    Raises:
        ValueError: there is none.
    """
    if isinstance(name, jax.Device):
        return name
    kind, _, number = str(name).partition(":")
    known = {f"{device.platform}:{device.id}": device for device in jax.devices(kind)}
    wanted = f"{kind}:{number or 0}"
    if wanted not in known:
        raise ValueError(f"There is no device {wanted!r}.{suggest(wanted, known)}")
    return known[wanted]


def _backend(device_type: str | None) -> str | None:
    return None if device_type is None else device_type.lower()
