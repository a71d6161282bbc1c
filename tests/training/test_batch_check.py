"""Checks of batches whose values are on an accelerator."""

import jax
import jax.numpy as jnp
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
