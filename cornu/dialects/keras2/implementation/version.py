"""The versions of Keras 2 that the dialect implements."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from cornu.legacy.source import Source
from cornu.names import auto_name

__all__ = ["KERAS_2_2", "KERAS_2_3", "TENSORFLOW", "VERSIONS", "Version"]


def _snake_case(class_name: str) -> str:
    """Returns a class name in snake case, as Keras 2 does: `conv_lst_m2d` for ConvLSTM2D.

    That of tf.keras is `conv_lstm2d`, as today.
    """
    parts = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", class_name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", parts).lower()


def _count_from_one(class_name: str) -> str:
    """Returns `dense_1`, `dense_2` and so on."""
    prefix = _snake_case(class_name)
    count = auto_name(prefix).removeprefix(prefix).removeprefix("_")
    return f"{prefix}_{int(count or 0) + 1}"


@dataclass(frozen=True)
class Version:
    """One version of Keras 2.

    Attributes:
        number: its number, which is the `__version__` of the module.
        name: what messages call it.
        source: what wrote a file of this version, which the tables of old files ask for.
        automatic_name: returns a unique name for an object of a class.
        renames_accuracy: whether logs contain "acc" for "accuracy", and full names for short ones.
        accepts_keras_1: whether arguments of Keras 1 are accepted, with a warning.
    """

    number: str
    name: str
    source: Source
    automatic_name: Callable[[str], str]
    renames_accuracy: bool = False
    accepts_keras_1: bool = True


KERAS_2_2 = Version(
    "2.2.4", "Keras 2.2", Source((2, 2, 4), backend="tensorflow"), _count_from_one, True
)
KERAS_2_3 = Version("2.3.1", "Keras 2.3", Source((2, 3, 1), backend="tensorflow"), _count_from_one)
TENSORFLOW = Version(
    "2.15.0",
    "tf.keras 2",
    Source((2, 15, 0), is_tensorflow=True, backend="tensorflow"),
    auto_name,
    accepts_keras_1=False,
)

VERSIONS = {version.number: version for version in (KERAS_2_2, KERAS_2_3, TENSORFLOW)}
