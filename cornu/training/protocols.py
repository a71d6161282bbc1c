"""Protocols of the parts of a model that the training package uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Protocol

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.types import DataLike, PyTree

__all__ = ["BatchSource", "InputGraph", "TrainableModel"]


class BatchSource(Protocol):
    """A source of batches whose position can be saved: Arrays, a Stream, or a part of one."""

    @property
    def rejected(self) -> int | None:
        """The number of the batch that was wrong, or None."""

    @property
    def steps(self) -> int | None:
        """The number of batches per epoch, if it is known."""

    @property
    def resumes(self) -> str:
        """Whether reading can be resumed within an epoch ("batch") or after one ("epoch")."""

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, beginning with number `start`."""

    def finish_checks(self) -> None:
        """Raises an error if the last batch was wrong, which may be known only now."""

    def describe(self) -> dict[str, Any]:
        """Returns a description that differs for sources with different batches."""

    def state(self) -> Any:
        """Returns the position as plain data."""

    def restore(self, state: Any, epoch: int, start: int) -> None:
        """Continues from a position that `state` returned."""

    def reseed(self, seed: int) -> None:
        """Sets the seed of the order, before the first epoch."""

    def close(self) -> None:
        """Closes files and ends threads."""


class InputGraph(Protocol):
    """The functional graph of a model: its inputs and outputs, and the matching of data."""

    inputs: PyTree
    outputs: PyTree
    input_names: list[str]
    output_names: list[str]
    input_tensors: list[Tensor]
    nodes: list[Node]

    @property
    def device_graph(self) -> InputGraph:
        """The part of the graph that steps compute; all of it if no input consists of strings."""

    def match(self, value: Any) -> list[Any]:
        """Returns the value passed for each input, in order."""

    def arrange(self, values: Sequence[Any]) -> Any:
        """Returns one value for each input, in the structure of the inputs."""

    def consumers(self, tensor: Tensor) -> Sequence[Layer]:
        """Returns the layers that an input feeds."""

    def check_optional(self, tensor: Tensor, name: str) -> None:
        """Raises a ValueError for an input that is None, unless it is optional."""

    def check_shape(self, x: DataLike, tensor: Tensor, name: str) -> None:
        """Raises a ValueError if an array does not match the shape of its input."""

    def rowwise(self) -> bool:
        """Whether each row of the outputs depends only on the same row of the inputs."""


class TrainableModel(Protocol):
    """A layer with train, test and predict steps that can be built for data."""

    built: bool
    _sorts_logs_: ClassVar[bool]

    @property
    def name(self) -> str: ...

    @property
    def _graph_(self) -> InputGraph | None: ...

    @property
    def _input_reader_(self) -> Callable[[Any, str, tuple[str, ...], bool], Any] | None:
        """What converts data to the inputs of steps; None if the model takes no strings."""

    @property
    def dtype_policy(self) -> Any: ...

    @property
    def _is_callable_(self) -> bool:
        """Whether the model can be called: a model with a custom `train_step` needs no `call`."""

    @property
    def _is_purely_functional_(self) -> bool:
        """Whether a call computes the functional graph, and nothing else."""

    @property
    def trainable_variables(self) -> list[Variable]: ...

    @property
    def non_trainable_variables(self) -> list[Variable]: ...

    @property
    def metrics_variables(self) -> list[Variable]: ...

    @property
    def _all_variables_(self) -> list[Variable]: ...

    @property
    def variables(self) -> list[Variable]: ...

    @property
    def losses(self) -> list[Any]: ...

    @property
    def metrics(self) -> list[Any]: ...

    def _sublayers_(self) -> list[Layer]: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def _run_(self, args: Any, kwargs: Any) -> Any:
        """Calls the model on arrays, without the compiled function of the model."""

    def _infer_outputs_for_(self, inputs: PyTree) -> Any:
        """Returns the Tensors that a call on Tensors returns; builds the model if necessary."""

    @property
    def _is_ready_(self) -> bool:
        """Whether the model is built, and no thread builds its layers at the moment."""

    def _ensure_built_(self, inputs: PyTree) -> None:
        """Builds a model without a functional graph for some data, unless it is built."""

    def _build_for_(self, inputs: PyTree) -> None:
        """Builds a model without a functional graph for the shapes and dtypes of some data."""

    def _overrides_(self, name: str) -> bool:
        """Whether the class of the model overrides a method of `Model`."""

    def get_metrics_result(self) -> dict[str, Any]: ...

    def reset_metrics(self) -> None: ...

    def train_step(self, *args: Any, **kwargs: Any) -> Any: ...

    def test_step(self, *args: Any, **kwargs: Any) -> Any: ...

    def predict_step(self, *args: Any, **kwargs: Any) -> Any: ...

    def _compute_loss_(
        self, x: DataLike, y: DataLike, y_pred: PyTree, sample_weight: DataLike, training: bool
    ) -> Any:
        """Calls `compute_loss`, whose overrides need not have the parameter `training`."""

    def compute_loss_and_updates(self, *args: Any, **kwargs: Any) -> Any: ...

    def compute_metrics(
        self, x: DataLike, y: DataLike, y_pred: PyTree, sample_weight: DataLike
    ) -> Any: ...
