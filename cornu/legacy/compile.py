"""The arguments of `compile` of old models, as plain data of today."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from cornu import registry
from cornu.legacy.keras1.losses import convert_loss
from cornu.legacy.keras2.values import is_before_tensorflow
from cornu.legacy.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop
from cornu.legacy.source import Source
from cornu.types import Config

__all__ = ["convert_optimizer", "convert_training", "restore_names", "stores_by_weight"]

# Names of functions that changed.
_FUNCTIONS = {
    "cosine_proximity": "cosine_similarity",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "acc": "accuracy",
    "cosine": "cosine_similarity",
}
_CLASSES = {
    "CosineProximity": "CosineSimilarity",
    "KullbackLeiblerDivergence": "KLDivergence",
}
# Classes whose function is an argument.
_WRAPPERS = ("MeanMetricWrapper", "LossFunctionWrapper", "SumOverBatchSizeMetricWrapper")


def convert_training(config: Any, source: Source, outputs: int = 1) -> Config | None:
    """Returns the arguments of `compile`, or None if there are none.

    Args:
        config: the training config in a file.
        source: what wrote it.
        outputs: the number of outputs of the model.
    """
    if not isinstance(config, dict) or not isinstance(config.get("optimizer_config"), dict):
        return None
    return {
        "optimizer": convert_optimizer(config["optimizer_config"], source),
        "loss": (convert_loss if source.era == 1 else _convert_objects)(config.get("loss"), source),
        "loss_weights": config.get("loss_weights"),
        "metrics": _convert_metrics(config.get("metrics"), source, outputs),
        "weighted_metrics": _convert_objects(config.get("weighted_metrics"), source) or None,
    }


def restore_names(value: Any, known: Collection[str]) -> Any:
    """Returns losses or metrics with the old names of functions that a version does not have.

    Args:
        value: names in any structure, and other values, which are unchanged.
        known: the names that the version has.
    """
    if isinstance(value, str) and value not in known:
        old = (old for old, new in _FUNCTIONS.items() if new == value and old in known)
        return next(old, value)
    if isinstance(value, list):
        return [restore_names(item, known) for item in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {name: restore_names(item, known) for name, item in value.items()}
    return value


def _convert_metrics(value: Any, source: Source, outputs: int) -> Any:
    """Converts metrics; a list of names is that of every output."""
    metrics = _convert_objects(value, source) or None
    if outputs > 1 and isinstance(value, list) and not any(isinstance(m, list) for m in value):
        return [metrics] * outputs
    return metrics


def _convert_objects(value: Any, source: Source) -> Any:
    """Converts losses or metrics in any structure."""
    if isinstance(value, str):
        return _FUNCTIONS.get(value, value) if source.era < 3 else value
    if isinstance(value, list):
        return [_convert_objects(item, source) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {name: _convert_objects(item, source) for name, item in value.items()}
    if source.era > 2 or not isinstance(value.get("config"), dict):
        return value
    name = str(value["class_name"])
    config = dict(value["config"])
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    function = config.pop("fn", None)
    if name in _WRAPPERS and isinstance(function, str):
        known = _FUNCTIONS.get(function, function)
        config["fn"] = {"class_name": "function", "config": known}
    return {"class_name": _CLASSES.get(name, name), "config": config}


# -------------------------------------------------------------------------------------- optimizers


_BY_WEIGHT = ("Ftrl",)  # old optimizers that also store their slots weight by weight
# Arguments of optimizers that have no effect today.
_DROPPED = ("jit_compile", "is_legacy_optimizer", "name")
_OLD = {
    cls.__name__: registry.get_registered_name(cls)
    for cls in (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam)
}
# Optimizers with another formula before those of Keras 3, depending on their arguments.
_CHANGED: dict[str, Callable[[Config], bool]] = {
    "RMSprop": lambda config: not config.get("momentum"),
    "Adagrad": lambda config: True,
    "Nadam": lambda config: True,
}


def convert_optimizer(config: Config, source: Source) -> Config:
    """Returns the config of the optimizer of today that computes the same.

    Args:
        config: the config of the optimizer.
        source: what wrote it.
    """
    name = str(config.get("class_name")).rpartition(">")[2]
    given = config.get("config")
    if source.era > 2 or not isinstance(given, dict):
        return config
    arguments = {k: v for k, v in given.items() if k not in _DROPPED}
    if stores_by_weight(config, source) and name not in _BY_WEIGHT:
        arguments["learning_rate"] = _convert_schedule(arguments.get("learning_rate", 0.001))
        return {"module": "keras.optimizers", "class_name": name, "config": arguments}
    return _convert_old(name, arguments, source)


def stores_by_weight(config: Config, source: Source) -> bool:
    """Returns whether an optimizer is one of Keras 3 and late tf.keras.

    Files have all its slots of a weight before those of the next.

    Args:
        config: the config of the optimizer in the file.
        source: what wrote it.
    """
    arguments = config.get("config")
    if source.era > 2 or not isinstance(arguments, dict):
        return True
    is_new = "is_legacy_optimizer" in arguments or "weight_decay" in arguments
    if config.get("class_name") in _BY_WEIGHT:
        return True
    return is_new and source.is_tensorflow and "decay" not in arguments


def _convert_schedule(value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return {"class_name": value["class_name"], "config": value.get("config", {})}
    return value


def _convert_old(name: str, arguments: Config, source: Source) -> Config:
    """Converts an optimizer with `lr` and `decay`."""
    rate = arguments.pop("lr", arguments.pop("learning_rate", None))
    decay = arguments.pop("decay", 0.0) or 0.0
    if name == "Nadam" and source.is_tensorflow:
        arguments.setdefault("schedule_decay", decay)
        decay = 0.0
    if arguments.get("epsilon", 0) is None:
        arguments["epsilon"] = 1e-7
    clipping: Config = {k: arguments.pop(k) for k in ("clipnorm", "clipvalue") if k in arguments}
    clipping = {k: v for k, v in clipping.items() if v}
    is_changed = name in _CHANGED and _CHANGED[name](arguments)
    if is_changed or decay or len(clipping) > 1:
        if not is_before_tensorflow(source) and "clipnorm" in clipping:
            clipping["norm_of_each"] = clipping.pop("clipnorm")
        if decay:
            arguments["decay"] = decay
        if arguments.get("initial_accumulator_value") is None:
            arguments.pop("initial_accumulator_value", None)
        given: Config = {k: v for k, v in {**arguments, **clipping}.items() if v is not None}
        given = {k: v for k, v in given.items() if (k, v) not in _NEUTRAL.get(name, ())}
        return {"class_name": _OLD.get(name, name), "config": {"lr": rate, **given}}
    if "clipnorm" in clipping and is_before_tensorflow(source):
        clipping["global_clipnorm"] = clipping.pop("clipnorm")
    given = {**arguments, **clipping, "learning_rate": _convert_schedule(rate)}
    return {"module": "keras.optimizers", "class_name": name, "config": given}


# Arguments of tf.keras that the classes of Keras 1 do not have, with the values that they imply.
_NEUTRAL: dict[str, tuple[tuple[str, Any], ...]] = {
    "RMSprop": (("momentum", 0.0),),
    "Adam": (("amsgrad", False),),
}
