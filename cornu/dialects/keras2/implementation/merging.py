"""Functions that create a layer and call it: `add`, `concatenate`, `AtrousConvolution2D`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["make_atrous", "make_functions"]

_ELEMENTWISE = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")


def _make_function(cls: Any) -> Callable[..., Any]:
    def merge(inputs: Any, **kwargs: Any) -> Any:
        return cls(**kwargs)(inputs)

    merge.__name__ = merge.__qualname__ = cls.__name__.lower()
    merge.__doc__ = f"Returns `{cls.__name__}(**kwargs)(inputs)`."
    return merge


def make_functions(classes: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Returns the functions of `keras.layers.merge` by name.

    Args:
        classes: the layers of the version by name.
    """

    def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
        """Returns `Concatenate(axis, **kwargs)(inputs)`."""
        return classes["Concatenate"](axis=axis, **kwargs)(inputs)

    def dot(inputs: Any, axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
        """Returns `Dot(axes, normalize, **kwargs)(inputs)`."""
        return classes["Dot"](axes=axes, normalize=normalize, **kwargs)(inputs)

    made = {name.lower(): _make_function(classes[name]) for name in _ELEMENTWISE}
    return {**made, "concatenate": concatenate, "dot": dot}


def make_atrous(classes: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Returns the functions for dilated convolutions that Keras 2 kept.

    Args:
        classes: the layers of the version by name.
    """

    def AtrousConvolution1D(*args: Any, **kwargs: Any) -> Any:
        """Returns `Conv1D` with `atrous_rate` as `dilation_rate`."""
        return classes["Conv1D"](*args, dilation_rate=kwargs.pop("atrous_rate", 1), **kwargs)

    def AtrousConvolution2D(*args: Any, **kwargs: Any) -> Any:
        """Returns `Conv2D` with `atrous_rate` as `dilation_rate`."""
        return classes["Conv2D"](*args, dilation_rate=kwargs.pop("atrous_rate", 1), **kwargs)

    one, two = AtrousConvolution1D, AtrousConvolution2D
    return {
        "AtrousConv1D": one,
        "AtrousConvolution1D": one,
        "AtrousConv2D": two,
        "AtrousConvolution2D": two,
    }
