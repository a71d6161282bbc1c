"""Sequential: a stack of layers, each called on the output of the preceding one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from cornu import registry, tree
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.sparse.arrays import is_sparse
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.core.tracebacks.user_frames import user_location
from cornu.errors import quantity
from cornu.foreign import describe_replacement
from cornu.layers.input import Input, InputLayer
from cornu.models.copy_layer import copy_layer
from cornu.models.functional import FunctionalGraph
from cornu.models.model import Model
from cornu.models.string_inputs.split_graph import functional_graph
from cornu.types import PyTree

__all__ = ["Sequential"]


class Sequential(Model):
    """A stack of layers.

    Args:
        layers: the layers, from input to output; `add` appends more. The first may be an `Input`
            or have an `input_shape`; otherwise the model is built when it is first called.
        trainable: whether training updates its weights.
        name: the model's name.

    Example:

    >>> import cornu
    >>> from cornu import layers
    >>> model = cornu.Sequential().add(cornu.Input((8,))).add(layers.Dense(4)).add(layers.ReLU())
    >>> model.output_shape, len(model), [layer.name for layer in model[1:].layers]
    ((None, 4), 2, ['re_lu'])

    Extensions: `add` returns the model, so that calls can be chained; `repeat(n)` stacks copies;
    a slice is a Sequential that shares the layers; `+` concatenates two.
    """

    _stack_: list[Layer]
    _tensors_: list[Tensor]  # the input, then the output of each layer
    _declared_: bool  # whether the user declared the input shape
    _takes_sparse_: bool = False  # whether what it is built for is sparse
    _layer_graph_: FunctionalGraph | None
    _names_: dict[int, str]  # names of layers that are renamed in this model
    _by_name_: dict[str, Layer] | None  # computed lazily
    _bookkeeping_ = Model._bookkeeping_ | {"_by_name_", "_takes_sparse_"}

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        if layers is not None and not isinstance(layers, (list, tuple)):
            layers = [layers]
        for layer in layers or []:
            self.add(layer)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        self._stack_ = []
        self._tensors_ = []
        self._declared_ = True
        self._names_ = {}
        self._by_name_ = None
        return self

    @property
    def _is_callable_(self) -> bool:
        """True: calling the model calls its layers one after the other."""
        return True

    @property
    def _graph_(self) -> FunctionalGraph | None:
        """The functional graph, or None while the input shape is unknown."""
        # Created lazily: with one graph per call of `add`, a stack of n layers would take O(n²).
        if self._layer_graph_ is None and len(self._tensors_) == len(self._stack_) + 1 > 1:
            owner = f"Sequential {self.name!r}"
            self._layer_graph_ = functional_graph(
                self._tensors_[0], self._tensors_[-1], owner, self._declared_
            )
            self._layer_graph_.rename(self._names_)
        return self._layer_graph_

    @_graph_.setter
    def _graph_(self, value: FunctionalGraph | None) -> None:
        self._layer_graph_ = value

    @property
    def _is_functional_(self) -> bool:  # type: ignore[override]
        """False: in files of Keras, a Sequential is a list of layers without a graph."""
        return False

    def _saves_layers_first_(self) -> bool:
        return True

    def _rename_layers_(self, names: dict[int, str]) -> None:
        """Renames layers, by the `id` of the layer, in this model only."""
        self._names_.update(names)
        self._by_name_ = None
        self._graph_ = None

    @api_boundary
    def add(self, layer: Any, rebuild: bool = True) -> Sequential:
        """Appends a layer; returns the model.

        Args:
            layer: a layer whose name no other layer of the model has, or an `Input`, which must be
                the first.
            rebuild: has no effect: what depends on the layers is computed when it is needed.

        Raises:
            ValueError: it is not a layer, its name is taken, it does not fit the output before it,
                or it returns several outputs.
        """
        # `Input()` returns a Tensor; what the model contains is its layer.
        if isinstance(layer, Tensor) and layer.node is not None:
            layer = layer.node.op
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Sequential {self.name!r}: only layers can be added. "
                f"Received: {layer!r} (of type {type(layer).__name__})" + _suggest_fix(layer)
            )
        name = self._name_in_model_(layer)
        if self._by_name_ is None:
            self._by_name_ = {self._name_in_model_(known): known for known in self._stack_}
        if self._by_name_.get(name, layer) is not layer:
            raise ValueError(
                f"Sequential {self.name!r} already has a layer named {name!r}. "
                "Give each layer a unique name: name='...'."
            )
        if isinstance(layer, InputLayer):
            if self._stack_ or self._tensors_:
                raise ValueError(
                    f"Sequential {self.name!r}: an Input must be the first layer; it was added "
                    f"after {quantity(len(self._stack_), 'layer')}.\nFor several inputs, use "
                    "the Functional API: Model(inputs, outputs)."
                )
            self._tensors_ = [layer.output]
            return self
        if not self._stack_ and not self._tensors_:
            self._infer_input_(layer)
        if self._tensors_:
            self._tensors_.append(self._call_layer_(layer))
        self._stack_.append(layer)
        self._by_name_[name] = layer
        self._reset_()
        return self

    def _reset_(self) -> None:
        self._graph_ = None
        self._trainer_.outputs = None
        self._trainer_.programs.clear()
        self.built = len(self._tensors_) > 1

    def _infer_input_(self, layer: Layer) -> None:
        shape = layer._input_shape_given_
        if shape is None and isinstance(layer, Model) and layer._graph_ is not None:
            if len(layer._graph_.input_tensors) == 1:
                first = layer._graph_.input_tensors[0]
                self._tensors_ = [
                    Input(batch_shape=first.shape, dtype=first.dtype, sparse=first.sparse)
                ]
            return
        if shape is not None:
            self._tensors_ = [Input(batch_shape=shape, dtype=layer.compute_dtype)]

    def _call_layer_(self, layer: Layer, tensor: Tensor | None = None) -> Tensor:
        output = layer(self._tensors_[-1] if tensor is None else tensor)
        if isinstance(output, (list, tuple)) and len(output) == 1:
            output = output[0]  # as the array that a call on arrays returns
        if not isinstance(output, Tensor):
            raise ValueError(
                f"Sequential {self.name!r}: layer {layer.name!r} has several outputs. "
                "Use the Functional API."
            )
        return output

    @api_boundary
    def pop(self, rebuild: bool = True) -> Layer:
        """Removes and returns the last layer.

        Args:
            rebuild: has no effect: what depends on the layers is computed when it is needed.

        Raises:
            ValueError: the model has no layers.
        """
        if not self._stack_:
            raise ValueError(f"Sequential {self.name!r} is empty: there is no layer to remove.")
        layer = self._stack_.pop()
        self._names_.pop(id(layer), None)
        self._by_name_ = None
        if len(self._tensors_) > 1:
            self._tensors_.pop()
        self._reset_()
        return layer

    def repeat(self, count: int) -> Sequential:
        """Returns a stack of `count` copies of these layers, each with its own weights.

        Args:
            count: the number of copies.

        Example:

        >>> import cornu
        >>> block = cornu.Sequential([cornu.layers.Dense(4, activation="relu")])
        >>> len(block.repeat(3))
        3
        """
        return Sequential([copy_layer(layer) for _ in range(count) for layer in self._stack_])

    @api_boundary
    def build(self, input_shape: Any = None) -> None:
        """Builds the layers for an input shape, unless the first layer is an `Input`.

        Args:
            input_shape: the shape of the input, including the batch axis: `(None, 8)`. The size of
                the batch axis is not fixed.
        """
        if input_shape is None or self._tensors_ or not self._stack_:
            return
        input_shape = self._single_shape_(input_shape)
        self._declared_ = False
        # The batch size of the first data need not be that of later data.
        shape, dtype = (None, *input_shape[1:]), self._stack_[0].input_dtype
        tensors = [Input(batch_shape=shape, dtype=dtype, sparse=self._takes_sparse_)]
        for layer in self._stack_:
            tensors.append(self._call_layer_(layer, tensors[-1]))
        self._tensors_ = tensors
        self._reset_()

    def compute_output_shape(self, input_shape: PyTree) -> PyTree:
        """Returns the shape of the output for the shape of the input."""
        return super().compute_output_shape(input_shape)

    def _build_for_(self, inputs: PyTree) -> None:
        self._require_layers_()
        self._takes_sparse_ = any(map(is_sparse, tree.leaves(inputs)))
        self.build(tree.map(np.shape, inputs))

    def _infer_outputs_(self, inputs: PyTree) -> Any:
        self._require_layers_()
        self._takes_sparse_ = any(tensor.sparse for tensor in tree.leaves(inputs))
        self.build(tree.map(lambda tensor: tensor.shape, inputs))
        return super()._infer_outputs_(inputs)

    def _single_shape_(self, shapes: Any) -> Any:
        """Returns the shape of the input, which may be alone in a list."""
        nested = isinstance(shapes, dict) or any(isinstance(part, (list, tuple)) for part in shapes)
        if not nested:
            return shapes
        if len(shapes) == 1 and not isinstance(shapes, dict):
            return self._single_shape_(shapes[0])
        kind = type(shapes).__name__
        raise ValueError(
            f"Sequential {self.name!r} has one input; received a {kind} of {len(shapes)} arrays."
            "\nPass one array, or use the Functional API: Model(inputs, outputs)."
        )

    def _require_graph_(self, what: str) -> FunctionalGraph:
        if self._graph_ is None:
            raise AttributeError(
                f"Sequential {self.name!r} has no {what} yet: its input shape is unknown."
                "\nAdd Input(shape) as the first layer, or call the model on data first. "
                f"This happened {user_location()}."
            )
        return self._graph_

    def _require_layers_(self) -> None:
        if not self._stack_:
            raise ValueError(f"Sequential {self.name!r}: it has no layers. Add layers first.")

    # -------------------------------------------------------------------------------- as a list

    @property
    def layers(self) -> list[Layer]:
        """The layers in a new list, without the Input."""
        return list(self._stack_)

    def _sublayers_(self) -> list[Layer]:
        """Returns the layers."""
        return list(self._stack_)

    def __len__(self) -> int:
        return len(self._stack_)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._stack_)

    # With `__len__`, an empty model would be false.
    def __bool__(self) -> bool:
        return True

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Sequential(self._stack_[index])
        return self._stack_[index]

    def __add__(self, other: Any) -> Sequential:
        return Sequential([*self._stack_, *other])

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration as plain data."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        layers: list[Any] = []
        if self._tensors_ and self._declared_ and self._tensors_[0].node is not None:
            layers.append(self._tensors_[0].node.op)
        config["layers"] = [self._serialize_layer_(layer) for layer in layers + self._stack_]
        archive = registry.current_archive()
        if archive is not None and self._tensors_:
            # When Keras reads the file, the Sequential calls each of its layers once.
            for layer in self._stack_:
                archive.count_calls(layer, 1)
        if self._tensors_ and not self._declared_:
            config["build_input_shape"] = self._tensors_[0].shape
        return config

    def _serialize_layer_(self, layer: Layer) -> Any:
        data = registry.serialize(layer)
        if "name" in data["config"]:
            data["config"] = {**data["config"], "name": self._name_in_model_(layer)}
        return data

    def _name_in_model_(self, layer: Layer) -> str:
        return self._names_.get(id(layer), layer.name)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates a model from what `get_config()` returned, with new weights.

        Args:
            config: the config.
            custom_objects: classes and functions of the program by name, for those that are not
                registered.
        """
        layers = [registry.deserialize(layer, custom_objects) for layer in config["layers"]]
        model = cls(layers, trainable=config.get("trainable", True), name=config.get("name"))
        if config.get("build_input_shape"):
            model.build(tuple(config["build_input_shape"]))
        return model


def _suggest_fix(thing: Any) -> str:
    if isinstance(thing, type):
        return f"\nCreate an instance: {thing.__name__}(...)."
    if isinstance(thing, (list, tuple)):
        return "\nAdd the layers one by one, or pass the list to Sequential([...])."
    if hint := describe_replacement(thing):
        return hint
    return "\nWrap a function in Lambda(function)." if callable(thing) else ""
