"""ExportArchive: a SavedModel with several endpoints, as in Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.core.state.sharing import copy_to_host
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.deviations import plain_formulations
from cornu.errors import check_choice
from cornu.export.inference import InputDescription
from cornu.export.saved_model import atomic_directory, convert_endpoint, import_tensorflow

__all__ = ["ExportArchive"]


class _Endpoint(NamedTuple):
    """A function of an archive.

    Attributes:
        function: the function.
        signature: the specs of its arguments.
        options: those of `jax2tf.convert`.
    """

    function: Callable[..., Any]
    signature: Any
    options: dict[str, Any]


class ExportArchive:
    """Writes functions of layers and models as endpoints of a SavedModel, which needs TensorFlow.

    Args:
        format: `"saved_model"`.

    Example:

    ```python
    archive = cornu.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve", model.call, input_signature=[cornu.InputSpec(shape=(None, 3), dtype="float32")]
    )
    archive.write_out("path/to/location")
    ```

    Differences: layers that a function uses must be tracked, unless the function is a method of
    one; the format `"neptune_model"` is not supported.
    """

    def __init__(self, format: str = "saved_model") -> None:
        check_choice("ExportArchive", "format", format, ("saved_model",))
        self._resources: list[Layer] = []
        self._endpoints: dict[str, _Endpoint] = {}
        self._collections: dict[str, list[Variable]] = {}

    @property
    def variables(self) -> list[Variable]:
        """The Variables of the tracked layers and models."""
        return self._collect(lambda layer: layer.variables)

    @property
    def trainable_variables(self) -> list[Variable]:
        """Those of them that are trained."""
        return self._collect(lambda layer: layer.trainable_variables)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """Those of them that are not trained."""
        return self._collect(lambda layer: layer.non_trainable_variables)

    def _collect(self, find: Callable[[Layer], Sequence[Variable]]) -> list[Variable]:
        found = {id(v): v for layer in self._resources for v in find(layer)}
        return list(found.values())

    @api_boundary
    def track(self, resource: Any) -> None:
        """Adds a layer or model, whose Variables endpoints may use.

        Args:
            resource: the built layer or model.
        """
        if not isinstance(resource, Layer):
            raise ValueError(f"track expects a layer or model. Received: {resource!r}")
        if not resource.built:
            raise ValueError(
                f"{resource.name!r} is not built: it has no weights yet. Call it on a batch first."
            )
        if all(resource is not known for known in self._resources):
            self._resources.append(resource)

    @api_boundary
    def add_endpoint(
        self, name: str, fn: Callable[..., Any], input_signature: Any = None, **kwargs: Any
    ) -> Callable[..., Any]:
        """Adds a function as an endpoint.

        Args:
            name: the name of the endpoint.
            fn: a function of arrays.
            input_signature: a list with a spec, or a structure of specs, for each argument.
            **kwargs: `jax2tf_kwargs`, passed to `jax2tf.convert`; `is_static` is accepted.
        """
        if name in self._endpoints:
            raise ValueError(f"The archive has an endpoint {name!r} already.")
        if input_signature is None:
            raise ValueError(
                "add_endpoint needs an input_signature, such as "
                "[cornu.InputSpec(shape=(None, 3), dtype='float32')]."
            )
        owner = getattr(fn, "__self__", None)
        if isinstance(owner, Layer):
            self.track(owner)
        options = dict(kwargs.get("jax2tf_kwargs") or {})
        self._endpoints[name] = _Endpoint(fn, input_signature, options)
        return fn

    def track_and_add_endpoint(
        self, name: str, resource: Any, input_signature: Any, **kwargs: Any
    ) -> None:
        """Adds a layer or model, and its call in inference as an endpoint.

        Args:
            name: the name of the endpoint.
            resource: the built layer or model.
            input_signature: a list with a spec, or a structure of specs, for each argument of the
                call.
            **kwargs: as in `add_endpoint`.
        """
        self.track(resource)
        self.add_endpoint(
            name, lambda *args: resource(*args, training=False), input_signature, **kwargs
        )

    def add_variable_collection(self, name: str, variables: Sequence[Variable]) -> None:
        """Adds Variables under a name, which is an attribute of what TensorFlow loads.

        Args:
            name: the name of the attribute.
            variables: the Variables.
        """
        self._collections[name] = list(variables)

    @api_boundary
    def write_out(
        self, filepath: str | os.PathLike[str], options: Any = None, verbose: bool = True
    ) -> None:
        """Writes the SavedModel.

        Args:
            filepath: the directory.
            options: `tf.saved_model.SaveOptions`.
            verbose: whether to print the endpoints.
        """
        if not self._endpoints:
            raise ValueError("The archive has no endpoints: call add_endpoint first.")
        tensorflow = import_tensorflow("Writing a SavedModel")
        module = tensorflow.Module()
        variables = {f"{i}": v for i, v in enumerate(self.variables)}
        values = copy_to_host([*variables.values()])
        made = {
            key: tensorflow.Variable(value, trainable=v.trainable, name=v.path)
            for (key, v), value in zip(variables.items(), values, strict=True)
        }
        module.weights = made
        by_identity = {id(variables[key]): variable for key, variable in made.items()}
        for name, collection in self._collections.items():
            setattr(module, name, [by_identity[id(v)] for v in collection])
        for name, endpoint in self._endpoints.items():
            function = self._convert(endpoint, list(variables.values()), made, tensorflow)
            setattr(module, name, function)
        with atomic_directory(Path(filepath)) as folder:
            tensorflow.saved_model.save(module, str(folder), None, options)
        if verbose:
            print(f"Saved the endpoints {list(self._endpoints)} to {os.fspath(filepath)!r}.")

    def _convert(
        self, endpoint: _Endpoint, variables: list[Variable], made: Any, tensorflow: Any
    ) -> Any:
        leaves, structure = tree.flatten_with_treedef(endpoint.signature)
        inputs = [
            InputDescription(f"input_{i}", tuple(s.shape), str(s.dtype or "float32"))
            for i, s in enumerate(leaves)
        ]
        call = scope.functionalize(endpoint.function, variables)

        def function(weights: dict[str, Any], arrays: dict[str, Any]) -> Any:
            values = [weights[f"{i}"] for i in range(len(variables))]
            args = tree.unflatten(structure, [arrays[d.name] for d in inputs])
            with plain_formulations():
                return call(values, None, *args)[0]

        converted = convert_endpoint(function, made, inputs, endpoint.options)
        specs = [tensorflow.TensorSpec(d.shape, tensorflow.as_dtype(d.dtype)) for d in inputs]
        signature = tree.unflatten(structure, specs)

        def serve(*args: Any) -> Any:
            return converted(*tree.leaves(list(args)))

        return tensorflow.function(serve, input_signature=signature, autograph=False)
