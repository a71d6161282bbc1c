"""Processes killed at random instants; `python -m benchmarks.attacks` tries more of them."""

import sys

import pytest

from benchmarks.attacks.runner import run
from benchmarks.attacks.table import ATTACKS

KILLED = ("arrays, validation, callbacks", "callbacks with odd containers")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limits of memory are those of Linux")
@pytest.mark.parametrize("program", KILLED)
def test_every_run_that_is_killed_ends_with_the_same_bits(program):
    outcomes = list(run(ATTACKS[f"kill -9: {program}"], 25))
    assert {outcome.verdict for outcome in outcomes} == {"right"}
    assert sum(outcome.signals for outcome in outcomes) >= 25
