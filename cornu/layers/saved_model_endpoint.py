"""Endpoints of SavedModels as functions of JAX, by `jax2tf.call_tf`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cornu.errors import missing_package, suggest
from cornu.types import Array, PyTree

__all__ = ["Endpoint", "EndpointVariable", "import_tensorflow", "read_endpoint"]


class EndpointVariable(NamedTuple):
    """A variable of an endpoint.

    Attributes:
        name: its name in the SavedModel.
        node: the node of the graph that has its value.
        value: its value.
        trainable: whether TensorFlow trains it.
    """

    name: str
    node: str
    value: np.ndarray
    trainable: bool


class Endpoint:
    """A function of the values of variables and of inputs.

    Args:
        graph: the graph, in which variables are constants.
        variables: the variables.
        inputs: the specs of the inputs, and the tensors of the graph that they are.
        outputs: the specs of the outputs, as the endpoint returns them.
        names: the tensors of the graph that are the outputs.
        label: the layer, as messages show it.
    """

    def __init__(
        self,
        graph: Any,
        variables: Sequence[EndpointVariable],
        inputs: Sequence[tuple[Any, str]],
        outputs: Any,
        names: Sequence[str],
        label: str,
    ) -> None:
        self.variables = list(variables)
        self._tensorflow = import_tensorflow()
        self._graph, self._inputs, self._outputs = graph, list(inputs), outputs
        self._names, self._label = list(names), label
        self._function = self._tensorflow.function(self._compute, autograph=False)
        self._shapes: dict[tuple[tuple[int, ...], ...], list[jax.ShapeDtypeStruct]] = {}

    def __call__(self, values: Sequence[Array], inputs: PyTree) -> PyTree:
        """Computes the outputs.

        Args:
            values: the values of the variables.
            inputs: an array, or a list or dict of several.
        """
        from jax.experimental import jax2tf

        arrays = [
            jnp.asarray(x, spec.dtype.as_numpy_dtype)
            for x, (spec, _) in zip(self._order(inputs), self._inputs, strict=True)
        ]
        call = jax2tf.call_tf(
            self._function, has_side_effects=False, output_shape_dtype=self._output_shapes(arrays)
        )
        try:
            found = call(list(values), arrays)
        except ValueError as error:
            if "compile" not in str(error).lower():
                raise
            raise NotImplementedError(
                f"{self._label}: XLA cannot compile the endpoint. {error}"
            ) from error
        return self._tensorflow.nest.pack_sequence_as(self._outputs, found)

    def map_outputs(self, make: Callable[[Sequence[int | None], str], Any]) -> PyTree:
        """Returns what a function makes of the shape and dtype of each output."""
        nest = self._tensorflow.nest
        found = [
            make(tuple(spec.shape.as_list()), spec.dtype.name)
            for spec in nest.flatten(self._outputs)
        ]
        return nest.pack_sequence_as(self._outputs, found)

    def _compute(self, values: Sequence[Any], arrays: Sequence[Any]) -> Any:
        nodes = {f"{v.node}:0": x for v, x in zip(self.variables, values, strict=True)}
        given = {name: x for (_, name), x in zip(self._inputs, arrays, strict=True)}
        return self._tensorflow.graph_util.import_graph_def(
            self._graph, input_map={**nodes, **given}, return_elements=self._names, name=""
        )

    def _order(self, inputs: PyTree) -> list[Any]:
        """Returns the arrays in the order of the endpoint."""
        names = [spec.name for spec, _ in self._inputs]
        if isinstance(inputs, dict):
            if set(inputs) != set(names):
                raise ValueError(
                    f"{self._label}: expected inputs with the names {names}. "
                    f"Received: {list(inputs)}"
                )
            return [inputs[name] for name in names]
        found = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(found) != len(names):
            raise ValueError(
                f"{self._label}: the endpoint has the inputs {names}. Received: {len(found)}"
            )
        return found

    def _output_shapes(self, arrays: Sequence[Array]) -> list[jax.ShapeDtypeStruct]:
        """Returns the shapes of the outputs for arrays of these shapes.

        A program of JAX within the graph does not say how its outputs depend on its inputs, so it
        is computed once for zeros.
        """
        key = tuple(x.shape for x in arrays)
        if key not in self._shapes:
            zeros = [np.zeros(x.shape, x.dtype) for x in arrays]
            found = self._function([v.value for v in self.variables], zeros)
            self._shapes[key] = [
                jax.ShapeDtypeStruct(tuple(y.shape), y.dtype.as_numpy_dtype) for y in found
            ]
        return self._shapes[key]


def import_tensorflow() -> Any:
    """Returns the module `tensorflow`; raises an ImportError that says how to install it."""
    try:
        import tensorflow
    except ImportError as error:
        raise missing_package("tensorflow", "ecosystem", "TFSMLayer") from error
    return tensorflow


def read_endpoint(loaded: Any, name: str, label: str) -> Endpoint:
    """Returns an endpoint of a SavedModel.

    Args:
        loaded: what `tensorflow.saved_model.load` returned.
        name: an attribute with a function, or a signature.
        label: the layer, as messages show it.

    Raises:
        ValueError: there is no such endpoint.
        NotImplementedError: it takes or returns other things than numbers.
    """
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    tensorflow = import_tensorflow()
    function = _find_function(loaded, name, label)
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    graph = frozen.graph.as_graph_def()
    constants = {node.name for node in graph.node if node.op == "Const"}
    by_handle = {id(v.handle): v for v in function.variables}
    variables = [
        EndpointVariable(
            by_handle[id(handle)].name.removesuffix(":0"),
            placeholder.op.name,
            by_handle[id(handle)].numpy(),
            bool(by_handle[id(handle)].trainable),
        )
        for handle, placeholder in function.graph.captures
        if id(handle) in by_handle and placeholder.op.name in constants
    ]
    specs = tensorflow.nest.flatten(function.structured_input_signature)
    specs = [spec for spec in specs if isinstance(spec, tensorflow.TensorSpec)]
    outputs = function.structured_outputs
    for spec in (*specs, *tensorflow.nest.flatten(outputs)):
        if not (spec.dtype.is_floating or spec.dtype.is_integer or spec.dtype.is_bool):
            raise NotImplementedError(
                f"{label}: the endpoint {name!r} has {spec.dtype.name}s, which XLA cannot compile. "
                "Use it with TensorFlow, before the model."
            )
    tensors = {tensor.op.name: tensor.name for tensor in frozen.inputs}
    ordered = [tensor.name for tensor in frozen.inputs]
    if all(spec.name in tensors for spec in specs):
        ordered = [tensors[spec.name] for spec in specs]
    names = [tensor.name for tensor in frozen.outputs]
    inputs = list(zip(specs, ordered, strict=True))
    return Endpoint(graph, variables, inputs, outputs, names, label)


def _find_function(loaded: Any, name: str, label: str) -> Any:
    attribute = getattr(loaded, name, None)
    functions = getattr(attribute, "concrete_functions", None)
    if functions:
        return functions[0]
    if name in loaded.signatures:
        return loaded.signatures[name]
    known = [
        key for key in vars(loaded).copy() if hasattr(getattr(loaded, key), "concrete_functions")
    ]
    raise ValueError(
        f"{label}: the SavedModel has no endpoint {name!r}. "
        f"{suggest(name, dict.fromkeys([*known, *loaded.signatures]))}"
    )
