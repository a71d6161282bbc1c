"""The environment of all tests: two small CPU devices, and fresh names and seeds for each test.

Environment variables are set here, before any test file imports JAX or Keras. Values from the shell
take precedence, as in `JAX_PLATFORMS=cuda make test`; `XLA_FLAGS= make test` compiles as users do.
pyproject.toml turns warnings into errors.
"""

import gc
import importlib.util
import os
import signal
import sys

import pytest

from tests.affinity import affinity_of_worker
from tests.compiling import DEFAULT_OPTIONS, QUICK_OPTIONS, requested
from tests.lowering import share_contexts

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Two devices make sharding testable; an unused one has no measurable cost.
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
os.environ.setdefault("KERAS_BACKEND", "jax")
# Without JAX's own cache (see below), cornu would store programs in the user's.
os.environ.setdefault("CORNU_COMPILATION_CACHE", "off")
# Shells start background processes with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A program that runs once on small arrays takes longer to optimize than to run. The options select
# how fused loops become machine code: for a small training step, the instructions of the optimized
# HLO, the donated buffers and the memory are the same without them.
QUICKLY_COMPILED = " ".join(f"--{name}={value}".lower() for name, value in QUICK_OPTIONS.items())
# The folders whose slow tests run the programs that users wait for.
OPTIMIZED_FOLDERS = {"models", "training"}


def pytest_configure(config):
    """Selects how XLA compiles, and stores compiled programs between runs.

    `make test` and `make test-slow` compile quickly, except what `optimized` selects.

    `pytest --cache-clear` deletes the programs, `JAX_ENABLE_COMPILATION_CACHE=false` disables the
    cache.
    """
    if config.option.markexpr in ("not slow", "slow") and os.environ["JAX_PLATFORMS"] == "cpu":
        os.environ.setdefault("XLA_FLAGS", QUICKLY_COMPILED)
    if config.pluginmanager.has_plugin("cacheprovider"):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(config.cache.mkdir("jax")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


def pytest_collection_finish(session):
    """Prepares the process for the tests, once all modules are imported.

    What importing created is exempted from garbage collection, which took a tenth of the time. A
    worker of pytest-xdist stays on its own cores, after XLA has created a thread for each core.
    """
    gc.collect()
    gc.freeze()
    if not session.items or "jax" not in sys.modules:
        return
    share_contexts()
    affinity = affinity_of_worker(session.config)
    if affinity is not None:
        sys.modules["jax"].devices()
        affinity.apply()
        session.config.pluginmanager.register(affinity)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """Exempts what a finished file leaves in JAX's caches, which grow to millions of objects."""
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def fresh_session():
    """Resets the counters of names, the random seeds and 64-bit types, whatever ran before."""
    if importlib.util.find_spec("cornu.utils") is None:
        return
    import jax

    from cornu.utils import clear_session, set_random_seed

    if jax.config.read("jax_enable_x64"):  # a layer of float64 enables them for the process
        jax.config.update("jax_enable_x64", False)
    clear_session(free_memory=False)  # collecting garbage takes half a second
    set_random_seed(1)


@pytest.fixture(scope="module", autouse=True)
def optimized(request):
    """Compiles the programs of `make test-slow` for training with all optimizations."""
    is_quick = os.environ.get("XLA_FLAGS") == QUICKLY_COMPILED
    is_slow = request.config.option.markexpr == "slow"
    with pytest.MonkeyPatch.context() as patch:
        if is_slow and is_quick and not OPTIMIZED_FOLDERS.isdisjoint(request.path.parts):
            patch.setenv("CORNU_COMPILER_OPTIONS", requested(DEFAULT_OPTIONS))
        yield
