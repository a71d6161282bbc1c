"""A process that was forked after JAX had started raises an error, and does not wait forever."""

import json
import multiprocessing
import os
import time
import warnings

import jax
import numpy as np
import pytest

from cornu import deviations
from cornu.process import forks
from tests.process.forked_uses import await_child, fork
from tests.processes import run_program

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")

# What needs no computation.
WORKS = {
    "save", "save_weights", "get_weights", "summary", "pickle",
    "a Variable as an array of NumPy",
    "repr of a Variable", "an array as an array of NumPy", "convert_to_numpy", "set_random_seed",
    "garbage collection", "NumPy",
}  # fmt: skip
# What needs a computation in some versions of JAX only.
MAY_WORK = {
    "symbolic call", "symbolic call of a recurrent model", "model_from_json", "initializer",
    "initializer of a large array", "device_put", "device_put of a large array",
}  # fmt: skip
ERROR = "was forked after JAX had started"


def outcomes(state):
    command = "import runpy; runpy.run_module('tests.process.forked_uses', run_name='__main__')"
    return json.loads(run_program(command, state, strict=False).stdout.splitlines()[-1])


@pytest.mark.parametrize("state", [pytest.param("built", marks=pytest.mark.slow), "trained"])
def test_every_use_in_a_forked_process_is_right_or_refused_at_once(state):
    found = outcomes(state)
    right = {name for name, text in found.items() if text == "right"}
    unclear = {name: found[name] for name in found.keys() - right if ERROR not in found[name]}
    assert not unclear
    assert right - MAY_WORK == WORKS


def test_a_process_that_is_forked_after_the_import_computes():
    assert {name: text for name, text in outcomes("imported").items() if text != "right"} == {}


def test_threads_and_arrays_of_the_other_process_are_not_waited_for():
    found = outcomes("busy")
    refused = {name for name, text in found.items() if ERROR in text}
    assert {name: found[name] for name in found.keys() - refused if found[name] != "right"} == {}
    assert refused == {
        "array", "variable", "a variable as an array", "a donated variable", "fit",
        "fit of the other model", "evaluate", "predict",
    }  # fmt: skip


# ------------------------------------------------------------------- versions of JAX, the switch


def test_this_version_of_jax_has_all_functions_that_are_replaced():
    found = [name for _, name in forks._find_replaced()]
    assert found == [path.rpartition(".")[2] for _, path in forks._REPLACED]


@pytest.mark.parametrize("missing", ["module", "class", "function"])
def test_functions_that_jax_does_not_have_are_left_out(missing, monkeypatch):
    every = list(forks._find_replaced())
    changed = {
        "module": ("jax._src.absent", "function"),
        "class": ("jax._src.core", "Absent.process_primitive"),
        "function": ("jax._src.core", "EvalTrace.absent"),
    }[missing]
    for i in range(len(every)):
        rows = [*forks._REPLACED[:i], changed, *forks._REPLACED[i + 1 :]]
        monkeypatch.setattr(forks, "_REPLACED", tuple(rows))
        assert list(forks._find_replaced()) == [*every[:i], *every[i + 1 :]]
        monkeypatch.undo()


@pytest.mark.filterwarnings("ignore")  # of os.fork
@pytest.mark.parametrize("switch", ["", "errors_after_fork", "all"])
def test_errors_in_forked_processes_are_a_deviation_with_a_switch(switch, monkeypatch):
    jax.devices()  # JAX has started
    monkeypatch.setattr(deviations, "find_disabled", deviations.find_disabled.__wrapped__)
    monkeypatch.setenv("CORNU_DISABLE", switch)
    execute = jax._src.core.EvalTrace.process_primitive

    def describe():
        same = jax._src.core.EvalTrace.process_primitive is execute
        return f"{forks.is_unable_to_compute()} {same} {jax.config.jax_no_execution}"

    found = await_child(*fork(describe), time.monotonic() + 20)
    assert found == ("False True False" if switch else "True False True")


# -------------------------------------------------------------- processes of multiprocessing, torch


def _predict(pipe):
    import cornu

    try:
        model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
        pipe.send(model.predict(np.ones((2, 4)), verbose=0).shape)
    except RuntimeError as error:
        pipe.send(str(error))


SLOW = [pytest.param(method, marks=pytest.mark.slow) for method in ("forkserver", "spawn")]


@pytest.mark.parametrize("method", ["fork", *SLOW])
def test_processes_of_multiprocessing(method):
    import cornu

    cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)]).predict(np.ones((2, 4)), verbose=0)
    context = multiprocessing.get_context(method)
    pipe, end = context.Pipe(duplex=False)
    process = context.Process(target=_predict, args=(end,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of os.fork
        process.start()
    assert pipe.poll(60)
    found = pipe.recv()
    process.join(10)
    assert process.exitcode == 0
    if method == "fork":
        assert "multiprocessing.get_context('spawn')" in found
    else:
        assert found == (2, 1)


class Rows:
    """A dataset of torch, whose rows may be made by a layer."""

    def __init__(self, layer=None):
        self.layer = layer

    def __len__(self):
        return 8

    def __getitem__(self, index):
        x = np.full(4, index, "float32")
        return (x if self.layer is None else np.asarray(self.layer(x))), x[:1]


def test_workers_of_torch():
    torch = pytest.importorskip("torch")
    import cornu

    model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of os.fork
        forked = {"num_workers": 1, "multiprocessing_context": "fork", "batch_size": 4}
        model.fit(torch.utils.data.DataLoader(Rows(), **forked), verbose=0)
        layer = cornu.layers.Rescaling(2.0)
        began = time.monotonic()
        with pytest.raises(RuntimeError, match="was forked after JAX had started"):
            model.fit(torch.utils.data.DataLoader(Rows(layer), **forked), verbose=0)
        assert time.monotonic() - began < 20
