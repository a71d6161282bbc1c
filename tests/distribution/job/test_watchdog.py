"""Watchdogs of several processes that share a store, in one process and without threads."""

import threading
import time

from cornu.distribution.job.records import Record
from cornu.distribution.job.watchdog import Watchdog
from cornu.process.progress import Progress


class Store:
    def __init__(self):
        self.values = {}

    def key_value_set(self, key, value, allow_overwrite=False):
        assert allow_overwrite or key not in self.values
        self.values[key] = value

    def key_value_dir_get(self, key):
        return [(name, value) for name, value in self.values.items() if name.startswith(key)]

    def wait_at_barrier(self, barrier_id, timeout_in_ms):
        """Waits until the watchdog has reported twice more."""
        before, end = self.beat(), time.monotonic() + timeout_in_ms / 1000
        while self.beat() < before + 2 and time.monotonic() < end:
            time.sleep(0.001)

    def beat(self):
        return sum(Record.from_text(text).beat for text in self.values.values())


def test_an_error_of_one_process_ends_the_others_with_its_text(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    store, verdicts = Store(), {}
    watchdogs = [
        Watchdog(store, i, 3, 60.0, Progress(), lambda v, i=i: verdicts.setdefault(i, v))
        for i in range(3)
    ]
    for watchdog in watchdogs:
        watchdog._communicate()
    assert verdicts == {}
    watchdogs[2].report_error("ValueError: wrong")
    for watchdog in watchdogs:
        watchdog._communicate()
    assert {verdict.index for verdict in verdicts.values()} == {2} and len(verdicts) == 3
    assert verdicts[1].reason == "process 2 of 3 ended with ValueError: wrong"


def test_a_coordinator_that_does_not_answer_is_lost(monkeypatch):
    now, verdicts = [100.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    watchdog = Watchdog(Store(), 1, 2, 60.0, Progress(), verdicts.append)
    watchdog._watch_coordinator()
    assert verdicts == []
    now[0] += 49.0
    watchdog._watch_coordinator()
    assert verdicts[0].index == 0 and "has not answered for 49 s" in verdicts[0].reason


def test_blocks_without_a_limit_are_reported():
    progress, store = Progress(), Store()
    watchdog = Watchdog(store, 0, 1, 60.0, progress, lambda verdict: None)
    with progress.without_limit():
        progress.note()
        watchdog._communicate()
    reported = [Record.from_text(text) for text in store.values.values()]
    watchdog._communicate()
    reported += [Record.from_text(text) for text in store.values.values()]
    assert [(one.unlimited, one.count) for one in reported] == [(True, 2), (False, 3)]


def test_threads_report_until_all_processes_have_ended_and_then_end():
    # A thread in a call of JAX's store when Python ends would abort the process.
    store, progress, verdicts = Store(), Progress(), []
    watchdog = Watchdog(store, 0, 1, 6.0, progress, verdicts.append)
    watchdog.start()
    while not store.beat():
        time.sleep(0.001)
    progress.finished = True
    before = store.beat()
    watchdog.finish()
    assert "cornu-watchdog" not in {thread.name for thread in threading.enumerate()}
    assert store.beat() >= before + 2 and not verdicts
    assert all(Record.from_text(text).finished for text in store.values.values())
