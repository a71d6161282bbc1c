"""Tests of the table of chips and of the roofline model."""

import math

import pytest

from cornu.distribution.planning.chips import CHIPS, Chip, find_chip
from cornu.distribution.planning.collectives import Collective
from cornu.distribution.planning.roofline import (
    collective_seconds,
    predict_step,
    work_seconds,
)
from cornu.distribution.planning.work import Work

# 1 TFLOP/s, 100 GB/s of memory, 10 GB/s within a node of 4 devices, 1 GB/s between nodes.
CHIP = Chip(
    name="test",
    title="Test",
    flops={"f32": 1e12, "bf16": 2e12},
    memory=1e9,
    memory_rate=100e9,
    link_rate=10e9,
    network_rate=1e9,
    node_size=4,
    sources=("https://example.org",),
    link_latency=0.0,
    network_latency=0.0,
)


def collective(kind="all-reduce", payload=8_000_000, devices=4, spread=4, **kwargs):
    gathered = kind == "all-gather"
    operand = payload // devices if gathered else payload
    kwargs = {"axes": ("data",), "count": 1, **kwargs}
    return Collective(kind, operand, payload, devices, spread=spread, **kwargs)


@pytest.mark.parametrize(
    ("one", "seconds"),
    [
        # Within a node: 8 MB x 3 / 4 at 10 GB/s; twice for an all-reduce.
        (collective("all-gather"), 0.6e-3),
        (collective("reduce-scatter"), 0.6e-3),
        (collective("all-to-all"), 0.6e-3),
        (collective(), 1.2e-3),
        (collective(count=3), 3.6e-3),
        # Between 4 nodes with one device of the group in each: 8 MB x 3 / 4 at 1 GB/s.
        (collective("all-gather", spread=1), 6e-3),
        # 4 nodes of 4 devices: within as above, between them 2 MB x 3 / 4 at 1 GB/s.
        (collective("all-gather", devices=16), 0.6e-3 + 1.5e-3),
        (collective("collective-permute"), 0.8e-3),
        (collective("collective-permute", spread=1), 8e-3),
        (collective(devices=1), 0.0),
        # A reduce-scatter, of which each device uses its part.
        (collective(is_scattered=True), 0.6e-3),
    ],
)
def test_ring_formulas(one, seconds):
    assert collective_seconds(one, CHIP) == pytest.approx(seconds)


def test_latency_grows_with_the_logarithm_of_the_devices():
    chip = Chip(**{**vars(CHIP), "link_latency": 1e-3, "network_latency": 1.0})
    small = collective("all-gather", payload=0, devices=32)
    assert collective_seconds(small, chip) == pytest.approx(2e-3 + 3.0)


def test_operations_are_bound_by_arithmetic_or_memory():
    products = Work("dot", "f32", flops=10**9, nbytes=10**6, count=2)
    halves = Work("dot", "bf16", flops=10**9, nbytes=10**6)
    sums = Work("reduce", "f32", flops=0, nbytes=10**8)
    assert work_seconds([products], CHIP) == pytest.approx(2e-3)
    assert work_seconds([halves], CHIP) == pytest.approx(0.5e-3)
    assert work_seconds([sums], CHIP) == pytest.approx(1e-3)
    assert work_seconds([Work("dot", "f16", 10**9, 0)], CHIP) == pytest.approx(1e-3)


def test_communication_along_waiting_axes_is_exposed():
    work = [Work("dot", "f32", flops=10**9, nbytes=0)]
    data, model = collective("all-gather"), collective("all-reduce", axes=("model",))
    step = predict_step(work, 10**8, [data, model], CHIP, waiting_axes=("model",))
    assert step.compute == pytest.approx(2e-3)
    assert step.overlapped == pytest.approx(0.6e-3)
    assert step.exposed == pytest.approx(1.2e-3)
    assert step.total == pytest.approx(3.2e-3)
    assert step.without_overlap == pytest.approx(3.8e-3)
    assert step.bound == "compute"


def test_communication_that_takes_longer_than_arithmetic_bounds_the_step():
    step = predict_step([], 0, [collective()], CHIP)
    assert step.total == pytest.approx(1.2e-3)
    assert step.bound == "communication"


@pytest.mark.parametrize("chip", CHIPS.values(), ids=list(CHIPS))
def test_rows_of_the_table_are_complete_and_plausible(chip):
    assert chip.sources
    assert all(source.startswith("https://") for source in chip.sources)
    assert {"f32", "bf16"} <= set(chip.flops)
    # Between the slowest and the fastest chips of today, so that a wrong unit is found.
    assert all(1e13 < rate < 1e16 for rate in chip.flops.values())
    assert 1e10 < chip.memory < 1e12
    assert 1e11 < chip.memory_rate < 1e13
    assert chip.network_rate < chip.link_rate < chip.memory_rate
    assert math.log2(chip.node_size) >= 3


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("h100", "NVIDIA H100 SXM 80 GB"),
        ("H100", "NVIDIA H100 SXM 80 GB"),
        ("TPU v5e", "Google Cloud TPU v5e"),
        ("v5p", "Google Cloud TPU v5p"),
    ],
)
def test_chips_are_found_by_name(name, title):
    assert find_chip(name).title == title
    assert find_chip(CHIP) is CHIP


def test_unknown_chips_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="Unknown chip 'h10'. Known: a100, a100-40gb, h100"):
        find_chip("h10")
