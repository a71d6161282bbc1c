"""Determinism of operations: what `set_random_seed` alone cannot promise on a GPU."""

from __future__ import annotations

import os

import jax
from jax._src import xla_bridge  # JAX has no public way to ask whether it has begun

__all__ = ["enable_op_determinism", "is_op_determinism_enabled"]

_FLAG = "--xla_gpu_deterministic_ops=true"


def enable_op_determinism() -> None:
    """Makes the same program give the same bits on a GPU, at the price of speed.

    On CPUs and TPUs operations are deterministic anyway, and nothing is changed. On GPUs sums over
    many threads may be added in any order; XLA is told to add them in one. Call this at the
    program's beginning, together with `set_random_seed`; `docs/determinism.md` says what is
    guaranteed then.

    Raises:
        RuntimeError: JAX has begun to use a GPU before, and would not notice.

    Example:

    >>> enable_op_determinism()

    Differences: Keras has none of its own; the name is TensorFlow's.
    """
    if is_op_determinism_enabled():
        return
    if not xla_bridge.backends_are_initialized():
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAG}".strip()
    elif jax.default_backend() not in ("cpu", "tpu"):
        raise RuntimeError(
            f"enable_op_determinism() was called after the first computation on "
            f"{jax.default_backend()!r}, when XLA had read its flags.\n"
            "Call it at the beginning of the program, right after `import cornu`, or set "
            f"XLA_FLAGS={_FLAG} in the environment."
        )


def is_op_determinism_enabled() -> bool:
    """Returns whether XLA is asked for operations on GPUs that give equal bits in each run."""
    return _FLAG in os.environ.get("XLA_FLAGS", "").split()
