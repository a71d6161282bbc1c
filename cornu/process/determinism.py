"""Determinism of operations on GPUs, which `set_random_seed` alone does not guarantee."""

from __future__ import annotations

import os

import jax
from jax._src import xla_bridge  # no public function tells whether a backend is initialized

__all__ = ["enable_op_determinism", "is_op_determinism_enabled"]

_FLAG = "--xla_gpu_deterministic_ops=true"


def enable_op_determinism() -> None:
    """Makes operations on GPUs deterministic, at the cost of speed.

    By default, the order of additions in a sum over GPU threads varies between runs. With this
    setting, XLA uses a fixed order, and equal programs return equal bits. Operations on CPUs and
    TPUs are always deterministic, so the setting has no effect there. Call this function at the
    beginning of the program, together with `set_random_seed`; see `docs/determinism.md`.

    Raises:
        RuntimeError: JAX has already initialized a GPU, so the setting would have no effect.

    Example:

    >>> enable_op_determinism()

    Differences: Keras has no such function; the name is that of TensorFlow.
    """
    if is_op_determinism_enabled():
        return
    if not xla_bridge.backends_are_initialized():
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAG}".strip()
    elif jax.default_backend() not in ("cpu", "tpu"):
        raise RuntimeError(
            f"enable_op_determinism() was called after JAX initialized the backend "
            f"{jax.default_backend()!r}, so XLA has already read its flags.\n"
            "Call it at the beginning of the program, right after `import cornu`, or set "
            f"XLA_FLAGS={_FLAG} in the environment."
        )


def is_op_determinism_enabled() -> bool:
    """Tells whether XLA is configured to use deterministic operations on GPUs."""
    return _FLAG in os.environ.get("XLA_FLAGS", "").split()
