"""Checks of batches: what they cost, and when values on an accelerator are checked."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu.training import batch_check


@pytest.mark.parametrize("options", [{}, {"fast_dev_run": 2}, {"overfit_batches": 2}], ids=str)
def test_the_last_batch_is_checked_if_its_values_are_read_late(options, monkeypatch):
    # Values on a CPU are checked at once; here they are treated like those on an accelerator.
    monkeypatch.setattr(batch_check, "_is_remote", lambda array: isinstance(array, jax.Array))
    x, y = jnp.ones((4, 3)), jnp.ones((4, 1))
    batches = [(x, y), (x.at[1, 2].set(jnp.nan), y)]
    if options:
        batches.append((x, y))  # which is not read
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="contains NaN: 1 value in 1 row") as caught:
        model.fit(iter(batches), verbose=0, **options)
    assert "This was batch 1 of the data; the first is 0." in "".join(caught.value.__notes__)


def count_calls(function):
    """Returns how many Python functions are called."""
    count = 0

    def count_call(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(count_call)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def test_a_batch_like_the_last_one_takes_few_calls():
    # Measured as calls of Python functions, because times vary with the load of the machine.
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.ones((4, 3), "float32"), np.ones(4, "int32")

    def fit(batches):
        model.fit(iter([(x, y)] * batches), verbose=0)

    fit(3)
    calls = count_calls(lambda: fit(30)) - count_calls(lambda: fit(10))
    assert calls / 20 <= 100
    found = [part.checks for _, part in _checks_of(model, x, y)]
    assert all(found) and len(found) == 2  # of both arrays


def _checks_of(model, x, y):
    trainer = model._trainer_
    check = batch_check.BatchCheck(trainer, trainer.binding("train"))
    check((x, y, None), 0)
    return check._plan


def test_an_error_names_the_batch_once():
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    right = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    wrong = {
        "layout": (right[0].astype("int32"), right[1]),
        "structure": (right[0], right[1], right[1], right[1]),
        "lengths": (right[0], right[1][:2]),
        "values": (right[0] * np.nan, right[1]),
        "targets": (right[0], np.ones((4, 2), "float32")),
    }
    for name, batch in wrong.items():
        with pytest.raises(ValueError) as caught:
            model.fit(iter([right, right, batch]), verbose=0)
        text = "".join([str(caught.value), *caught.value.__notes__])
        assert text.lower().count("batch 2") == 1, (name, text)
        assert "fit was in epoch 1 of 1, after 2 steps of it" in text, name


def test_a_loss_of_a_program_without_a_name_is_not_a_loss_of_the_library():
    namespace = {}
    exec("def loss(y, p): return (p - y) ** 2", namespace)
    assert namespace["loss"].__module__ is None  # as in consoles that are part of other programs
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", namespace["loss"], metrics=[namespace["loss"]])
    x = np.zeros((4, 2), "float32")
    assert model.fit(x, x[:, :1], verbose=0).history["loss"] == [0.0]
