"""The `.keras` archive: architecture, weights, and what is needed to go on training."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cornu import registry
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.saving import validation
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.array_reader import ArrayReader
from cornu.saving.formats.keras_archive import open_keras_archive, write_keras_archive
from cornu.saving.formats.orbax import open_checkpoint
from cornu.saving.storage_keys import collect_weights_by_key
from cornu.saving.weight_files import find_mismatches, read_matching_arrays

__all__ = ["describe_model", "load_model", "model_from_json", "save_model"]


@runtime_checkable
class CompiledFromConfig(Protocol):
    """What tells a model from a layer here."""

    def get_compile_config(self) -> Any: ...

    def compile_from_config(self, config: Any) -> None: ...


@api_boundary
def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: Any = None) -> None:
    """Writes a model as a `.keras` archive, all of it or nothing.

    Args:
        model: the model.
        filepath: ends in `.keras`.
        overwrite: whether a file that is there may be replaced.
        zipped: `True` or `None`.

    Raises:
        ValueError: another ending.
        TypeError: a constructor argument that cannot be described as data.
        FileExistsError: the file is there and `overwrite` is False.

    An optimizer that cannot be described as data, such as one of Optax, is left out with a
    warning, and all that `compile` was given with it.
    """
    path = Path(filepath)
    if path.suffix != ".keras" or zipped is False:
        raise ValueError(
            f"A model is saved in one file that ends in '.keras'. Received: {str(path)!r}. "
            "For the weights alone use model.save_weights('....weights.h5')."
        )
    described, kept = describe_model(model)
    with atomic_write(path, overwrite) as temporary:
        arrays = {key: variable.numpy() for key, variable in kept.items()}
        write_keras_archive(temporary, described, arrays)


def describe_model(model: Any) -> tuple[str, dict[str, Variable]]:
    """Returns a model as JSON, and what must be kept beside that, by place."""
    config = registry.serialize(model)
    config["build_config"] = model.get_build_config()
    kept = collect_weights_by_key(model) if model.built else {}
    if model.compiled:
        try:
            config["compile_config"] = model.get_compile_config()
            kept |= _optimizer_weights(model)
        except NotImplementedError as error:
            warnings.warn(
                f"The model is saved as if not compiled. {error}", stacklevel=user_stacklevel()
            )
    return _to_json(config), kept


def _optimizer_weights(model: Any) -> dict[str, Variable]:
    if model.optimizer is None or not model.optimizer.built:
        return {}
    return {
        f"optimizer/{place}": variable
        for place, variable in collect_weights_by_key(model.optimizer).items()
    }


def _to_json(config: Any) -> str:
    def refuse(value: Any) -> Any:
        raise TypeError(
            f"{value!r} (of type {type(value).__name__}) cannot be described as data. A class of "
            "your own takes part in configs with `get_config()`, and is found again if it is "
            "decorated with @cornu.saving.register_keras_serializable()."
        )

    return json.dumps(config, default=refuse)


@api_boundary
def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Reads a model from a `.keras` archive.

    Args:
        filepath: the file; or a folder that `OrbaxCheckpoint` wrote, whose last step is read, or
            the subfolder of one step.
        custom_objects: classes and functions of your own by name.
        compile: whether the model is compiled as it was, with the optimizer's state.
        safe_mode: accepted for compatibility; code is never read from a file, whatever it says.

    Raises:
        ValueError: the file is damaged, names a class that is not known, or describes a model
            that is far larger than the weights it holds.

    Differences: there is no unsafe mode. A file can only name classes of cornu and those that the
    running program registered or passes here.
    """
    path = validation.resolve_existing_path(filepath, folders=True)
    if path.is_dir():
        with open_checkpoint(path) as checkpoint:
            if checkpoint.config is None:
                raise ValueError(
                    f"{str(path)!r} has weights alone, which model.load_weights() reads."
                )
            return _restore_model(checkpoint.config, checkpoint, path, custom_objects, compile)
    if path.suffix != ".keras":
        raise ValueError(
            f"A model is read from a file that ends in '.keras'. Received: {str(path)!r}. "
            "Weights alone are read by model.load_weights()."
        )
    with open_keras_archive(path) as (described, stored):
        return _restore_model(described, stored, path, custom_objects, compile)


def _restore_model(
    described: bytes | str, stored: ArrayReader, path: Path, custom_objects: Any, compile: bool
) -> Any:
    """Makes the model that JSON describes, with the weights that were stored."""
    name = repr(str(path))
    with registry.custom_object_scope(custom_objects):
        with validation.wrap_read_errors(name), validation.limit_allocations(stored.nbytes, name):
            config = validation.read_json(described, "config.json")
            model = _model_from_config(config, name)
            if not model.built and config.get("build_config"):
                model.build_from_config(config["build_config"])
            if compile and config.get("compile_config"):
                model.compile_from_config(config["compile_config"])
        _load_weights(model, stored)
    return model


def _load_weights(model: Any, stored: ArrayReader) -> None:
    wanted = collect_weights_by_key(model) if model.built else {}
    slots = _optimizer_weights(model)
    saved = any(place.startswith("optimizer/") for place in stored.shapes)
    if saved and slots and find_mismatches(slots, stored.shapes):
        warnings.warn(
            f"The state of the optimizer {model.optimizer.name!r} in the file does not fit it: the "
            "optimizer starts anew.",
            stacklevel=user_stacklevel(),
        )
    elif saved:
        wanted |= slots
    for place, array in read_matching_arrays(wanted, stored).items():
        wanted[place].assign(array)


def _model_from_config(config: Any, name: str) -> Any:
    model = registry.deserialize(config)
    if not isinstance(model, CompiledFromConfig):
        raise ValueError(f"{name} describes no model.")
    return model


@api_boundary
def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """Returns a model of the architecture that `model.to_json()` described, with new weights."""
    name = "The model's JSON"
    if isinstance(json_string, str) and not json_string.lstrip().startswith("{"):
        raise ValueError(
            f"{name} begins with {json_string[:20]!r}, and describes no model.\n"
            "Pass the text that model.to_json() returned, not the name of a file."
        )
    with validation.wrap_read_errors(name), registry.custom_object_scope(custom_objects):
        return _model_from_config(validation.read_json(json_string, name), name)


registry.set_archive_writer(save_model)
