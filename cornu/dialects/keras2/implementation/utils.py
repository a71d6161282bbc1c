"""The modules below `keras.utils` of Keras 2."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cornu import registry, saving, utils
from cornu.dialects.common_utils import HDF5Matrix, has_arg, to_categorical

__all__ = ["MODULES", "ROOT"]


class Sequence_(utils.PyDataset):
    """Batches that are computed by index: `__len__` and `__getitem__` are overridden.

    Unlike today, a subclass need not call the constructor.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        utils.PyDataset.__init__(made)
        return made


Sequence_.__name__ = Sequence_.__qualname__ = "Sequence"


def multi_gpu_model(
    model: Any, gpus: Any = None, cpu_merge: bool = True, cpu_relocation: bool = False
) -> Any:
    """Returns the model: several devices are used by `cornu.distribution` today."""
    return model


def print_summary(
    model: Any, line_length: int | None = None, positions: Any = None, print_fn: Any = None
) -> None:
    """Prints the layers of a model."""
    model.summary(line_length=line_length, print_fn=print_fn)


def plot_model(
    model: Any,
    to_file: str = "model.png",
    show_shapes: bool = False,
    show_layer_names: bool = True,
    rankdir: Any = "TB",
    **kwargs: Any,
) -> Any:
    """Writes a diagram of a model; see `cornu.utils.plot_model`."""
    return utils.plot_model(
        model, to_file, show_shapes, show_layer_names=show_layer_names, rankdir=rankdir, **kwargs
    )


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_layer_names: bool = True,
    rankdir: Any = "TB",
    **kwargs: Any,
) -> Any:
    """Returns a model as dot text; see `cornu.utils.model_to_dot`."""
    return utils.model_to_dot(
        model, show_shapes, show_layer_names=show_layer_names, rankdir=rankdir, **kwargs
    )


def serialize_keras_object(instance: Any) -> Any:
    """Returns the class and the config of an object as plain data; the name of a function."""
    if callable(getattr(instance, "get_config", None)):
        return {"class_name": type(instance).__name__, "config": instance.get_config()}
    return getattr(instance, "__name__", instance)


def deserialize_keras_object(
    identifier: Any,
    module_objects: Any = None,
    custom_objects: Any = None,
    printable_module_name: str = "object",
) -> Any:
    """Returns the object for a config or a name."""
    if isinstance(identifier, str):
        for table in (custom_objects, saving.get_custom_objects(), module_objects):
            if table and identifier in table:
                return table[identifier]
        raise ValueError(f"Unknown {printable_module_name}: {identifier!r}")
    with registry.custom_object_scope({**(module_objects or {}), **(custom_objects or {})}):
        return registry.deserialize(identifier)


def to_list(x: Any, allow_tuple: bool = False) -> Any:
    """Returns a list: of one element unless the value is one."""
    if isinstance(x, list):
        return x
    return list(x) if allow_tuple and isinstance(x, tuple) else [x]


def unpack_singleton(x: Any) -> Any:
    """Returns the element of a sequence of length one, and other values unchanged."""
    return x[0] if len(x) == 1 else x


def is_all_none(iterable_or_element: Any) -> bool:
    """Tells whether all elements, or the value itself, are None."""
    return all(one is None for one in to_list(iterable_or_element, allow_tuple=True))


def slice_arrays(arrays: Any, start: Any = None, stop: Any = None) -> Any:
    """Returns rows of an array or of each of a list: from `start` to `stop`, or those in a list."""
    if arrays is None:
        return [None]
    rows = np.asarray(start) if np.ndim(start) else slice(start, stop)
    if isinstance(arrays, list):
        return [None if one is None else one[rows] for one in arrays]
    return arrays[rows]


def transpose_shape(shape: Any, target_format: str, spatial_axes: Iterable[int]) -> tuple[Any, ...]:
    """Returns a shape of "channels_last" data in another format."""
    if target_format == "channels_first":
        return (shape[0], shape[-1], *(shape[axis] for axis in spatial_axes))
    if target_format == "channels_last":
        return tuple(shape)
    raise ValueError(
        f"target_format must be 'channels_first' or 'channels_last'. Received: {target_format!r}"
    )


def object_list_uid(object_list: Any) -> str:
    """Returns a text that is the same for the same objects."""
    return ", ".join(str(abs(id(one))) for one in to_list(object_list, allow_tuple=True))


def validate_file(
    fpath: Any, file_hash: str, algorithm: str = "auto", chunk_size: int = 65535
) -> bool:
    """Tells whether a file has a hash.

    Args:
        fpath: the file.
        file_hash: the hexadecimal hash.
        algorithm: "md5", "sha256" or "auto", by the length of the hash.
        chunk_size: the number of bytes to read at once.
    """
    is_long = algorithm == "sha256" or (algorithm == "auto" and len(file_hash) == 64)
    found = hashlib.sha256() if is_long else hashlib.md5(usedforsecurity=False)
    with Path(fpath).open("rb") as file:
        while part := file.read(chunk_size):
            found.update(part)
    return found.hexdigest() == file_hash


def count_params(weights: Iterable[Any]) -> int:
    """Returns the number of elements of some weights, each counted once."""
    return sum(int(np.prod(one.shape)) for one in {id(one): one for one in weights}.values())


def convert_kernel(kernel: np.ndarray) -> np.ndarray:
    """Reverses a kernel of a convolution along its spatial axes, between Theano and TensorFlow."""
    kernel = np.asarray(kernel)
    if not 3 <= kernel.ndim <= 5:
        raise ValueError(f"Expected a kernel of 3 to 5 axes. Received shape: {kernel.shape}")
    return np.flip(kernel, tuple(range(kernel.ndim - 2))).copy()


def convert_all_kernels_in_model(model: Any) -> None:
    """Reverses the kernels of all convolutions of a model in place; see `convert_kernel`."""
    for layer in model.layers:
        if type(layer).__name__ in ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose"):
            layer.kernel.assign(convert_kernel(layer.kernel.numpy()))


def convert_dense_weights_data_format(
    dense: Any,
    previous_feature_map_shape: Sequence[int],
    target_data_format: str = "channels_first",
) -> None:
    """Reorders the rows of the kernel of a Dense layer after Flatten, for another channel order.

    Args:
        dense: the layer.
        previous_feature_map_shape: the shape before Flatten, without the batch.
        target_data_format: the new order; the kernel is that of the other one.
    """
    shape = tuple(previous_feature_map_shape)
    to_first = target_data_format == "channels_first"
    stored = (*shape[1:], shape[0]) if to_first else shape
    size = int(np.prod(shape))
    if to_first:
        order = np.arange(size).reshape(stored).transpose(2, 0, 1)
    else:
        order = np.arange(size).reshape(shape[-1], *shape[:-1]).transpose(1, 2, 0)
    dense.kernel.assign(dense.kernel.numpy()[order.ravel()])


def normalize_tuple(value: Any, n: int, name: str) -> tuple[int, ...]:
    """Returns a tuple of `n` integers for one integer or a sequence of them."""
    found = (value,) * n if isinstance(value, int) else tuple(value)
    if len(found) != n:
        raise ValueError(f"{name} must be an integer or {n} integers. Received: {value!r}")
    return tuple(int(one) for one in found)


def normalize_padding(value: str) -> str:
    """Returns a padding in lower case."""
    padding = value.lower()
    if padding not in ("valid", "same", "causal", "full"):
        raise ValueError(
            f"padding must be 'valid', 'same', 'causal' or 'full'. Received: {value!r}"
        )
    return padding


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """Returns the length of the output of a convolution."""
    if input_length is None:
        return None
    extent = (filter_size - 1) * dilation + 1
    length = {
        "same": input_length,
        "causal": input_length,
        "valid": input_length - extent + 1,
        "full": input_length + extent - 1,
    }[padding]
    return (length + stride - 1) // stride


def conv_input_length(
    output_length: int | None, filter_size: int, padding: str, stride: int
) -> int | None:
    """Returns the length of the input of a convolution."""
    if output_length is None:
        return None
    pad = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}[padding]
    return (output_length - 1) * stride - 2 * pad + filter_size


def deconv_length(
    dim_size: int | None,
    stride_size: int,
    kernel_size: int,
    padding: str,
    output_padding: int | None,
    dilation: int = 1,
) -> int | None:
    """Returns the length of the output of a transposed convolution."""
    if dim_size is None:
        return None
    extent = kernel_size + (kernel_size - 1) * (dilation - 1)
    if output_padding is None:
        return {
            "valid": dim_size * stride_size + max(extent - stride_size, 0),
            "full": dim_size * stride_size - (stride_size + extent - 2),
            "same": dim_size * stride_size,
        }[padding]
    pad = {"same": extent // 2, "valid": 0, "full": extent - 1}[padding]
    return (dim_size - 1) * stride_size + extent - 2 * pad + output_padding


def get_test_data(
    num_train: int = 1000,
    num_test: int = 500,
    input_shape: Any = (10,),
    output_shape: Any = (2,),
    classification: bool = True,
    num_classes: int = 2,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Returns random data that a model can learn, for tests.

    Args:
        num_train, num_test: the numbers of samples.
        input_shape: the shape of a sample.
        output_shape: that of a target, without classes.
        classification: whether targets are classes.
        num_classes: the number of classes.
    """
    count = num_train + num_test
    if classification:
        y: np.ndarray = np.random.randint(0, num_classes, size=(count,))
        x = np.random.normal(size=(count, *input_shape))
        x += y.reshape((-1,) + (1,) * len(input_shape))
    else:
        level = np.random.random(count)
        x = np.zeros((count, *input_shape)) + level.reshape((-1,) + (1,) * len(input_shape))
        y = np.zeros((count, *output_shape)) + level.reshape((-1,) + (1,) * len(output_shape))
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:])


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """Divides an array by its norm along an axis; rows of zeros remain."""
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis)


def ask_to_proceed_with_overwrite(filepath: Any) -> bool:
    """Asks in the terminal whether a file may be replaced."""
    answer = input(f"{filepath!r} already exists. Overwrite? [y/n] ").strip().lower()
    return answer == "y"


_GENERIC = {
    "CustomObjectScope": saving.CustomObjectScope,
    "Progbar": utils.Progbar,
    "custom_object_scope": saving.custom_object_scope,
    "deserialize_keras_object": deserialize_keras_object,
    "get_custom_objects": saving.get_custom_objects,
    "has_arg": has_arg,
    "is_all_none": is_all_none,
    "object_list_uid": object_list_uid,
    "serialize_keras_object": serialize_keras_object,
    "slice_arrays": slice_arrays,
    "to_list": to_list,
    "transpose_shape": transpose_shape,
    "unpack_singleton": unpack_singleton,
}
_DATA = {
    "Sequence": Sequence_,
    "get_file": utils.get_file,
    "validate_file": validate_file,
}
_LAYERS = {
    "convert_all_kernels_in_model": convert_all_kernels_in_model,
    "convert_dense_weights_data_format": convert_dense_weights_data_format,
    "convert_kernel": convert_kernel,
    "count_params": count_params,
    "get_source_inputs": utils.get_source_inputs,
    "print_summary": print_summary,
}
_FILES = {"HDF5Matrix": HDF5Matrix, "ask_to_proceed_with_overwrite": ask_to_proceed_with_overwrite}
_NUMPY = {"normalize": normalize, "to_categorical": to_categorical}
_PLOTS = {"model_to_dot": model_to_dot, "plot_model": plot_model}

# Module below `keras.utils` -> its contents.
MODULES: dict[str, dict[str, Any]] = {
    "conv_utils": {
        "conv_input_length": conv_input_length,
        "conv_output_length": conv_output_length,
        "convert_kernel": convert_kernel,
        "deconv_length": deconv_length,
        "normalize_padding": normalize_padding,
        "normalize_tuple": normalize_tuple,
    },
    "data_utils": _DATA,
    "generic_utils": _GENERIC,
    "io_utils": _FILES,
    "layer_utils": _LAYERS,
    "multi_gpu_utils": {"multi_gpu_model": multi_gpu_model},
    "np_utils": _NUMPY,
    "test_utils": {"get_test_data": get_test_data},
    "training_utils": {"multi_gpu_model": multi_gpu_model},
    "vis_utils": _PLOTS,
}
_FROM_ROOT = (
    *("CustomObjectScope", "Progbar", "custom_object_scope", "deserialize_keras_object"),
    *("get_custom_objects", "serialize_keras_object"),
)
# What `keras.utils` itself has.
ROOT: dict[str, Any] = {
    **{name: _GENERIC[name] for name in _FROM_ROOT},
    **{name: value for name, value in _DATA.items() if name != "validate_file"},
    **{
        name: _LAYERS[name]
        for name in ("convert_all_kernels_in_model", "get_source_inputs", "print_summary")
    },
    **_NUMPY,
    **_PLOTS,
    "HDF5Matrix": HDF5Matrix,
    "multi_gpu_model": multi_gpu_model,
}
