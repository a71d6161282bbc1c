"""The plan of a model has the collectives of the program that trains it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import cornu
from benchmarks.distribution.models import transformer
from cornu import distribution as dist
from cornu.distribution.planning.collectives import find_collectives
from cornu.distribution.planning.hlo import read_program
from cornu.distribution.planning.layouts import candidates
from cornu.distribution.planning.step_cost import StepCosts

LAYOUTS = {layout.name: layout for layout in candidates(8, 8)}
CHECKED = ("data", "fsdp", "tensor 2", "tensor 8", "fsdp x tensor 2", "sequence 4")


def compiled_step(model, x, y, layout):
    """Returns the program that `fit` runs on the eight devices."""
    mesh = dist.DeviceMesh(tuple(layout.mesh.values()), tuple(layout.mesh))
    model.compile("adam", model.loss, distribution=layout.create(mesh))
    source = model._trainer_.one_batch(x, y, None, None, train=True)
    batch = model._trainer_.placement._place_batch_(source.structure)
    runner = model._trainer_.programs.runner("train")
    program = runner.program(batch, False)
    return program.lower(runner.key, batch).compile()


@pytest.fixture(scope="module")
def planned():
    """The model, its data and loss, and the cost of each layout, compiled by one process."""
    model, x, y, loss = transformer(width=64, blocks=1, rows=16, length=8)
    model.compile("adam", loss)
    layouts = [LAYOUTS[name] for name in CHECKED]
    costs = {layout.name: cost for layout, cost in StepCosts(model).measure(layouts, 16)}
    return (model, x, y), costs


@pytest.mark.parametrize("name", CHECKED)
def test_a_plan_has_the_collectives_of_the_program_that_trains(name, planned):
    (model, x, y), costs = planned
    layout, cost = LAYOUTS[name], costs[name]
    compiled = compiled_step(model, x, y, layout)
    found = find_collectives(read_program(compiled.as_text()), layout.mesh)

    def totals(collectives):
        counted = Counter()
        for one in collectives:
            counted[one.kind, one.axes] += one.count * one.operand_bytes
        return counted

    assert totals(found) == totals(cost.collectives)
    assert compiled.memory_analysis().argument_size_in_bytes == pytest.approx(
        cost.memory.arguments, abs=64
    )


def test_a_transformer_trains_as_on_one_device():
    def train(distribution):
        cornu.utils.set_random_seed(2)
        model, x, y, loss = transformer(blocks=1, rows=16)
        model.compile(cornu.optimizers.Adam(0.01, epsilon=1e-3), loss, distribution=distribution)
        return model.fit(x, y, batch_size=8, epochs=10, verbose=0).history["loss"]

    found = train(dist.ShardedTensorParallel(model_parallel=2, min_size=64))
    np.testing.assert_allclose(found, train(None), atol=1e-5, rtol=1e-5)
