"""The device that programs are traced for, which decides between formulations of an operation.

Formulations that are faster on one kind of device have a row in `cornu.deviations` that names it.
Code asks `applies(name)` where it traces. A program can be traced for a device that this machine
does not have, to see what it would compute there: `tracing_for(Target("gpu", "9.0"))`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import NamedTuple

import jax

from cornu.deviations import DEVIATIONS, is_enabled

__all__ = ["Target", "applies", "current_backend", "current_target", "tracing_for"]


class Target(NamedTuple):
    """A kind of device.

    Attributes:
        backend: as `jax.default_backend()` names it: `"cpu"`, `"gpu"` or `"tpu"`.
        compute_capability: of a GPU of NVIDIA, such as `"8.0"`; on those of AMD a name.
    """

    backend: str
    compute_capability: str = ""


class _ThreadState(threading.local):
    target: Target | None = None


_thread = _ThreadState()


def current_backend() -> str:
    """Returns the backend that this thread traces programs for."""
    return jax.default_backend() if _thread.target is None else _thread.target.backend


def current_target() -> Target:
    """Returns the kind of device that this thread traces programs for."""
    if _thread.target is not None:
        return _thread.target
    backend = jax.default_backend()
    if backend != "gpu":
        return Target(backend)
    return Target(backend, str(jax.local_devices()[0].compute_capability))


def applies(name: str) -> bool:
    """Returns whether a row of `cornu.deviations` is enabled, and meant for the current target."""
    row = DEVIATIONS[name]
    return is_enabled(name) and (not row.devices or current_backend() in row.devices)


@contextlib.contextmanager
def tracing_for(target: Target) -> Iterator[None]:
    """Traces programs for a kind of device, which need not exist, in a `with` block.

    What was traced before, such as the programs of a model, is not traced again.
    """
    before, _thread.target = _thread.target, target
    try:
        yield
    finally:
        _thread.target = before
