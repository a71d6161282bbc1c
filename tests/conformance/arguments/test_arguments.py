"""cornu gives what Keras gives for combinations of arguments, in three dtypes and all modes.

`python -m scripts.compare_arguments` compares all combinations, which takes half an hour; the slow
test compares a sample of each name that changes from day to day with `CORNU_ARGUMENTS_SEED`.
"""

from __future__ import annotations

import os
import random
import zlib

import pytest

from tests.conformance.arguments import layers, ops, others
from tests.conformance.arguments.catalog import subjects
from tests.conformance.arguments.counts import load
from tests.conformance.arguments.known import KNOWN
from tests.conformance.arguments.pairwise import pairwise
from tests.conformance.arguments.subject import Subject, shown
from tests.conformance.evidence import ROOT

SEED = os.environ.get("CORNU_ARGUMENTS_SEED", "0")
EVERY = 3  # of how many names one is in a sample


def sample() -> list[Subject]:
    """Returns the names of a sample; another seed gives another one."""
    return [s for i, s in enumerate(subjects()) if (i + int(SEED)) % EVERY == 0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("group", range(8))
def test_a_sample_of_combinations(group: int) -> None:
    differences = []
    for subject in sample()[group::8]:
        rng = random.Random(zlib.crc32(f"{SEED} {subject.path}".encode()))
        combination = rng.choice(subject.combinations())
        try:
            subject.compare(combination)
        except AssertionError as difference:
            differences.append(f"{subject.path}({shown(combination)})\n    {difference}")
    assert not differences, "\n".join(differences)


def test_every_name_and_every_argument_has_values() -> None:
    assert not layers.missing_rows()
    assert not ops.missing_arguments()
    assert not others.missing_rows()


def test_all_combinations_of_the_tables_were_compared() -> None:
    expected: dict[str, int] = {}
    for subject in subjects():
        expected[subject.path] = expected.get(subject.path, 0) + len(subject.combinations())
    found = {path: sum(counts.values()) for path, counts in load().items()}
    assert found == expected, "run: python -m scripts.compare_arguments"
    assert not [path for path, counts in load().items() if counts.get("differs")]


def test_known_differences_have_tests_and_names() -> None:
    paths = [subject.path for subject in subjects()]
    for row in KNOWN:
        assert (ROOT / row.test).is_file()
        assert all(
            any(p.startswith(pattern.rstrip("*")) for p in paths) for pattern in row.paths.split()
        )


def test_pairs_of_all_values_occur() -> None:
    options = {"a": (0, 1, 2), "b": (0, 1), "c": ("x", "y", "z"), "d": (None, 1)}
    rows = pairwise(options)
    assert len(rows) <= 14 and rows[0] == {"a": 0, "b": 0, "c": "x", "d": None}
    for one in options:
        for two in options:
            pairs = {(row[one], row[two]) for row in rows}
            expected = {(x, y) for x in options[one] for y in options[two]}
            assert one == two or pairs == expected
