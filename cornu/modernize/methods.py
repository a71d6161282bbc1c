"""Methods of models, and functions, whose arguments have other names today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cornu.dialects.keras2.implementation.training_arguments import GENERATOR_NAMES
from cornu.renamed import REMOVED_METHODS

__all__ = ["FUNCTIONS", "METHODS", "Method", "describe_removed_method"]


class Method(NamedTuple):
    """A method of models.

    Attributes:
        name: the method of today.
        renames: names of arguments in the version -> names of today.
        dropped: arguments without effect today.
        samples: arguments that are numbers of samples in Keras 1, and of batches today.
        equal_defaults: arguments whose default changed without a change of results.
    """

    name: str
    renames: Mapping[str, str] = {}
    dropped: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    equal_defaults: tuple[str, ...] = ("verbose", "batch_size", "kwargs")


# Arguments of the queue, which belong to the constructor of a PyDataset today.
_QUEUE = ("max_q_size", "nb_worker", "pickle_safe", "max_queue_size", "workers")
_DROPPED = (*_QUEUE, "use_multiprocessing", "kwargs")
_GENERATORS = {old: new for old, new in GENERATOR_NAMES.items() if new in ("epochs",)}

METHODS: dict[str, Method] = {
    "compile": Method(
        "compile", dropped=("sample_weight_mode", "class_mode", "target_tensors", "kwargs")
    ),
    "fit": Method("fit", _GENERATORS, _DROPPED),
    "evaluate": Method("evaluate", dropped=_DROPPED),
    "predict": Method("predict", dropped=_DROPPED),
    "predict_proba": Method("predict", dropped=_DROPPED),
    "predict_classes": Method("predict", dropped=_DROPPED),
    "train_on_batch": Method("train_on_batch", dropped=("reset_metrics",)),
    "test_on_batch": Method("test_on_batch", dropped=("reset_metrics",)),
    "fit_generator": Method(
        "fit",
        {
            **_GENERATORS,
            "generator": "x",
            "samples_per_epoch": "steps_per_epoch",
            "nb_val_samples": "validation_steps",
        },
        _DROPPED,
        ("samples_per_epoch", "nb_val_samples"),
    ),
    "evaluate_generator": Method(
        "evaluate", {"generator": "x", "val_samples": "steps"}, _DROPPED, ("val_samples",)
    ),
    "predict_generator": Method(
        "predict", {"generator": "x", "val_samples": "steps"}, _DROPPED, ("val_samples",)
    ),
}

# Functions by their paths today -> names of arguments in the version -> names of today.
FUNCTIONS: dict[str, dict[str, str]] = {
    "utils.to_categorical": {"y": "x", "nb_classes": "num_classes"},
    "constraints.MaxNorm": {"m": "max_value"},
    "constraints.MinMaxNorm": {"low": "min_value", "high": "max_value"},
    "regularizers.L1": {"l": "l1"},
    "regularizers.L2": {"l": "l2"},
    "regularizers.l1": {"l": "l1"},
    "regularizers.l2": {"l": "l2"},
    "datasets.imdb.load_data": {"nb_words": "num_words"},
    "datasets.reuters.load_data": {"nb_words": "num_words"},
}


def describe_removed_method(name: str) -> str:
    """Returns what to write instead of a method that no longer exists, or ''."""
    return REMOVED_METHODS.get(name, "")
