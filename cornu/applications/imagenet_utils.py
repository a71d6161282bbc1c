"""Images before, and predictions after a network that was trained on ImageNet."""

from __future__ import annotations

import functools
import json
from typing import Any, Literal

import jax
import numpy as np

from cornu import ops, settings
from cornu.core.graph.tensor import Tensor
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import check_choice
from cornu.types import ArrayLike, DataFormat
from cornu.utils import get_file

__all__ = ["decode_predictions", "preprocess_input"]

_MODES = ("caffe", "tf", "torch")
# Of ImageNet: in the order blue, green, red for "caffe", and red, green, blue for "torch".
_CAFFE_MEANS = (103.939, 116.779, 123.68)
_TORCH_MEANS, _TORCH_DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

_CLASS_INDEX = (
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
)


@api_boundary
def preprocess_input(
    x: ArrayLike,
    data_format: DataFormat | None = None,
    mode: Literal["caffe", "tf", "torch"] = "caffe",
) -> Any:
    """Preprocesses RGB images with values from 0 to 255 as in the training of a network.

        x[..., ::-1] - means                   "caffe": BGR instead of RGB, minus means of channels
        x / 127.5 - 1                          "tf": values from -1 to 1
        (x / 255 - means) / deviations         "torch": standardized channels

    Args:
        x: an array or symbolic Tensor.
        data_format: `"channels_last"`, `"channels_first"`, or None for `image_data_format()`.
        mode: one of the three.

    Shapes: x (batch, height, width, 3) or (height, width, 3), or with the channels before the
        height for channels_first.

    Returns:
        A new float array, or a Tensor.

    Raises:
        ValueError: `mode` or `data_format` is unknown.

    Example:

    >>> preprocess_input(np.array([[[0, 127.5, 255]]]), mode="tf").tolist()
    [[[-1.0, 0.0, 1.0]]]

    Fixes: the array that was passed is not changed; Keras overwrites float arrays.
    """
    check_choice("preprocess_input", "mode", mode, _MODES)
    first = settings.data_format(data_format) == "channels_first"
    images: Any = x if isinstance(x, (np.ndarray, jax.Array, Tensor, Variable)) else np.asarray(x)
    if np.dtype(str(images.dtype)).kind not in "fV":  # bfloat16 has the kind V
        floatx = settings.get("floatx")
        images = (
            images.astype(floatx) if isinstance(images, np.ndarray) else ops.cast(images, floatx)
        )
    if mode == "tf":
        return images / 127.5 - 1.0

    def channels(values: tuple[float, ...]) -> Any:
        array = np.asarray(values, str(images.dtype))
        return array[:, None, None] if first else array

    if mode == "torch":
        return (images / 255.0 - channels(_TORCH_MEANS)) / channels(_TORCH_DEVIATIONS)
    images = images[..., ::-1, :, :] if first else images[..., ::-1]
    return images - channels(_CAFFE_MEANS)


@api_boundary
def decode_predictions(preds: ArrayLike, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """Returns the most probable classes of ImageNet for each image.

    Args:
        preds: the outputs of a network with 1000 classes.
        top: the number of classes for each image.

    Shapes: preds (batch, 1000).

    Returns:
        For each image, a list of `(WordNet ID, name, score)`, the highest score first.

    Raises:
        ValueError: `preds` has another shape.
        TypeError: `preds` is a symbolic Tensor.
        OSError: the names of classes are missing in the cache and cannot be downloaded.

    Example:

    >>> decode_predictions(model.predict(images), top=3)  # doctest: +SKIP
    """
    if isinstance(preds, Tensor):
        raise TypeError(
            f"decode_predictions needs numbers. Received: the symbolic Tensor {preds.name!r}\n"
            "Pass the result of model.predict(images)."
        )
    scores = np.asarray(preds)
    if scores.ndim != 2 or scores.shape[1] != 1000:
        raise ValueError(
            f"decode_predictions: expected shape (batch, 1000). Received: {scores.shape}"
        )
    names = _class_names()
    # Stable, so that equal scores are in the order of the classes.
    orders = np.argsort(-scores.astype("float64"), axis=1, kind="stable")[:, :top]
    return [[(*names[i], row[i]) for i in order] for row, order in zip(scores, orders, strict=True)]


@functools.cache
def _class_names() -> list[tuple[str, str]]:
    path = get_file(
        "imagenet_class_index.json",
        _CLASS_INDEX,
        cache_subdir="models",
        file_hash="c2c37ea517e94d9795004a39431a14cb",
    )
    with open(path, encoding="utf-8") as file:
        index = json.load(file)
    return [(index[str(i)][0], index[str(i)][1]) for i in range(len(index))]
