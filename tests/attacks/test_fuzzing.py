"""A small part of the fuzzing: each target reads or refuses what it once did otherwise."""

import random
import sys

import pytest

from benchmarks.fuzzing import catalogue, report
from benchmarks.fuzzing.mutations import change_json, dump
from benchmarks.fuzzing.target import Case, Failure, judge
from benchmarks.fuzzing.targets import TARGETS
from benchmarks.fuzzing.worker import run
from tests.sampling import slow_except
from tests.saving.conftest import warm  # noqa: F401  (a fixture)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux"),
    pytest.mark.usefixtures("warm"),
]
FILES = [name for name, target in TARGETS.items() if target.count is None]
# The inputs of the others take long to prepare, or to read.
FAST = [name for name in FILES if name != "JSON of models" and not name.startswith("old ")]
# Numbers of inputs that had another outcome.
FOUND = {
    "damaged .weights.h5": (123_403,),
    "safetensors headers": (945, 2109, 50_748, 59_607),
    "damaged .safetensors": (57_730, 78_542, 136_520),
}


@pytest.mark.parametrize("name", slow_except(FILES, FAST))
def test_mutated_files_are_read_or_refused(name, tmp_path):
    make = TARGETS[name].open(tmp_path)
    for number in (*range(25), *FOUND.get(name, ())):
        case = make(number)
        verdict, details = judge(case)
        assert verdict in ("read", "refused"), (number, case.description, details)


def outcome(read):
    return judge(Case("", read))[0]


def test_outcomes_are_told_apart(tmp_path):
    def raises(error):
        def read():
            raise error

        return read

    assert outcome(lambda: None) == "read"
    assert outcome(raises(ValueError("x"))) == outcome(raises(FileNotFoundError("x"))) == "refused"
    assert outcome(raises(KeyError("x"))) == "raw"
    assert outcome(raises(UnicodeDecodeError("utf-8", b"", 0, 1, "x"))) == "raw"
    assert outcome(raises(AssertionError("other numbers"))) == "wrong"
    assert outcome(raises(MemoryError())) == "memory"
    assert outcome(lambda: (tmp_path / "x").write_text("x")) == "escape"


def test_inputs_depend_on_their_number_only(tmp_path):
    for name in ("damaged .npz", "safetensors headers", "HDF5 layouts"):
        make = TARGETS[name].open(tmp_path)
        read = [make(n).paths[0].read_bytes() for n in (3, 4, 3)]
        assert read[0] == read[2] != read[1]


def test_changes_of_json_depend_on_their_seed_only():
    value = {"layers": [{"config": {"units": 3}}, [], {}], "name": "x"}
    runs = [
        [dump(change_json(value, random.Random(seed))) for seed in range(2000)] for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_numbers_of_configs_are_replaced_one_by_one():
    name, text = next(iter(catalogue.models_of_layers()))
    changes = list(catalogue.changes_of(text, set()))
    assert len(changes) > 20 and len({str(keys) for keys, _ in changes}) > 3
    assert not list(catalogue.changes_of(text, {("x",)}))[len(changes) :]


@pytest.mark.slow
def test_processes_report_all_inputs():
    parts = list(run(TARGETS["damaged .npz"], range(40)))
    assert sum(sum(part.counts.values()) for part in parts) == 40
    assert not any(part.failures for part in parts)


def test_the_page_lists_failures():
    failure = Failure("a", 7, "wrong", "bytes", "other numbers", 0.5, 2.0)
    rows = [
        {"target": "a", "counts": {"read": 3, "wrong": 1}, "wall": 2.0, "seconds": 0.25,
         "megabytes": 9.0, "failures": [failure._asdict()]},
        {"target": "b", "counts": {"refused": 4}, "wall": 2.0, "seconds": 0.25, "megabytes": 9.0,
         "failures": []},
    ]  # fmt: skip
    text = report.section(rows)
    assert "| all | 8 | 3 | 4 | 1 |" in text and "a 7: wrong" in text
    assert "No failures." in report.section(rows[1:])
