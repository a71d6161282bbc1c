"""Wrong data is refused before the step that would use it; odd data has the right result."""

import collections
import zlib

import pytest

from tests.attacks.wrong_data import cases, run

CASES = list(cases())
# All arrays in `fit`, and some of all others, the same in each run.
OFTEN = [
    case
    for case in CASES
    if (case.source == "arrays" and case.method == "fit")
    or zlib.crc32(str(case).encode()) % 120 == 0
]


def outcomes_of(chosen):
    found = [(case, run(case)) for case in chosen]
    wrong = [f"{case}: {outcome.kind}: {outcome.detail}" for case, outcome in found]
    assert not [line for line, (_, one) in zip(wrong, found, strict=True) if not one.good]
    return collections.Counter(one.kind for _, one in found)


def test_wrong_data():
    counts = outcomes_of(OFTEN)
    assert counts["refused"] > 250 and counts["right"] > 50 and counts["impossible"] < 20


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted({case.method for case in CASES}))
@pytest.mark.parametrize("model", sorted({case.fault.model for case in CASES}))
def test_all_wrong_data(model, method):
    outcomes_of(c for c in CASES if (c.fault.model, c.method) == (model, method))
