"""Every method does what Keras's does, step by step, state included."""

import inspect

import keras
import pytest

import cornu
from cornu import names
from tests.optimizers.compare import check_same, pair, variables

ROWS = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"learning_rate": 0.1}),
    ("RMSprop", {"learning_rate": 0.1, "rho": 0.8, "momentum": 0.9, "centered": True}),
    ("Adam", {"learning_rate": 0.1}),
    ("Adam", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.6, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.1, "weight_decay": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adadelta", {"learning_rate": 0.5, "rho": 0.6, "epsilon": 1e-3}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 1e-2}),
    ("Adamax", {"learning_rate": 0.1}),
    ("Adafactor", {"learning_rate": 0.1}),
    ("Adafactor", {"learning_rate": 0.8, "relative_step": False, "clip_threshold": 0.5}),
    ("Nadam", {"learning_rate": 0.1}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.3,
            "learning_rate_power": -0.7,
            "l1_regularization_strength": 0.3,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.4,
        },
    ),
    ("Lion", {"learning_rate": 0.1}),
    ("Lamb", {"learning_rate": 0.1}),
    ("Muon", {"learning_rate": 0.1}),
    ("Muon", {"learning_rate": 0.1, "nesterov": False, "rms_rate": None, "adam_lr_ratio": 0.5}),
    ("Muon", {"exclude_embeddings": False, "exclude_layers": ["^ker"], "weight_decay": None}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.1}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.1, "warmup_steps": 3, "beta_1": 0.7}),
]


@pytest.mark.parametrize(("name", "arguments"), ROWS)
def test_steps_are_those_of_keras(name, arguments):
    check_same(*pair(name, **arguments))


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
@pytest.mark.parametrize("name", sorted({name for name, _ in ROWS}))
def test_signature_config_and_state_are_those_of_keras(name):
    names.reset()
    keras.utils.clear_session(free_memory=False)  # collecting garbage takes half a second
    ours, theirs = pair(name)
    for a, b in zip(
        list(inspect.signature(type(ours)).parameters.values()),
        list(inspect.signature(type(theirs)).parameters.values()),
        strict=True,
    ):
        assert (a.name, a.default) == (b.name, b.default)
    assert ours.name == theirs.name
    expected = theirs.get_config()
    if name == "Muon":
        expected["exclude_layers"] = None  # Keras has made an empty list of it
    assert ours.get_config() == expected
    ours.build(variables(cornu))
    theirs.build(variables(keras))
    assert [v.shape for v in ours.variables] == [v.shape for v in theirs.variables]
    if name not in ("Adafactor", "Nadam"):  # which have Variables without a good name in Keras
        assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
