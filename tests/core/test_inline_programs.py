"""Small programs run in the calling thread, with the results of those that do not.

Each case runs in processes of its own: the tests' cache of JAX may hold the programs.
"""

import json

import pytest

from tests.processes import environment_without, run_program

_LEFT_OUT = ("JAX_", "XDG_CACHE_HOME", "CORNU_")
_PROGRAM = """
import json, threading
import jax, jax.numpy as jnp, numpy as np
import cornu
from cornu.core import inline_programs
from cornu.core.inline_programs import compile_inline

weights = jnp.asarray(np.random.default_rng(0).normal(size=(200, 200)), dtype="float32")
row = np.random.default_rng(1).normal(size=(1, 200)).astype("float32")

def is_inline(fn, *args):
    function = jax.jit(fn)
    found = compile_inline(function, *args)
    function(*args)  # runs
    return found

def echo(x):
    return jax.pure_callback(lambda x: x, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

def make_model():
    cornu.utils.set_random_seed(0)
    hidden = cornu.layers.Dense(64, "relu")
    return cornu.Sequential([cornu.Input((200,)), hidden, cornu.layers.Dense(3)])

calls = []
load = inline_programs._load_with_callback
inline_programs._load_with_callback = lambda *args: calls.append(load(*args)) or calls[-1]
found = {
    "small": is_inline(lambda x: x @ weights, row),
    "tiny": is_inline(lambda x: x + 1, row),
    "large": is_inline(lambda x: x @ weights @ weights, jnp.ones((200, 200))),
    "loop": is_inline(lambda x: jax.lax.fori_loop(0, 9, lambda i, x: x @ weights, x), row),
    "callback": is_inline(lambda x: echo(x @ weights), row),
}
calls.clear()
model = make_model()
out = np.asarray(model(row))
found["ready"] = all(model(row).is_ready() for _ in range(50))
same = [model.predict_on_batch(row), model.predict(row, verbose=0), model(jnp.asarray(row))]
found["equal"] = all(np.array_equal(out, other) for other in same)
found["programs"] = calls[:]
found["bytes"] = out.tobytes().hex()

found["threads"], found["ready after threads"] = [], True
for _ in range(8):
    shared, outs, start = make_model(), [], threading.Barrier(4)
    call = lambda: start.wait() >= 0 and outs.append(shared(row))
    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    found["threads"] += [np.array_equal(out, other) for other in outs]
    found["ready after threads"] &= all(shared(row).is_ready() for _ in range(50))

# Another thread may have read the same program: then its code is not all in memory.
function = jax.jit(lambda x: jnp.tanh(x @ weights) * 3)
before = np.asarray(function(row))
found["in memory"] = compile_inline(function, row)
found["in memory equal"] = np.array_equal(before, function(row))

def refuse(*args):
    raise AttributeError("another version of JAX")
inline_programs._load_with_callback = refuse
found["without"] = np.array_equal(make_model()(row), out)
print(json.dumps(found))
"""


def _run(tmp_path, **environment):
    env = {**environment_without(_LEFT_OUT), "JAX_PLATFORMS": "cpu", **environment}
    return json.loads(run_program(_PROGRAM, env=env).stdout)


def test_small_programs_run_in_the_calling_thread(tmp_path):
    cache = {"CORNU_COMPILATION_CACHE": str(tmp_path / "programs")}
    compiled, read = _run(tmp_path, **cache), _run(tmp_path, **cache)
    assert compiled == read
    assert compiled == {
        **{"small": True, "tiny": False, "large": False, "loop": False, "callback": False},
        **{"ready": True, "equal": True, "programs": [True, True], "without": True},
        **{"threads": [True] * 32, "bytes": compiled["bytes"]},
        **{"in memory": False, "in memory equal": True},
        "ready after threads": True,
    }


@pytest.mark.slow
def test_the_switch_and_another_cache(tmp_path):
    off = _run(tmp_path, CORNU_DISABLE="inline_programs", CORNU_COMPILATION_CACHE="off")
    on = _run(tmp_path, CORNU_COMPILATION_CACHE="off")
    # Programs in a cache of JAX do not hold all of their code.
    jaxs = _run(tmp_path, JAX_COMPILATION_CACHE_DIR=str(tmp_path))
    assert off["programs"] == [] and jaxs["programs"] == [False, False]
    assert on["programs"] == [True, True]
    assert on["equal"] and off["equal"] and jaxs["equal"]
    assert on["bytes"] == off["bytes"] == jaxs["bytes"]
