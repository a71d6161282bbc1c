"""`import cornu` is quick: it loads what every program needs and starts nothing."""

from tests.processes import run_program

# What most programs never use, or use late. JAX's own habits are not ours to judge, so
# only what comes in addition to `import jax` counts.
WAITS = (
    # Optional packages and file formats.
    *["h5py", "safetensors", "rich", "optax", "keras", "tensorflow", "torch", "tensorboard"],
    *[
        "grain",
        "huggingface_hub",
        "orbax",
        "sklearn",
        "scipy",
        "pandas",
        "polars",
        "matplotlib",
        "PIL",
        "simplejpeg",
        "IPython",
    ],
    # Rarely used parts of JAX.
    *["jax.experimental", "jax.export", "jax.profiler", "jax.tools"],
    # Rooms of our own that a program enters by name.
    *["cornu.applications", "cornu.cli", "cornu.datasets", "cornu.demo", "cornu.dialects"],
    *["cornu.export", "cornu.modernize", "libcst"],
)

LOADED_BY_CORNU = """
import sys
import jax
before = set(sys.modules)
import cornu
print(*sorted(set(sys.modules) - before))
"""

# JAX takes a change of the number of its devices until it has started one.
STARTS_NO_DEVICE = """
import cornu
import jax
jax.config.update("jax_num_cpu_devices", 3)
assert jax.device_count("cpu") == 3
"""

# The collector rests while a room is loaded, and is then as it was.
COLLECTS_AS_BEFORE = """
import gc
import cornu
assert gc.isenabled()
collected = []
gc.callbacks.append(lambda phase, info: collected.append(info["generation"]))
cornu.Sequential
assert gc.isenabled() and len(collected) < 3, collected
gc.disable()
cornu.applications
assert not gc.isenabled()
"""


def _python(program: str) -> str:
    return run_program(program, strict=False).stdout


def test_import_loads_nothing_that_can_wait():
    loaded = _python(LOADED_BY_CORNU).split()
    early = [name for name in WAITS if any(f"{found}.".startswith(f"{name}.") for found in loaded)]
    assert not early, (
        f"`import cornu` loads {', '.join(early)}. Import an optional package in the function that "
        "needs it; let cornu/__init__.py load a room when it is first named."
    )


def test_import_starts_no_device():
    # A module-level jnp.zeros(...) would: it takes GPU memory and forbids jax.distributed.
    _python(STARTS_NO_DEVICE)


def test_import_leaves_the_garbage_collector_as_it_was():
    _python(COLLECTS_AS_BEFORE)
