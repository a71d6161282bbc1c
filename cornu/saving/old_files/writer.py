"""Writes models to `.h5` files, in the layout of Keras 2 that Keras 3 reads and writes, too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cornu import registry
from cornu._version import KERAS_VERSION
from cornu.core.state.variable import Variable
from cornu.legacy.arrays import in_old_order
from cornu.names import make_unique
from cornu.saving.formats.legacy_hdf5 import write_legacy_model
from cornu.saving.json_text import to_json
from cornu.saving.stored_state import state_by_key, to_arrays

__all__ = ["write_hdf5_model"]


def write_hdf5_model(model: Any, path: Path, include_optimizer: bool) -> None:
    """Writes a model to an HDF5 file.

    Args:
        model: the model.
        path: a new file.
        include_optimizer: whether the file contains the arguments of `compile` and the state of
            the optimizer.

    Raises:
        ValueError: a layer stores files of its own, for which HDF5 has no place.
    """
    owners = state_by_key(model).assets
    if owners:
        raise ValueError(
            f"The layers {sorted(owners)} store files of their own, such as a vocabulary, which an "
            "HDF5 file cannot hold. Save the model to a path that ends in '.keras'."
        )
    attributes = {
        "keras_version": KERAS_VERSION,
        "backend": "jax",
        "model_config": to_json(registry.serialize(model)),
    }
    optimizer: dict[str, Variable] = {}
    training = model.get_compile_config() if include_optimizer else None
    if training is not None:
        training = {name: training[name] for name in _TRAINING if name in training}
        training["loss"] = _spell_out(training["loss"])
        training["optimizer_config"] = registry.serialize(model.optimizer)
        attributes["training_config"] = to_json(training)
        if model.optimizer is not None and model.optimizer.built:
            optimizer = _named(model.optimizer.variables)
    layers = [(layer.name, _named(in_old_order(layer))) for layer in model.layers]
    own = _named(model._own_variables_())
    # All arrays at once, so that they are those of one training step.
    keyed: dict[str, Variable] = {}
    groups = [*layers, ("", own), ("/", optimizer)]
    for number, (_, named) in enumerate(groups):
        keyed.update((f"{number}/{name}", variable) for name, variable in named.items())
    arrays = to_arrays(keyed)
    stored: list[dict[str, np.ndarray]] = [
        {name: arrays[f"{number}/{name}"] for name in named}
        for number, (_, named) in enumerate(groups)
    ]
    named_layers = [(name, stored[i]) for i, (name, _) in enumerate(layers)]
    write_legacy_model(path, attributes, named_layers, stored[-2], stored[-1])


_TRAINING = ("loss", "metrics", "weighted_metrics", "loss_weights")
# Keras reads these losses only by their full names.
_FULL_NAMES = {
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}


def _spell_out(loss: Any) -> Any:
    """Replaces abbreviated names of losses, in any structure."""
    if isinstance(loss, str):
        return _FULL_NAMES.get(loss.lower(), loss)
    if isinstance(loss, (list, tuple)):
        return [_spell_out(item) for item in loss]
    if isinstance(loss, dict) and "class_name" not in loss:
        return {name: _spell_out(item) for name, item in loss.items()}
    return loss


def _named(variables: Sequence[Variable]) -> dict[str, Variable]:
    """Returns Variables by their paths, or by numbers if one path is a part of another."""
    taken: dict[str, int] = {}
    paths = [make_unique(variable.path, taken) for variable in variables]
    nested = {path[:i] for path in paths for i, letter in enumerate(path) if letter == "/"}
    plain = all(path.isprintable() and all(path.split("/")) for path in paths)
    if not plain or nested & set(paths):
        paths = [str(number) for number in range(len(variables))]
    return dict(zip(paths, variables, strict=True))
