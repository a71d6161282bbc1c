"""The benchmark suite without timing: the tasks, the table, the page, the programs."""

import dataclasses
import importlib
import json

import jax
import numpy as np
import pytest

from benchmarks import formulations, measure, models, report, sharing
from benchmarks.growth import axes as growth_axes
from benchmarks.growth import page as growth_page
from benchmarks.measure import Result
from benchmarks.peers import PEERS, Round, layered, plain, plain_models, timing
from benchmarks.tasks import TASKS, Size, Target
from tests.sampling import slow_except

torched = pytest.importorskip("benchmarks.peers.torched")

SETTING = report.Setting(
    date="2000-01-01 00:00 UTC",
    versions={"python": "3.11", "jax": "0.10"},
    machine="Linux",
    cores=2,
    device="1 cpu cpu",
    load=0.0,
    environment={"XLA_FLAGS": "--some"},
)
RESULTS = {
    "mlp_fit": {
        "cornu": Result(0.1, 0.50),
        "keras-jax": Result(0.4, 0.51),
        "jax": Result(0.2, 0.50),
    },
    "cnn_fit": {"cornu": Result(150.0, 0.2), "keras-jax": Result(100.0, 0.4), "jax": Result(None)},
    "resnet50_build": {"cornu": Result(0.4), "keras-jax": Result(12.0)},
    "mlp_call": {"cornu": Result(0.2)},
}


def test_every_task_is_done_by_the_peers_that_can():
    for peer in PEERS:
        sessions = importlib.import_module(PEERS[peer].sessions).SESSIONS
        mine = {name for name in TASKS if peer in measure.doing(name, list(PEERS))} - {"import"}
        assert mine == set(sessions), peer
    layered = ["cornu", "keras-jax", "keras-tf", "keras-torch"]
    assert measure.doing("resnet50_build", list(PEERS)) == layered


def test_targets():
    values = {"keras-jax": 4.0, "jax": 2.0}
    assert Target(0.5, "jax", 1.0).limit(values) == 2.0
    assert Target(0.5, "best").limit(values) == 1.0
    assert Target(0.5, "jax").limit({}) is None and Target(0.5, "best").limit({}) is None
    assert Target(0.0, "", 0.5).limit({}) == 0.5
    texts = [Target(0.6, "jax"), Target(1.0, "best", 0.1), Target(0.0, "", 0.5)]
    assert [t.text("ms/step") for t in texts] == ["0.6 x jax", "best peer + 0.1 ms", "0.5 ms"]


def test_the_table_shows_times_and_deviations():
    head, line, mlp, cnn, build, call = report.table(RESULTS).split("\n")
    assert head.startswith(f"| task | unit | {' | '.join(PEERS)} |")
    assert "| 0.100 | 0.400 | - | - | - | - | 0.200 | - | 0.50 | <= 0.6 x jax: met |" in mlp
    assert mlp.endswith("| 0.500 / 0.510 / - / - / - / - / 0.500 / - |")
    assert "| 150 | 100 | - | - | - | - | failed | - | 1.50 |" in cnn
    assert "<= 0.65 x best peer: missed (65.0) |" in cnn
    assert cnn.endswith("| 0.200 / 0.400 / - / - / - / - / - / - (differ) |")
    assert "| 0.400 | 12.0 | - | - | - | - | - | - | 0.03 | <= 0.5 s: met |" in build
    assert "| 0.200 | - | - | - | - | - | - | - | - | <= jax + 0.1 ms |" in call
    assert {row.count("|") for row in (head, line, mlp, cnn, build, call)} == {head.count("|")}


def test_a_run_is_stored(monkeypatch, tmp_path):
    monkeypatch.setattr(report, "_FOLDER", tmp_path)
    run = report.Run(SETTING, 5, False, RESULTS)
    report.save(run)
    later = dataclasses.replace(SETTING, date="2000-01-02 00:00 UTC")
    report.save(dataclasses.replace(run, quick=True, setting=later))
    page = (tmp_path / "RESULTS.md").read_text()
    assert report.table(RESULTS) in page and "python 3.11, jax 0.10" in page
    assert "`XLA_FLAGS=--some`" in page and "a quick run" in page
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [line["quick"] for line in lines] == [False, True]
    # The quick run shows the complete one before it.
    assert "| 0.50 x jax | 0.50 x jax |" in page
    assert lines[0]["results"]["mlp_fit"]["jax"] == {"value": 0.2, "loss": 0.5}


def test_the_table_of_shared_blocks(monkeypatch, tmp_path):
    monkeypatch.setattr(report, "_FOLDER", tmp_path)
    samples = [sharing.Sample(0.1, n, 0.2, 1000 * n, 3.0, 4.0, 0.5) for n in (1, 2, 6)]
    middle = sharing._medians(samples)
    assert middle.trace == 2 and middle.lines == 2000
    blocks = {"net": {"inlined": middle, "shared": samples[0]}}
    report.save(report.Run(SETTING, 3, False, RESULTS, blocks))
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| net | shared | 0.10 | 1.00 | 0.20 | 1,000 | 3.0 | 4 | 0.5000 |" in page
    line = json.loads((tmp_path / "history.jsonl").read_text())
    assert line["blocks"]["net"]["inlined"]["step"] == 4.0
    assert set(sharing.WAYS) == {"inlined", "shared"}


@pytest.mark.parametrize("name", formulations.FORMULATIONS)
def test_both_ways_of_an_op_give_the_same_shape(name):
    ways = formulations.FORMULATIONS[name]()
    plain, ours = (jax.eval_shape(fn, *ways.args) for fn in (ways.plain, ways.ours))
    assert plain.shape == ours.shape and plain.dtype == ours.dtype


def test_ops_have_a_section(monkeypatch, tmp_path):
    monkeypatch.setattr(report, "_FOLDER", tmp_path)
    ops = {"Pooling": formulations.Pair(4.0, 1.0, 1e-7)}
    report.save(report.Run(SETTING, 3, False, RESULTS, ops=ops))
    assert "| Pooling | 4.00 | 1.00 | 0.25 | 1e-07 |" in (tmp_path / "RESULTS.md").read_text()
    assert json.loads((tmp_path / "history.jsonl").read_text())["ops"]["Pooling"]["ours"] == 1.0


def test_a_ratio_needs_a_peer_above_zero():
    results = {"mlp_growth": {"cornu": Result(1.0), "keras-jax": Result(-0.5)}}
    assert "| - | <= 2 MB: met |" in report.table(results).splitlines()[-1]


def test_a_result_is_the_best_epoch_of_all_rounds():
    rounds = [Round([3.0, 2.0], 0.5), Round([9.0, 8.0], 0.4), Round([1.0, 5.0], 0.3)]
    assert measure._result(rounds, TASKS["mlp_fit"]) == Result(1.0, 0.5, (2.0, 8.0, 1.0))
    assert measure._result(rounds, TASKS["mlp_growth"]) == Result(2.0, 0.5, (2.0, 8.0, 1.0))
    assert measure._result([], TASKS["mlp_fit"]) == Result(None)


@pytest.mark.parametrize("name", slow_except(models.CASES, ["mlp"]))
def test_the_model_is_the_same_for_all(name):
    import cornu

    case = models.CASES[name]
    x, y = case.data(1)
    assert x.shape == (case.batch_size, *case.shape) and set(y) <= set(range(10))
    expected = case.build(cornu).predict(x[:2])
    params, state = plain.divide_weights(case.start())
    logits = plain_models.FORWARDS[name](params, state, x[:2], None)[0]
    np.testing.assert_allclose(plain.jax.nn.softmax(logits), expected, rtol=1e-4, atol=1e-6)
    torch = pytest.importorskip("torch")
    with torch.inference_mode():
        model = torched.MODELS[name](case.start()).eval()
        found = torch.softmax(model(torched.load_data(name, 1)[0][:2]), -1).numpy()
    # Where ResNet-18 strides, torch pads on both sides, and Keras on one.
    atol = 0.02 if name == "resnet18" else 1e-6
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=atol)


@pytest.mark.parametrize("name", slow_except(models.CASES, ["mlp"]))
def test_the_model_is_the_same_for_flax(name):
    import cornu

    pytest.importorskip("flax")
    from benchmarks.peers import nnx_models

    case = models.CASES[name]
    x = case.data(1)[0][:2]
    model = nnx_models.MODELS[name](case.start())
    model.eval()
    expected = case.build(cornu).predict(x)
    np.testing.assert_allclose(plain.jax.nn.softmax(model(x)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_session_gives_rounds_with_a_loss():
    import cornu

    ours = next(layered.fit("mlp", cornu, Size(2, 2)))
    for peer in (plain, torched):
        theirs = next(peer.SESSIONS["mlp_fit"](None, Size(2, 2)))
        assert len(ours.values) == len(theirs.values) == 2
        assert ours.loss == pytest.approx(theirs.loss, rel=0.05)


def test_the_growth_of_a_process_is_measured(monkeypatch):
    monkeypatch.setattr(timing, "_PAUSE", 0)
    kept = []
    # So large that each array is a mapping of its own, whatever memory is free.
    (found,) = next(timing.resident(lambda: kept.append(np.ones(8_000_000)), Size(2, 1))).values
    assert 120 < found < 140


def test_growth_is_an_exponent():
    assert growth_page.exponent([1, 10, 100, 1000], [5.0, 3.0, 30.0, 300.0]) == 1.0
    points = {10: {"step, ms": 1.0}, 100: {"step, ms": 100.0}}
    last = growth_page.table(growth_axes.AXES["chain"], points).splitlines()[-2:]
    assert last == ["| 100 | 100 |", "| exponent | 2.00 |"]


@pytest.mark.parametrize(
    ("name", "size"),
    [("chain", 3), ("outputs", 2), ("batch", 1), ("inputs", 2), ("metrics", 2), ("classes", 10)],
)
def test_points_of_growth_are_measured(name, size):
    point = growth_axes.AXES[name].measure(size)
    assert {"build, s", "trace, s", "compile, s", "step, ms", "MB"} <= set(point)
    assert all(value > 0 for value in point.values())


def test_rows_of_a_mapped_file_are_measured():
    point = growth_axes.AXES["rows"].measure(1000)
    assert {"first step, s", "300 steps, s", "MB"} == set(point)


def test_every_axis_of_growth_has_curves_and_a_table(tmp_path):
    assert sorted(growth_axes.AXES) == sorted(
        name for names in growth_axes.FIGURES.values() for name in names
    )
    point = {"trace, s": 1.0, "compile, s": 2.0, "step, ms": 3.0, "first step, s": 1.0}
    results = {name: {1.0: point, 10.0: point} for name in growth_axes.AXES}
    growth_page.draw(results, tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(growth_axes.FIGURES)
    text = growth_page.page(results)
    assert all(axis.title in text for axis in growth_axes.AXES.values())
