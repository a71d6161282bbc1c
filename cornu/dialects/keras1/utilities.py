"""The modules below `keras.utils` of Keras 1."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cornu import layers, registry, saving, utils
from cornu.dialects.common_utils import HDF5Matrix
from cornu.dialects.keras1 import np_utils, visualize_util
from cornu.dialects.keras1.configs import CONFIGS
from cornu.utils.downloads import get_file as download

__all__ = ["MODULES", "layer_from_config"]


def get_file(
    fname: str,
    origin: str,
    untar: bool = False,
    md5_hash: str | None = None,
    cache_subdir: str = "datasets",
) -> str:
    """Downloads a file if it is not in the cache, and returns its path."""
    return download(fname, origin, untar=untar, md5_hash=md5_hash, cache_subdir=cache_subdir)


def validate_file(fpath: Any, md5_hash: str) -> bool:
    """Whether a file has an MD5 hash."""
    return hashlib.md5(Path(fpath).read_bytes(), usedforsecurity=False).hexdigest() == md5_hash


def get_from_module(
    identifier: Any,
    module_params: Any,
    module_name: str,
    instantiate: bool = False,
    kwargs: Any = None,
) -> Any:
    """Returns an object of a table by its name, or creates one of its class."""
    if not isinstance(identifier, str):
        return identifier
    found = saving.get_custom_objects().get(identifier) or module_params.get(identifier)
    if not found:
        raise ValueError(f"Unknown {module_name}: {identifier!r}")
    return found(**(kwargs or {})) if instantiate else found


def make_tuple(*args: Any) -> tuple[Any, ...]:
    """Returns its arguments."""
    return args


def save_array(array: Any, name: Any) -> None:
    """Writes an array as the only data set of an HDF5 file."""
    with h5py.File(name, "w") as file:
        file["array"] = np.asarray(array)


def load_array(name: Any) -> np.ndarray:
    """Returns the array of a file that `save_array` wrote."""
    with h5py.File(name, "r") as file:
        return np.asarray(file["array"])


def ask_to_proceed_with_overwrite(filepath: Any) -> bool:
    """Asks whether a file shall be replaced."""
    answer = input(f"[WARNING] {filepath} already exists - overwrite? [y/n]")
    return answer.strip().lower() == "y"


def layer_from_config(config: Any, custom_objects: Any = None) -> Any:
    """Returns a layer for `{"class_name": ..., "config": ...}`."""
    with registry.custom_object_scope(custom_objects or {}):
        return CONFIGS.create_layer(config)


def print_summary(
    layers: Any, relevant_nodes: Any = None, line_length: int = 100, positions: Any = None
) -> None:
    """Prints the names, classes, shapes and sizes of layers."""
    for layer in layers:
        shape = getattr(layer, "output_shape", None)
        print(f"{layer.name} ({type(layer).__name__})"[:44].ljust(45), str(shape).ljust(25), end="")
        print(layer.count_params() if layer.built else "")


def count_total_params(layers: Any, layer_set: Any = None) -> tuple[int, int]:
    """Returns the number of elements of the weights that are trained, and of others."""
    unique = {id(layer): layer for layer in layers}.values()
    trained = {id(v): v for layer in unique for v in layer.trainable_weights}
    fixed = {id(v): v for layer in unique for v in layer.non_trainable_weights}
    return sum(v.size for v in trained.values()), sum(v.size for v in fixed.values())


def convert_all_kernels_in_model(model: Any) -> None:
    """Reverses the kernels of all convolutions, as between Theano and TensorFlow."""
    kinds = (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.Conv2DTranspose)
    for layer in model.layers:
        if isinstance(layer, kinds):
            axes = tuple(range(layer.kernel.ndim - 2))
            layer.kernel.assign(np.flip(layer.kernel.numpy(), axes))


def get_test_data(
    nb_train: int = 1000,
    nb_test: int = 500,
    input_shape: Any = (10,),
    output_shape: Any = (2,),
    classification: bool = True,
    nb_class: int = 2,
) -> Any:
    """Returns random data for training and for testing, whose inputs depend on the targets."""
    total = nb_train + nb_test
    if classification:
        y = np.random.randint(0, nb_class, size=(total,))
        X = np.stack([np.full(input_shape, c, "float32") for c in y])
    else:
        values = np.random.random((total,))
        X = np.stack([np.full(input_shape, v, "float32") for v in values])
        y = np.stack([np.full(output_shape, v) for v in values])
    X = X + np.random.normal(scale=0.7, size=X.shape)
    return (X[:nb_train], y[:nb_train]), (X[nb_train:], y[nb_train:])


def keras_test(func: Callable[..., Any]) -> Callable[..., Any]:
    """Resets the global state after a test function."""

    @functools.wraps(func)
    def run(*args: Any, **kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        utils.clear_session()
        return result

    return run


def layer_test(
    layer_cls: Any,
    kwargs: Any = None,
    input_shape: Any = None,
    input_dtype: Any = None,
    input_data: Any = None,
    expected_output: Any = None,
    expected_output_dtype: Any = None,
    fixed_batch_size: bool = False,
) -> np.ndarray:
    """Calls a layer on data, and compares shape and values with those that are expected."""
    if input_data is None:
        shape = [size or np.random.randint(1, 4) for size in input_shape]
        input_data = 10 * np.random.random(shape)
    input_data = np.asarray(input_data, input_dtype or "float32")
    layer = layer_cls(**(kwargs or {}))
    outputs = np.asarray(layer(input_data))
    assert outputs.shape == tuple(layer.get_output_shape_for(input_data.shape))
    if expected_output is not None:
        np.testing.assert_allclose(outputs, expected_output, rtol=1e-3)
    return outputs


class Progbar(utils.Progbar):
    """A progress bar, with the arguments of Keras 1."""

    def __init__(
        self, target: int | None, width: int = 30, verbose: int = 1, interval: float = 0.05
    ) -> None:
        super().__init__(target, width=width, verbose=verbose, interval=interval)

    def update(self, current: int, values: Any = None, force: bool = False) -> None:  # type: ignore[override]
        """Shows the progress; `force` shows it even if the last time was a moment ago."""
        super().update(current, values, force or None)


def _public(module: Any) -> dict[str, Any]:
    return {name: getattr(module, name) for name in module.__all__}


MODULES: dict[str, dict[str, Any]] = {
    "data_utils": {"get_file": get_file, "validate_file": validate_file},
    "generic_utils": {
        "CustomObjectScope": saving.CustomObjectScope,
        "Progbar": Progbar,
        "custom_object_scope": saving.custom_object_scope,
        "get_custom_objects": saving.get_custom_objects,
        "get_from_module": get_from_module,
        "make_tuple": make_tuple,
    },
    "io_utils": {
        "HDF5Matrix": HDF5Matrix,
        "ask_to_proceed_with_overwrite": ask_to_proceed_with_overwrite,
        "load_array": load_array,
        "save_array": save_array,
    },
    "layer_utils": {
        "convert_all_kernels_in_model": convert_all_kernels_in_model,
        "count_total_params": count_total_params,
        "layer_from_config": layer_from_config,
        "print_summary": print_summary,
    },
    "np_utils": _public(np_utils),
    "test_utils": {
        "get_test_data": get_test_data,
        "keras_test": keras_test,
        "layer_test": layer_test,
    },
    "visualize_util": _public(visualize_util),
}
