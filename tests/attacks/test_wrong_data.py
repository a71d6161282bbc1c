"""Wrong data is refused before the step that would use it; odd data has the right result."""

import collections
import zlib

import pytest

from tests.attacks.wrong_data import cases, run

CASES = list(cases())


def sample(one_in):
    """Returns some of the cases, the same in each run."""
    return [case for case in CASES if zlib.crc32(str(case).encode()) % one_in == 0]


def outcomes_of(chosen):
    found = [(case, run(case)) for case in chosen]
    wrong = [f"{case}: {outcome.kind}: {outcome.detail}" for case, outcome in found]
    assert not [line for line, (_, one) in zip(wrong, found, strict=True) if not one.good]
    return collections.Counter(one.kind for _, one in found)


def test_wrong_data():
    arrays = [case for case in CASES if case.source == "arrays" and case.method == "fit"]
    counts = outcomes_of([*arrays, *sample(120)])
    assert counts["refused"] > 250 and counts["right"] > 50 and counts["impossible"] < 20


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted({case.method for case in CASES}))
@pytest.mark.parametrize("model", sorted({case.fault.model for case in CASES}))
def test_all_wrong_data(model, method):
    outcomes_of(c for c in CASES if (c.fault.model, c.method) == (model, method))
