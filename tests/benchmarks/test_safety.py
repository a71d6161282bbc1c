"""The safety benchmark samples random cases, and detects crashes, hangs and wrong results."""

import dataclasses
import math
import re

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.safety import __main__ as safety
from benchmarks.safety import calls, models, report
from benchmarks.safety.__main__ import check_controls, main, plan, prepare_parts, setting_of
from benchmarks.safety.checks import check, distance, prepare, variants
from benchmarks.safety.models import FAMILIES, compare
from benchmarks.safety.networks import NETWORKS
from benchmarks.safety.operations import KINDS, Case, make
from benchmarks.safety.processes import INLINE_SETTINGS, SETTINGS, Job, Outcome
from benchmarks.safety.shapes import DTYPES, Sampler
from cornu.deviations import DEVIATIONS
from tests.sampling import slow_except

PRIMES = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61}


def test_sizes_are_one_primes_powers_of_two_and_their_neighbors():
    draw = Sampler("kind", 0)
    sampled = {draw.size(64) for _ in range(1000)}
    powers = {2**n for n in range(7)}
    assert sampled >= PRIMES | powers | {n - 1 for n in powers if n > 1} | {33, 17}
    assert min(sampled) == 1 and max(sampled) == 64


def test_sizes_have_a_bounded_product_and_are_sometimes_long():
    longest = 0
    for number in range(300):
        sizes = Sampler("kind", number).sizes(3, 2**20)
        assert math.prod(sizes) <= 2**20
        longest = max(longest, *sizes)
    assert longest > 10_000


def test_cases_are_functions_of_kind_and_number():
    for kind in KINDS:
        one, other = make(kind, 3), make(kind, 3)
        assert one.text == other.text and one.dtype == other.dtype
        for a, b in zip(one.floats + one.integers, other.floats + other.integers, strict=True):
            np.testing.assert_array_equal(a, b)
        assert len({make(kind, number).text for number in range(10)}) > 5
        assert make(kind, 3, seed=1).text != one.text


def test_all_dtypes_occur():
    assert {make("reduction", number).dtype for number in range(30)} == set(DTYPES)


def test_each_row_with_compiler_options_is_a_variant():
    rows = {name: row for name, row in DEVIATIONS.items() if row.kind == "compiler option"}
    found = variants(None)
    assert found["default"] == {}
    assert {name: found[name] for name in rows} == {n: dict(r.options) for n, r in rows.items()}
    # A row that is chosen already is not compiled twice.
    name, row = next(iter(rows.items()))
    assert name not in variants(row.options)


@pytest.mark.parametrize("kind", slow_except(KINDS, 1))
def test_one_case_of_each_kind(kind):
    finding = check(make(kind, 1), kind, 1)
    assert not finding.wrong
    chosen = DEVIATIONS["eigen_convolutions"].options
    assert finding.programs == len(variants(chosen))
    assert finding.ratio <= 1


def test_results_are_compared_with_the_prepared_ones(tmp_path):
    case, path = make("product", 5), tmp_path / "product-5.npz"
    prepare(case, "product", 5, 0, path)
    assert not check(case, "product", 5, path=path).wrong
    with np.load(path) as stored:
        changed = [stored[name] * 100 for name in stored.files]
    np.savez(path, *changed)
    assert "error" in check(case, "product", 5, path=path).wrong[0]


def test_programs_are_prepared_with_the_threads_and_instructions_that_they_run_with():
    planned = plan(["product", "mlp"], cases=12, models=6)
    parts = prepare_parts(planned)
    for role, kind in (("compiling", "product"), ("plain", "mlp")):
        prepared = {
            (setting.threads, setting.avx2, job)
            for setting, jobs in parts
            for job in jobs
            if setting.role == role
        }
        assert prepared == {
            (setting.threads, setting.avx2, job)
            for setting, jobs in planned.items()
            for job in jobs
            if job.kind == kind
        }
    assert not any(setting.busy or setting.keep for setting, _ in parts)


def test_wrong_values_dtypes_and_shapes_are_detected():
    x = np.linspace(1, 2, 12).reshape(3, 4)

    def wrong(ours):
        return check(Case("control", ours, lambda x: x * 2, (x,)), "control", 0).wrong

    assert not wrong(lambda x: x * 2)
    assert any("error" in line for line in wrong(lambda x: x * 2.001))
    assert any("dtypes" in line for line in wrong(lambda x: (x * 2).astype(jnp.float16)))
    assert any("error" in line for line in wrong(lambda x: jnp.where(x > 1.5, jnp.nan, x * 2)))


def test_distance_is_relative_and_nan_is_infinitely_far():
    exact = [np.array([100.0, 1.0]), np.array([1e-9])]
    assert distance([np.array([101.0, 1.0]), np.array([0.0])], exact) == pytest.approx(0.01)
    assert distance([np.array([math.nan, 1.0]), np.array([0.0])], exact) == math.inf
    assert distance([np.array([100.0]), np.array([0.0])], exact) == math.inf


def test_models_are_compared_with_a_bound():
    plain = [np.array([1.0, 0.5]), np.array([[2.0]]), np.zeros(3)]
    assert compare(plain, plain) == (0.0, "")
    ratio, text = compare([plain[0] * 1.01, *plain[1:]], plain)
    assert ratio == pytest.approx(10) and text.startswith("losses")
    assert compare([*plain[:2], np.full(3, math.nan)], plain)[0] == math.inf


def test_a_model_near_a_jump_of_gradients_is_compared_with_changed_weights():
    plain = [np.array([1.0]), np.array([2.0]), np.zeros(3)]
    jump = [plain[0], plain[1], np.ones(3)]
    assert models.check(plain, [plain, jump]).by_plain is False
    assert models.check(jump, [plain, plain]).wrong
    found = models.check(jump, [plain, plain, jump])
    assert not found.wrong and found.by_plain and found.ratio == 0
    assert models.check([np.array([math.nan]), *jump[1:]], [plain, jump]).wrong


def test_changed_weights_differ_by_rounding():
    def initial(change):
        training = models.make("mlp", 2)
        changes = models.train(training, change)[2:]
        after = training.model.get_weights()
        return [a - c for a, c in zip(after, changes, strict=True)]

    same, one, other = (initial(change) for change in (0, 1, 2))
    for x, *changed in zip(same, one, other, strict=True):
        for y in changed:
            np.testing.assert_allclose(y, x, rtol=1e-6, atol=1e-7)
    assert any((x != y).any() for x, y in zip(same, one, strict=True))
    assert any((x != y).any() for x, y in zip(one, other, strict=True))


@pytest.mark.parametrize("second", ["jump", "wrong", "correct"])
def test_a_wrong_model_runs_again(second, monkeypatch, tmp_path, capsys):
    ran = []

    def run(jobs, setting, *, changes=(0,), **_):
        ran.append((setting.role, tuple(changes)))
        first = ("checked", (0,)) not in ran[:-1]
        for job in jobs:
            wrong = ["change of weights 2: 51.3 times the bound"]
            if setting.role != "checked" or not first and second != "wrong":
                finding = {"by_plain": second == "jump", "ratio": 0.1, "programs": 1}
                yield Outcome(job, setting, finding=finding)
            else:
                finding = {"by_plain": False, "ratio": 51.3, "programs": 1}
                yield Outcome(job, setting, "wrong", finding=finding, details=wrong)

    monkeypatch.setattr(safety, "run", run)
    monkeypatch.setattr(safety, "check_controls", list)
    folder = tmp_path / "new"
    failed = main(["--kind", "mlp", f"--folder={folder}"])
    assert folder.is_dir()
    both = tuple(range(models.CHANGES + 1))
    assert ran == [("plain", (0,)), ("checked", (0,)), ("plain", both[1:]), ("checked", both)]
    assert failed == (second != "jump")
    printed = capsys.readouterr().out
    assert ("not reproducible" in printed) == (second == "correct")
    assert "Command: `python -m benchmarks.safety --kind mlp`" in printed


def test_the_plan_divides_cases_among_all_settings():
    planned = plan([*KINDS, *FAMILIES], cases=12, models=60)
    assert set(planned) == set(SETTINGS)
    jobs = [job for jobs in planned.values() for job in jobs]
    assert len(jobs) == len(set(jobs)) == 12 * len(KINDS) + 60
    for setting in SETTINGS:
        assert {job.kind for job in planned[setting]} == {*KINDS, *FAMILIES}
        assert all(setting_of(job) == setting for job in planned[setting])
    assert {(s.threads, s.busy) for s in SETTINGS} == {(n, b) for n in (1, 2, 4) for b in (0, 1)}
    assert sum(s.keep for s in SETTINGS) == sum(s.avx2 for s in SETTINGS) == 3


def test_each_setting_runs_calls_with_and_without_a_cache():
    planned = plan([calls.KIND], cases=1, models=1, calls=24)
    assert set(planned) == set(INLINE_SETTINGS)
    assert all(len(jobs) == 2 for jobs in planned.values())
    expected = {s._replace(cache=cache) for s in SETTINGS for cache in ("cornu", "none")}
    assert set(INLINE_SETTINGS) == expected
    for setting, jobs in prepare_parts(planned):
        assert setting.role == "threaded" and setting_of(jobs[0]).cache == setting.cache


def test_calls_are_functions_of_their_number():
    cases = [calls.make(number) for number in range(6)]
    assert calls.make(2).text == cases[2].text and calls.make(2).threads == cases[2].threads
    assert len({case.text for case in cases}) == 6
    found = " ".join(case.text for case in cases)
    assert sum(name in found for name in NETWORKS) > 3
    assert {len(case.threads) for case in cases} >= {1, 8}
    made = [call for case in cases for call in case.calls]
    assert {call.method for call in made} == set(calls.METHODS)
    assert any(deletes for case in cases for thread in case.threads for _, deletes in thread)


def test_outputs_with_other_bits_and_programs_that_are_not_inline_are_detected(monkeypatch):
    monkeypatch.setattr("cornu.training.step.program.compile_inline", lambda *args: False)
    case = calls.make(5)
    case = dataclasses.replace(case, threads=tuple(thread[:2] for thread in case.threads[:2]))
    expected = calls.reference(case)
    assert "no program ran in the calling thread" in calls.check(case, expected).wrong
    changed = [bits.copy() for bits in expected]
    changed[0][-1] ^= 1
    assert any("1 of" in line for line in calls.check(case, changed).wrong)


@pytest.mark.slow  # starts processes
def test_crashes_hangs_and_wrong_numbers_are_detected():
    assert check_controls() == []


def outcomes():
    passed = {"programs": 2, "ratio": 0.25, "by_plain": True}
    process = {"checks": True, "threads": 2, "keep": False}
    return [
        Outcome(Job("product", 0), SETTINGS[0], "passed", "matmul", "float32", passed, seconds=1),
        Outcome(
            *(Job("product", 731), SETTINGS[0], "crashed", "matmul 7x7", "float32"),
            details=["exit code -6", "double free or corruption"],
            process=process,
        ),
    ]


def test_the_report_lists_failures_with_commands():
    found = report.Run(outcomes(), 3, "xla_a=true", 12.0, "python -m benchmarks.safety")
    text = report.page(found)
    assert "2 cases with 2 programs ran; 1 failed; 12 s" in text
    assert "| product | 2 | 2 | 0.25 | - | - | 1 | 0 | 1 | 0 | 1 |" in text
    assert "| 2 threads, alone, AVX2 | 2 | 1 | 2 | yes | no |" in text
    assert "double free or corruption" in text
    assert (
        'python -m benchmarks.safety --kind product --case 731 --seed 3 --options "xla_a=true"'
        in text
    )


def test_the_report_counts_calls():
    counts = {"calls": 80, "deleted": 2, "inline": 9, "read": 7}
    setting = INLINE_SETTINGS[1]
    outcome = Outcome(Job("inline", 1), setting, finding={"programs": 9, "counts": counts})
    text = report.page(report.Run([outcome, outcome], 0, "", 1.0, "python"))
    assert "| 4 threads, busy, memory kept, cornu's cache | 2 | 0 | 160 | 4 | 18 | 14 |" in text


def test_a_report_without_failures_states_it():
    found = report.Run(outcomes()[:1], 0, "", 1.0, "python -m benchmarks.safety")
    assert "No case failed." in report.page(found)
    assert report.failures(outcomes()[:1]) == []


def test_runs_of_some_kinds_have_sections_beside_the_run_of_all_kinds():
    def after(page, seconds, *kinds):
        command = f"python -m benchmarks.safety --kinds {','.join(kinds)}"
        return report.page(report.Run(outcomes(), 0, "", seconds, command, kinds), page)

    def sections(page):
        assert page.count("# Safety of") == 1 and page.endswith("\n")
        parts = re.split("(?m)^## ", page)[1:]
        return [(part.splitlines()[0], re.findall(r"(\d+) s\n", part)) for part in parts]

    page = after("", 1.0)
    page = after(page, 2.0, "product", "inline")
    page = after(page, 3.0, "pooling")
    assert sections(after(page, 4.0, "product", "inline")) == [
        ("All kinds", ["1"]),
        ("Kinds product, inline", ["4"]),
        ("Kinds pooling", ["3"]),
    ]
    assert sections(after(page, 5.0, "pooling", "inline", "product")) == [
        ("All kinds", ["1"]),
        ("Kinds pooling, inline, product", ["5"]),
    ]
    assert sections(after(page, 6.0)) == [("All kinds", ["6"])]


def test_a_run_that_leaves_something_out_is_not_saved_as_one_of_all_kinds(capsys):
    for options in ("--quick", "--cases 3", "--kind product", "--kinds pooling --options xla_a=1"):
        with pytest.raises(SystemExit):
            main([*options.split(), "--save"])
        assert "--save is for complete runs" in capsys.readouterr().err
