"""The soak benchmark measures growth of memory and counts live objects."""

import pytest

from benchmarks.soak import TASKS, Point, growth, measure, table

POINTS = [Point(10 * i, 300.0 + i, 200.0 + i, 7, 1) for i in range(1, 6)]


def test_growth_begins_after_the_warm_up():
    assert growth(POINTS) == 4.0
    assert growth(POINTS[:1]) == 0.0


def test_the_table_shows_all_points():
    last = table({("predict", "cornu"): POINTS}).splitlines()[-1]
    assert last == "| predict | cornu | 50 | 201 202 203 204 205 | +4.0 | - | 305 | 7 | 1 |"
    last = table({("steps", "cornu"): POINTS}).splitlines()[-1]  # 4 MB in 40 rounds of 500 steps
    assert last == "| steps | cornu | 50 | 201 202 203 204 205 | +4.0 | +20.000 | 305 | 7 | 1 |"


@pytest.mark.slow
@pytest.mark.parametrize("task", ["predict", "build-fit-drop"])
def test_a_short_run(task):
    assert task in TASKS
    points = measure(task, rounds=5)
    assert [p.rounds for p in points] == [1, 2, 3, 4, 5]
    assert {p.models for p in points} == ({1} if task == "predict" else {0})
    assert all(p.arrays == points[-1].arrays for p in points[1:])
    assert points[-1].megabytes <= points[-1].before
