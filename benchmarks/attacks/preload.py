"""What the processes of attacks have imported when they start."""

import h5py  # noqa: F401
import jax.numpy  # noqa: F401
import safetensors.numpy  # noqa: F401

import benchmarks.attacks.table  # noqa: F401
import cornu  # noqa: F401
