"""Training leaves the heap intact: models run in processes where glibc checks every block.

A model of attention over 500 tokens once corrupted the heap, by an option given to XLA.
"""

import ctypes
import json

import numpy as np
import pytest

from tests.processes import environment_without, run_program

# MALLOC_CHECK_=3 aborts at the first damaged block, if the library that reads it is preloaded;
# MALLOC_PERTURB_ fills memory that is allocated or freed with a pattern.
_CHECKED = {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"}
_LIBRARY = "libc_malloc_debug.so.0"
_PLAIN = {"CORNU_DISABLE": "all", "CORNU_COMPILER_OPTIONS": "off"}
_LEFT_OUT = ("CORNU_", "MALLOC_", "LD_PRELOAD", "GLIBC_TUNABLES", "XLA_FLAGS", "JAX_NUM_")

_PROGRAM = """
import json, sys
import numpy as np
import cornu

def train(tokens, heads, features, blocks, batch):
    cornu.utils.set_random_seed(0)
    inputs = x = cornu.Input((tokens, features))
    for _ in range(blocks):
        x = x + cornu.layers.MultiHeadAttention(heads, features // heads, dropout=0.1)(x, x)
        x = x + cornu.layers.Conv1D(features, 1, activation="relu")(x)
    model = cornu.Model(inputs, cornu.layers.Conv1D(1, 1)(x))
    model.compile("adam", "mse")
    rng = np.random.default_rng(tokens)
    shape = (2 * batch, tokens)
    x, y = rng.normal(size=(*shape, features)), rng.normal(size=(*shape, 1))
    data = x.astype("float32"), y.astype("float32")
    return model.fit(*data, batch_size=batch, epochs=2, verbose=0).history["loss"]

print(json.dumps([train(*sizes) for sizes in json.loads(sys.argv[1])]))
"""

# Tokens, heads, features, blocks, batch. 500 and 501 tokens corrupted the heap, 128 and 333 not;
# larger models are among the cases of `python -m benchmarks.safety`.
_SIZES = [(500, 4, 256, 1, 8), (501, 4, 64, 1, 4), (333, 2, 32, 1, 4), (128, 4, 64, 2, 8)]


def _run(program, *arguments, **environment):
    kept = environment_without(_LEFT_OUT)
    env = {**kept, "JAX_PLATFORMS": "cpu", "CORNU_COMPILATION_CACHE": "off", **environment}
    return run_program(program, *arguments, env=env, check=False)


def _checks():
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return _CHECKED
    return {**_CHECKED, "LD_PRELOAD": _LIBRARY}


def _losses(sizes, **environment):
    done = _run(_PROGRAM, json.dumps(sizes), **environment)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    return json.loads(done.stdout)


# Python's own functions: ctypes finds malloc in libc itself, where blocks are not checked.
_OVERRUN = """
import ctypes
allocate, free = ctypes.pythonapi.PyMem_RawMalloc, ctypes.pythonapi.PyMem_RawFree
allocate.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
block = allocate(ctypes.c_size_t(1000))
ctypes.memset(block + 1000, 1, 64)  # past its end
free(block)
"""


@pytest.mark.skipif("LD_PRELOAD" not in _checks(), reason="needs glibc's library of heap checks")
def test_the_checks_notice_a_byte_past_the_end_of_a_block():
    done = _run(_OVERRUN, **_checks())
    assert done.returncode != 0
    assert _run("pass", **_checks()).returncode == 0


@pytest.mark.slow
def test_attention_trains_with_heap_checks_as_the_plain_program():
    # The library that corrupted the heap did so on processors without AVX-512.
    checked = _losses(_SIZES, **_checks(), ONEDNN_MAX_CPU_ISA="AVX2")
    plain = _losses(_SIZES, **_PLAIN)
    assert np.isfinite(checked).all()
    np.testing.assert_allclose(checked, plain, rtol=1e-4)
