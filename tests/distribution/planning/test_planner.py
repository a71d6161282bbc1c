"""Tests of `cornu.distribution.plan` and of the command."""

import contextlib
import re

import jax
import numpy as np
import pytest

import cornu
from cornu import distribution as dist
from cornu import layers as L
from cornu.cli import main
from cornu.distribution.planning import step_cost
from cornu.distribution.planning.compiling import VirtualDevices
from cornu.distribution.planning.layouts import candidates
from cornu.distribution.planning.many_devices import extrapolate_devices
from cornu.distribution.planning.step_cost import StepCosts
from cornu.distribution.planning.training_step import without_weights

MODEL = """
import cornu

def build():
    model = cornu.Sequential([cornu.Input((64,)), cornu.layers.Dense(128, name="dense")])
    model.compile("sgd", "mse")
    return model
"""


def dense(width=128, **kwargs):
    model = cornu.Sequential([cornu.Input((64,)), L.Dense(width, use_bias=False, **kwargs)])
    model.compile("adam", "mse")
    return model


def block(x):
    y = L.Dense(64, activation="gelu")(L.LayerNormalization()(x))
    return L.Add()([x, L.Dense(32)(y)])


def deep(blocks):
    x = inputs = cornu.Input((16, 32))
    for _ in range(blocks):
        x = block(x)
    model = cornu.Model(inputs, L.Dense(8)(x), name="deep")
    model.compile("adam", "mse")
    return model


@pytest.fixture(scope="module")
def most_devices():
    with VirtualDevices(128) as devices:
        yield devices


@pytest.fixture
def one_process(most_devices, monkeypatch):
    """Compiles the programs for all numbers of devices in one process with the largest number."""
    shared = contextlib.nullcontext(most_devices)
    monkeypatch.setattr(step_cost, "VirtualDevices", lambda devices: shared)


@pytest.fixture(scope="module")
def deep_costs():
    return StepCosts(deep(24))


def costs_of(costs, name, devices, batch=64):
    layout = next(one for one in candidates(devices, 8) if one.name == name)
    return next(costs.measure([layout], batch, 8))[1]


def test_bytes_and_memory_of_one_layer_follow_from_its_sizes():
    plan = dist.plan(dense(), devices=8, batch=64, layouts=["data", "fsdp"])
    kernel = 64 * 128 * 4
    rows = 8 * (64 + 128) * 4
    data, fsdp = plan["data"], plan["fsdp"]
    # The sum of the loss has 4 bytes, that of its rows is known.
    assert data.bytes_by_kind == {"all-reduce": 2 * kernel * 7 // 8 + 2 * 4 * 7 // 8}
    # The input needs no gradient, so that the weight is gathered once.
    assert fsdp.bytes_by_kind["all-gather"] == kernel * 7 // 8
    assert fsdp.bytes_by_kind["reduce-scatter"] == kernel * 7 // 8
    # Adam has two numbers for each weight.
    assert data.memory.arguments == pytest.approx(3 * kernel + rows, abs=64)
    assert fsdp.memory.arguments == pytest.approx(3 * kernel / 8 + rows, abs=64)
    # Forward, and the gradient of the kernel: two products of 8 rows.
    assert data.flops == fsdp.flops == 2 * (2 * 8 * 64 * 128)


@pytest.mark.parametrize("name", ["fsdp", "fsdp x tensor 2"])
def test_weights_are_gathered_in_the_compute_dtype(name):
    x = inputs = cornu.Input((64,))
    for units in (128, 64):
        x = L.Dense(units, use_bias=False, dtype="mixed_bfloat16")(x)
    model = cornu.Model(inputs, x)
    model.compile("sgd", "mse")
    found = costs_of(StepCosts(model), name, 8)
    gathers = [one for one in found.collectives if one.kind == "all-gather"]
    parts = 8 if name == "fsdp" else 4
    # Both kernels for the forward pass, and the second for the gradient of its input.
    assert [(one.count, one.result_bytes) for one in gathers] == [(3, 2 * 64 * 128 * parts // 8)]
    sums = [one for one in found.collectives if one.is_scattered]
    assert [(one.count, one.operand_bytes) for one in sums] == [(2, 2 * 64 * 128 * parts // 8)]


def test_a_deep_model_costs_what_shallow_models_predict():
    model = deep(8)
    shallow, whole = StepCosts(model), StepCosts(model, shortens=False)
    assert (shallow.blocks, whole.blocks) == (8, 0)
    found, expected = costs_of(shallow, "fsdp", 4), costs_of(whole, "fsdp", 4)
    assert found.depths == (2, 3, 4)
    assert set(found.collectives) == set(expected.collectives)
    assert set(found.work) == set(expected.work)
    assert found.memory.arguments == expected.memory.arguments
    assert found.memory.temporary == pytest.approx(expected.memory.temporary, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["data", "fsdp", "tensor 8", "fsdp x tensor 2"])
def test_costs_of_more_devices_follow_a_formula(name, deep_costs, one_process):
    """Bytes are exact, with as many rows for each device."""
    # With one device along the batch axis, there is no communication along it.
    sizes = (16, 32, 64, 128) if name == "tensor 8" else (8, 16, 32, 64)
    found = [costs_of(deep_costs, name, n, batch=8 * n) for n in sizes]
    predicted = extrapolate_devices(found[:3], name)

    def numbers(cost):
        return [
            (one.kind, one.devices, one.spread, one.operand_bytes, one.result_bytes, one.sent_bytes)
            for one in cost.collectives
        ]

    assert numbers(predicted) == numbers(found[3])
    assert predicted.flops == found[3].flops
    assert predicted.memory.arguments == found[3].memory.arguments


@pytest.mark.slow
def test_a_plan_for_4096_devices():
    model = cornu.Sequential([cornu.Input((64,)), L.Dense(8192, use_bias=False)])
    model.compile("adam", "mse")
    plan = dist.plan(model, devices=4096, chip="tpu-v5p", layouts=["data", "fsdp"], batch=8192)
    kernel = 64 * 8192 * 4
    assert plan["data"].bytes_by_kind["all-reduce"] == pytest.approx(2 * kernel, rel=1e-3)
    assert plan["fsdp"].memory.arguments == pytest.approx(
        3 * kernel / 4096 + 2 * (64 + 8192) * 4, rel=1e-2
    )


def test_weights_are_not_created():
    with without_weights():
        # More than any device has.
        x = inputs = cornu.Input((1 << 20,))
        model = cornu.Model(inputs, L.Dense(1 << 20, use_bias=False)(x))
        model.compile("adam", "mse")
    plan = dist.plan(model, devices=8, chip="h100", batch=8, layouts=["fsdp"])
    assert plan.best is None
    assert plan["fsdp"].memory.arguments == pytest.approx(3 * (1 << 42) / 8, rel=1e-3)
    assert re.match(r"No layout fits: fsdp needs .* TB on each device", plan.reason)
    assert jax.device_count() == 2


def test_the_result_is_sorted_and_shown():
    plan = dist.plan(dense(512), devices=8, chip="tpu-v5e")
    seconds = [layout.step.total for layout in plan.layouts]
    assert seconds == sorted(seconds)
    assert plan.batch == 64
    assert plan.best is plan.layouts[0]
    assert {"data", "fsdp", "tensor 8"} <= {layout.name for layout in plan.layouts}
    text = str(plan)
    assert "8 x Google Cloud TPU v5e" in text
    assert f"{plan.best.name} is the fastest layout that fits" in text
    assert plan.best.code in text
    assert plan.to_markdown().count("\n") == len(plan.layouts) + 1
    assert plan.best.code in plan._repr_html_()
    assert repr(plan) == f"<Plan: 7 layouts, best {plan.best.name}>"
    with pytest.raises(KeyError, match="There is no layout 'pipeline'"):
        plan["pipeline"]


def test_sequences_and_equal_blocks_are_divided_where_the_model_has_some():
    tokens = cornu.Input((6,), dtype="int32")
    x = L.Embedding(8, 4)(tokens)
    for _ in range(2):
        x = L.Dense(4)(x)
    model = cornu.Model(tokens, x)
    model.compile("sgd", "mse")
    plan = dist.plan(model, devices=2, batch=4)
    names = {"data", "fsdp", "tensor 2", "sequence 2", "pipeline 2"}
    assert {layout.name for layout in plan.layouts} == names
    assert plan["sequence 2"].mesh == {"batch": 1, "sequence": 2}
    assert plan["sequence 2"].code.endswith("SequenceParallel(sequence_parallel=2)")
    assert plan["pipeline 2"].code.endswith("PipelineParallel(pipeline_parallel=2)")
    # Blocks compute 5 ticks for 4 microbatches, on one of two devices each.
    blocks = 3 * 2 * 2 * 4 * 4 * 6 * 4  # of all rows, forward and backward
    assert plan["pipeline 2"].flops == blocks // 2 * 5 // 4


def test_data_of_unknown_sizes_is_passed():
    model = cornu.Sequential([cornu.Input((None, 8)), L.Dense(4)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="with an axis of unknown size"):
        dist.plan(model, devices=2)
    data = np.zeros((1, 16, 8), "float32"), np.zeros((1, 16, 4), "float32")
    plan = dist.plan(model, devices=2, data=data, layouts=["data"])
    assert plan["data"].flops == 2 * (2 * 8 * 16 * 8 * 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"devices": 0}, "devices must be a positive integer. Received: 0"),
        ({"devices": 8, "batch": 2.5}, "batch must be a positive integer. Received: 2.5"),
        ({"devices": 8, "chip": "h1"}, "Unknown chip 'h1'. Known: a100, "),
        ({"devices": 8, "layouts": ["dta"]}, "unknown layout 'dta'. Did you mean 'data'?"),
        (
            {"devices": 8, "batch": 12, "layouts": ["data"]},
            "a batch of 12 rows cannot be divided among 8 devices.\nUse a multiple of 8, such as "
            "16.",
        ),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        dist.plan(dense(), **arguments)


def test_a_model_without_an_optimizer_is_refused():
    model = cornu.Sequential([cornu.Input((2,)), L.Dense(2)], name="plain")
    with pytest.raises(ValueError, match="model 'plain' is not compiled"):
        dist.plan(model, devices=2)


def test_the_command_prints_the_table(tmp_path, capsys):
    file = tmp_path / "model.py"
    file.write_text(MODEL + "model = build()\n")
    options = ["--devices", "4", "--chip", "a100", "--batch", "16", "--layouts", "data", "fsdp"]
    assert main(["plan", str(file), *options]) == 0
    shown = capsys.readouterr().out
    assert "4 x NVIDIA A100 SXM 80 GB, 16 rows per step" in shown
    assert "is the fastest layout that fits" in shown


@pytest.mark.parametrize(
    ("program", "options", "message"),
    [
        (None, [], "does not exist"),
        ("x = 1", [], "has no global variable that is a model"),
        (MODEL, [], "Its functions are build."),
        (MODEL, ["--model", "bild"], "has no 'bild'. Known: build."),
        (MODEL + "a = build()\nb = build()", [], "has several compiled models: a, b."),
        (MODEL + "a = cornu.Sequential()", [], "has no compiled model; not compiled: a."),
        ("x = 1", ["--model", "x"], "'x' in model.py is not a model"),
        (MODEL, ["--model", "build", "--chip", "abacus"], "Unknown chip 'abacus'"),
        (
            MODEL,
            ["--model", "build", "--batch", "3", "--layouts", "data"],
            "a batch of 3 rows cannot be divided",
        ),
    ],
)
def test_errors_of_the_command(tmp_path, monkeypatch, capsys, program, options, message):
    monkeypatch.chdir(tmp_path)
    if program is not None:
        (tmp_path / "model.py").write_text(program)
    assert main(["plan", "model.py", "--devices", "2", *options]) == 2
    assert message in capsys.readouterr().err
