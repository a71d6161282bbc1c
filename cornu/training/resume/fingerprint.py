"""A fingerprint of a training program, by which a saved state is recognized as its own."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cornu import registry
from cornu.core.layer.layer import Layer
from cornu.optimizers import OptaxOptimizer
from cornu.training.resume.code import describe_code, hash_text
from cornu.training.trainer import Trainer

__all__ = ["RATE", "VERSION", "Difference", "compare_fingerprints", "describe_training"]

# Fingerprints of another version describe something else, or the bytecode of another Python.
VERSION = f"2, {sys.implementation.cache_tag}"

# Automatic names depend on how many layers were created before, and `trainable` is part of the
# state itself, because callbacks change it.
_IGNORED = frozenset(("name", "trainable", "build_config", "registered_name", "module"))
_COMPILED = ("loss", "loss_weights", "metrics", "weighted_metrics")
_MAX_VALUE = 200  # characters of a value that is stored as it is; of longer ones, a hash
RATE = "compile.learning_rate"
_SCHEDULE = re.compile(r"compile\.optimizer\.(.*\.)?learning_rate(\..*)?")
_MISSING = "(not given)"


class Difference(NamedTuple):
    """A difference between two programs.

    Attributes:
        name: the path of the value, such as "layers.1.config.activation".
        current, saved: the two values.
    """

    name: str
    current: Any
    saved: Any

    @property
    def is_rate(self) -> bool:
        """Whether it is a learning rate, a number or an argument of a schedule."""
        numbers = isinstance(self.current, float) and isinstance(self.saved, float)
        is_number = self.name.startswith(RATE) and numbers
        return is_number or _SCHEDULE.fullmatch(self.name) is not None

    def __str__(self) -> str:
        return f"{self.name} is {self.current!r}, and {self.saved!r} in the saved state"


def describe_training(
    trainer: Trainer,
    arguments: Mapping[str, Any],
    data: Mapping[str, Any],
    rates: Mapping[str, float],
) -> dict[str, Any]:
    """Returns a description of everything that determines a run, as a flat dict of JSON data.

    Args:
        trainer: the Trainer of the model.
        arguments: the arguments of `fit`.
        data: digests of the data.
        rates: the learning rates that are numbers, by names that begin with `RATE`.
    """
    config = trainer.config
    assert config is not None
    with registry.code_scope(describe_code):
        described = {
            "version": VERSION,
            "layers": [_describe_layer(layer) for layer in trainer.layers],
            "compile": {
                **{name: _serialize(getattr(config, name)) for name in _COMPILED},
                "optimizer": _describe_optimizer(trainer.optimizer),
            },
            "fit": _serialize(dict(arguments)),
            **({"data": dict(data)} if data else {}),
        }
        return {**dict(_flatten(described, "")), **rates}


def _serialize(value: Any) -> Any:
    """Returns a value as plain data; only the class of what cannot be serialized."""
    try:
        return registry.serialize(value)
    except Exception:  # a method that the program defines
        return type(value).__name__


def _describe_layer(layer: Layer) -> dict[str, Any]:
    described = {"class": type(layer).__name__, "code": describe_code(type(layer))}
    try:
        config = dict(layer.get_config())
    except Exception:  # a method that the program defines
        return described
    nested = config.pop("layers", None)
    ends = [config.pop(name, None) for name in ("input_layers", "output_layers")]
    if isinstance(nested, list):
        # The layers themselves are described elsewhere; here it is how they are connected.
        names = {part.get("name"): i for i, part in enumerate(nested) if isinstance(part, dict)}
        calls = [part.get("inbound_nodes") for part in nested if isinstance(part, dict)]
        # Calls of functional graphs are long and deep: their hash is enough.
        config["connections"] = hash_text(_to_text(_serialize(_rename([calls, *ends], names))))
    return {**described, "config": _serialize(config)}


def _rename(value: Any, names: Mapping[Any, int]) -> Any:
    """Returns a config in which the names of layers are their positions."""
    if isinstance(value, dict):
        return {key: _rename(item, names) for key, item in value.items() if key != "name"}
    if isinstance(value, (list, tuple)):
        return [_rename(item, names) for item in value]
    return f"layer {names[value]}" if isinstance(value, str) and value in names else value


def _describe_optimizer(optimizer: Any) -> Any:
    if isinstance(optimizer, OptaxOptimizer):
        return {
            "class": "OptaxOptimizer",
            "transformation": describe_code(optimizer.transformation),
        }
    return _without_rates(_serialize(optimizer))


def _without_rates(value: Any) -> Any:
    """Returns a config without learning rates that are numbers; these are described separately."""
    if isinstance(value, dict):
        return {
            key: _without_rates(item)
            for key, item in value.items()
            if key != "learning_rate" or not isinstance(item, (int, float))
        }
    return [_without_rates(item) for item in value] if isinstance(value, (list, tuple)) else value


def _flatten(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (dict, list, tuple)) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if key not in _IGNORED:
                yield from _flatten(item, f"{name}.{key}" if name else str(key))
        return
    if value is None or isinstance(value, (bool, int, float)):
        yield name, value
        return
    text = _to_text(value)
    yield name, hash_text(text) if len(text) > _MAX_VALUE else text


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=_name_of)


def _name_of(value: Any) -> str:
    # Not the repr, which may contain an address.
    return getattr(value, "__qualname__", type(value).__name__)


def compare_fingerprints(current: Mapping[str, Any], saved: Mapping[str, Any]) -> list[Difference]:
    """Returns the differences, in the order of the current description."""
    return [
        Difference(name, current.get(name, _MISSING), saved.get(name, _MISSING))
        for name in dict.fromkeys((*current, *saved))
        # As JSON: NaN differs from itself.
        if json.dumps(current.get(name, _MISSING)) != json.dumps(saved.get(name, _MISSING))
    ]
