"""Distribution: where Variables and batches are on the devices of a mesh."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec, Sharding

from cornu.core.graph.remat import save_all_but_weights
from cornu.core.layer.layer import Layer
from cornu.core.state import placement
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.gathering import gather_parts, is_divided
from cornu.distribution.layouts import TensorLayout
from cornu.distribution.mesh import DeviceMesh
from cornu.foreign import describe_class

__all__ = ["Distribution", "distribution", "set_distribution"]


class Distribution:
    """Base class of distributions, which lay out Variables, batches and outputs of layers.

    Args:
        device_mesh: the mesh of devices.
        batch_dim_name: the axis of the mesh along which batches are divided.
        auto_shard_dataset: whether each process of several is given all data, and takes its part of
            each batch; False if each is given its part of the data.

    Attributes:
        device_mesh, batch_dim_name, auto_shard_dataset: the arguments.
        num_processes: the number of processes of the program.
        num_model_replicas: the number of parts into which batches are divided.
        data_shard_id: the number of the part of the data that this process reads.
    """

    # Whether a layer collects the parts of its weights where it is computed.
    _gathers_weights: ClassVar[bool] = False

    def __init__(
        self,
        device_mesh: DeviceMesh,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
    ) -> None:
        self._device_mesh = device_mesh
        self._batch_dim_name = batch_dim_name
        self._auto_shard_dataset = auto_shard_dataset
        self._num_processes: int = jax.process_count()
        self._process_id: int = jax.process_index()

    @property
    def device_mesh(self) -> DeviceMesh:
        """The mesh of devices."""
        return self._device_mesh

    @property
    def batch_dim_name(self) -> str | None:
        """The axis of the mesh along which batches are divided."""
        return self._batch_dim_name

    @property
    def auto_shard_dataset(self) -> bool:
        """Whether each process takes its part of the data."""
        return self._auto_shard_dataset

    @auto_shard_dataset.setter
    def auto_shard_dataset(self, auto_shard_dataset: bool) -> None:
        self._auto_shard_dataset = auto_shard_dataset

    @property
    def num_processes(self) -> int:
        """The number of processes of the program."""
        return self._num_processes

    @property
    def num_model_replicas(self) -> int:
        """The number of parts into which batches are divided."""
        name = self._batch_dim_name
        return 1 if name is None else self._device_mesh.size_of(name)

    @property
    def data_shard_id(self) -> int:
        """The number of the part of the data that this process reads."""
        replicas = self.num_model_replicas
        if replicas >= self._num_processes:
            return self._process_id
        return self._process_id // (self._num_processes // replicas)

    def get_data_layout(self, data_shape: Sequence[int | None]) -> TensorLayout:
        """Returns the layout of an array of a batch: its first axis is divided.

        Args:
            data_shape: the shape of the array.
        """
        axes = [self._batch_dim_name, *[None] * (len(data_shape) - 1)][: len(data_shape)]
        return TensorLayout(axes, self._device_mesh)

    def get_variable_layout(self, variable: Variable) -> Any:
        """Returns the layout of a Variable: that which it was created with, or a copy per device.

        Args:
            variable: the Variable.
        """
        if variable.layout is not None:
            return self._layout_of(variable)
        return TensorLayout([None] * len(variable.shape), self._device_mesh)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """Returns the layout of the output of a layer; None if XLA chooses it.

        Args:
            path: the path of the layer, followed by `/output`.
        """
        return None

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Makes this the current distribution of the process in a `with` block."""
        before = distribution()
        set_distribution(self)
        try:
            yield
        finally:
            set_distribution(before)

    def distribute_dataset(self, dataset: Any) -> Any:
        """Returns a dataset; with several processes, the part of it that this process reads.

        `fit` calls it for a `tf.data.Dataset`.

        Args:
            dataset: a batched `tf.data.Dataset`, whose batches are those of all processes together.

        Raises:
            ValueError: there are several processes, and the dataset is of another type, is not
                batched, or has batches that cannot be divided evenly.
        """
        if self._num_processes == 1 or not self._auto_shard_dataset:
            return dataset
        if not describe_class(dataset).startswith("tensorflow."):
            raise ValueError(
                "distribute_dataset: expected a tf.data.Dataset. Received: "
                f"{describe_class(dataset)}\nPass a part of the data to each process, and "
                "auto_shard_dataset=False to the distribution."
            )
        return self.distribute_tf_dataset(dataset)

    def distribute_tf_dataset(self, dataset: Any) -> Any:
        """Returns the part of a batched `tf.data.Dataset` that this process reads.

        Args:
            dataset: the dataset of all processes.
        """
        parts = min(self.num_model_replicas, self._num_processes)
        if parts == 1:
            return dataset
        sizes = {
            spec.shape[0] if spec.shape.rank else None
            for spec in jax.tree_util.tree_leaves(dataset.element_spec)
        }
        size = sizes.pop() if len(sizes) == 1 else None
        if size is None:
            raise ValueError(
                "distribute_tf_dataset: the batch size of the dataset is unknown.\n"
                "Call dataset.batch(batch_size, drop_remainder=True)."
            )
        if size % parts:
            raise ValueError(
                f"distribute_tf_dataset: batches of {size} rows cannot be divided among {parts} "
                f"processes.\nUse a batch size that is a multiple of {parts}."
            )
        return dataset.rebatch(size // parts).shard(parts, self.data_shard_id).prefetch(-1)

    # ------------------------------------------------------------------- the protocol `Placement`

    @cached_property
    def _replicated_(self) -> Sharding:
        return NamedSharding(self._device_mesh.backend_mesh, PartitionSpec())

    @property
    def _shares_batches_(self) -> bool:
        return self._num_processes > 1 and self._auto_shard_dataset

    @property
    def _row_multiple_(self) -> int:
        if self._auto_shard_dataset:
            return self.num_model_replicas
        # Each process passes the rows of its own devices.
        return max(1, self.num_model_replicas // self._num_processes)

    def _variable_sharding_(self, variable: Variable) -> Sharding:
        reference = variable.reference
        if variable.layout is None and reference is not None:
            if reference.shape == variable.shape:
                return self._variable_sharding_(reference)
        if variable.layout is None and variable.role not in ("param", "state"):
            return self._replicated_
        layout = self.get_variable_layout(variable)
        if isinstance(layout, TensorLayout):
            _check_fit(layout, variable)
        found = placement.sharding_of(layout)
        return self._replicated_ if found is None else found

    @property
    def _lays_out_outputs_(self) -> bool:
        return type(self).get_tensor_layout is not Distribution.get_tensor_layout

    def _output_sharding_(self, path: str) -> Sharding | None:
        return placement.sharding_of(self.get_tensor_layout(path))

    @property
    def _divides_steps_(self) -> bool:
        return False

    def _divide_steps_(self, x: Any) -> Any:
        return x

    def _whole_steps_(self, x: Any) -> Any:
        return x

    @property
    def _compiler_options_(self) -> tuple[str, ...]:
        return ("separate_reductions",) if self._gathers_weights else ()

    def _plan_(self, model: Layer) -> None:
        pass

    def _undivided_(self, model: Layer) -> list[tuple[Variable, int]]:
        return []

    def _gathered(self, variable: Variable) -> Sharding | None:
        """Returns the sharding with which a layer uses a Variable; None if it is its own."""
        return self._replicated_ if self._gathers_weights and is_divided(variable) else None

    def _gather_(self, variable: Variable, value: Any) -> Any:
        gathered = self._gathered(variable)
        if gathered is None or not isinstance(value, jax.core.Tracer):
            return value
        assert variable.sharding is not None
        return gather_parts(value, variable.sharding, gathered)

    def _saving_policy_(self, variables: Sequence[Variable]) -> Callable[..., bool] | None:
        gathers = any(self._gathered(variable) is not None for variable in variables)
        return save_all_but_weights if gathers else None

    def _find_pipelines_(self, graph: Any) -> Sequence[placement.Pipeline]:
        return ()

    def _place_batch_(self, batch: Any) -> Any:
        return jax.tree_util.tree_map(self._place_array, batch)

    def _place_array(self, x: Any) -> jax.Array:
        divided = x.ndim and x.shape[0] % self._row_multiple_ == 0
        if not divided or self._batch_dim_name is None:
            return placement.put(x, self._replicated_)
        sharding = self.get_data_layout(x.shape).backend_layout
        is_global = isinstance(x, jax.Array) and not x.is_fully_addressable
        if sharding.is_fully_addressable or is_global or self._auto_shard_dataset:
            return placement.put(x, sharding)
        whole: jax.Array = jax.make_array_from_process_local_data(sharding, np.asarray(x))
        return whole

    def _layout_of(self, variable: Variable) -> Any:
        """Returns the layout that a Variable was created with, as a TensorLayout if it is one."""
        sharding = variable.layout
        mesh = self._device_mesh
        if isinstance(sharding, NamedSharding) and sharding.mesh == mesh.backend_mesh:
            return TensorLayout(tuple(sharding.spec), mesh)
        return sharding

    def __repr__(self) -> str:
        return f"<{type(self).__name__} device_mesh={self._device_mesh}>"


def distribution() -> Distribution | None:
    """Returns the current distribution of the process, or None.

    Example:

    >>> import cornu
    >>> with cornu.distribution.DataParallel(devices=["cpu:0"]).scope():
    ...     cornu.distribution.distribution()
    <DataParallel device_mesh=<DeviceMesh shape=(1,), axis_names=['batch']>>
    """
    found = placement.get_default()
    return found if isinstance(found, Distribution) else None


@api_boundary
def set_distribution(value: Distribution | None) -> None:
    """Sets the current distribution of the process.

    Models that are created, compiled or trained while it is set are distributed by it.

    Args:
        value: a distribution, such as `DataParallel()`; None for none.

    Raises:
        TypeError: the value is something else.

    Example:

    >>> import cornu
    >>> cornu.distribution.set_distribution(cornu.distribution.DataParallel())
    >>> type(cornu.distribution.distribution()).__name__
    'DataParallel'
    >>> cornu.distribution.set_distribution(None)
    """
    if value is not None and not isinstance(value, Distribution):
        raise TypeError(
            "set_distribution: expected a distribution, such as "
            f"cornu.distribution.DataParallel(), or None. Received: {value!r}"
        )
    placement.set_default(value)


def _check_fit(layout: TensorLayout, variable: Variable) -> None:
    """Raises an error if a Variable cannot be divided by a layout."""
    shape = variable.shape
    if len(layout.axes) > len(shape):
        raise ValueError(
            f"Variable {variable.path!r} has shape {shape}, but its layout {layout.axes} has "
            f"{len(layout.axes)} axes.\nChange the key of the LayoutMap that matches it, or the "
            "layout."
        )
    for axis, (size, parts) in enumerate(zip(shape, layout.parts(), strict=False)):
        if size % parts:
            raise ValueError(
                f"Variable {variable.path!r} has shape {shape}: axis {axis} cannot be divided into "
                f"{parts} equal parts, as its layout {layout.axes} requires.\nDivide another axis, "
                f"or change the size to a multiple of {parts}."
            )
