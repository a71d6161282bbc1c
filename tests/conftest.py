"""What every test starts from: two small CPU devices, and nothing left of the test before.

That warnings are errors is said in pyproject.toml. The environment is set here, before any test
file imports JAX or Keras; what the shell already says wins, as in `JAX_PLATFORMS=cuda make test`.
"""

import importlib.util
import os
import signal

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Two devices make sharding testable; one that no test uses costs nothing measurable.
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
os.environ.setdefault("KERAS_BACKEND", "jax")
# Without JAX's own cache (see below), cornu would keep programs in the user's.
os.environ.setdefault("CORNU_COMPILATION_CACHE", "off")
# What runs in the background of a script is started with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    """Keeps compiled programs between runs: most of a test's time is XLA compiling.

    A second run of the same programs took about a quarter of the time, the first no longer.
    `pytest --cache-clear` forgets them, `JAX_ENABLE_COMPILATION_CACHE=false` does without.
    """
    if config.pluginmanager.has_plugin("cacheprovider"):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(config.cache.mkdir("jax")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


@pytest.fixture(autouse=True)
def fresh_session():
    """Names count from the start and random numbers repeat, whatever ran before."""
    if importlib.util.find_spec("cornu.utils") is None:
        return
    from cornu.utils import clear_session, set_random_seed

    clear_session(free_memory=False)  # collecting garbage takes half a second
    set_random_seed(1)
