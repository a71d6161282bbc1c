"""The read lock: what it excludes, and until when."""

import threading

import pytest

import cornu
from cornu.core.state import sharing


def _donate(*variables):
    sharing.end_donation(sharing.begin_donation(frozenset(map(id, variables)), variables))


def _start(function, *args):
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("nested", [False, True])
def test_donations_wait_for_the_readers_of_their_variables(nested):
    read, other = cornu.Variable(1.0), cornu.Variable(2.0)
    with sharing.read_lock([read]):
        _start(_donate, other).join(10)  # of a Variable that is not read
        if nested:
            with sharing.read_lock([other]):
                waiting = _start(_donate, read)
                waiting.join(0.1)
                assert waiting.is_alive()
        else:
            waiting = _start(_donate, read)
            waiting.join(0.1)
        assert waiting.is_alive()
    waiting.join(10)
    assert not waiting.is_alive()


def test_readers_stop_waiting_for_a_dispatch_after_the_timeout(monkeypatch):
    monkeypatch.setattr(sharing, "_READ_TIMEOUT", 0.01)
    variable, events = cornu.Variable(1.0), (threading.Event(), threading.Event())

    def dispatch():
        thread = sharing.begin_donation(frozenset([id(variable)]), [variable])
        events[0].set()
        events[1].wait(10)
        sharing.end_donation(thread)

    thread = _start(dispatch)
    assert events[0].wait(10)
    with sharing.read_lock([variable]):
        assert thread.is_alive()
    events[1].set()
    thread.join(10)


def test_reads_are_repeated_once_after_a_deletion_by_another_thread():
    variable, calls = cornu.Variable(1.0), []

    def read(fail_until):
        calls.append(None)
        if len(calls) <= fail_until:
            raise RuntimeError("Array has been deleted")
        return float(variable.value)

    assert sharing.read_consistently([variable], read, 1) == 1.0
    assert len(calls) == 2
    calls.clear()
    with pytest.raises(RuntimeError, match="deleted"):
        sharing.read_consistently([variable], read, 9)
    assert len(calls) == 2
