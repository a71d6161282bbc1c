"""`Merge` and `merge`: combine several tensors, or the outputs of several models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import layers, registry
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.errors import suggest
from cornu.legacy.keras1.class_mapping import ClassMapping, OldClass
from cornu.legacy.layers.merging import Cosine
from cornu.models import Model, Sequential

__all__ = ["Branches", "Merge", "merge"]

_ELEMENTWISE = {
    "sum": layers.Add,
    "mul": layers.Multiply,
    "max": layers.Maximum,
    "ave": layers.Average,
}
_MODES = (*_ELEMENTWISE, "concat", "dot", "cos")


@registry.register_keras_serializable(package="keras1")
class Branches(Layer):
    """The layer for `Merge([left, right], mode)`: combines the outputs of several models.

    It is called on a list of the inputs of all models in order.

    Args:
        branches: the models.
        combination: the layer that is called on the list of their outputs.
    """

    _rowwise_ = True

    def __init__(self, branches: Sequence[Model], combination: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.branches = list(branches)
        self.combination = combination

    @property
    def layers(self) -> list[Model]:
        """The models."""
        return self.branches

    def inputs(self) -> list[Tensor]:
        """Returns the inputs of the models; those of a model that occurs twice are there once."""
        found = [tensor for branch in self.branches for tensor in branch.inputs]
        return list({id(tensor): tensor for tensor in found}.values())

    def call(self, inputs: Any) -> Any:
        """Returns the outputs of the models, combined."""
        values = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        arrays = {id(t): x for t, x in zip(self.inputs(), values, strict=True)}
        outputs: list[Any] = []
        for branch in self.branches:
            own = [arrays[id(tensor)] for tensor in branch.inputs]
            outputs.append(branch(own[0] if len(own) == 1 else own))
        return self.combination(outputs)


def _make_merge_layer(
    sources: Any,
    mode: Any,
    concat_axis: int,
    dot_axes: Any,
    output_shape: Any,
    output_mask: Any,
    arguments: Any,
    node_indices: Any,
    tensor_indices: Any,
    name: str,
    trainable: bool = True,
) -> Layer:
    """Returns the layer that combines a list, or `Branches` if models were given."""
    if node_indices is not None or tensor_indices is not None:
        raise NotImplementedError(
            f"Merge {name!r}: node_indices and tensor_indices are not supported. Call "
            "merge([...]) on tensors instead."
        )
    options: dict[str, Any] = {"name": name, "trainable": trainable}
    if sources is not None:
        options["name"] = f"{name}_{mode}" if isinstance(mode, str) else f"{name}_function"
    made: Layer
    if callable(mode):
        made = _class_of(layers.Lambda)(mode, mask=output_mask, arguments=arguments, **options)
    elif mode in _ELEMENTWISE:
        made = _class_of(_ELEMENTWISE[mode])(**options)
    elif mode == "concat":
        made = _class_of(layers.Concatenate)(axis=concat_axis, **options)
    elif mode in ("dot", "cos"):
        made = _class_of(layers.Dot if mode == "dot" else Cosine)(axes=dot_axes, **options)
    else:
        raise ValueError(f"Merge of Keras 1 has no mode {mode!r}. {suggest(mode, _MODES)}")
    if sources is None:
        return made
    branches = [one if isinstance(one, Model) else Sequential([one]) for one in sources]
    combined: Layer = _class_of(Branches)(branches, made, name=name, trainable=trainable)
    return combined


def _class_of(target: type) -> Any:
    return Merge.class_for(target)


def _rename_layers(given: dict[str, Any]) -> None:
    given["sources"] = given.pop("layers")


Merge = OldClass(
    ClassMapping(
        "Merge",
        "layers=None, mode='sum', concat_axis=-1, dot_axes=-1, output_shape=None, "
        "output_mask=None, arguments=None, node_indices=None, tensor_indices=None, name=None",
        _make_merge_layer,
        conversions=(_rename_layers,),
        keywords="trainable=True",
        instance_types=(Branches, Cosine, *_ELEMENTWISE.values(), layers.Concatenate, layers.Dot),
    )
)


def merge(
    inputs: Sequence[Any],
    mode: Any = "sum",
    concat_axis: int = -1,
    dot_axes: Any = -1,
    output_shape: Any = None,
    output_mask: Any = None,
    arguments: Any = None,
    name: str | None = None,
) -> Any:
    """Combines several tensors into one; for models and layers, returns a `Merge` layer.

    Args:
        inputs: tensors.
        mode: "sum", "mul", "concat", "ave", "max", "dot", "cos", or a function of the list.
        concat_axis: the axis of "concat", counting the batch.
        dot_axes: the axis, or a pair of axes, of "dot" and "cos".
        output_shape: ignored; shapes are inferred.
        output_mask: of a function: the mask, or a function of the inputs' masks.
        arguments: of a function: keyword arguments.
        name: of the layer.
    """
    given = (mode, concat_axis, dot_axes, output_shape, output_mask, arguments)
    if all(isinstance(one, Tensor) for one in inputs):
        return Merge(None, *given, name=name)(list(inputs))
    return Merge(list(inputs), *given, name=name)
