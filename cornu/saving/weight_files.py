"""`save_weights` and `load_weights`: the weights of a model in a file of their own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.process import job
from cornu.process.interrupts import loses_no_interrupt
from cornu.saving import hub, old_files, validation
from cornu.saving.atomic_write import atomic_write, may_write
from cornu.saving.formats.hdf5 import HDF5Reader
from cornu.saving.formats.legacy_hdf5 import read_layers
from cornu.saving.formats.safetensors import SafetensorsReader
from cornu.saving.formats.sharded_hdf5 import INDEX_SUFFIX, index_path, write_sharded
from cornu.saving.formats.table import WRITERS, open_arrays
from cornu.saving.stored_state import host_arrays, state_by_key, state_by_path, take_part
from cornu.saving.variable_paths import RenamedArrays, match_file

__all__ = ["load_weights", "save_weights"]


@api_boundary
@loses_no_interrupt
def save_weights(
    model: Layer,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    max_shard_size: float | None = None,
    *,
    objects_to_skip: Iterable[Layer | Variable] | None = None,
) -> None:
    """Writes the weights of a built model to a file, or to several, atomically.

    Args:
        model: the model.
        filepath: a path that ends in `.weights.h5`, the format of Keras, or in `.safetensors` or
            `.npz`, where weights are named by their paths through blocks and layers.
        overwrite: whether an existing file is replaced. If False, the user is asked in a terminal
            or notebook, as in Keras.
        max_shard_size: the maximum size of a file in GB (2^30 bytes), for weights in several files.
            `filepath` is then the path of their index, which ends in `.weights.json`; the files
            `name_00000.weights.h5`, ... are written to the same folder.
        objects_to_skip: layers and Variables that are not written.

    Raises:
        ValueError: the file name has another ending, the model is not built, or an array is larger
            than `max_shard_size`.
        FileExistsError: the file exists, `overwrite` is False, and nobody can be asked.

    Example:

    >>> import tempfile
    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cornu.saving.save_weights(model, f"{folder}/model.weights.h5")
    ...     model.load_weights(f"{folder}/model.weights.h5")

    Note: the file does not contain the state of the optimizer; `save_model` saves it. With
    `max_shard_size`, a process that is killed while it saves may leave files that the index does
    not list. They may be deleted when no process saves.

    Differences: with `max_shard_size`, the old weights remain until the new ones are complete;
    Keras overwrites their files one by one.
    """
    path = Path(filepath)
    write = next((w for suffix, w in WRITERS.items() if path.name.endswith(suffix)), None)
    if max_shard_size is not None:
        _check_shard_size(max_shard_size)
        path = index_path(path)
    elif write is None:
        raise ValueError(
            f"The file name of weights must end in {', '.join(WRITERS)}. "
            f"Received: {str(path)!r}\n"
            + (
                f"{INDEX_SUFFIX!r} is for weights in several files: pass max_shard_size."
                if path.name.endswith(INDEX_SUFFIX)
                else f"For example, use {path.name + '.weights.h5'!r}."
            )
        )
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built: it has no weights to save. "
            "Call it on data first."
        )
    # HDF5 files are exchanged with Keras, which identifies weights by storage key.
    is_hdf5 = path.name.endswith((".h5", INDEX_SUFFIX))
    state = state_by_key(model) if is_hdf5 else state_by_path(model)
    state.leave_out(objects_to_skip or ())
    if not job.is_first():
        take_part(state.collect())
        return
    if not may_write(path, overwrite):
        return
    if max_shard_size is not None:
        with host_arrays(state.collect()) as arrays:
            write_sharded(path, arrays, max_shard_size)
        return
    assert write is not None
    with atomic_write(path) as temporary, host_arrays(state.collect()) as arrays:
        write(temporary, arrays)


def _check_shard_size(max_shard_size: float) -> None:
    number = isinstance(max_shard_size, (int, float)) and not isinstance(max_shard_size, bool)
    if not number or not max_shard_size > 0:
        raise ValueError(
            f"max_shard_size must be a positive number of GB, or None for one file. "
            f"Received: {max_shard_size!r}"
        )


@api_boundary
@loses_no_interrupt
def load_weights(
    model: Layer,
    filepath: str | os.PathLike[str],
    skip_mismatch: bool = False,
    *,
    by_name: bool | None = None,
    objects_to_skip: Iterable[Layer | Variable] | None = None,
    keras_version: str | None = None,
    source_backend: str | None = None,
) -> None:
    """Reads weights from a file into a built model.

    Args:
        model: a model with the same architecture as the saved one.
        filepath: a file that `save_weights` or `save_model` wrote; or the index
            `.weights.json` of weights in several files; or a directory that
            `OrbaxCheckpoint` wrote, here or in Keras, whose latest step is read, or the
            subdirectory of one step; or an `.h5` file of Keras 1, Keras 2, tf.keras or
            `keras.applications`, whose layers are matched in order; or a repository of the Hugging
            Face Hub or a file in it, such as `"hf://owner/repo@revision"`.
        skip_mismatch: whether weights that are missing or have another shape are skipped, with a
            warning that lists them.
        by_name: for these `.h5` files: whether layers are matched by their names instead of
            their order. Layers that only the file or only the model has are then left out.
        objects_to_skip: layers and Variables of the model that keep their values.
        keras_version: the version that wrote an `.h5` file, such as "1.2", "2.2.4" or "tf2.4". By
            default it is read from the file, or judged by its structure with a warning.
        source_backend: the backend of a file that does not name it: with `"theano"`, the kernels
            of convolutions are reversed.

    Raises:
        ValueError: a weight is missing or has another shape, or the file is damaged. The model is
            not changed.

    Example:

    >>> import cornu, pathlib, tempfile
    >>> def make_model(units):
    ...     x = cornu.Input((3,))
    ...     return cornu.Model(x, cornu.layers.Dense(units, name="head")(cornu.layers.Dense(4)(x)))
    >>> model, path = make_model(2), pathlib.Path(tempfile.mkdtemp(), "model.weights.h5")
    >>> save_weights(model, path)
    >>> new = make_model(5)
    >>> load_weights(new, path, objects_to_skip=[new.get_layer("head")])
    >>> bool((new.layers[1].kernel == model.layers[1].kernel).all())
    True

    Note: a directory that `OrbaxCheckpoint` of Keras wrote also restores the state of the optimizer
    if the model has one of the same class, as in Keras, unless `objects_to_skip` is given.

    Differences: Keras ignores arrays in a directory of `OrbaxCheckpoint` whose names differ from
    those of the model, as they do if the process had created other layers before. Here automatic
    names are matched in their order, and weights that do not match are an error.
    """
    path = validation.resolve_existing_path(hub.local_weights(filepath), directories=True)
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built: the shapes of its weights are "
            "unknown. Call it on data, or pass an input shape, before you load weights."
        )
    with open_arrays(path) as reader:
        layers = read_layers(reader) if isinstance(reader, HDF5Reader) else None
        old = {
            "by_name": by_name,
            "keras_version": keras_version,
            "source_backend": source_backend,
        }
        given = [name for name, value in old.items() if value is not None]
        if given and layers is None:
            raise ValueError(
                f"{given[0]}={old[given[0]]!r} is for .h5 files of Keras 2 and before, in which "
                f"layers have names and an order. Received: {str(path)!r}\nOmit {given[0]}; "
                "skip_mismatch=True loads the weights that match."
            )
        if isinstance(reader, HDF5Reader) and layers is not None:
            old_files.load_layer_weights(
                model,
                reader,
                layers,
                skip_mismatch,
                bool(by_name),
                objects_to_skip or (),
                keras_version,
                source_backend,
            )
        else:
            state, found = match_file(reader, model)
            if not skip_mismatch and isinstance(reader, SafetensorsReader):
                if not state.count_matches(reader.shapes):
                    _refuse_other_names(reader.shapes, path)
            skipped = list(objects_to_skip or ())
            state.leave_out(skipped)
            # As in Keras, folders of Orbax continue a training.
            resumes = isinstance(found, RenamedArrays) and not skipped
            state.restore(found, skip_mismatch=skip_mismatch, optimizers=resumes)


def _refuse_other_names(keys: Iterable[str], path: Path) -> None:
    """Raises if a file has the names of torch, which are parts with dots."""
    names = list(keys)
    if names and all("." in name and "/" not in name for name in names):
        raise ValueError(
            f"{str(path)!r} has arrays with the names of another library, such as {names[0]!r}, "
            "and probably with its layouts.\nThis loads weights of torch: "
            f"cornu.export.load_state_dict(model, {str(path)!r}); of Flax: cornu.export.load_flax."
        )
