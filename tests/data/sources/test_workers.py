"""Workers: order, prefetching, reuse over epochs, no hangs, and cleanup."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu.data import adapt
from cornu.data.sources.workers import Task, Workers
from tests.data.many import Batches, Failing, ProcessReport, Reordering

PROCESSES = {"use_multiprocessing": True}


def children():
    return [child.pid for child in multiprocessing.active_children()]


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("cornu-data")]


def gone(pids, seconds=10.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(os.path.exists(f"/proc/{pid}") for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_processes_never_use_a_device_and_stay_over_epochs():
    workers = Workers(1, processes=True)
    data = ProcessReport(**PROCESSES)
    try:
        made = [
            item
            for epoch in range(2)
            for item in workers.items(data, [Task(i, (9, i)) for i in (4, 1, 3)], 2)
        ]
    finally:
        workers.close()
    assert [item["index"] for item in made] == [4, 1, 3] * 2
    assert len({item["process"] for item in made} | {os.getpid()}) == 2
    assert all(item["platforms"] == "cpu" and item["backends"] == [] for item in made)
    assert [(item["numpy"], item["python"]) for item in made[:3]] == [
        (item["numpy"], item["python"]) for item in made[3:]
    ]
    assert len({item["numpy"] for item in made}) == 3
    jnp.ones(1)
    assert ProcessReport()[0]["backends"], "the report lists a backend if there is one"
    assert gone({item["process"] for item in made}) and not children()


def test_the_environment_is_restored_after_starting_processes(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    Workers(1, processes=True).close()
    assert os.environ["JAX_PLATFORMS"] == ""
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before and not children()


@pytest.mark.parametrize("kwargs", [{"workers": 2}, PROCESSES], ids=["threads", "processes"])
def test_errors_arrive_with_number_and_traceback(kwargs):
    batches = Failing("error", **kwargs).batches([0, 1, 2, 3])
    assert [next(batches), next(batches)] == [0, 1]
    with pytest.raises(KeyError, match="no such picture") as caught:
        next(batches)
    note = "\n".join(caught.value.__notes__)
    assert "Raised by Failing[2] in a worker" in note
    if kwargs == PROCESSES:
        assert 'raise KeyError("no such picture")' in note and "in _fail" in note
    else:
        assert caught.traceback[-1].name == "_fail"
    assert not children() and not threads()


def test_errors_that_cannot_be_sent_arrive_as_others():
    with pytest.raises(RuntimeError, match="Special: a b"):
        list(Failing("special", **PROCESSES).batches([2]))


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("killed", "terminated by SIGKILL .* batch 2.\nThe usual cause of SIGKILL is"),
        ("exit", r"exit code 3"),
    ],
)
def test_a_process_that_exits_raises_an_error_instead_of_hanging(way, message):
    with pytest.raises(RuntimeError, match=message):
        list(Failing(way, **PROCESSES).batches([1, 2, 3]))
    assert not children()


def test_unpicklable_data_is_rejected():
    class Local(ProcessReport):
        pass

    with pytest.raises(TypeError, match="Local cannot be sent to worker processes(.|\n)*threads"):
        list(Local(**PROCESSES).batches([0]))
    assert not children()


@pytest.mark.slow
def test_a_process_in_the_middle_of_something_is_ended():
    batches = Failing("sleep", workers=2, use_multiprocessing=True).batches([0, 2, 1])
    assert next(batches) == 0
    pids = children()
    began = time.monotonic()
    batches.close()
    assert len(pids) == 2 and gone(pids) and time.monotonic() - began < 20


def test_sources_keep_their_workers_until_they_are_closed():
    source = adapt(Reordering(workers=2), seed=3)
    first = np.concatenate([x[:, 0] for x, _, _ in source.batches(0)]).tolist()
    kept = threads()
    second = np.concatenate([x[:, 0] for x, _, _ in source.batches(1)]).tolist()
    assert first == sorted(first) and sorted(second) == first != second
    assert len(kept) == 2 and threads() == kept
    source.close()
    assert not threads()
    list(source.batches(2))  # restarts
    assert threads()
    del source
    assert not threads()


def test_interrupted_epochs_end_the_workers():
    source = adapt(Reordering(workers=2), seed=3)
    batches = source.batches(0)
    next(batches)
    assert threads()
    batches.close()
    assert not threads()


def test_processes_see_what_hooks_changed():
    inline, processes = adapt(Reordering(), seed=3), adapt(Reordering(**PROCESSES), seed=3)
    for epoch in range(2):
        for a, b in zip(inline.batches(epoch), processes.batches(epoch), strict=True):
            assert np.array_equal(a[0], b[0])
    processes.close()


INTERRUPTED = """
import os, signal, sys, threading, time
from multiprocessing import active_children
from tests.data.many import Failing

if __name__ == "__main__":
    batches = Failing("sleep", workers=2, use_multiprocessing={processes}).batches([0, 2, 1])
    print(next(batches), *[child.pid for child in active_children()], flush=True)
    next(batches)  # sleeps for ten minutes
"""


@pytest.mark.parametrize("processes", [True, False], ids=["processes", "threads"])
def test_ctrl_c_ends_everything(processes, tmp_path):
    script = tmp_path / "program.py"
    script.write_text(INTERRUPTED.format(processes=processes))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["", *sys.path])}
    with subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    ) as program:
        line = program.stdout.readline().split()
        time.sleep(0.3)
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to all at once
        _, errors = program.communicate(timeout=60)
    assert line[0] == "0" and len(line) == (3 if processes else 1)
    assert errors.count("KeyboardInterrupt") == 1 and program.returncode != 0
    assert gone(line[1:])


@pytest.mark.slow
def test_a_missing_main_guard_is_reported(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(
        "from tests.data.many import Failing\n"
        "print(list(Failing('none', workers=1, use_multiprocessing=True).batches([0, 1])))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["", *sys.path])}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode != 0 and 'protected by `if __name__ == "__main__":`' in done.stderr


class Interrupt(cornu.callbacks.Callback):
    """Does what Ctrl-C does, in the second step."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_fit_leaves_nothing_behind_however_it_ends():
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    model.compile("sgd", cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = Batches(workers=1, use_multiprocessing=True)
    model.fit(data, epochs=2, validation_data=Batches(workers=2), verbose=0)
    assert not children() and not threads()
    with pytest.raises(KeyboardInterrupt) as caught:
        model.fit(data, epochs=2, callbacks=[Interrupt()], verbose=0)
    assert not children() and not threads() and caught.tb is not None  # which holds the frames
    model.evaluate(data, steps=2, verbose=0)
    model.predict(data, steps=2)
    assert not children() and not threads()
