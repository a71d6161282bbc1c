"""Processes of a job decide together: here, the rows of other processes are given."""

import sys
import types

import numpy as np
import pytest

from cornu.data import shared_order
from cornu.process import job
from cornu.training.agreement import Agreement


class Host:
    def __init__(self, *decisions):
        self.decisions = list(decisions)

    @property
    def stop_training(self):
        return self.decisions[0]

    def decide(self, decisions):
        self.decisions = decisions


@pytest.fixture
def other(monkeypatch):
    """Returns a function that sets what a second process exchanges: its row, given the own one."""

    def set_row(make):
        monkeypatch.setattr(job, "count", lambda: 2)
        monkeypatch.setattr(
            job, "exchange", lambda own: np.array([make(list(own)), list(own)], "float32")
        )

    return set_row


def test_one_process_decides_for_itself():
    host = Host(False, False)
    agreement = Agreement(host)
    assert agreement.is_due(1, False) and not agreement.stops
    host.decisions = [True, False]
    agreement.meet()
    assert agreement.stops and job.from_first(2.5) == 2.5 and job.any_process(True)


@pytest.mark.parametrize("flags", [(False, False), (True, False), (False, True), (True, True)])
def test_a_decision_of_one_process_is_that_of_all(flags, other):
    host = Host(False, False)
    other(lambda own: [own[0], 7.0, *flags[: len(own) - 2]])
    agreement = Agreement(host)
    host_alone = Agreement()
    agreement.meet()
    assert host.decisions == list(flags)
    assert agreement.stops == flags[0]
    assert agreement.now == 7.0  # the clock of process 0
    host_alone.meet()
    assert not host_alone.stops


def test_a_decision_between_two_exchanges_waits_for_the_next(other):
    host = Host(False)
    other(lambda own: [own[0], 0.0, False])
    agreement = Agreement(host)
    agreement.meet()
    host.decisions = [True]
    assert not agreement.stops
    agreement.meet()
    assert agreement.stops


def test_exchanges_become_rare_if_steps_are_fast(other):
    other(lambda own: [2**-10, 0.0, False])  # seconds per step of the slowest process
    agreement = Agreement(Host(False))
    met = []
    for step in range(1, 2000):
        if agreement.is_due(1, False):
            agreement.meet()
            met.append(step)
    gaps = np.diff(met)
    assert met[0] == 1 and list(gaps[:3]) == [2, 4, 8] and gaps.max() == 512
    assert agreement.is_due(1, True)


def test_wrong_data_is_an_error(other):
    batch = (np.ones((4, 2), "float32"), np.zeros(4), None)
    other(lambda own: own)
    for shared in (True, False):
        shared_order.check_batches(batch, 0, 3, shared)
    other(lambda own: [own[0], own[1] + 1])
    with pytest.raises(ValueError, match="batch 5 of process 1 is not that of process 0"):
        shared_order.check_batches(batch, 5, 3, True)
    with pytest.raises(ValueError, match="different numbers of batches: 4, 3"):
        shared_order.check_batches(batch, 0, 3, False)
    other(lambda own: [own[0] - 1, own[1]])
    with pytest.raises(ValueError, match="different numbers of rows in the first batch: 3, 4"):
        shared_order.check_batches(batch, 0, None, False)


@pytest.mark.parametrize("seeds, expected", [((5, 5), 5), (((3 << 40) + 9, 5), (3 << 40) + 9)])
def test_the_generator_of_torch_gets_the_seed_of_the_first_process(
    seeds, expected, other, monkeypatch
):
    state = {"seed": seeds[1]}
    torch = types.SimpleNamespace(
        initial_seed=lambda: state["seed"], manual_seed=lambda seed: state.update(seed=seed)
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    other(lambda own: [seeds[0] >> 16 * part & 0xFFFF for part in range(4)])
    shared_order.share_seeds()
    assert state["seed"] == expected
