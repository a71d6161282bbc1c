"""The configs of layers: constructor arguments, and the shapes with which they were built."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from cornu import registry
from cornu.core.layer.shapes import plain_shapes, shapes_from_json
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.registry.signatures import signature_of

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer

__all__ = ["build", "build_config", "layer_config"]


def layer_config(layer: Layer, arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the config of a layer: the arguments that all layers have precede its own.

    Args:
        layer: the layer.
        arguments: the arguments of the constructor as plain data.
    """
    base = {
        "name": layer.name,
        "trainable": layer.trainable,
        "dtype": _describe_policy(layer),
    }
    parameters = signature_of(type(layer).__init__).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        base = {name: value for name, value in base.items() if name in parameters}
    return {**base, **{k: v for k, v in arguments.items() if k not in base}}


def build_config(layer: Layer) -> dict[str, Any] | None:
    """Returns the shapes with which `build` was called, or None; see `Layer.get_build_config`."""
    if layer._built_with_ is None:
        return None
    args, kwargs = layer._built_with_
    bound = inspect.signature(layer.build).bind(*args, **kwargs).arguments
    shapes = {name: plain_shapes(shape) for name, shape in bound.items()}
    # The two forms of Keras, which reads them from files.
    if len(shapes) == 1:
        return {"input_shape": next(iter(shapes.values()))}
    return {"shapes_dict": shapes} if shapes else None


def build(layer: Layer, config: dict[str, Any]) -> None:
    """Builds a layer from what `build_config` returned, in this library or in Keras."""
    if "input_shape" in config:
        layer.build(shapes_from_json(config["input_shape"]))
    elif "shapes_dict" in config:
        layer.build(**shapes_from_json(config["shapes_dict"]))


def _describe_policy(layer: Layer) -> Any:
    """Returns the policy as plain data: its name, if that is all of it.

    Layers such as MultiHeadAttention create others with their own policy. If some of these were
    quantized since, the policy is a map that has theirs by path.
    """
    policy = layer.dtype_policy
    changed = {} if layer._is_model_ else _changed_policies(layer, layer.name)
    if changed and layer._policy_map_ is None:
        policy = registry.find("dtype_policies", "DTypePolicyMap")(policy, changed)
    return policy.name if type(policy) is DTypePolicy else registry.serialize(policy)


def _changed_policies(layer: Layer, path: str) -> dict[str, DTypePolicy]:
    found: dict[str, DTypePolicy] = {}
    sublayers = layer._sublayers_()
    if not sublayers:
        return found
    # The config describes the layers that were passed to the constructor.
    given = {id(value) for value in layer._constructor_arguments_().values()}
    for inner in sublayers:
        if id(inner) in given:
            continue
        inner_path = f"{path}/{inner.name}"
        if inner.quantization_mode is not None and layer.quantization_mode is None:
            found[inner_path] = inner.dtype_policy
        found.update(_changed_policies(inner, inner_path))
    return found
