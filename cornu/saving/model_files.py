"""`save_model` and `load_model`: architecture, weights and optimizer state of a model."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal, TypeGuard

from cornu import registry
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import check_choice, quantity
from cornu.process import job
from cornu.process.interrupts import loses_no_interrupt
from cornu.saving import hub, old_files, validation
from cornu.saving.atomic_write import atomic_write, may_write
from cornu.saving.formats.array_reader import ArrayReader
from cornu.saving.formats.keras_archive import (
    WEIGHTS_FORMATS,
    KerasArchive,
    open_keras_archive,
    write_keras_archive,
)
from cornu.saving.formats.keras_folder import (
    KerasFolder,
    list_keras_folder,
    open_keras_folder,
    write_keras_folder,
)
from cornu.saving.formats.legacy_hdf5 import HDF5_SUFFIXES, is_hdf5
from cornu.saving.formats.orbax import OrbaxCheckpointReader, open_checkpoint
from cornu.saving.json_text import to_json
from cornu.saving.missing_objects import list_missing_objects
from cornu.saving.model_texts import model_from_config
from cornu.saving.stored_state import (
    StoredState,
    StoredValue,
    host_arrays,
    state_by_key,
    take_part,
)
from cornu.saving.variable_paths import match_file
from cornu.saving.work_budget import check_work

__all__ = ["describe_model", "load_model", "save_model"]

_REMEDY = (
    "create the model in your program and call model.load_weights(path, skip_mismatch=True), which "
    "loads the weights that match"
)


@api_boundary
@loses_no_interrupt
def save_model(
    model: Any,
    filepath: str | os.PathLike[str] | IO[bytes],
    overwrite: bool = True,
    zipped: bool | None = None,
    *,
    include_optimizer: bool = True,
    save_format: str | None = None,
    weights_format: Literal["h5", "safetensors"] = "h5",
) -> None:
    """Writes a model to a `.keras` archive or an `.h5` file, atomically if it is a file.

    If the optimizer has no config, as those of Optax, it is left out with a warning, together with
    the other arguments of `compile`. Of several processes that train the model, all must call this,
    and the first one writes the file.

    Args:
        model: the model.
        filepath: a path that ends in `.keras`, or a binary file that is open for writing, which
            receives an archive; or a path that ends in `.h5` or `.hdf5`, the older format of Keras;
            or a directory, with `zipped=False`; or a repository of the Hugging Face Hub, such as
            `"hf://owner/repo"`, which is created if there is none.
        overwrite: whether an existing file is replaced. If False, the user is asked in a terminal
            or notebook, as in Keras.
        zipped: whether the model is one archive, and not a directory with the same files. By
            default only a repository is a directory.
        include_optimizer: whether the file contains the state of the optimizer.
        save_format: ignored with a warning: the file name decides.
        weights_format: `"h5"`, which Keras reads, or `"safetensors"`, which is saved and loaded
            several times faster, and which only cornu reads.

    Raises:
        ValueError: the file name has another ending.
            Or it ends in `.h5`, and a layer stores files of its own, such as a vocabulary.
        TypeError: a constructor argument cannot be serialized.
        FileExistsError: the file exists, `overwrite` is False, and nobody can be asked.
        PermissionError: the Hugging Face Hub does not let you write to the repository.
        ConnectionError: the Hugging Face Hub cannot be reached.

    Example:

    >>> import cornu, pathlib, tempfile
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="head")])
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.keras")
    >>> save_model(model, path)
    >>> load_model(path).get_layer("head").units
    2
    """
    if save_format is not None:
        warnings.warn(
            f"save_format={save_format!r} is ignored: the name of the file decides its format.",
            stacklevel=user_stacklevel(),
        )
    check_choice("save_model", "weights_format", weights_format, tuple(WEIGHTS_FORMATS))
    if _is_open_file(filepath):
        _write_archive(model, filepath, include_optimizer, weights_format)
        return
    if hub.is_address(filepath):
        _upload(model, str(filepath), zipped, include_optimizer, weights_format)
        return
    path = Path(filepath)  # type: ignore[arg-type]  # not an open file
    is_hdf5_name = path.suffix in HDF5_SUFFIXES and not path.name.endswith(".weights.h5")
    is_hdf5_file = is_hdf5_name and not zipped
    is_folder = zipped is False and not path.suffix
    if not is_hdf5_file and not is_folder and (path.suffix != ".keras" or zipped is False):
        raise ValueError(
            f"The file name of a model must end in '.keras' or '.h5', and that of a directory "
            f"(zipped=False) has no ending. Received: {str(path)!r}\n"
            "To save only the weights, use model.save_weights('....weights.h5')."
        )
    if not job.is_first():
        take_part(describe_model(model, include_optimizer)[1])
        return
    if not may_write(path, overwrite):
        return
    if is_folder:
        _write_folder(model, path, include_optimizer, weights_format)
        return
    with atomic_write(path) as temporary:
        if is_hdf5_file:
            old_files.write_hdf5_model(model, temporary, include_optimizer)
        else:
            _write_archive(model, temporary, include_optimizer, weights_format)


def _is_open_file(file: str | os.PathLike[str] | IO[bytes]) -> TypeGuard[IO[bytes]]:
    # `tempfile` returns wrappers that are not instances of a class of `io`.
    return not isinstance(file, (str, os.PathLike)) and hasattr(file, "read")


def _upload(
    model: Any, address: str, zipped: bool | None, include_optimizer: bool, weights_format: str
) -> None:
    if zipped:
        raise ValueError(
            f"{address!r}: a repository of the Hugging Face Hub holds the files of a model without "
            "an archive. Omit zipped=True."
        )
    if not job.is_first():
        take_part(describe_model(model, include_optimizer)[1])
        return
    with tempfile.TemporaryDirectory() as name:
        _write_folder(model, Path(name), include_optimizer, weights_format)
        page = hub.upload_model(address, Path(name))
    print(f"Model saved to the Hugging Face Hub: {page}\nLoad it with load_model({address!r}).")


def _write_folder(model: Any, path: Path, include_optimizer: bool, weights_format: str) -> None:
    config, state = _describe(model)
    values = state.collect(include_optimizer) if model.built else {}
    path.mkdir(parents=True, exist_ok=True)
    with _collect_assets(state) as assets, host_arrays(values) as arrays:
        write_keras_folder(path, config, arrays, assets, weights_format)


def _write_archive(
    model: Any, target: Path | IO[bytes], include_optimizer: bool, weights_format: str
) -> None:
    config, state = _describe(model)
    values = state.collect(include_optimizer) if model.built else {}
    with _collect_assets(state) as assets, host_arrays(values) as arrays:
        write_keras_archive(target, config, arrays, assets, weights_format)


def describe_model(model: Any, optimizers: bool = True) -> tuple[str, dict[str, StoredValue]]:
    """Returns the JSON config of a model, and its Variables and other arrays by storage key.

    Args:
        model: the model.
        optimizers: whether the arrays contain the state of optimizers.
    """
    config, state = _describe(model)
    return config, state.collect(optimizers) if model.built else {}


def _describe(model: Any) -> tuple[str, StoredState]:
    with registry.archive_scope() as archive:
        config = registry.serialize(model)
    if archive.lambdas:
        _warn_of_lambdas(archive.lambdas, model.name)
    state = state_by_key(model)
    # A model that is loaded without a compile config has no optimizer to receive this state.
    # The state for weights that `quantize` replaced fits no optimizer either.
    weights = {id(variable) for variable in model.weights} if "compile_config" in config else ()
    state.optimizers = {
        prefix: optimizer
        for prefix, optimizer in state.optimizers.items()
        if not prefix.startswith("optimizer/")
        or (weights and all(id(variable) in weights for variable in optimizer._indices_))
    }
    return to_json(config), state


def _warn_of_lambdas(lambdas: Sequence[tuple[str, str, str]], model: str) -> None:
    lines = "".join(f"\n  {label} {name!r} ({location})" for label, name, location in lambdas)
    # The model itself has those that `compile` received.
    keys = dict.fromkeys(f"{registry.COMPILE}/loss" if n == model else n for _, n, _ in lambdas)
    example = ", ".join(f"{key!r}: function" for key in keys)
    warnings.warn(
        f"The model contains {quantity(len(lambdas), 'Python lambda')}, which are code, and so "
        f"not in the file:{lines}\n"
        f"load_model(path, custom_objects={{{example}}}) takes functions in their place.\n"
        "To load the file without, define them with `def`, and decorate them with "
        "@cornu.saving.register_keras_serializable().",
        stacklevel=user_stacklevel(),
    )


@contextlib.contextmanager
def _collect_assets(state: StoredState) -> Iterator[Path | None]:
    """Yields a temporary folder with the files of the layers that store some, or None."""
    if not state.assets:
        yield None
        return
    with tempfile.TemporaryDirectory() as name:
        for folder, layer in state.assets.items():
            path = Path(name, folder)
            path.mkdir(parents=True, exist_ok=True)
            layer.save_assets(str(path))
        yield Path(name)


@api_boundary
@loses_no_interrupt
def load_model(
    filepath: str | os.PathLike[str] | IO[bytes],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    keras_version: str | None = None,
    source_backend: str | None = None,
) -> Any:
    """Reads a model from a `.keras` archive, or from an HDF5 file of Keras.

    Models of Keras 1, Keras 2 and tf.keras compute what they computed there: what changed since,
    such as the formula of `hard_sigmoid`, is taken from the version that wrote the file.

    Args:
        filepath: the file, or a binary file that is open for reading; or a directory that
            `save_model` wrote with `zipped=False`, here or in Keras; or one that `OrbaxCheckpoint`
            wrote, whose latest step is read, or the subdirectory of one step; or a repository of
            the Hugging Face Hub or a file in it, such as `"hf://owner/repo"` or
            `"hf://owner/repo@revision/model.keras#sha256=digest"`.
        custom_objects: your own classes and functions by name. Names that the file does not use are
            ignored, so that one dict can serve several files.
        compile: whether the model is compiled as it was, with the state of the optimizer.
        safe_mode: ignored; code is never read from a file.
        keras_version: the version of Keras that wrote an HDF5 file, such as "1.2", "2.2.4" or
            "tf2.4" (tf.keras). By default it is read from the file, or judged by its structure
            with a warning.
        source_backend: the backend of an HDF5 file that does not name it: with `"theano"`, the
            kernels of convolutions are reversed.

    Raises:
        ValueError: the file is damaged, names an unknown class, or describes a model that is far
            larger than its weights; or it is of an old version, and has something that no layer
            of today computes.

    Example:

    >>> import cornu, pathlib, tempfile
    >>> def double(x):
    ...     return 2 * x
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.keras")
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, activation=double)])
    >>> model.save(path)
    >>> load_model(path, custom_objects={"double": double}).output_shape
    (None, 2)

    Differences: there is no unsafe mode. A file can only refer to classes of cornu, to those that
    the program has registered, and to `custom_objects`.
    """
    old = {"keras_version": keras_version, "source_backend": source_backend}
    if _is_open_file(filepath):
        return _read_archive(filepath, custom_objects, compile)
    if hub.is_address(filepath):
        found = hub.local_model(str(filepath))
        if not isinstance(found, Path):
            return _read_folder(repr(filepath), found, custom_objects, compile)
        filepath = found
    path = validation.resolve_existing_path(filepath, directories=True)  # type: ignore[arg-type]
    if path.is_dir() and (files := list_keras_folder(path)):
        return _read_folder(repr(str(path)), files, custom_objects, compile)
    if path.is_dir():
        with open_checkpoint(path) as checkpoint:
            if checkpoint.config is None:
                raise ValueError(
                    f"{str(path)!r} contains only weights. Load them with model.load_weights()."
                )
            name = repr(str(path))
            model, state = _restore_model(
                checkpoint.config, checkpoint, name, custom_objects, compile
            )
            _restore_assets(state, checkpoint)
            return model
    with open(path, "rb") as file:
        head = file.read(8)
    # By its contents, since programs named models of Keras 2 as they liked.
    if is_hdf5(head):
        return old_files.load_hdf5_model(path, custom_objects, compile, **old)
    if path.suffix != ".keras":
        raise ValueError(
            f"The file name of a model must end in '.keras'. Received: {str(path)!r}\n"
            "To load only weights, use model.load_weights()."
        )
    return _read_archive(path, custom_objects, compile)


def _read_archive(
    source: Path | IO[bytes], custom_objects: Mapping[str, Any] | None, compile: bool
) -> Any:
    with open_keras_archive(source) as archive:
        model, state = _restore_model(
            archive.config,
            archive.reader,
            archive.name,
            custom_objects,
            compile,
            archive.config_size,
        )
        _restore_assets(state, archive)
    return model


def _read_folder(
    name: str,
    files: Mapping[str, Path],
    custom_objects: Mapping[str, Any] | None,
    compile: bool,
) -> Any:
    with open_keras_folder(name, files) as folder:
        model, state = _restore_model(folder.config, folder.reader, name, custom_objects, compile)
        _restore_assets(state, folder)
    return model


def _restore_model(
    text: bytes | str,
    reader: ArrayReader,
    name: str,
    custom_objects: Mapping[str, Any] | None,
    compile: bool,
    config_size: int | None = None,
) -> tuple[Any, StoredState]:
    """Returns a model made from a JSON config, with the weights of an open file, and its state."""
    with registry.custom_object_scope(custom_objects):
        with (
            validation.wrap_read_errors(name),
            validation.limit_allocations(reader.nbytes, name),
            validation.limit_work(len(text), name),
            registry.archive_scope() as archive,
        ):
            config = validation.read_json(text, "config.json", stored=config_size)
            check_work(config, len(text), name)
            with list_missing_objects(config, archive, compile):
                model = model_from_config(config, name)
                # The whole before its parts, because a call of the whole builds the parts.
                for obj, state in reversed(archive.states):
                    obj._restore_state_(
                        {k: v for k, v in state.items() if compile or k != "compile_config"}
                    )
        stored, arrays = match_file(reader, model, archive.class_names)
        stored.restore(arrays, optimizers=True, remedy=_REMEDY)
    return model, stored


def _restore_assets(
    state: StoredState, archive: KerasArchive | KerasFolder | OrbaxCheckpointReader
) -> None:
    for folder, layer in state.assets.items():
        with tempfile.TemporaryDirectory() as name:
            if archive.extract_assets(folder, Path(name)):
                layer.load_assets(name)


# FeatureSpace, in a lower layer of the architecture, saves itself through the registry.
registry.set_archive_writer(save_model)
