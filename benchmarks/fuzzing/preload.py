"""What the processes have imported when they start."""

import encodings.cp437  # noqa: F401

import h5py  # noqa: F401
import jax.experimental.sparse  # noqa: F401
import jax.numpy  # noqa: F401
import jax.scipy.signal  # noqa: F401
import jax.scipy.special  # noqa: F401
import safetensors.numpy  # noqa: F401

import benchmarks.fuzzing.targets  # noqa: F401
import cornu.config
from cornu.process import allocator

# Programs would be opened and written while inputs are read.
cornu.config.disable_compilation_cache()
# It opens the C library.
allocator.is_available()
