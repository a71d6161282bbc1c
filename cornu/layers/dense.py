"""Dense: a linear map of the last axis."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.core.layer.input_spec import InputSpec
from cornu.layers.adaptable import AdaptableLayer, AdaptedWeight
from cornu.layers.arguments import known_size
from cornu.layers.base import Activation
from cornu.types import (
    ActivationLike,
    Array,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["Dense"]


class Dense(AdaptableLayer):
    """Densely connected layer: a linear map of the last axis, followed by an activation.

    y = activation(x @ kernel + bias)

    Args:
        units: the size of the last axis of the output.
        activation: an activation function, or its name; the identity by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the output, added to the loss.
        kernel_constraint, bias_constraint: projections of the weights, applied after each training
            step.
        lora_rank, lora_alpha: if given, the kernel gets an adapter of LoRA; see `enable_lora`.
        quantization_config: the config of a layer that is created with a quantized dtype policy.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Shapes:
        x (batch, ..., features) -> (batch, ..., units); kernel (features, units), bias (units,)

    Raises:
        ValueError: `units` is not a positive integer, or the size of the last axis differs from
            that in the first call.

    Example:

    >>> import cornu
    >>> cornu.layers.Dense(8, activation="relu")(cornu.Input((5, 3))).shape
    (None, 5, 8)
    """

    _infers_by_config_ = True
    _rowwise_ = True
    _map_name_ = "Matmul"

    kernel = AdaptedWeight()
    units: int
    activation: Activation

    def __init__(
        self,
        units: int,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel` and `bias`."""
        features = known_size(self._label_(), input_shape)
        self.create_adaptable_weight("kernel", (features, self.units))
        self.bias = self.create_bias((self.units,))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    @property
    def _accepts_sparse_(self) -> bool:  # type: ignore[override]
        """Whether the weight is stored as it is: other forms compute with dense arrays."""
        return self._weight_form_ is None

    # `training` is not used; subclasses written for Keras pass it to `super().call`.
    def quantized_build(self, kernel_shape: Any, mode: str, config: Any = None) -> None:
        """Creates the Variables of the quantized kernel.

        Args:
            kernel_shape: the shape of the kernel before quantization.
            mode, config: as in other layers.
        """
        super().quantized_build(kernel_shape, mode, config)

    def call(self, inputs: Array, training: bool | None = None) -> Array:
        """Returns activation(inputs @ kernel + bias)."""
        outputs: Array = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = outputs + self.bias
        outputs = self.activation(outputs)
        return outputs
