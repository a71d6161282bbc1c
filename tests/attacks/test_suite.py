"""The table of attacks: its runner tells outcomes apart, and quick rounds of it pass."""

import sys

import pytest

from benchmarks.attacks import crafted, formats, report, saving
from benchmarks.attacks.attack import Outcome, judge
from benchmarks.attacks.controls import CONTROLS, KNOWN
from benchmarks.attacks.runner import run
from benchmarks.attacks.table import ATTACKS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")
KILLS = "kill -9: arrays, validation, callbacks"
FILES = [attack for attack in (*crafted.ATTACKS, *formats.ATTACKS, *saving.ATTACKS) if attack.quick]
QUICK = [attack for attack in ATTACKS.values() if attack.quick and attack.name != KILLS]


def test_the_runner_tells_outcomes_apart():
    found = {name: next(iter(run(attack, 1))).verdict for name, attack in CONTROLS.items()}
    assert found == KNOWN


def test_a_run_goes_on_after_a_crash():
    outcomes = list(run(CONTROLS["control: leaves the process"], 3))
    assert [(o.number, o.verdict) for o in outcomes] == [(i, "crash") for i in range(3)]


def test_a_killed_run_ends_with_the_same_bits():
    outcomes = list(run(ATTACKS[KILLS], 1))
    assert [o.verdict for o in outcomes] == ["right"] * len(outcomes)
    assert sum(o.signals for o in outcomes) >= 1


@pytest.mark.parametrize("attack", FILES, ids=lambda attack: attack.name)
def test_files(attack, tmp_path):
    attempt = attack.program(tmp_path, 0)
    verdict, details, _ = judge(attempt, attack.expected)
    assert verdict in attack.expected, details


@pytest.mark.slow
@pytest.mark.parametrize("attack", QUICK, ids=lambda attack: attack.name)
def test_quick_rounds(attack):
    assert not report.failures(attack, list(run(attack, attack.quick)))


def test_the_report_lists_failures(tmp_path):
    attack = CONTROLS["control: returns"]
    outcomes = [
        Outcome(attack.name, 0, "right", "", 0.25, 3.0),
        Outcome(attack.name, 1, "crash", "exit code\n-11", 1.0),
    ]
    text = report.section({attack.name: outcomes}, CONTROLS)
    row = "| controls | 1 | 2 | 0 | 1 | 0 | 0 | 0 | 1 | 0 | 0 | 0 | 1 | 1.0 | 3 |"
    assert row in text.splitlines()
    assert "control: returns: 1 crash of 2; round 1, 1.0 s, 0 MB: `exit code -11`" in text
    for _ in range(2):  # the second run replaces the first
        report.record(tmp_path / "found", outcomes)
    assert report.read(tmp_path / "found") == {attack.name: outcomes}
    assert "No failures." in report.section({attack.name: outcomes[:1]}, CONTROLS)
