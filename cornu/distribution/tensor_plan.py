"""Along which axis each weight of a model is divided for tensor parallelism.

A layer whose input is whole divides its kernel along the output axis, so that its output is divided
along the features; elementwise layers keep it divided. The next layer divides its kernel along the
input axis, and the partial results of the devices are added: two layers need one sum (Mohammad
Shoeybi et al., 2019, "Megatron-LM", arXiv:1909.08053). Any other choice would give the same
results, with more communication.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import layers as L
from cornu.core.graph.op import Op
from cornu.core.graph.tensor import Node
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable

__all__ = ["plan_tensor_parallel"]

# Ops of which each element of the output depends on the same element of each input.
_ELEMENTWISE_OPS = frozenset(
    "abs add celu clip divide elu exp gelu hard_sigmoid hard_silu hard_swish hard_tanh identity "
    "leaky_relu log maximum minimum mish multiply negative relu relu6 selu sigmoid silu softplus "
    "softsign sqrt square squareplus subtract swish tanh tanh_shrink true_divide where".split()
)
_CONVOLUTIONS = (L.Conv1D, L.Conv2D, L.Conv3D)
_TRANSPOSED = (L.Conv1DTranspose, L.Conv2DTranspose, L.Conv3DTranspose)
# Layers without weights that compute each feature, or each channel, from the same one.
_KEEP_FEATURES = (
    *(L.Activation, L.ReLU, L.LeakyReLU, L.ELU, L.Identity, L.ActivityRegularization),
    *(L.Dropout, L.AlphaDropout, L.GaussianNoise, L.GaussianDropout),
    *(L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum),
    *(L.MaxPooling1D, L.MaxPooling2D, L.MaxPooling3D),
    *(L.AveragePooling1D, L.AveragePooling2D, L.AveragePooling3D),
    *(L.GlobalAveragePooling1D, L.GlobalAveragePooling2D, L.GlobalAveragePooling3D),
    *(L.GlobalMaxPooling1D, L.GlobalMaxPooling2D, L.GlobalMaxPooling3D),
    *(L.UpSampling1D, L.UpSampling2D, L.UpSampling3D),
    *(L.ZeroPadding1D, L.ZeroPadding2D, L.ZeroPadding3D),
    *(L.Cropping1D, L.Cropping2D, L.Cropping3D),
)


def plan_tensor_parallel(model: Any, parts: int) -> dict[Variable, int | None]:
    """Returns the axis along which each weight of a model is divided; None for no axis.

    Weights of layers without a rule are not in the result.

    Args:
        model: a built model.
        parts: the number of devices that share a weight.
    """
    plan = _Plan(parts)
    if model._graph_ is None:
        plan.add_unordered(model)
    else:
        plan.add_graph(model._graph_, [False] * len(model._graph_.input_tensors))
    return plan.axes


class _Plan:
    def __init__(self, parts: int) -> None:
        self.parts = parts
        self.axes: dict[Variable, int | None] = {}

    def add_graph(self, graph: Any, divided_inputs: Sequence[bool]) -> list[bool]:
        """Plans the layers of a graph in order; returns which of its outputs are divided."""
        divided = {id(t): d for t, d in zip(graph.input_tensors, divided_inputs, strict=True)}
        for node in graph.nodes:
            inputs = [divided.get(id(t), False) for t in node.inputs]
            for output in node.output_tensors:
                divided[id(output)] = False
            found = self._add_node(node, inputs)
            for output, is_divided in zip(node.output_tensors, found, strict=False):
                divided[id(output)] = is_divided
        return [divided.get(id(t), False) for t in graph.graph.outputs]

    def _add_node(self, node: Node, inputs: list[bool]) -> list[bool]:
        op = node.op
        if isinstance(op, Op):
            return [bool(inputs) and all(inputs) and op.name in _ELEMENTWISE_OPS]
        if not isinstance(op, Layer):
            return [False]
        if op._graph_ is not None:
            return self.add_graph(op._graph_, inputs)
        return [self.add_layer(op, bool(inputs) and all(inputs))]

    def add_unordered(self, layer: Layer) -> None:
        """Plans the layers that a layer owns, in the order in which it owns them.

        In which order it calls them is not known. Two layers are a pair if the output of the first
        has the size of the input of the second.
        """
        divided, features = False, None
        for inner in layer._sublayers_():
            size = _input_size(inner)
            if size is not None and size != features:
                divided = False
            divided = self.add_layer(inner, divided)
            features = _output_size(inner) if size is not None else features

    def add_layer(self, layer: Layer, is_divided: bool) -> bool:
        """Plans the weights of a layer.

        Args:
            layer: the layer.
            is_divided: whether its input is divided along the features.

        Returns:
            Whether its output is.
        """
        if isinstance(layer, _KEEP_FEATURES):
            return is_divided
        for kinds, rule in _RULES:
            if isinstance(layer, kinds):
                return rule(self, layer, is_divided)
        if layer._sublayers_():
            self.add_unordered(layer)
        return False

    def divide(self, variable: Any, axis: int | None) -> bool:
        """Divides a weight along an axis, if its size allows it; returns whether it is divided."""
        if not isinstance(variable, Variable) or variable in self.axes:
            return isinstance(variable, Variable) and self.axes[variable] is not None
        if axis is not None:
            axis %= len(variable.shape)
            if not variable.shape[axis] or variable.shape[axis] % self.parts:
                axis = None
        self.axes[variable] = axis
        return axis is not None

    def linear(
        self, kernel: Any, bias: Any, inputs: Sequence[int], outputs: Sequence[int], divided: bool
    ) -> bool:
        """Plans a linear map; returns whether its output is divided.

        Args:
            kernel, bias: the weights; the axes of the bias are the last ones of the output.
            inputs, outputs: the axes of the kernel that are summed, and those of the output.
            divided: whether the input is divided.
        """
        if not isinstance(kernel, Variable):
            return False
        if kernel in self.axes:  # a shared layer
            return self.axes[kernel] in outputs
        if divided:
            for axis in inputs:
                if kernel.shape[axis] % self.parts == 0:
                    self.divide(kernel, axis)
                    self.divide(bias, None)
                    return False
        for axis in outputs:
            if kernel.shape[axis] and kernel.shape[axis] % self.parts == 0:
                self.divide(kernel, axis)
                if isinstance(bias, Variable):
                    position = outputs.index(axis) - len(outputs)
                    fits = len(bias.shape) >= -position
                    self.divide(bias, position if fits else None)
                return True
        self.divide(kernel, None)
        self.divide(bias, None)
        return False


def _dense(plan: _Plan, layer: Any, is_divided: bool) -> bool:
    return plan.linear(layer.kernel, layer.bias, [0], [1], is_divided)


def _einsum(plan: _Plan, layer: Any, is_divided: bool) -> bool:
    _, rest = layer.equation.replace("...", "").split(",")
    kernel, output = rest.split("->")
    outputs = [axis for axis, letter in enumerate(kernel) if letter in output]
    inputs = [axis for axis, letter in enumerate(kernel) if letter not in output]
    return plan.linear(layer.kernel, layer.bias, inputs, outputs, is_divided)


def _convolution(plan: _Plan, layer: Any, is_divided: bool) -> bool:
    if layer.groups != 1:
        return False
    return plan.linear(layer.kernel, layer.bias, [-2], [-1], is_divided)


def _transposed(plan: _Plan, layer: Any, is_divided: bool) -> bool:
    return plan.linear(layer.kernel, layer.bias, [-1], [-2], is_divided)


def _depthwise(plan: _Plan, layer: Any, is_divided: bool) -> bool:
    divided = plan.divide(layer.kernel, -2 if is_divided else None)
    plan.divide(layer.bias, -1 if divided else None)
    return divided


def _per_channel(plan: _Plan, layer: Any, is_divided: bool) -> bool:
    return all([plan.divide(v, -1 if is_divided else None) for v in layer.weights]) and is_divided


def _embedding(plan: _Plan, layer: Any, is_divided: bool) -> bool:
    table = layer.embeddings
    if plan.divide(table, 0 if isinstance(table, Variable) and _fits(plan, table, 0) else 1):
        return plan.axes[table] == 1
    return False


def _attention(plan: _Plan, layer: Any, is_divided: bool) -> bool:
    """Divides the heads: each device computes some of them."""
    query, key, value, output = layer._sublayers_()
    heads = [query.kernel, key.kernel, value.kernel]
    fit = all(isinstance(k, Variable) and _fits(plan, k, 1) for k in heads)
    for dense in (query, key, value):
        plan.divide(dense.kernel, 1 if fit else None)
        plan.divide(dense.bias, 0 if fit else None)
    plan.divide(output.kernel, 0 if fit else None)
    plan.divide(output.bias, None)
    return False


_Rule = Callable[[_Plan, Any, bool], bool]
_RULES: tuple[tuple[tuple[type, ...], _Rule], ...] = (
    ((L.Dense,), _dense),
    ((L.EinsumDense,), _einsum),
    (_CONVOLUTIONS, _convolution),
    (_TRANSPOSED, _transposed),
    ((L.DepthwiseConv1D, L.DepthwiseConv2D), _depthwise),
    ((L.BatchNormalization,), _per_channel),
    ((L.Embedding,), _embedding),
    ((L.MultiHeadAttention, L.GroupQueryAttention), _attention),
)


def _fits(plan: _Plan, variable: Variable, axis: int) -> bool:
    return variable.shape[axis] > 0 and variable.shape[axis] % plan.parts == 0


def _input_size(layer: Any) -> int | None:
    """Returns the number of features that a linear layer takes; None for other layers."""
    if isinstance(layer, L.Dense) and isinstance(layer.kernel, Variable):
        return int(layer.kernel.shape[0])
    if isinstance(layer, _CONVOLUTIONS) and isinstance(layer.kernel, Variable):
        return int(layer.kernel.shape[-2])
    return None


def _output_size(layer: Any) -> int:
    return int(layer.kernel.shape[-1])
