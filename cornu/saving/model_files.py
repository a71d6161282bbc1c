"""`save_model` and `load_model`: architecture, weights and optimizer state of a model."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
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
from cornu.saving.weight_matching import find_mismatches, read_matching_arrays

__all__ = ["describe_model", "load_model", "model_from_json", "save_model"]


@runtime_checkable
class CompiledFromConfig(Protocol):
    """The methods of models that layers do not have."""

    def get_compile_config(self) -> Any: ...

    def compile_from_config(self, config: Any) -> None: ...


@api_boundary
def save_model(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    zipped: bool | None = None,
) -> None:
    """Writes a model to a `.keras` archive, atomically.

    If the optimizer has no config, as those of Optax, it is left out with a warning, together with
    the other arguments of `compile`.

    Args:
        model: the model.
        filepath: a path that ends in `.keras`.
        overwrite: whether an existing file is replaced.
        zipped: `True` or `None`.

    Raises:
        ValueError: the file name has another ending.
        TypeError: a constructor argument cannot be serialized.
        FileExistsError: the file exists and `overwrite` is False.
    """
    path = Path(filepath)
    if path.suffix != ".keras" or zipped is False:
        raise ValueError(
            f"The file name of a model must end in '.keras'. Received: {str(path)!r}\n"
            "To save only the weights, use model.save_weights('....weights.h5')."
        )
    config, variables = describe_model(model)
    with atomic_write(path, overwrite) as temporary:
        arrays = {key: variable.numpy() for key, variable in variables.items()}
        write_keras_archive(temporary, config, arrays)


def describe_model(model: Any) -> tuple[str, dict[str, Variable]]:
    """Returns the JSON config of a model, and its Variables by storage key."""
    config = registry.serialize(model)
    config["build_config"] = model.get_build_config()
    variables = collect_weights_by_key(model) if model.built else {}
    trainer = model._trainer_  # None for a layer that is saved as a model, such as FeatureSpace
    if trainer is not None and trainer.config is not None:
        try:
            config["compile_config"] = model.get_compile_config()
            variables |= _optimizer_weights(model)
        except NotImplementedError as error:
            warnings.warn(
                f"The model is saved as if not compiled. {error}", stacklevel=user_stacklevel()
            )
    return _to_json(config), variables


def _optimizer_weights(model: Any) -> dict[str, Variable]:
    optimizer = None if model._trainer_ is None else model._trainer_.optimizer
    if optimizer is None or not optimizer.built:
        return {}
    variables = collect_weights_by_key(optimizer)
    return {f"optimizer/{key}": variable for key, variable in variables.items()}


def _to_json(config: Any) -> str:
    def raise_not_serializable(value: Any) -> Any:
        raise TypeError(
            f"{value!r} (of type {type(value).__name__}) cannot be serialized. To support a class "
            "of your own, define `get_config()` and decorate it with "
            "@cornu.saving.register_keras_serializable()."
        )

    return json.dumps(config, default=raise_not_serializable)


@api_boundary
def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Reads a model from a `.keras` archive.

    Args:
        filepath: the file; or a directory that `OrbaxCheckpoint` wrote, whose latest step is read,
            or the subdirectory of one step.
        custom_objects: your own classes and functions by name.
        compile: whether the model is compiled as it was, with the state of the optimizer.
        safe_mode: ignored; code is never read from a file.

    Raises:
        ValueError: the file is damaged, names an unknown class, or describes a model that is far
            larger than its weights.

    Differences: there is no unsafe mode. A file can only refer to classes of cornu, to those that
    the program has registered, and to `custom_objects`.
    """
    path = validation.resolve_existing_path(filepath, directories=True)
    if path.is_dir():
        with open_checkpoint(path) as checkpoint:
            if checkpoint.config is None:
                raise ValueError(
                    f"{str(path)!r} contains only weights. Load them with model.load_weights()."
                )
            return _restore_model(checkpoint.config, checkpoint, path, custom_objects, compile)
    if path.suffix != ".keras":
        raise ValueError(
            f"The file name of a model must end in '.keras'. Received: {str(path)!r}\n"
            "To load only weights, use model.load_weights()."
        )
    with open_keras_archive(path) as (config, reader):
        return _restore_model(config, reader, path, custom_objects, compile)


def _restore_model(
    text: bytes | str,
    reader: ArrayReader,
    path: Path,
    custom_objects: Mapping[str, Any] | None,
    compile: bool,
) -> Any:
    """Returns a model made from a JSON config, with the weights of an open file."""
    name = repr(str(path))
    with registry.custom_object_scope(custom_objects):
        with validation.wrap_read_errors(name), validation.limit_allocations(reader.nbytes, name):
            config = validation.read_json(text, "config.json")
            model = _model_from_config(config, name)
            if not model.built and config.get("build_config"):
                model.build_from_config(config["build_config"])
            if compile and config.get("compile_config"):
                model.compile_from_config(config["compile_config"])
        _load_weights(model, reader)
    return model


def _load_weights(model: Any, reader: ArrayReader) -> None:
    variables = collect_weights_by_key(model) if model.built else {}
    slots = _optimizer_weights(model)
    has_slots = any(key.startswith("optimizer/") for key in reader.shapes)
    if has_slots and slots and find_mismatches(slots, reader.shapes):
        warnings.warn(
            f"The state of the optimizer {model._trainer_.optimizer.name!r} in the file does not "
            "match the optimizer. The optimizer starts with a new state.",
            stacklevel=user_stacklevel(),
        )
    elif has_slots:
        variables |= slots
    for key, array in read_matching_arrays(variables, reader).items():
        variables[key].assign(array)


def _model_from_config(config: Any, name: str) -> Any:
    model = registry.deserialize(config)
    if not isinstance(model, CompiledFromConfig):
        raise ValueError(f"{name} does not describe a model.")
    return model


@api_boundary
def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Returns a model with the architecture that `model.to_json()` described, and new weights."""
    name = "The JSON text"
    if isinstance(json_string, str) and not json_string.lstrip().startswith("{"):
        raise ValueError(
            f"{name} starts with {json_string[:20]!r}, and does not describe a model.\n"
            "Pass the string that model.to_json() returned, not a file name."
        )
    with validation.wrap_read_errors(name), registry.custom_object_scope(custom_objects):
        return _model_from_config(validation.read_json(json_string, name), name)


# FeatureSpace, in a lower layer of the architecture, saves itself through the registry.
registry.set_archive_writer(save_model)
