"""Processes that are killed at random instants; `python -m benchmarks.kills` tries more of them."""

import sys

import pytest

from benchmarks import kills


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork server")
def test_fifty_random_instants_and_every_run_ends_with_the_same_bits():
    figures = kills.kill(50)
    assert figures.instants == 50
    assert figures.training >= 25
    assert figures.runs >= 1
    assert figures.equal == figures.runs
