"""Cases that fail on purpose: they show that crashes, hangs and wrong results are detected."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

from benchmarks.safety.checks import Finding

__all__ = ["CONTROLS", "EXPECTED"]


def _overflow() -> Finding:
    """Writes behind the end of blocks of memory and frees them."""
    # Python's own malloc: dlsym, and with it ctypes, does not find that of the heap checks, whose
    # symbols are versioned.
    library = ctypes.pythonapi
    library.PyMem_RawMalloc.restype = ctypes.c_void_p
    library.PyMem_RawMalloc.argtypes = [ctypes.c_size_t]
    library.PyMem_RawFree.argtypes = [ctypes.c_void_p]
    # One byte is enough for the heap checks to notice, unless the block is filled with the value
    # that they expect at its end, which depends on the address. Therefore several blocks exist.
    blocks = {library.PyMem_RawMalloc(size): size for size in range(1000, 1020)}
    for block, size in blocks.items():
        ctypes.memset(block + size, 1, 1)
    for block in blocks:
        library.PyMem_RawFree(block)
    return Finding()


def _sleep() -> Finding:
    """Does not return in time."""
    time.sleep(3600)
    return Finding()


def _wrong() -> Finding:
    """Returns a sum that is compared with another one."""
    import jax.numpy as jnp
    import numpy as np

    from benchmarks.safety.checks import check
    from benchmarks.safety.operations import Case

    x = np.ones((4, 4))
    return check(Case("control", lambda x: x + jnp.eye(4, dtype=x.dtype), lambda x: x, (x,)), "", 0)


CONTROLS: dict[str, Callable[[], Finding]] = {
    "overflow": _overflow,
    "sleep": _sleep,
    "wrong": _wrong,
}
EXPECTED = {"overflow": "crashed", "sleep": "hung", "wrong": "wrong"}
