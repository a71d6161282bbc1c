"""Sequential: a stack of layers, each called on the output of the one before."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from cornu import registry
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.core.tracebacks.user_frames import user_location
from cornu.layers.input import Input, InputLayer
from cornu.models.functional import FunctionalGraph
from cornu.models.model import Layers, Model

__all__ = ["Sequential"]


class Sequential(Model):
    """A stack of layers.

    Args:
        layers: the layers, from input to output; more may follow with `add`. The first may be
            an `Input` or say its `input_shape`; otherwise the model is built by its first data.
        trainable: whether training changes it.
        name: the model's name.

    Example:

    >>> import cornu
    >>> from cornu import layers
    >>> model = cornu.Sequential().add(cornu.Input((8,))).add(layers.Dense(4)).add(layers.ReLU())
    >>> model.output_shape, len(model), [layer.name for layer in model[1:].layers]
    ((None, 4), 2, ['re_lu'])

    Differences: `add` returns the model, so that calls chain; `repeat(n)` stacks copies, a slice
    is a Sequential that shares layers, and `+` joins two.
    """

    _stack: list[Layer]
    _tensors: list[Tensor]  # the input, then the output of each layer
    _declared: bool  # whether the user gave the input's shape
    _layer_graph: FunctionalGraph | None
    _names: dict[int, str]  # of layers that are called otherwise here
    _by_name: dict[str, Layer] | None  # None until it is needed
    bookkeeping = Model.bookkeeping | {"_by_name"}

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        if layers is not None and not isinstance(layers, (list, tuple)):
            layers = [layers]
        for layer in layers or []:
            self.add(layer)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        self._stack = []
        self._tensors = []
        self._declared = True
        self._names = {}
        self._by_name = None
        return self

    @property
    def is_callable(self) -> bool:
        """True: the layers are what is called."""
        return True

    @property
    def functional_graph(self) -> FunctionalGraph | None:
        """The graph, made when it is first needed; None while the input's shape is not known."""
        if self._layer_graph is None and len(self._tensors) == len(self._stack) + 1 > 1:
            who = f"Sequential {self.name!r}"
            self._layer_graph = FunctionalGraph(
                self._tensors[0], self._tensors[-1], who, self._declared
            )
            self._layer_graph.rename(self._names)
        return self._layer_graph

    @functional_graph.setter
    def functional_graph(self, value: FunctionalGraph | None) -> None:
        self._layer_graph = value

    def rename_layers(self, names: dict[int, str]) -> None:
        """Gives layers other names in this model alone, by the `id` of the layer."""
        self._names.update(names)
        self._by_name = None
        self.functional_graph = None

    @api_boundary
    def add(self, layer: Any, rebuild: bool = True) -> Sequential:
        """Adds a layer at the end, and returns the model."""
        if isinstance(layer, Tensor) and layer.node is not None:
            layer = layer.node.op
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Sequential {self.name!r}: only layers can be added. "
                f"Received: {layer!r} (of type {type(layer).__name__})" + _remedy(layer)
            )
        name = self._called(layer)
        if self._by_name is None:
            self._by_name = {self._called(known): known for known in self._stack}
        if self._by_name.get(name, layer) is not layer:
            raise ValueError(
                f"Sequential {self.name!r} has a layer named {name!r} already. "
                "Give each layer a name of its own: name='...'."
            )
        if isinstance(layer, InputLayer):
            if self._stack or self._tensors:
                raise ValueError(
                    f"Sequential {self.name!r}: an Input must be the first layer. It is added "
                    f"after {len(self._stack)} layers.\nFor several inputs, use "
                    "the Functional API: Model(inputs, outputs)."
                )
            self._tensors = [layer.output]
            return self
        if not self._stack and not self._tensors:
            self._begin_with(layer)
        if self._tensors:
            self._tensors.append(self._extend(layer))
        self._stack.append(layer)
        self._by_name[name] = layer
        self._change()
        return self

    def _change(self) -> None:
        self.functional_graph = None
        self.trainer.outputs = None
        self.trainer.programs.clear()
        self.built = len(self._tensors) > 1

    def _begin_with(self, layer: Layer) -> None:
        shape = layer._input_shape_given
        if shape is None and isinstance(layer, Model) and layer.functional_graph is not None:
            if len(layer.functional_graph.input_tensors) == 1:
                first = layer.functional_graph.input_tensors[0]
                self._tensors = [Input(batch_shape=first.shape, dtype=first.dtype)]
            return
        if shape is not None:
            self._tensors = [Input(batch_shape=shape, dtype=layer.compute_dtype)]

    def _extend(self, layer: Layer, tensor: Tensor | None = None) -> Tensor:
        output = layer(self._tensors[-1] if tensor is None else tensor)
        if not isinstance(output, Tensor):
            raise ValueError(
                f"Sequential {self.name!r}: layer {layer.name!r} has several outputs. "
                "Use the Functional API."
            )
        return output

    @api_boundary
    def pop(self, rebuild: bool = True) -> Layer:
        """Removes the last layer, and returns it."""
        if not self._stack:
            raise ValueError(f"Sequential {self.name!r} has no layer to remove: it is empty.")
        layer = self._stack.pop()
        self._names.pop(id(layer), None)
        self._by_name = None
        if len(self._tensors) > 1:
            self._tensors.pop()
        self._change()
        return layer

    def repeat(self, count: int) -> Sequential:
        """Returns `count` copies of this stack one after another, each with its own weights.

        Example:

        >>> import cornu
        >>> block = cornu.Sequential([cornu.layers.Dense(4, activation="relu")])
        >>> len(block.repeat(3))
        3
        """
        return Sequential([_fresh(layer) for _ in range(count) for layer in self._stack])

    @api_boundary
    def build(self, input_shape: Any = None) -> None:
        """Builds the layers for an input shape with batch axis."""
        if input_shape is None or self._tensors or not self._stack:
            return
        self._declared = False
        tensors = [Input(batch_shape=(None, *input_shape[1:]), dtype=self._stack[0].compute_dtype)]
        for layer in self._stack:
            tensors.append(self._extend(layer, tensors[-1]))
        self._tensors = tensors
        self._change()

    def build_for(self, inputs: Any) -> None:
        self._need_layers()
        self.build(np.shape(inputs))

    def infer_outputs(self, inputs: Any) -> Any:
        self._need_layers()
        self.build(inputs.shape)
        return super().infer_outputs(inputs)

    def _require_graph(self, what: str) -> FunctionalGraph:
        if self.functional_graph is None:
            raise AttributeError(
                f"Sequential {self.name!r} has no {what} yet: the shape of its input is not known."
                "\nLet it begin with Input(shape), or call it on data first. "
                f"This happened {user_location()}."
            )
        return self.functional_graph

    def _need_layers(self) -> None:
        if not self._stack:
            raise ValueError(f"Sequential {self.name!r}: it has no layers, add some first.")

    # -------------------------------------------------------------------------------- as a list

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, without the Input."""
        return Layers(self._stack)

    def sublayers(self) -> list[Layer]:
        """Returns the layers."""
        return list(self._stack)

    def __len__(self) -> int:
        return len(self._stack)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._stack)

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Sequential(self._stack[index])
        return self._stack[index]

    def __add__(self, other: Any) -> Sequential:
        return Sequential([*self._stack, *other])

    def get_config(self) -> dict[str, Any]:
        """Returns the stack as plain data."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        layers: list[Any] = []
        if self._tensors and self._declared and self._tensors[0].node is not None:
            layers.append(self._tensors[0].node.op)
        config["layers"] = [self._described(layer) for layer in layers + self._stack]
        if self._tensors and not self._declared:
            config["build_input_shape"] = self._tensors[0].shape
        return config

    def _described(self, layer: Layer) -> Any:
        data = registry.serialize(layer)
        return {**data, "config": {**data["config"], "name": self._called(layer)}}

    def _called(self, layer: Layer) -> str:
        return self._names.get(id(layer), layer.name)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Makes a stack from what `get_config()` returned."""
        layers = [registry.deserialize(layer, custom_objects) for layer in config["layers"]]
        model = cls(layers, trainable=config.get("trainable", True), name=config.get("name"))
        if config.get("build_input_shape"):
            model.build(tuple(config["build_input_shape"]))
        return model


def _remedy(thing: Any) -> str:
    if isinstance(thing, type):
        return f"\nCreate it: {thing.__name__}(...)."
    if isinstance(thing, (list, tuple)):
        return "\nAdd them one by one, or pass the list to Sequential([...])."
    return "\nWrap a function in Lambda(function)." if callable(thing) else ""


def _fresh(layer: Layer) -> Layer:
    """Returns a new layer with the same configuration and a name of its own."""
    config = layer.get_config()
    config.pop("name", None)
    made: Layer = type(layer).from_config(copy.deepcopy(config))
    return made
