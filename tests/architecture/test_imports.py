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
    *["jax.scipy.linalg", "jax.scipy.ndimage", "jax.scipy.special"],
    # Rooms of our own that a program enters by name.
    *["cornu.applications", "cornu.cli", "cornu.datasets", "cornu.demo", "cornu.dialects"],
    *["cornu.export", "cornu.modernize", "libcst"],
    # What a program that trains does not need.
    *["cornu.saving.model_files", "cornu.saving.weight_files", "cornu.saving.hub"],
    *["cornu.inspect.profile.cost", "cornu.inspect.profile.profile"],
    *["cornu.inspect.array_statistics", "cornu.inspect.summary_table"],
)

LOADED_BY_CORNU = """
import sys
import jax
before = set(sys.modules)
import cornu
cornu.Sequential, cornu.layers.Dense, cornu.optimizers.Adam
print(*sorted(set(sys.modules) - before))
"""

# JAX takes a change of the number of its devices until it has started one.
STARTS_NO_DEVICE = """
import cornu
import jax
jax.config.update("jax_num_cpu_devices", 3)
assert jax.device_count("cpu") == 3
"""

# The collector is disabled while a package is loaded, and is then as it was.
COLLECTS_AS_BEFORE = """
import gc, weakref
import cornu
assert gc.isenabled()
class Cycle:
    pass
cycle = Cycle()
cycle.self, garbage = cycle, weakref.ref(cycle)
del cycle
collected = []
gc.callbacks.append(lambda phase, info: collected.append(info["generation"]))
cornu.Sequential
assert gc.isenabled() and len(collected) < 3, collected
# The next collections of young objects do not traverse those of the import, which are not frozen.
assert len(gc.get_objects(generation=0)) + len(gc.get_objects(generation=1)) < 10000
assert gc.get_freeze_count() == 0 and garbage() is not None
gc.collect()
assert garbage() is None
gc.disable()
cornu.applications
assert not gc.isenabled()
"""


# Objects that the program has frozen, as servers do before they fork, are not released.
KEEPS_FROZEN_OBJECTS = """
import gc
gc.freeze()
count = gc.get_freeze_count()
import cornu
cornu.Sequential
assert gc.get_freeze_count() >= count // 2, (gc.get_freeze_count(), count)
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
    _python(KEEPS_FROZEN_OBJECTS)
