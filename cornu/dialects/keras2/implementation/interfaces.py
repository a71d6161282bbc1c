"""`keras.legacy.interfaces` of Keras 2: decorators of methods that accepted arguments of Keras 1.

Programs have them from the source of Keras, above methods of layers and optimizers of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["INTERFACES"]

F = TypeVar("F", bound=Callable[..., Any])


def accept(function: F) -> F:
    """Returns a method: its arguments are those of Keras 2."""
    return function


def generate_legacy_interface(**kwargs: Any) -> Callable[[F], F]:
    """Returns a decorator that changes nothing."""
    return accept


INTERFACES: dict[str, Any] = {
    "generate_legacy_interface": generate_legacy_interface,
    "generate_legacy_method_interface": generate_legacy_interface,
    **{
        f"legacy_{name}_support": accept
        for name in (
            "add_weight",
            "batchnorm",
            "conv1d",
            "conv2d",
            "conv3d",
            "convlstm2d",
            "cropping2d",
            "cropping3d",
            "deconv2d",
            "dense",
            "dropout",
            "embedding",
            "gaussiandropout",
            "gaussiannoise",
            "generator_methods",
            "get_updates",
            "global_pooling",
            "input",
            "lambda",
            "model_constructor",
            "pooling1d",
            "pooling2d",
            "pooling3d",
            "prelu",
            "recurrent",
            "separable_conv2d",
            "spatialdropout1d",
            "upsampling1d",
            "upsampling2d",
            "upsampling3d",
            "zeropadding2d",
            "zeropadding3d",
        )
    },
}
