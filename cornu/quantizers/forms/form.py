"""WeightForm: how a layer stores a weight, and computes with what is stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import jax.numpy as jnp

from cornu.core.graph.op import VariableBase
from cornu.core.state.variable import Variable
from cornu.quantizers.config import QuantizationConfig
from cornu.quantizers.forms.maps import LinearMap
from cornu.types import InitializerLike

__all__ = [
    "WeightForm",
    "add_state",
    "group_index",
    "input_quantizer",
    "map_of",
    "release",
    "stored",
    "value_of",
    "whole_or_not_at_all",
]


class WeightForm:
    """How a layer stores a weight, and computes with what is stored.

    A form has no state, so that one object serves all layers. What it stores are attributes of the
    layer, under the names of Keras: `kernel_scale`, `kernel_zero`. The weight itself is the
    attribute `_kernel` or `_embeddings`; `layer.kernel` is what `weight()` returns.

    Attributes:
        mode: the quantization mode; None for weights that are not quantized.
        is_adaptable: whether the weight can have adapters of LoRA.
        keeps_weight: whether a layer that is created in this form has the weight itself as well.
    """

    mode: ClassVar[str | None] = None
    is_adaptable: ClassVar[bool] = True
    keeps_weight: ClassVar[bool] = False

    def create(self, layer: Any, shape: Sequence[int], config: QuantizationConfig | None) -> None:
        """Creates the Variables for a weight of a shape."""
        raise NotImplementedError

    def convert(self, layer: Any, config: QuantizationConfig) -> None:
        """Replaces the weight of a built layer by the Variables of this form."""
        raise NotImplementedError

    def call(self, layer: Any, inputs: Any, **kwargs: Any) -> Any:
        """Returns the outputs of the layer."""
        raise NotImplementedError

    def weight(self, layer: Any) -> Any:
        """Returns the weight, as the attribute `kernel` or `embeddings` shows it."""
        raise NotImplementedError

    def names(self, layer: Any) -> tuple[str, ...]:
        """Returns the names of the attributes that files hold, in their order in Keras."""
        raise NotImplementedError

    def merge(self, layer: Any) -> dict[str, Any]:
        """Returns the arrays that files hold in place of the attributes, if there are adapters."""
        return {}

    def after_load(self, layer: Any) -> None:
        """Is called after the Variables have received the values of a file."""


def stored(layer: Any) -> Any:
    """Returns the Variable that holds the weight of a layer with a form."""
    return vars(layer)[f"_{layer._linear_map_.weight}"]


def release(layer: Any, name: str) -> Variable:
    """Removes a weight from a layer, and returns it."""
    variable: Variable = vars(layer).pop(name)
    layer._weights_ = [other for other in layer._weights_ if other is not variable]
    return variable


def value_of(weight: Any) -> Any:
    """Returns the array of a Variable, in the compute dtype within a call; arrays unchanged."""
    return weight.value if isinstance(weight, VariableBase) else weight


def add_state(
    layer: Any, name: str, shape: Sequence[int], initializer: InitializerLike, **kwargs: Any
) -> Variable:
    """Creates a Variable that is not trained."""
    variable: Variable = layer.add_weight(
        shape=tuple(shape), initializer=initializer, name=name, trainable=False, **kwargs
    )
    return variable


def input_quantizer(config: QuantizationConfig | None, default: Any) -> Any:
    """Returns the quantizer of the inputs; the default if there is no config."""
    return default if config is None else config.activation_quantizer


def group_index(size: int, group_size: int) -> Any:
    """Returns the index of the group of each of `size` elements, as floats."""
    if group_size == -1:
        return jnp.zeros((size,), "float32")
    return jnp.arange(size, dtype="float32") // group_size


def map_of(layer: Any) -> LinearMap:
    """Returns the linear map of a layer."""
    found: LinearMap = layer._linear_map_
    return found


@contextlib.contextmanager
def whole_or_not_at_all(layers: Sequence[Any]) -> Iterator[None]:
    """Restores the attributes of layers if a change of their weights fails within the context."""
    before = [(vars(layer), dict(vars(layer)), list(layer._weights_)) for layer in layers]
    try:
        yield
    except BaseException:
        for attributes, values, weights in before:
            attributes.clear()
            attributes.update(values, _weights_=weights)
        raise
