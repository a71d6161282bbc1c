"""The base class of layers of Keras 1, and `InputSpec`."""

from __future__ import annotations

from typing import Any, ClassVar

from cornu.core.layer.layer import Layer as CoreLayer
from cornu.core.state.variable import Variable
from cornu.dialects.keras1.configs import CONFIGS
from cornu.dialects.layer_methods import LayerMethods
from cornu.dialects.subclasses.layers import ListedSpec, ProgramLayer
from cornu.dialects.subclasses.surrounding_tensors import SurroundingTensors
from cornu.errors import suggest
from cornu.legacy.keras1.argument_values import get_initializer
from cornu.legacy.keras1.class_mapping import (
    LAYER_KEYWORDS,
    BaseClassMeta,
    automatic_name,
    parse_signature,
)

__all__ = ["CONFIGS", "InputSpec", "Layer"]

_LAYER_SIGNATURE = parse_signature("", LAYER_KEYWORDS)


class Layer(ProgramLayer, SurroundingTensors, LayerMethods, CoreLayer, metaclass=BaseClassMeta):
    """The base class of custom layers: `build`, `call(x, mask=None)`, `add_weight`.

    `get_output_shape_for` is not called, because shapes are inferred from `call`. Variables are
    found in all attributes of the layer, so that `trainable_weights` need not be set.

    Args:
        **kwargs: `input_shape`, `batch_input_shape`, `input_dtype`, `name` and `trainable`.
    """

    stands_for: ClassVar[type] = CoreLayer
    _configs_ = CONFIGS

    def __init__(self, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in _LAYER_SIGNATURE.parameters:
                raise TypeError(
                    f"{type(self).__name__}: Layer of Keras 1 has no argument {name!r}. "
                    f"{suggest(name, _LAYER_SIGNATURE.parameters)}"
                )
        given = {k: v for k, v in kwargs.items() if v is not None and k != "input_dtype"}
        given.setdefault("name", automatic_name(type(self).__name__))
        super().__init__(**given)

    def add_weight(  # type: ignore[override]
        self,
        shape: Any,
        initializer: Any = "glorot_uniform",
        name: str | None = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        **kwargs: Any,
    ) -> Variable:
        """Creates a Variable of the layer, with the argument order of Keras 1."""
        return super().add_weight(
            shape,
            get_initializer(initializer),
            name=name,
            trainable=trainable,
            regularizer=regularizer,
            constraint=constraint,
            **kwargs,
        )


class InputSpec(ListedSpec):
    """The requirements of a layer on its input, with the arguments of Keras 1."""

    def __init__(self, dtype: Any = None, shape: Any = None, ndim: Any = None) -> None:
        super().__init__(dtype=dtype, shape=shape, ndim=None if isinstance(ndim, str) else ndim)
