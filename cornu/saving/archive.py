"""The `.keras` archive: architecture, weights, and what is needed to go on training."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from cornu import registry
from cornu._version import __version__
from cornu.saving import gate
from cornu.saving.weights import places, read_h5, write_h5

__all__ = ["load_model", "model_from_json", "save_model"]

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MAX_JSON = 256 << 20


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: Any = None) -> None:
    """Writes a model as a `.keras` archive, all of it or nothing.

    Args:
        model: the model.
        filepath: ends in `.keras`.
        overwrite: whether a file that is there may be replaced.
        zipped: `True` or `None`.

    Raises:
        ValueError: another ending.
        FileExistsError: the file is there and `overwrite` is False.
    """
    path = Path(filepath)
    if path.suffix != ".keras" or zipped is False:
        raise ValueError(
            f"A model is saved in one file that ends in '.keras'. Received: {str(path)!r}. "
            "For the weights alone use model.save_weights('....weights.h5')."
        )
    if path.exists() and not overwrite:
        raise FileExistsError(f"{str(path)!r} exists. Pass overwrite=True to replace it.")
    config = registry.serialize(model)
    config["build_config"] = model.get_build_config()
    if model.compiled:
        config["compile_config"] = model.get_compile_config()
    metadata = {
        "keras_version": "3.15.1",
        "cornu_version": __version__,
        "date_saved": datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
    }
    weights = io.BytesIO()
    write_h5(weights, {name: v.numpy() for name, v in _all_places(model).items()})
    with gate.writing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(_METADATA, json.dumps(metadata))
        archive.writestr(_CONFIG, json.dumps(config))
        archive.writestr(_WEIGHTS, weights.getvalue())


def _all_places(model: Any) -> dict[str, Any]:
    found = places(model) if model.built else {}
    if model.optimizer is not None and model.optimizer.built:
        optimizer = places(model.optimizer)
        found |= {f"optimizer/{place}": variable for place, variable in optimizer.items()}
    return found


def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Reads a model from a `.keras` archive.

    Args:
        filepath: the file.
        custom_objects: classes and functions of your own by name.
        compile: whether the model is compiled as it was, with the optimizer's state.
        safe_mode: accepted for compatibility; code is never read from a file, whatever it says.

    Raises:
        ValueError: the file is damaged, or names a class that is not known.

    Differences: there is no unsafe mode. A file can only name classes of cornu and those that the
    running program registered or passes here.
    """
    path = Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if path.suffix != ".keras":
        raise ValueError(
            f"A model is read from a file that ends in '.keras'. Received: {str(path)!r}. "
            "Weights alone are read by model.load_weights()."
        )
    with gate.open_zip(path) as archive, registry.custom_object_scope(custom_objects):
        config = gate.read_json(gate.read_member(archive, _CONFIG, _MAX_JSON), _CONFIG)
        if not isinstance(config, dict) or not {"class_name", "config"} <= set(config):
            raise ValueError(f"{str(path)!r}: {_CONFIG} describes no model.")
        model = _made(config, str(path))
        if not model.built and config.get("build_config"):
            model.build_from_config(config["build_config"])
        if compile and config.get("compile_config"):
            model.compile_from_config(config["compile_config"])
        limit = sum(v.stored.nbytes for v in _all_places(model).values()) * 2 + (64 << 20)
        data = gate.read_member(archive, _WEIGHTS, limit)
    with gate.open_h5(io.BytesIO(data)) as file:
        wanted = _all_places(model)
        if any(name.startswith("optimizer/") for name in wanted) and "optimizer" not in file:
            wanted = places(model)
        for place, array in read_h5(file, wanted).items():
            wanted[place].assign(array)
    return model


def _made(config: dict[str, Any], where: str) -> Any:
    try:
        return registry.deserialize(config)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{where}: the config makes no model: {error}") from error


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """Returns a model of the architecture that `model.to_json()` described, with new weights."""
    config = gate.read_json(json_string, "The model's JSON")
    with registry.custom_object_scope(custom_objects):
        return _made(config, "The model's JSON")
