"""Function: the computation of Tensors from other Tensors, as a function of arrays."""

from __future__ import annotations

from typing import Any, NoReturn

from cornu import tree
from cornu.core.graph.inference import infer_outputs
from cornu.core.graph.operation import Operation
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.shapes import map_shapes
from cornu.models.functional import FunctionalGraph
from cornu.types import PyTree

__all__ = ["Function"]


class Function(Operation):
    """The computation of outputs from inputs in a graph, which can be applied to other inputs.

    In contrast to a Model it owns no Variables and cannot be trained.

    Args:
        inputs: a Tensor, or a structure of Tensors.
        outputs: a Tensor, or a structure of Tensors, computed from the inputs.
        name: the name.

    Raises:
        ValueError: the outputs depend on Tensors that are not among the inputs.

    Example:

    >>> import cornu
    >>> x = cornu.KerasTensor((None, 2))
    >>> double = Function(x, 2 * x)
    >>> double(cornu.ops.ones((1, 2))).tolist()
    [[2.0, 2.0]]
    """

    def __init__(self, inputs: PyTree, outputs: PyTree, name: str | None = None) -> None:
        super().__init__(name=name)
        self._graph = FunctionalGraph(inputs, outputs, self._label_())

    @property
    def inputs(self) -> list[Tensor]:
        """The inputs, as a list."""
        return list(self._graph.input_tensors)

    @property
    def outputs(self) -> list[Tensor]:
        """The outputs, as a list."""
        return list(self._graph.output_tensors)

    @property
    def operations(self) -> list[Any]:
        """The layers and ops between inputs and outputs, in the order of Keras."""
        return list(self._graph.operations)

    def call(self, inputs: PyTree) -> PyTree:
        """Computes the outputs from arrays in the structure of the inputs."""
        return self._graph.to_tensors(self._graph.run(inputs))

    def compute_output_spec(self, inputs: PyTree) -> PyTree:
        """Returns new Tensors like the outputs for other inputs."""
        return infer_outputs(self.call, (inputs,), {})

    def compute_output_shape(self, input_shape: PyTree) -> PyTree:
        """Returns the shapes of the outputs for the shapes of inputs.

        Args:
            input_shape: a shape, or shapes in the structure of the inputs, with None for unknown
                sizes.
        """
        tensors = tree.leaves(map_shapes(Tensor, input_shape))
        pairs = zip(tensors, self._graph.input_tensors, strict=True)
        inputs = self._graph.arrange([Tensor(new.shape, old.dtype) for new, old in pairs])
        return tree.map(lambda t: t.shape, self.compute_output_spec(inputs))

    def get_config(self) -> NoReturn:
        """Raises a NotImplementedError: the graph is not stored; a Model can be."""
        raise NotImplementedError(
            f"{self._label_()} has no config. Create cornu.Model(inputs, outputs), which can be "
            "saved."
        )
