"""The weights and the state of the optimizer are updated in their own memory."""

import jax
import numpy as np

import cornu
from cornu import layers


def test_a_step_writes_all_that_it_assigns_into_the_buffers_of_before():
    model = cornu.Sequential([cornu.Input((64,)), layers.Dense(256), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    source = model.trainer.one_batch(np.zeros((8, 64)), np.zeros((8, 1)), None, None, train=True)
    batch = jax.tree_util.tree_map(jax.numpy.asarray, source.structure)
    runner = model.trainer.programs.runner("train")
    program = runner.program(batch, False)
    memory = program.lower(runner.key, batch).compile().memory_analysis()
    written = sum(variable.stored.nbytes for variable in program.written)
    weights = sum(variable.stored.nbytes for variable in model.weights)
    # Weights and both moments of Adam, the counters and the metrics.
    assert 3 * weights < written
    # Everything but the logs, of a few numbers.
    assert memory.alias_size_in_bytes >= written
    assert memory.output_size_in_bytes - memory.alias_size_in_bytes < 1024
