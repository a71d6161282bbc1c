"""Dense: a linear map of the last axis."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.input_spec import InputSpec
from cornu.core.layer.layer import Layer
from cornu.layers.arguments import known_size, no_adapters, positive_int
from cornu.parts import activations, constraints, initializers, regularizers

__all__ = ["Dense"]


class Dense(Layer):
    """Computes a linear map of the last axis, then an activation.

    y = activation(x @ kernel + bias)

    Args:
        units: the size of the output's last axis.
        activation: a name or function; none by default.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: what the weights start with.
        kernel_regularizer, bias_regularizer: functions of a weight, added to the loss.
        activity_regularizer: a function of the output, added to the loss.
        kernel_constraint, bias_constraint: functions applied to a weight after each step.
        lora_rank, lora_alpha, quantization_config: must be None.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ..., features) -> (batch, ..., units); kernel (features, units), bias (units,)

    Raises:
        ValueError: `units` is no positive integer, or the last axis has another size than in the
            first call.

    Example:

    >>> import cornu
    >>> cornu.layers.Dense(8, activation="relu")(cornu.Input((5, 3))).shape
    (None, 5, 8)
    """

    infers_by_config = True
    rowwise = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        no_adapters(
            self._label(),
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )
        self.units = positive_int(self._label(), "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates kernel and bias."""
        features = known_size(self._label(), input_shape)
        self.kernel = self.add_weight(
            (features, self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns activation(inputs @ kernel + bias)."""
        outputs = inputs @ self.kernel
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)
