"""The base class of layers of Keras 2, `InputSpec`, and functions that make inputs."""

from __future__ import annotations

import inspect
import types
from typing import Any, ClassVar

from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer as CoreLayer
from cornu.core.state.variable import Variable
from cornu.dialects.keras2.implementation.configs import make_configs
from cornu.dialects.keras2.implementation.initializers import get_initializer, initializers_of
from cornu.dialects.keras2.implementation.values import (
    get_constraint,
    get_regularizer,
)
from cornu.dialects.keras2.implementation.version import Version
from cornu.dialects.layer_methods import GraphMethods
from cornu.dialects.renaming import rename_arguments
from cornu.dialects.subclasses.layers import ListedSpec, ProgramLayer
from cornu.dialects.subclasses.surrounding_tensors import SurroundingTensors
from cornu.errors import suggest
from cornu.legacy.keras1.class_mapping import BaseClassMeta

__all__ = ["InputSpec", "Layer", "TensorflowInputSpec", "make_base_layer", "make_inputs"]

_KEYWORDS = (
    *("input_shape", "batch_input_shape", "batch_size", "dtype", "name", "trainable", "weights"),
    *("input_dtype", "dynamic", "input_dim", "autocast"),
)


class Layer(ProgramLayer, SurroundingTensors, GraphMethods, CoreLayer, metaclass=BaseClassMeta):
    """The base class of custom layers: `build`, `call`, `add_weight`, `compute_output_shape`.

    Args:
        **kwargs: `input_shape`, `batch_input_shape`, `dtype`, `name`, `trainable` and others that
            are ignored.
    """

    stands_for: ClassVar[type] = CoreLayer
    _version: ClassVar[Version]

    def __init__(self, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in _KEYWORDS:
                raise TypeError(
                    f"{type(self).__name__}: Layer of {self._version.name} has no argument "
                    f"{name!r}. {suggest(name, _KEYWORDS)}"
                )
        kept = ("input_shape", "batch_input_shape", "dtype", "name", "trainable")
        given = {k: v for k, v in kwargs.items() if v is not None and k in kept}
        given.setdefault("name", self._version.automatic_name(type(self).__name__))
        super().__init__(**given)

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Creates a Variable of the layer, with the argument order of Keras 2.

        `name=None, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True,
        constraint=None`; the order of Keras 1, with the shape in the first place, is accepted.
        """
        if args and isinstance(args[0], (tuple, list)):
            names: tuple[str, ...]
            names = ("shape", "initializer", "name", "trainable", "regularizer", "constraint")
            if len(args) > 1 and isinstance(args[1], str) and "initializer" in kwargs:
                names = ("shape", "name")
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            return self._add_weight(**given)
        return self._add_weight(*args, **kwargs)

    def _add_weight(
        self,
        name: Any = None,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
        **kwargs: Any,
    ) -> Variable:
        options = {"aggregation"} & kwargs.keys()
        return super().add_weight(
            shape,
            get_initializer(initializer or "glorot_uniform", initializers_of(self._version)),
            dtype=dtype,
            trainable=trainable,
            regularizer=get_regularizer(regularizer),
            constraint=get_constraint(constraint),
            name=name if isinstance(name, str) else None,
            **{option: kwargs[option] for option in options},
        )


# For editors and `help`: a call may also have the order of Keras 1.
vars(Layer)["add_weight"].__signature__ = inspect.signature(vars(Layer)["_add_weight"])


def make_base_layer(version: Version) -> type[Layer]:
    """Returns the base class of layers of a version."""
    made: type[Layer] = types.new_class(
        "Layer",
        (Layer,),
        exec_body=lambda body: body.update(
            _version=version, _configs_=make_configs(version), __doc__=Layer.__doc__
        ),
    )
    return made


class InputSpec(ListedSpec):
    """The requirements of a layer on its input, with the arguments of Keras 2."""

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: Any = None,
        max_ndim: Any = None,
        min_ndim: Any = None,
        axes: Any = None,
    ) -> None:
        super().__init__(
            dtype=dtype, shape=shape, ndim=ndim, max_ndim=max_ndim, min_ndim=min_ndim, axes=axes
        )


class TensorflowInputSpec(ListedSpec):
    """The requirements of a layer on its input, with the arguments of tf.keras: those of today."""


def make_inputs(version: Version, input_layer: Any) -> dict[str, Any]:
    """Returns the function `Input` of a version.

    Args:
        version: the version.
        input_layer: the class of the layers.
    """

    def Input(
        shape: Any = None,
        batch_shape: Any = None,
        name: str | None = None,
        dtype: Any = None,
        sparse: bool = False,
        tensor: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Returns a symbolic tensor for an input of a model."""
        given = rename_arguments("Input", kwargs, {"input_dtype": "dtype"})
        if isinstance(tensor, Tensor) and tensor.node is not None:
            return tensor  # an expression, from which a model may start
        return input_layer(
            shape=shape,
            batch_shape=batch_shape,
            name=name or version.automatic_name("Input"),
            dtype=given.get("dtype", dtype),
            sparse=sparse,
            input_tensor=tensor,
        ).output

    def tf_input(
        shape: Any = None,
        batch_size: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        tensor: Any = None,
        ragged: bool | None = None,
        type_spec: Any = None,
        optional: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Returns a symbolic tensor for an input of a model."""
        return input_layer(
            shape=shape,
            batch_size=batch_size,
            batch_shape=kwargs.get("batch_shape", kwargs.get("batch_input_shape")),
            name=name or version.automatic_name("Input"),
            dtype=dtype,
            sparse=sparse,
            input_tensor=tensor,
            ragged=ragged,
            optional=optional,
        ).output

    tf_input.__name__ = tf_input.__qualname__ = "Input"
    made = tf_input if version.source.is_tensorflow else Input
    return {"Input": made}
