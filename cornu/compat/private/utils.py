"""`keras.src.utils`: checks of arguments, decorators and modules that are imported late."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from cornu import settings
from cornu.data.class_weights import weights_of_classes
from cornu.errors import is_positive_integer

__all__ = [
    "LazyModule",
    "class_weight_to_sample_weights",
    "in_grain_data_pipeline",
    "no_automatic_dependency_tracking",
    "obtain_input_shape",
    "standardize_tuple",
    "tensorflow",
]

T = TypeVar("T")


class LazyModule:
    """A module that is imported when an attribute of it is first read.

    Args:
        name: the name of the module.
        pip_name: the name under which pip installs it, for the message.
        import_error_msg: the message of the error if it is not installed.
    """

    def __init__(
        self, name: str, pip_name: str | None = None, import_error_msg: str | None = None
    ) -> None:
        self._name = name
        self._message = import_error_msg or (
            f"This requires the {name} module. Install it with: pip install {pip_name or name}"
        )

    @property
    def available(self) -> bool:
        """Whether the module is installed."""
        try:
            importlib.import_module(self._name)
        except ImportError:
            return False
        return True

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # `inspect.unwrap`, as doctest calls it, asks every object
            raise AttributeError(name)
        try:
            module = importlib.import_module(self._name)
        except ImportError as error:
            raise ImportError(self._message) from error
        return getattr(module, name)

    def __repr__(self) -> str:
        return f"LazyModule({self._name})"


tensorflow = LazyModule("tensorflow")


def no_automatic_dependency_tracking(fn: Callable[..., T]) -> Callable[..., T]:
    """Returns a method unchanged, since assignment of an attribute does not register anything."""
    return fn


def class_weight_to_sample_weights(y: Any, class_weight: Mapping[int, float]) -> np.ndarray:
    """Returns the weight of the class of each row."""
    return weights_of_classes(np.asarray(y), class_weight, "y")


def in_grain_data_pipeline() -> bool:
    """Tells whether the caller runs in a pipeline of Grain, which must yield NumPy arrays."""
    if "grain" not in sys.modules:
        return False
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("grain."):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def standardize_tuple(value: Any, n: int, name: str, allow_zero: bool = False) -> tuple[int, ...]:
    """Returns `n` sizes of a window from an integer, which stands for all, or a sequence."""
    sizes = (value,) * n if isinstance(value, (int, np.integer)) else tuple(value)
    allowed = all(is_positive_integer(size) or (allow_zero and size == 0) for size in sizes)
    if len(sizes) != n or not allowed:
        raise ValueError(
            f"{name} must be a positive integer, or {n} of them. Received: {name}={value!r}"
        )
    return tuple(int(size) for size in sizes)


def obtain_input_shape(
    input_shape: tuple[int | None, ...] | None,
    default_size: int,
    min_size: int,
    data_format: str | None,
    require_flatten: bool,
    weights: str | None = None,
) -> tuple[int | None, ...]:
    """Returns the shape of the images of a network.

    Args:
        input_shape: the shape, or None for the default.
        default_size: the default height and width.
        min_size: the smallest height and width.
        data_format: "channels_last" or "channels_first".
        require_flatten: whether height and width must be known.
        weights: "imagenet" for weights for images with three channels.

    Raises:
        ValueError: the shape does not have three sizes, a size is too small, or a size is unknown
            that must be known.
    """
    first = (data_format or settings.get("image_data_format")) == "channels_first"
    if input_shape is None:
        size = default_size if require_flatten else None
        return (3, size, size) if first else (size, size, 3)
    if len(input_shape) != 3:
        raise ValueError(f"input_shape must have 3 sizes. Received: {input_shape}")
    lengths, channels = (
        (input_shape[1:], input_shape[0]) if first else (input_shape[:2], input_shape[2])
    )
    if weights == "imagenet" and channels != 3:
        raise ValueError(
            "The weights of ImageNet are for images with 3 channels. Received: "
            f"input_shape={input_shape}"
        )
    if any(length is not None and length < min_size for length in lengths):
        raise ValueError(
            f"Height and width must be at least {min_size}. Received: input_shape={input_shape}"
        )
    if require_flatten and None in input_shape:
        raise ValueError(
            "If `include_top` is True, input_shape must be static. Received: "
            f"input_shape={input_shape}"
        )
    return tuple(input_shape)
