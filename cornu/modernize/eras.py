"""Versions: what the names of a program mean in the version of Keras that it was written for."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from cornu.dialects import keras1, keras2
from cornu.dialects.keras2.implementation.version import VERSIONS, Version
from cornu.modernize.names import look_up

__all__ = ["ERAS", "Era", "load_era"]

# The values of --as, and the version of the dialect.
ERAS = {"keras1": "1.2.2", "keras2": "2.2.4", "keras2.3": "2.3.1"}


class Era:
    """One version of Keras, as its dialect has it.

    Args:
        dialect: "keras1", "keras2" or "keras2.3".

    Attributes:
        dialect: the value of --as with which programs keep running.
        label: the version in comments.
        is_keras_1: whether it is Keras 1.
    """

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.is_keras_1 = dialect == "keras1"
        self.label = "Keras 1" if self.is_keras_1 else "Keras 2"
        self._root = keras1.load() if self.is_keras_1 else keras2.load(ERAS[dialect])
        self._tensorflow = keras2.load("2.15.0")

    @property
    def renames_accuracy(self) -> bool:
        """Whether logs contain "acc" for "accuracy"."""
        return self.is_keras_1 or VERSIONS[ERAS[self.dialect]].renames_accuracy

    @property
    def version(self) -> Version | None:
        """The version of Keras 2; None for Keras 1."""
        return None if self.is_keras_1 else VERSIONS[ERAS[self.dialect]]

    def root(self, is_tensorflow: bool = False) -> ModuleType:
        """Returns the module tree; that of tf.keras if the program imports it."""
        return self._tensorflow if is_tensorflow else self._root

    def find(self, path: str, is_tensorflow: bool = False) -> Any:
        """Returns the object at a path below `keras`; None if the version has none."""
        return look_up(self.root(is_tensorflow), path)

    def method(self, kind: str, name: str) -> inspect.Signature | None:
        """Returns the signature of a method of models without `self`; None if there is none.

        Args:
            kind: "Model" or "Sequential".
            name: the method.
        """
        function = getattr(self.find(f"models.{kind}"), name, None)
        if function is None:
            return None
        parameters = list(inspect.signature(function).parameters.values())
        return inspect.Signature(parameters[1:])


def load_era(dialect: str) -> Era:
    """Returns the version for a value of --as.

    Raises:
        ValueError: it is not an old version.
    """
    if dialect not in ERAS:
        raise ValueError(f"--as must be one of {', '.join(ERAS)}. Received: {dialect!r}")
    return Era(dialect)
