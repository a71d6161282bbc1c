"""Dense, and the layers that own no weights and change no shape."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from cornu import ops, registry
from cornu.core.layer.input_spec import InputSpec
from cornu.core.layer.layer import Layer
from cornu.layers.arguments import known_size, no_adapters, positive_int
from cornu.parts import activations, constraints, initializers, regularizers

__all__ = ["Activation", "Dense", "Identity", "Lambda", "Masking"]


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
            self._who(),
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )
        self.units = positive_int(self._who(), "units", units)
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
        features = known_size(self._who(), input_shape)
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


class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: a name or function.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (any) -> (the same)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Activation("relu")(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    infers_by_config = True
    rowwise = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Returns activation(inputs)."""
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments; a library function is described by its name."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Identity(Layer):
    """Returns its inputs, which may be a structure of several.

    Args:
        **kwargs: `name`, `dtype` and others of `Layer`.

    Example:

    >>> import cornu
    >>> cornu.layers.Identity()(cornu.Input((3,))).shape
    (None, 3)
    """

    infers_by_config = True
    rowwise = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Returns the inputs."""
        return inputs


class Masking(Layer):
    """Marks the time steps at which all features equal a value, so that later layers skip them.

    mask = any(x != mask_value, axis=-1);  y = x where mask, else 0

    Args:
        mask_value: the value that marks a step as missing.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, time, features) -> (batch, time, features), with a mask (batch, time)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.array([[[1.0, 2.0], [-1.0, -1.0]]])
    >>> cornu.layers.Masking(mask_value=-1.0)(x).tolist()
    [[[1.0, 2.0], [0.0, 0.0]]]
    """

    infers_by_config = True
    rowwise = True

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Returns the inputs with zeros at the steps that are missing."""
        kept = jnp.any(inputs != self.mask_value, axis=-1, keepdims=True)
        return jnp.where(kept, inputs, 0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns which steps are there; a mask from before is replaced."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)


class Lambda(Layer):
    """Makes a layer of a function of arrays.

    Weights that the function uses are not found; write a subclass of `Layer` for these.

    Args:
        function: called with the inputs, with `arguments`, and with `mask=` and `training=` if it
            has parameters of these names.
        output_shape: not needed, since shapes are inferred from the function.
        mask: the mask of the output, or a function of `(inputs, mask)` that returns it.
        arguments: further keyword arguments of the function, in a dict.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Example:

    >>> import cornu
    >>> halves = cornu.layers.Lambda(lambda x: x[:, ::2])
    >>> halves(cornu.Input((10,))).shape
    (None, 5)

    Differences: no file ever holds code. A function from `cornu` or one with
    `@cornu.saving.register_keras_serializable()` is described by its name; a Python lambda must
    be handed over at loading, as `custom_objects={"<lambda>": function}`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"{self._who()}: function must be callable. Received: {function!r}")
        self.function = function
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        self._accepted = _parameters(function)
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Returns function(inputs, **arguments)."""
        offered = {"mask": mask, "training": training}
        taken = {name: value for name, value in offered.items() if name in self._accepted}
        return self.function(inputs, **self.arguments, **taken)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the mask that the layer was given, or what that function of masks returns."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: dict[str, Any] | None = None,
        safe_mode: bool | None = None,
    ) -> Lambda:
        """Makes the layer from a config, finding functions by their names.

        Args:
            config: what `get_config()` returned.
            custom_objects: functions by name.
            safe_mode: without effect, code in a config is never run.

        Raises:
            ValueError: a function is not known by name.
        """
        config = {name: _code_to_name(value) for name, value in config.items()}
        try:
            return cls(**registry.deserialize(config, custom_objects))
        except ValueError as error:
            if "'<lambda>'" not in str(error):
                raise
            raise ValueError(
                f"Lambda layer {config.get('name')!r} was made of a Python lambda, which is code "
                "and is never loaded.\nPass custom_objects={'<lambda>': function}, or make the "
                "layer of a named function with @cornu.saving.register_keras_serializable()."
            ) from error


def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some functions written in C tell no signature
        return frozenset()


def _code_to_name(value: Any) -> Any:
    """Replaces the byte code that Keras writes by the name of a function."""
    if isinstance(value, dict) and value.get("class_name") == "__lambda__":
        return {"class_name": "function", "config": "<lambda>"}
    return value
