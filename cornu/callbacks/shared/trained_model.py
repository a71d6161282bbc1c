"""TrainedModel: the attributes and methods of a model that callbacks use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable

__all__ = ["LayerQuery", "TrainedModel"]

# Names, paths, patterns or layers, as in `cornu.inspect.find`.
LayerQuery: TypeAlias = str | Layer | Iterable["str | Layer"]


class TrainedModel(Protocol):
    """The part of a model that callbacks use.

    `cornu.Model` implements it. Callbacks are imported by `cornu.models`, so that they cannot
    import `Model` themselves.
    """

    # An optimizer of cornu or a wrapped one of Optax: callbacks only set attributes such as
    # `learning_rate`, which not every optimizer has.
    optimizer: Any
    stop_training: bool

    @property
    def metrics(self) -> Sequence[Any]: ...

    @property
    def variables(self) -> Sequence[Variable]: ...

    @property
    def trainable_variables(self) -> Sequence[Variable]: ...

    @property
    def weights(self) -> Sequence[Variable]: ...

    def get_weights(self) -> list[np.ndarray]: ...

    def set_weights(self, weights: Any) -> None: ...

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None: ...

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None: ...

    def _pause_training_(self) -> None: ...

    def reset_metrics(self) -> None: ...

    def _sublayers_(self) -> list[Layer]: ...

    def _layers_of_(self, what: LayerQuery) -> list[Layer]: ...

    def __call__(self, inputs: Any, /, *, training: bool | None = None) -> Any: ...
