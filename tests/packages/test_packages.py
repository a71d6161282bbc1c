"""Packages built on Keras do on cornu what they do on Keras."""

import pytest

from tests.packages import compare


@pytest.mark.slow
@pytest.mark.parametrize("program", compare.names())
def test_program_on_cornu(program, tmp_path):
    if compare.installed_version(program) is None:
        pytest.skip(
            f"{compare.distribution(program)} is not installed: pip install cornu[packages]"
        )
    theirs, mine = (compare.run(name, program, tmp_path) for name in ("keras", "cornu"))
    result = compare.compare(theirs, mine)
    assert theirs["modules_of_keras"] and not result.modules_of_keras
    assert not result.failed.keys() - result.failed_on_keras.keys(), result.failed
    assert not result.unequal


def test_numbers_are_compared():
    assert compare.equal({"a": [1.0, "x", None]}, {"a": [1.0002, "x", None]})
    for wrong in ({"a": [1.01, "x", None]}, {"b": [1.0, "x", None]}, {"a": [1.0, "x"]}):
        assert not compare.equal({"a": [1.0, "x", None]}, wrong)
    reports = [
        {"steps": {"s": {"value": value}}, "modules_of_keras": [], "seconds": 1}
        for value in ([1.0], [2.0])
    ]
    assert compare.compare(*reports).unequal == ["s"]
    broken = {**reports[0], "steps": {"s": {"error": "Traceback\n  line\nValueError: wrong"}}}
    assert compare.compare(reports[0], broken).failed == {"s": "ValueError: wrong"}
