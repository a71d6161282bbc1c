"""What the training package needs of a model, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable

__all__ = ["InputGraph", "TrainableModel"]


class InputGraph(Protocol):
    """The functional graph of a model: its inputs and outputs, and how data binds to them."""

    inputs: Any
    outputs: Any
    input_names: list[str]
    output_names: list[str]
    input_tensors: list[Tensor]
    nodes: list[Node]

    def match(self, value: Any) -> list[Any]:
        """Returns what was given for each input, in order."""

    def arrange(self, values: Sequence[Any]) -> Any:
        """Returns one value for each input, in the structure of the inputs."""

    def check_shape(self, x: Any, tensor: Tensor, name: str, rows: bool = True) -> None:
        """Raises an error for an array that does not have the shape of its input."""

    def rowwise(self) -> bool:
        """Whether each row of the outputs depends on the same row of the inputs alone."""


class TrainableModel(Protocol):
    """A model as the Trainer sees it: a layer that may be built for data, with steps."""

    built: bool

    @property
    def name(self) -> str: ...

    @property
    def functional_graph(self) -> InputGraph | None: ...

    @property
    def dtype_policy(self) -> Any: ...

    @property
    def is_callable(self) -> bool:
        """Whether the model computes outputs: one with steps of its own needs no `call`."""

    @property
    def is_purely_functional(self) -> bool:
        """Whether a call computes the functional graph, and nothing else."""

    @property
    def trainable_variables(self) -> list[Variable]: ...

    @property
    def non_trainable_variables(self) -> list[Variable]: ...

    @property
    def metrics_variables(self) -> list[Variable]: ...

    @property
    def all_variables(self) -> list[Variable]: ...

    @property
    def variables(self) -> list[Variable]: ...

    @property
    def losses(self) -> list[Any]: ...

    @property
    def metrics(self) -> list[Any]: ...

    def sublayers(self) -> list[Layer]: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def run(self, args: Any, kwargs: Any) -> Any:
        """Calls the model on arrays, without the compiled function of the model."""

    def infer_outputs(self, inputs: Any) -> Any:
        """Returns the Tensors that a call on Tensors returns; builds what is not built."""

    def build_for(self, inputs: Any) -> None:
        """Builds a model without a functional graph, for some data."""

    def overrides(self, name: str) -> bool:
        """Whether the model's class defines a method of `Model` itself."""

    def get_metrics_result(self) -> dict[str, Any]: ...

    def reset_metrics(self) -> None: ...

    def train_step(self, data: Any) -> Any: ...

    def test_step(self, data: Any) -> Any: ...

    def predict_step(self, data: Any) -> Any: ...

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool
    ) -> Any: ...

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Any: ...
