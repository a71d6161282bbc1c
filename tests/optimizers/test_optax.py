"""Optax transformations are optimizers; cornu does not import Optax."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import cornu
from cornu.optimizers import Adam, OptaxOptimizer, get
from tests.optimizers.compare import check_equal, gradients, variables
from tests.optimizers.test_base import compiled


def test_optax_is_not_imported():
    code = "import sys, cornu.optimizers as o; o.get('adam'); assert 'optax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_adam_differs_only_in_the_position_of_epsilon():
    # Optax adds epsilon to the corrected root, so that ours is smaller by that correction.
    ours, theirs = Adam(0.1, epsilon=0.0), get(optax.adam(0.1, eps=0.0))
    models = variables(cornu), variables(cornu)
    for step in range(4):
        for optimizer, model in zip((ours, theirs), models, strict=True):
            optimizer.apply(gradients(step), model)
    # Both compute 1 - beta_2**step, rounded to 1e-4 of it in the first steps.
    check_equal(*models, rtol=1e-4, atol=1e-5)
    assert isinstance(theirs, OptaxOptimizer) and int(theirs.iterations) == 4


def test_a_chain_with_a_schedule_compiled():
    def make():
        decay = optax.exponential_decay(0.5, transition_steps=1, decay_rate=0.5)
        return optax.chain(
            optax.clip_by_global_norm(1.0),
            optax.trace(0.5),
            optax.scale_by_schedule(lambda count: -decay(count)),
        )

    model, reference = variables(cornu), [v.value for v in variables(cornu)]
    optimizer = get(make())
    optimizer.build(model)
    run, traces = compiled(optimizer, model)
    transformation = make()
    state = transformation.init(reference)
    for step in range(3):
        grads = [jnp.asarray(g) for g in gradients(step)]
        run(grads)
        updates, state = transformation.update(grads, state, reference)
        reference = optax.apply_updates(reference, updates)
    for a, b in zip(model, reference, strict=True):
        np.testing.assert_allclose(a.numpy(), b, 1e-5, 1e-6)
    assert len(traces) == 1


def test_a_learning_rate_in_the_state_can_be_changed():
    optimizer = get(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5))
    w = cornu.Variable(1.0, name="w")
    optimizer.build([w])
    assert optimizer.learning_rate.role == "hyper" and float(optimizer.learning_rate) == 0.5
    run, traces = compiled(optimizer, [w])
    run([jnp.array(1.0)])
    optimizer.learning_rate = 0.25
    run([jnp.array(1.0)])
    assert float(w) == 0.25 and len(traces) == 1
    with pytest.raises(TypeError, match="set to a number only.*\n.*optax.adam"):
        optimizer.learning_rate = lambda step: 0.1
    assert not hasattr(get(optax.sgd(0.5)), "learning_rate")


def test_state_is_a_copy_and_is_saved():
    # Its state holds the parameters themselves; two Variables must not share a buffer.
    transformation = optax.chain(optax.sgd(0.1), optax.ema(0.9))
    optimizer, w = get(transformation), cornu.Variable([1.0, 2.0], name="w")
    optimizer.apply([jnp.ones(2)], [w])
    store = {}
    optimizer.save_own_variables(store)
    other = get(transformation)
    other.build([w])
    other.load_own_variables(store)
    check_equal(optimizer.variables, other.variables)


def test_invalid_arguments_raise():
    optimizer, model = get(optax.sgd(0.1)), variables(cornu)[:2]
    optimizer.build(model)
    with pytest.raises(ValueError, match="Missing: 'kernel'"):
        optimizer.apply(gradients(0)[1:2], model[1:])
    with pytest.raises(NotImplementedError, match="consists of functions"):
        optimizer.get_config()
    with pytest.raises(TypeError, match="expected an optax.GradientTransformation"):
        OptaxOptimizer(3)
