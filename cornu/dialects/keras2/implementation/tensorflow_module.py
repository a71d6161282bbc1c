"""`tensorflow` where it is not installed: a module that has `tensorflow.keras`."""

from __future__ import annotations

from types import ModuleType
from typing import Any

__all__ = ["TensorFlow"]


class TensorFlow(ModuleType):
    """The module `tensorflow`.

    Args:
        keras: the module `tensorflow.keras`.
    """

    __version__ = "2.15.0"

    def __init__(self, keras: ModuleType) -> None:
        super().__init__("tensorflow", "tensorflow.keras, implemented by cornu.")
        self.__path__: list[str] = []
        self.keras = keras

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"tensorflow.{name} is not available: TensorFlow is not installed. "
            "cornu provides tensorflow.keras only."
        )
