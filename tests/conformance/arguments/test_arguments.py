"""cornu gives what Keras gives for combinations of arguments, in three dtypes and all modes.

`python -m scripts.compare_arguments` compares all combinations, which takes half an hour. The tests
compare one combination of some names: of a few in the fast test, of every third in the slow ones.
`CORNU_ARGUMENTS_SEED` chooses other names and combinations.
"""

from __future__ import annotations

import fnmatch
import os
import random
import zlib
from collections.abc import Iterable

import pytest

from tests.conformance.arguments import layers, ops, others
from tests.conformance.arguments.catalog import subjects
from tests.conformance.arguments.counts import load
from tests.conformance.arguments.known import KNOWN
from tests.conformance.arguments.pairwise import pairwise
from tests.conformance.arguments.subject import Subject, format_options
from tests.conformance.arguments.tolerances import WIDER
from tests.conformance.evidence import ROOT

SEED = os.environ.get("CORNU_ARGUMENTS_SEED", "0")
FEW = 12  # names of the fast test
EVERY = 3  # of how many names one is among those of the slow tests


def differences(chosen: Iterable[Subject]) -> list[str]:
    """Compares one combination of each name; returns what is not known to differ."""
    found = []
    for subject in chosen:
        rng = random.Random(zlib.crc32(f"{SEED} {subject.path}".encode()))
        combination = rng.choice(subject.combinations())
        try:
            subject.compare(combination)
        except AssertionError as difference:
            found.append(f"{subject.path}({format_options(combination)})\n    {difference}")
    return found


@pytest.mark.filterwarnings("ignore")
def test_a_few_combinations() -> None:
    found = differences(random.Random(int(SEED)).sample(subjects(), FEW))
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("group", range(8))
def test_a_combination_of_every_third_name(group: int) -> None:
    chosen = [s for i, s in enumerate(subjects()) if (i + int(SEED)) % EVERY == 0]
    found = differences(chosen[group::8])
    assert not found, "\n".join(found)


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


def test_exceptions_have_names_and_tests() -> None:
    paths = [subject.path for subject in subjects()]
    for row in (*KNOWN, *WIDER):
        without = [p for p in row.paths.split() if not fnmatch.filter(paths, p)]
        assert not without and row.why
    assert all((ROOT / row.test).is_file() for row in KNOWN)


def test_pairs_of_all_values_occur() -> None:
    options = {"a": (0, 1, 2), "b": (0, 1), "c": ("x", "y", "z"), "d": (None, 1)}
    rows = pairwise(options)
    assert len(rows) <= 14 and rows[0] == {"a": 0, "b": 0, "c": "x", "d": None}
    for one in options:
        for two in options:
            pairs = {(row[one], row[two]) for row in rows}
            expected = {(x, y) for x in options[one] for y in options[two]}
            assert one == two or pairs == expected
