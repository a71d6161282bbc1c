"""What optimizers have in common does what it does in Keras: clipping, decay, averages, ..."""

import keras
import numpy as np
import optax
import pytest

import cornu
from tests.optimizers.compare import check_equal, check_same, gradients, pair, variables

OPTIONS = {
    "weight_decay": {"weight_decay": 0.1},
    "clipnorm": {"clipnorm": 0.5},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.1},
    "ema": {"use_ema": True, "ema_momentum": 0.8},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
    "accumulation": {"gradient_accumulation_steps": 2, "clipnorm": 0.5, "weight_decay": 0.1},
    "accumulation_ema": {
        "gradient_accumulation_steps": 3,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
    },
    "loss_scale": {"loss_scale_factor": 8.0, "clipvalue": 0.2},
    "schedule": {
        "learning_rate": lambda k: k.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5),
        "weight_decay": 0.1,
        "gradient_accumulation_steps": 2,
    },
    "function": {"learning_rate": lambda k: lambda: 0.1},
}


@pytest.mark.parametrize("option", OPTIONS)
def test_options_are_those_of_keras(option):
    check_same(*pair("Adam", **{"learning_rate": 0.1, **OPTIONS[option]}), steps=5)


def test_muon_with_other_weight_decays():
    check_same(*pair("Muon", learning_rate=0.1, weight_decay=0.2, adam_weight_decay=None))


def test_exclusion_from_weight_decay():
    models = variables(cornu), variables(keras)
    for method in ("SGD", "Muon"):
        for optimizer, model in zip(pair(method, weight_decay=0.5), models, strict=True):
            optimizer.exclude_from_weight_decay(var_list=[model[2]], var_names=["ias", "embed"])
            optimizer.apply(gradients(0), model)
        check_equal(*models)


def test_constraints_come_last():
    models = []
    for library in (cornu, keras):
        start = np.array([[3.0, -1.0], [4.0, 0.5]], "float32")
        model = library.Variable(start, name="w")
        model.constraint = library.constraints.NonNeg()
        optimizer = library.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
        for gradient in (np.full((2, 2), 1.0, "float32"), np.full((2, 2), 0.25, "float32")):
            optimizer.apply([gradient], [model])
        models.append([model, *optimizer.variables])
    check_equal(*models)


@pytest.mark.parametrize("steps", [None, 2])
def test_a_gradient_can_overwrite_its_variable(steps):
    results = []
    for library in (cornu, keras):
        model = variables(library)[:2]
        model[1].overwrite_with_gradient = True
        optimizer = library.optimizers.Adam(
            0.1,
            gradient_accumulation_steps=steps,
            use_ema=True,
            loss_scale_factor=2.0,
            clipnorm=0.1,
        )
        for step in range(3):
            optimizer.apply(gradients(step)[:2], model)
        results.append([*model, *optimizer.variables])
    check_equal(*results)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_short_variables_have_short_slots_and_learn(dtype):
    model = [cornu.Variable([1.0, -2.0], dtype=dtype, name="w")]
    for name in ("SGD", "Adam", "AdamW", "Nadam", "Lamb", "Adafactor", "RMSprop"):
        optimizer = cornu.optimizers.get(name)
        optimizer.learning_rate = 0.125
        optimizer.clipnorm = 1.0
        before = model[0].numpy().astype("float32")
        optimizer.apply([model[0].value], model)
        after = model[0].numpy().astype("float32")
        assert (np.abs(after) < np.abs(before)).all(), name
        assert {v.dtype for v in optimizer.variables if v.size > 1} <= {dtype}


def test_gradients_that_are_not_finite_become_nan_together():
    for library in (cornu, keras):
        model = variables(library, a=np.ones(2, "float32"), b=np.ones(3, "float32"))
        optimizer = library.optimizers.SGD(0.1, global_clipnorm=1.0)
        optimizer.apply([np.array([1.0, np.inf], "float32"), np.ones(3, "float32")], model)
        assert np.isnan(np.asarray(model[0])).all() and np.isnan(np.asarray(model[1])).all()


OBSERVED = {
    "plain": lambda: cornu.optimizers.Adam(loss_scale_factor=4.0, clipnorm=0.1),
    "accumulation": lambda: cornu.optimizers.SGD(gradient_accumulation_steps=2),
    "loss scale": lambda: cornu.optimizers.LossScaleOptimizer(cornu.optimizers.SGD()),
    "several": lambda: cornu.optimizers.MultiOptimizer(
        cornu.optimizers.OptimizerMap(cornu.optimizers.SGD(), {"bias": cornu.optimizers.Adam()})
    ),
    "optax": lambda: cornu.optimizers.get(optax.adam(0.1)),
}


@pytest.mark.parametrize("name", OBSERVED)
def test_observers_receive_the_gradients_of_apply(name):
    optimizer, model, given = OBSERVED[name](), variables(cornu)[:2], gradients(0)[:2]
    seen = []
    with optimizer.observe_gradients(seen.extend):
        optimizer.apply(given, model)
        optimizer.apply_gradients(zip(given[:2], model, strict=True))
    optimizer.apply(given, model)
    assert [variable for _, variable in seen] == [*model, *model]
    for (gradient, _), expected in zip(seen, [*given, *given], strict=True):
        np.testing.assert_array_equal(gradient, expected)


def test_observers_are_removed_after_an_error():
    optimizer, seen = cornu.optimizers.SGD(), []
    with pytest.raises(RuntimeError), optimizer.observe_gradients(seen.append):
        raise RuntimeError
    optimizer.apply(gradients(0)[:1], variables(cornu)[:1])
    assert not seen
