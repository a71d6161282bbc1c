"""Models in HDF5 files and JSON of Keras 1, Keras 2 and tf.keras."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cornu import registry
from cornu.core.layer.layer import Layer
from cornu.core.state.initial_value import defer_values
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.legacy.array_row import find_counters
from cornu.legacy.compile import convert_training, stores_by_weight
from cornu.legacy.conversion import convert_model
from cornu.legacy.optimizer_state import StoredLayer, convert_state
from cornu.legacy.source import Source, read_source
from cornu.saving import validation
from cornu.saving.formats.hdf5 import HDF5Reader, open_hdf5
from cornu.saving.formats.legacy_hdf5 import (
    LayerArrays,
    read_layers,
    read_model,
    read_version,
)
from cornu.saving.missing_objects import list_missing_objects
from cornu.saving.old_files.weights_by_order import (
    LayerMatch,
    convert_matches,
    match_by_name,
    match_by_order,
)
from cornu.saving.weight_matching import to_dtype
from cornu.saving.work_budget import check_work

__all__ = ["create_model_of_json", "load_hdf5_model", "source_of_weights"]

_REMEDY = (
    "create the model in your program and call model.load_weights(path, skip_mismatch=True), which "
    "loads the weights that match"
)


@runtime_checkable
class TrainedModel(Protocol):
    """The methods of models that layers do not have."""

    @property
    def layers(self) -> Sequence[Layer]: ...

    @property
    def optimizer(self) -> Any: ...

    def compile_from_config(self, config: Any) -> None: ...


def load_hdf5_model(
    path: Path,
    custom_objects: Mapping[str, Any] | None,
    compile: bool,
    keras_version: str | None,
    source_backend: str | None,
) -> Any:
    """Returns the model in an HDF5 file of Keras.

    Args:
        path: the file.
        custom_objects: classes and functions of the program by name.
        compile: whether the model is compiled as it was, with the state of the optimizer.
        keras_version: the version that wrote the file, or None to find out.
        source_backend: the backend that computed, or None to find out.

    Raises:
        ValueError: the file is damaged, contains only weights, names an unknown class, or has
            something that has no equal today.
    """
    name = repr(str(path))
    with registry.custom_object_scope(custom_objects), open_hdf5(path) as reader:
        with validation.wrap_read_errors(name):
            stored = read_model(reader)
            layers = read_layers(reader)
        if stored.config is None:
            raise ValueError(
                f"{name} contains only weights. Create the model in your program, and load them "
                "with model.load_weights()."
            )
        config = validation.read_json(stored.config, f"The model_config of {name}")
        version, backend = read_version(reader)
        source = read_source(
            version,
            backend,
            config,
            [weight for item in layers or () for weight in item.names],
            given_version=keras_version,
            given_backend=source_backend,
        )
        model = _create_model(config, len(stored.config), reader.nbytes, name, source)
        matches = _match(layers, model) if layers else []
        _check_complete(matches, layers or [], model, name)
        state, arrays = convert_matches(matches, model, reader, source)
        state.restore(arrays, remedy=_REMEDY)
        if compile and stored.training is not None:
            training = validation.read_json(stored.training, f"The training_config of {name}")
            _restore_training(model, training, stored.optimizer, matches, reader, source)
    return model


def _create_model(config: Any, nbytes: int, stored: int | None, name: str, source: Source) -> Any:
    """Returns a model made from its config, which may be of any version.

    Args:
        config: the config, from JSON.
        nbytes: the size of the JSON.
        stored: the size of the weights in the file, which bounds those of the model; None for the
            architecture alone.
        name: the file, as messages show it.
        source: what wrote it.
    """
    try:
        with validation.wrap_read_errors(name):
            converted = convert_model(config, source)
            check_work(converted, nbytes, name)
            with contextlib.ExitStack() as limits:
                limits.enter_context(defer_values())
                limits.enter_context(validation.limit_work(nbytes, name))
                if stored is not None:
                    limits.enter_context(validation.limit_allocations(stored, name))
                archive = limits.enter_context(registry.archive_scope())
                limits.enter_context(list_missing_objects(converted, archive, True))
                model = registry.deserialize(converted)
    except ValueError as error:
        if source.reason is not None:
            error.args = (f"{error}\n{_describe_judgment(source, name)}",)
        raise
    if not isinstance(model, TrainedModel):
        raise ValueError(f"{name} does not describe a model.")
    _report(source, name)
    return model


def create_model_of_json(
    config: Any, nbytes: int, name: str, keras_version: str | None, source_backend: str | None
) -> Any:
    """Returns a model with the architecture of a JSON text; None if its classes are those of today.

    Args:
        config: the config, from JSON.
        nbytes: the size of the JSON.
        name: the text, as messages show it.
        keras_version: the version that wrote it, or None to find out.
        source_backend: the backend that computed, or None to find out.
    """
    stated = config.get("keras_version") if isinstance(config, dict) else None
    backend = config.get("backend") if isinstance(config, dict) else None
    source = read_source(
        stated if isinstance(stated, str) else None,
        backend if isinstance(backend, str) else None,
        config,
        given_version=keras_version,
        given_backend=source_backend,
    )
    return _create_model(config, nbytes, None, name, source) if source.era < 3 else None


def source_of_weights(
    reader: HDF5Reader,
    layers: Sequence[LayerArrays],
    keras_version: str | None,
    source_backend: str | None,
) -> Source:
    """Returns what wrote a file of weights, and reports what was judged."""
    version, backend = read_version(reader)
    source = read_source(
        version,
        backend,
        None,
        [weight for item in layers for weight in item.names],
        given_version=keras_version,
        given_backend=source_backend,
    )
    _report(source, repr(reader.file.filename))
    return source


def _report(source: Source, name: str) -> None:
    """Warns if the version of a file was judged by its structure."""
    if source.reason is not None:
        warnings.warn(_describe_judgment(source, name), stacklevel=user_stacklevel())
    if source.backend_reason is not None:
        warnings.warn(
            f"{name} does not say which backend of Keras wrote it. The kernels of its convolutions "
            f"are read as those of {source.backend}, because {source.backend_reason}. Pass "
            "source_backend to read them as those of another backend.",
            stacklevel=user_stacklevel(),
        )


def _describe_judgment(source: Source, name: str) -> str:
    return (
        f"{name} does not say which version of Keras wrote it. It is read as one of {source}, "
        f"because {source.reason}. Pass keras_version to read it as one of another version."
    )


def _match(layers: Sequence[LayerArrays], model: Any) -> list[LayerMatch]:
    """Returns the layers of a model with their arrays, by name if every layer has one.

    Models within a Sequential of Keras 1 and early Keras 2 have no name in its config.
    """
    named = {item.name for item in layers if item.name}
    if named == {layer.name for layer in model.layers if layer.weights}:
        return match_by_name(layers, model)
    return match_by_order(layers, model)


def _check_complete(
    matches: Sequence[LayerMatch], layers: Sequence[LayerArrays], model: Any, name: str
) -> None:
    """Raises ValueError if a layer of the model or of the file has no counterpart."""
    found = {id(match.layer) for match in matches}
    lost = [layer.name for layer in model.layers if layer.weights and id(layer) not in found]
    stored = {match.stored.name for match in matches}
    unused = [item.name for item in layers if item.name not in stored]
    if lost or unused:
        raise ValueError(
            f"{name} has no weights for the layers {lost[:8]}, and no layers for the weights of "
            f"{unused[:8]}.\nTo load what matches, {_REMEDY}."
        )


def _restore_training(
    model: Any,
    training: Any,
    optimizer: Mapping[str, str],
    matches: Sequence[LayerMatch],
    reader: HDF5Reader,
    source: Source,
) -> None:
    """Compiles a model as it was, and restores the state of the optimizer."""
    config = convert_training(training, source, len(model.outputs))
    if config is None:
        return
    model.compile_from_config(config)
    if not optimizer or model.optimizer is None or not model.optimizer.built:
        return
    arrays = {name: reader.read(key) for name, key in optimizer.items()}
    stored = [
        StoredLayer(
            match.layer, [reader.read(key) for key in match.stored.keys], match.stored.names
        )
        for match in matches
        if not match.own
    ]
    by_weight = stores_by_weight(training["optimizer_config"], source)
    values = convert_state(model.optimizer, arrays, stored, source, by_weight)
    if values is None:
        warnings.warn(
            f"The state of the optimizer {model.optimizer.name!r} in the file does not match the "
            "optimizer. The optimizer starts with a new state.",
            stacklevel=user_stacklevel(),
        )
        return
    iterations = dict(values).get(model.optimizer.iterations)
    if iterations is not None:
        values += [(counter, iterations) for counter in find_counters(model)]
    checked = [(v, to_dtype(array, v.dtype, v.path)) for v, array in values]
    for variable, array in checked:
        variable.assign(array)
