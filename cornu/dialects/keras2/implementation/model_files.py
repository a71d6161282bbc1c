"""Files of models of Keras 2.2.4 and 2.3.1."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, ClassVar

from cornu.dialects.keras2.implementation.configs import describe_model
from cornu.dialects.keras2.implementation.losses import make_functions
from cornu.dialects.keras2.implementation.optimizers import make_optimizers
from cornu.dialects.keras2.implementation.version import Version
from cornu.dialects.model_files import FileLayout
from cornu.dialects.weight_files import by_path, load_weights, save_weights
from cornu.legacy.arrays import in_old_order
from cornu.legacy.compile import restore_names
from cornu.legacy.keras1.class_mapping import OldClass
from cornu.legacy.optimizer_state import StoredLayer
from cornu.models import save_model
from cornu.saving.atomic_write import may_write
from cornu.types import Config

__all__ = ["FileMethods", "stored_layers"]


def stored_layers(model: Any) -> list[StoredLayer]:
    """Returns the layers of a model with their arrays, as files have them.

    Args:
        model: the model, which is built.
    """
    found = []
    for layer in model.layers:
        named = by_path(layer, [variable.numpy() for variable in in_old_order(layer)])
        found.append(StoredLayer(layer, list(named.values()), list(named)))
    return found


@functools.cache
def file_layout(version: Version) -> FileLayout:
    """Returns how a version writes models."""
    rows = {
        name: made.mapping
        for name, made in make_optimizers(version).items()
        if isinstance(made, OldClass)
    }
    return FileLayout(
        version.name,
        version.source,
        lambda model: describe_model(model, version),
        stored_layers,
        rows,
    )


class FileMethods:
    """Mixin with the methods of models of Keras 2 that write and read files."""

    _version: ClassVar[Version]
    _compiled_as_: Config | None  # of ModelMethods

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Writes the model as HDF5 that Keras 2 reads; as an archive if the name is `*.keras`.

        Models of tf.keras are written as cornu writes them, which tf.keras reads.
        """
        path = Path(filepath)
        if path.suffix == ".keras" or self._version.source.is_tensorflow:
            save_model(self, filepath, overwrite, include_optimizer=include_optimizer)
        elif may_write(path, overwrite):
            layout = file_layout(self._version)
            layout.write_model(self, path, self._compiled_as_, include_optimizer)

    def to_json(self, **kwargs: Any) -> str:
        """Returns the layers and their connections as JSON of the version."""
        if self._version.source.is_tensorflow:
            modern: str = super().to_json(**kwargs)  # type: ignore[misc]  # of the model class
            return modern
        return file_layout(self._version).to_json(self, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model from the config of a file, with the functions of the version."""
        known = make_functions(self._version)
        names = ("loss", "metrics", "weighted_metrics")
        old = {k: restore_names(v, known) if k in names else v for k, v in config.items()}
        super().compile_from_config(old)  # type: ignore[misc]  # of the model class

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Writes the weights as HDF5 in the layout of Keras 2, whatever the file name."""
        if may_write(Path(filepath), overwrite):
            layers: Any = self.layers  # type: ignore[attr-defined]  # of the model class
            save_weights(layers, Path(filepath), self._version.source, by_path)

    def load_weights(
        self,
        filepath: Any,
        by_name: bool = False,
        skip_mismatch: bool = False,
        reshape: bool = False,
        **kwargs: Any,
    ) -> None:
        """Loads weights in the order of the layers, or by their names."""
        load_weights(self, filepath, by_name, skip_mismatch)
