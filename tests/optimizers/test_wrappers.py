"""Optimizers around optimizers: loss scaling, and several for one model."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu.optimizers import (
    SGD,
    Adam,
    LossScaleOptimizer,
    MultiOptimizer,
    OptimizerMap,
    deserialize,
    get,
    serialize,
)
from tests.compiling import jit_reference
from tests.optimizers.compare import check_equal, gradients, variables


def loss_scaling(library, **inner):
    return library.optimizers.LossScaleOptimizer(
        library.optimizers.Adam(0.1, **inner), initial_scale=4.0, dynamic_growth_steps=2
    )


def infinite(grads):
    return [grads[0], np.full_like(grads[1], np.inf), *grads[2:]]


@pytest.mark.parametrize("inner", [{}, {"gradient_accumulation_steps": 2, "use_ema": True}])
def test_loss_scaling_is_that_of_keras(inner):
    ours, theirs = loss_scaling(cornu, **inner), loss_scaling(keras, **inner)
    ours_jitted = loss_scaling(cornu, **inner)
    models = variables(cornu), variables(keras), variables(cornu)
    for optimizer, model in zip((ours, theirs, ours_jitted), models, strict=True):
        optimizer.build(model)
    state = [v.value for v in theirs.variables], [v.value for v in models[1]]
    keras_step = jit_reference(theirs.stateless_apply)
    every = [*models[2], *ours_jitted.variables]
    step = jax.jit(cornu.pure(lambda grads: ours_jitted.apply(grads), every))
    for number in range(5):
        grads = gradients(number, scale=4.0)
        grads = infinite(grads) if number == 3 else grads
        ours.apply(grads, models[0])
        _, news, _ = step([v.value for v in every], None, grads)
        for variable, new in zip(every, news, strict=True):
            variable.assign(new)
        new_model, new_state = keras_step(state[0], grads, state[1])
        state = new_state, new_model
    for found in ([*models[0], *ours.variables], every):
        for a, b in zip(found, [*state[1], *state[0]], strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), 1e-5, 1e-6, err_msg=a.path)


def test_loss_scaling_passes_on():
    inner = Adam(0.5, loss_scale_factor=2.0)
    optimizer = LossScaleOptimizer(inner, initial_scale=8.0)
    assert inner.loss_scale_factor is None
    assert optimizer.scale_loss(2.0) == 16.0
    optimizer.learning_rate = 0.25
    assert float(inner.learning_rate) == float(optimizer.learning_rate) == 0.25
    again = deserialize(serialize(optimizer))
    assert again.initial_scale == 8.0 and isinstance(again.inner_optimizer, Adam)
    old = {**optimizer.get_config(), "weight_decay": None, "use_ema": False}
    assert LossScaleOptimizer.from_config(old).initial_scale == 8.0
    with pytest.raises(ValueError, match="has no argument 'clipnorm'. Received: 1.0"):
        LossScaleOptimizer(Adam(), clipnorm=1.0)
    with pytest.raises(TypeError, match="must be an Optimizer"):
        LossScaleOptimizer("adam")


def multi(library):
    o = library.optimizers
    table = {"b.*": o.Adam(0.2), "kernel": o.RMSprop(0.1)}
    return o.MultiOptimizer(o.OptimizerMap(o.SGD(0.1, momentum=0.5), table), loss_scale_factor=2.0)


def test_several_optimizers_are_those_of_keras():
    results = []
    for library in (cornu, keras):
        optimizer, model = multi(library), variables(library)
        for step in range(3):
            optimizer.apply(gradients(step), model)
        results.append([*model, *optimizer.variables])
    check_equal(*results)


def test_several_optimizers_compiled_and_described():
    eager, stateless = multi(cornu), multi(cornu)
    models = variables(cornu), variables(cornu)
    stateless.build(models[1])
    eager.apply(gradients(0), models[0])
    new_model, new_state = jax.jit(stateless.stateless_apply)(
        [v.value for v in stateless.variables], gradients(0), [v.value for v in models[1]]
    )
    for a, b in zip([*models[0], *eager.variables], [*new_model, *new_state], strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), 1e-5, 1e-6)
    again = deserialize(serialize(eager))
    assert [type(o) for o in again.optimizers] == [type(o) for o in eager.optimizers]
    assert again.loss_scale_factor == again.optimizers[0].loss_scale_factor == 2.0
    again.loss_scale_factor = 4.0
    assert {o.loss_scale_factor for o in again.optimizers} == {4.0}
    assert not hasattr(again, "learning_rate")
    with pytest.raises(AttributeError, match="Set those of its `optimizers`"):
        again.learning_rate = 0.1


def test_several_optimizers_by_function():
    slow, fast = SGD(0.25), SGD(0.5, use_ema=True, ema_momentum=0.0)
    optimizer = MultiOptimizer(lambda v: fast if v.shape else slow)
    model = [cornu.Variable(1.0, name="a"), cornu.Variable([1.0], name="b")]
    optimizer.apply([jnp.array(1.0), jnp.array([1.0])], model)
    assert float(model[0]) == 0.75 and float(model[1][0]) == 0.5
    optimizer.finalize_variable_values(model)
    assert optimizer.optimizers == [slow, fast] and int(optimizer.iterations) == 1


def test_map_errors_name_the_cause():
    table = OptimizerMap(get("sgd"), {"a/.*": get("adam")})
    table[".*/b"] = get("adam")
    assert table["c"] is table.default_optimizer and len(table) == 2 and list(table)[0] == "a/.*"
    del table[".*/b"]
    table["a/b.*"] = get("lion")
    with pytest.raises(ValueError, match="Several keys match Variable 'a/b'"):
        table["a/b"]
    with pytest.raises(ValueError, match="already has an optimizer"):
        table["a/.*"] = get("sgd")
    with pytest.raises(ValueError, match="not a LossScaleOptimizer"):
        table["d"] = LossScaleOptimizer(get("sgd"))
    with pytest.raises(TypeError, match="default_optimizer must be"):
        OptimizerMap("sgd")
    with pytest.raises(ValueError, match="for Variable 'w' must be an Optimizer"):
        MultiOptimizer(lambda v: "sgd").build([cornu.Variable(1.0, name="w")])
