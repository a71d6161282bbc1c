"""Preparation of a process: each case runs in a separate process."""

import sys

import pytest

from tests.processes import environment_without, run_program
from tests.sampling import slow_except

_LEFT_OUT = ("JAX_", "MALLOC_", "CORNU_", "GLIBC_", "LD_PRELOAD", "XDG_CACHE_HOME")

_PROGRAM = """
import jax, jax.monitoring
events = []
jax.monitoring.register_event_listener(lambda name, **_: events.append(name.rpartition("/")[2]))
{before}
import cornu
from cornu.core.state.variable import Variable
v = Variable([1.0, 2.0])
{after}
jax.jit(lambda x: x * 3 + 1)(v.value).block_until_ready()
print(events.count("cache_hits"), events.count("cache_misses"), cornu.config.compilation_cache())
print(cornu.config.is_memory_keeping_enabled())
"""


def _process(tmp_path, program, **environment):
    kept = environment_without(_LEFT_OUT)
    env = {**kept, "JAX_PLATFORMS": "cpu", "XDG_CACHE_HOME": str(tmp_path), **environment}
    return run_program(program, env=env)


def _run(tmp_path, before="", after="", **environment):
    done = _process(tmp_path, _PROGRAM.format(before=before, after=after), **environment)
    cache, memory = done.stdout.splitlines()
    hits, misses, folder = cache.split(" ", 2)
    return int(hits), int(misses), folder, memory == "True", done.stderr


def test_the_second_process_compiles_and_prints_nothing(tmp_path):
    folder = str(tmp_path / "cornu" / "programs")
    first = _run(tmp_path, before="jax.jit(lambda x: x - 1)(2.0)")  # the user was first
    assert first[1] > 0 and first[2] == folder
    second = _run(tmp_path)
    assert (second[0] > 0, second[1], second[2], second[4]) == (True, 0, folder, "")


@pytest.mark.parametrize(
    "environment",
    slow_except(
        [
            {"CORNU_COMPILATION_CACHE": "off"},
            {"XDG_CACHE_HOME": "/proc/nowhere"},  # nothing can be made there
            {"JAX_ENABLE_COMPILATION_CACHE": "false"},
            {"XDG_CACHE_HOME": "", "HOME": "/proc/nowhere"},
            {"JAX_COMPILATION_CACHE_DIR": ""},
        ],
        2,
    ),
)
def test_nothing_is_stored(tmp_path, environment):
    _, misses, folder, _, message = _run(tmp_path, **environment)
    assert (misses, folder, message) == (0, "None", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_the_user_set_is_respected(tmp_path):
    theirs = tmp_path / "theirs"
    set_now = f"jax.config.update('jax_compilation_cache_dir', {str(theirs)!r})\n"
    set_now += "jax.config.update('jax_persistent_cache_min_compile_time_secs', 0)"
    for kwargs in ({"before": set_now}, {"after": set_now}):
        assert _run(tmp_path / "home", **kwargs)[2] == "None"
        assert any(path.name.endswith("-cache") for path in theirs.iterdir())
        for path in theirs.iterdir():
            path.unlink()


@pytest.mark.slow
def test_switches(tmp_path):
    moved = tmp_path / "moved"
    after = f"cornu.config.enable_compilation_cache({str(moved)!r})"
    assert _run(tmp_path, after=after)[2] == str(moved) and list(moved.iterdir())
    for switch in (
        "clear_compilation_cache",
        "disable_compilation_cache",
        "disable_memory_keeping",
    ):
        after += f"; cornu.config.{switch}()"
    assert _run(tmp_path, after=after)[2:4] == ("None", False)
    assert list(moved.iterdir()) == []


def test_a_requested_folder_that_is_rejected_is_reported(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    *_, folder, _, message = _run(tmp_path, CORNU_COMPILATION_CACHE=str(tmp_path / "open"))
    assert folder == "None" and "other users" in message


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of glibc")
def test_memory_is_kept_on_request_unless_the_user_set_malloc_options(tmp_path):
    off = {"CORNU_COMPILATION_CACHE": "off"}
    keep = {**off, "CORNU_ALLOCATOR": "keep"}
    assert not _run(tmp_path, **off)[3]
    assert _run(tmp_path, **keep)[3]
    assert _run(tmp_path, after="cornu.config.enable_memory_keeping()", **off)[3]
    for chosen in ({"MALLOC_ARENA_MAX": "2"}, {"GLIBC_TUNABLES": "glibc.malloc.arena_max=2"}):
        assert not _run(tmp_path, **keep, **chosen)[3]


_ATTENTION = """
import numpy as np
import cornu
x = np.ones((32, 64, 32), "float32")
inputs = cornu.Input((64, 32))
model = cornu.Model(inputs, cornu.layers.MultiHeadAttention(2, 16)(inputs, inputs))
model.compile("sgd", "mse")
model.fit(x, x, batch_size=16, verbose=0)
model.evaluate(x, x, batch_size=16, verbose=0)
"""


@pytest.mark.slow
def test_a_program_that_cannot_be_cached_is_silent(tmp_path):
    done = _process(tmp_path, _ATTENTION)
    assert (done.stdout, done.stderr) == ("", "")
    assert list((tmp_path / "cornu" / "programs").iterdir())
