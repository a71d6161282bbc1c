"""HDF5 files of models in the layouts of Keras 1 and 2."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cornu.core.state.sharing import read_lock
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.dialects.compiled_as import plain
from cornu.dialects.graph_configs import UnknownLayer
from cornu.dialects.optimizer_configs import describe_optimizer
from cornu.legacy.keras1.class_mapping import ClassMapping
from cornu.legacy.optimizer_state import StoredLayer, restore_state
from cornu.legacy.source import Source
from cornu.models import save_model
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.legacy_hdf5 import write_legacy_model
from cornu.types import Config

__all__ = ["FileLayout"]


@dataclass(frozen=True)
class FileLayout:
    """How one version writes models.

    Attributes:
        name: the version, as in messages.
        source: the version.
        describe: returns the class and the config of a model.
        stored_layers: returns the layers of a model with their arrays.
        optimizers: the rows of its optimizers by name.
    """

    name: str
    source: Source
    describe: Callable[[Any], Config]
    stored_layers: Callable[[Any], Sequence[StoredLayer]]
    optimizers: Mapping[str, ClassMapping]

    @property
    def version(self) -> str:
        """The version as a number, such as "2.2.4"."""
        return ".".join(map(str, self.source.version))

    def to_json(self, model: Any, **kwargs: Any) -> str:
        """Returns the layers of a model and their connections as JSON.

        Args:
            model: the model.
            **kwargs: arguments of `json.dumps`.
        """
        config: Config = {**self.describe(model), "keras_version": self.version}
        if self.source.era > 1:
            config["backend"] = self.source.backend
        return json.dumps(config, default=plain, **kwargs)

    def write_weights(self, model: Any, path: Path) -> None:
        """Writes the weights of a model to a file, which is replaced."""
        with read_lock(model.variables):
            layers = self.stored_layers(model)
        self._write(path, {}, layers, {})

    def write_model(
        self,
        model: Any,
        path: Path,
        compiled_as: Config | None,
        include_optimizer: bool = True,
    ) -> None:
        """Writes a model to a file, which is replaced.

        A model with an operation, or a layer that no class of the version created, is written as
        cornu writes it, with a warning.

        Args:
            model: the model.
            path: the file.
            compiled_as: the arguments of `compile` as plain data, or None.
            include_optimizer: whether the file has them, and the state of the optimizer.
        """
        try:
            attributes = {"model_config": json.dumps(self.describe(model), default=plain)}
        except UnknownLayer as error:
            warnings.warn(
                f"{self.name} cannot read {str(path)!r}: {error}. cornu can.",
                stacklevel=user_stacklevel(),
            )
            save_model(model, path, True, include_optimizer=include_optimizer)
            return
        optimizer = model.optimizer if include_optimizer else None
        state: dict[str, np.ndarray] | None = None
        # Weights and state of the optimizer are those of one step, also if another thread trains.
        with read_lock([*model.variables, *([] if optimizer is None else optimizer.variables)]):
            layers = self.stored_layers(model)
            if optimizer is not None and compiled_as is not None:
                config = self._describe_optimizer(optimizer)
                training = {"optimizer_config": config, **compiled_as}
                attributes["training_config"] = json.dumps(training, default=plain)
                if optimizer.built:
                    state = restore_state(optimizer, layers, self.source)
        self._write(path, attributes, layers, state or {})

    def _write(
        self,
        path: Path,
        attributes: Mapping[str, str],
        layers: Sequence[StoredLayer],
        state: Mapping[str, np.ndarray],
    ) -> None:
        named = [(one.layer.name, dict(zip(one.names, one.arrays, strict=True))) for one in layers]
        about = {"keras_version": self.version, "backend": str(self.source.backend)}
        with atomic_write(path) as temporary:
            write_legacy_model(temporary, {**about, **attributes}, named, {}, state)

    def _describe_optimizer(self, optimizer: Any) -> Config:
        """Returns the class and the config of an optimizer, with the arguments of the version."""
        kind, row = type(optimizer).__name__, self.optimizers.get(type(optimizer).__name__)
        if row is None:
            return {"class_name": kind, "config": optimizer.get_config()}
        config = optimizer._stored_config_()
        return {"class_name": kind, "config": describe_optimizer(row, optimizer, config)}
