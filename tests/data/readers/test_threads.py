"""The threads that read the files of batches."""

from __future__ import annotations

import os
import threading
import time
import warnings

import pytest

from cornu.data.readers import threads
from cornu.data.readers.threads import run_in_threads
from tests.process.forked_uses import await_child, fork


@pytest.fixture(autouse=True)
def four_threads(monkeypatch):
    monkeypatch.setattr(threads, "count_threads", lambda requested: 4)
    threads._pool.cache_clear()
    yield
    threads._pool().shutdown()
    threads._pool.cache_clear()


def collect(numbers):
    found = []
    run_in_threads(lambda *call: found.append(call), [(number, "a") for number in numbers])
    return sorted(found)


def test_each_call_is_made_once():
    for count in (0, 1, 3, 50):
        assert collect(range(count)) == [(number, "a") for number in range(count)]


def test_several_batches_share_the_threads():
    names, results = set(), {}

    def note(_):
        names.add(threading.current_thread().name)
        time.sleep(0.001)

    def read(batch):
        run_in_threads(note, [(i,) for i in range(20)])
        results[batch] = collect(range(batch))

    readers = [threading.Thread(target=read, args=(batch,)) for batch in range(6)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert results == {batch: [(number, "a") for number in range(batch)] for batch in range(6)}
    assert 1 < len(names) <= 4 and all(name.startswith("cornu-files") for name in names)


def test_the_first_error_is_raised():
    def fail(number):
        time.sleep(0.001 * (number == 3))
        if number in (3, 4, 5, 17):
            raise ValueError(f"file {number}")

    for _ in range(5):
        with pytest.raises(ValueError, match="file 3"):
            run_in_threads(fail, [(number,) for number in range(30)])
    assert collect([7]) == [(7, "a")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_forked_processes_have_threads_of_their_own():
    collect(range(8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python and JAX warn of forks of processes with threads
        child = fork(lambda: str(len(collect(range(8)))))
    assert await_child(*child, time.monotonic() + 60) == "8"
