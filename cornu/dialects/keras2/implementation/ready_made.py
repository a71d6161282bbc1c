"""`keras.applications`: ready-made networks as models and layers of a version of Keras 2."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from cornu import layers, models, registry
from cornu.dialects.keras2.implementation.configs import make_configs
from cornu.dialects.keras2.implementation.version import Version
from cornu.dialects.old_configs import create_from_config
from cornu.dialects.old_signatures import with_signature
from cornu.legacy.keras1.class_mapping import OldClass
from cornu.legacy.layers.batch_normalization import select_batch_normalization
from cornu.types import Config

__all__ = ["convert_application"]

# The parameters of these networks in tf.keras, after the name.
_CONVNEXT = (
    "include_top=True, include_preprocessing=True, weights='imagenet', input_tensor=None, "
    "input_shape=None, pooling=None, classes=1000, classifier_activation='softmax'"
)


def _arguments_of_version(layer: Any, known: Mapping[str, Any]) -> Config | None:
    """Returns the config of a layer of today if a version has all of its arguments, else None.

    Args:
        layer: the layer.
        known: the parameters of its class in the version.
    """
    config = layer.get_config()
    defaults = inspect.signature(type(layer).__init__).parameters
    for name, value in config.items():
        if name not in known and (name not in defaults or defaults[name].default != value):
            return None
    return {name: value for name, value in config.items() if name in known and name != "dtype"}


def convert_application(
    make: Callable[..., Any], version: Version, model_class: type
) -> Callable[..., Any]:
    """Returns a function of `keras.applications` that makes a model of the version.

    Args:
        make: the function of today.
        version: the version, whose BatchNormalization the model has.
        model_class: the class `Model` of the version.
    """
    normalization = registry.find("layers", select_batch_normalization(version.source))
    configs = make_configs(version)

    def copy_layer(layer: Any) -> Any:
        old_class = configs.classes.get(type(layer).__name__)
        if isinstance(old_class, OldClass):
            given = _arguments_of_version(layer, old_class.mapping.parameters)
            if given is not None:
                return create_from_config(old_class, given, configs)
        cls = normalization if type(layer) is layers.BatchNormalization else type(layer)
        return cls.from_config(layer.get_config())

    @functools.wraps(make)
    def make_old(*args: Any, **kwargs: Any) -> Any:
        made = make(*args, **kwargs)
        copied = models.clone_model(made, made.inputs, copy_layer)
        model = model_class(copied.inputs, copied.outputs, name=made.name)
        by_name = {layer.name: layer for layer in made.layers}
        for layer in model.layers:
            if layer.weights:
                layer.set_weights(by_name[layer.name].get_weights())
        return model

    if make.__name__.startswith("ConvNeXt"):
        size = make.__name__.removeprefix("ConvNeXt").lower()
        signature = f"model_name='convnext_{size}', {_CONVNEXT}"
        return with_signature(make_old, signature, {"model_name": "name"})
    return make_old
