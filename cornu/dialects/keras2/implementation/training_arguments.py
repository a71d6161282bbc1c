"""Arguments of training methods of Keras 2 that are checked, converted or without effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu.data.class_weights import checked_class_weight, weights_of_classes
from cornu.dialects.keras1.generators import EpochBatches
from cornu.dialects.renaming import rename_arguments, warn_about
from cornu.errors import suggest

__all__ = [
    "GENERATOR_NAMES",
    "SAMPLES",
    "check_ignored",
    "limit_batches",
    "reset_metrics_of",
    "weight_rows",
]

# Arguments of Keras 1 in calls with generators -> names of Keras 2.
GENERATOR_NAMES = {
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_samples",
    "nb_worker": "workers",
    "pickle_safe": "use_multiprocessing",
    "max_q_size": "max_queue_size",
    "val_samples": "samples",
    "samples_per_epoch": "samples_per_epoch",
}
SAMPLES = ("samples_per_epoch", "validation_samples", "samples")


def reset_metrics_of(model: Any, reset_metrics: bool) -> None:
    """Resets the metrics of a model before a batch; warns if they are to be kept."""
    if not reset_metrics:
        warn_about("reset_metrics=False has no effect: metrics are those of the batch.")
    model.reset_metrics()


def limit_batches(function: str, generator: Any, kwargs: dict[str, Any]) -> Any:
    """Returns the batches of a generator, up to a number of samples if that was given."""
    given = rename_arguments(function, kwargs, GENERATOR_NAMES)
    check_ignored(function, given, ("samples",))
    return EpochBatches(generator, given["samples"]) if "samples" in given else generator


_IGNORED = ("max_queue_size", "workers", "use_multiprocessing")


def check_ignored(function: str, given: Mapping[str, Any], used: tuple[str, ...] = ()) -> None:
    """Refuses arguments that have no meaning; those of queues have no effect."""
    for name in given:
        if name not in (*_IGNORED, *used):
            raise TypeError(
                f"{function} of Keras 2 has no argument {name!r}. "
                f"{suggest(name, [*_IGNORED, *used])}"
            )


def weight_rows(y: Any, class_weight: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Converts class weights to weights of rows, by which those of samples are multiplied."""
    if class_weight is None or any(isinstance(one, dict) for one in class_weight.values()):
        return class_weight, sample_weight
    rows = weights_of_classes(y, checked_class_weight(class_weight, "y"), "y")
    return None, rows if sample_weight is None else rows * np.asarray(sample_weight)
