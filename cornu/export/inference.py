"""InferenceFunction: a model as a pure function of its weights and named inputs, to be exported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.graph.tensor import format_shape
from cornu.core.state import scope
from cornu.core.state.sharing import copy_to_host
from cornu.deviations import plain_formulations
from cornu.errors import did_you_mean
from cornu.layers.preprocessing.base import DatasetLayer
from cornu.models.string_inputs.host_nodes import find_host_nodes
from cornu.names import make_unique
from cornu.saving.weight_paths import collect_weights_by_path, iterate_layers_by_path

__all__ = ["InferenceFunction", "InputDescription", "Preprocessing", "describe_inference"]

Arrays = dict[str, Any]


class InputDescription(NamedTuple):
    """An input of an exported function.

    Attributes:
        name: its name.
        shape: its shape; None for unknown sizes.
        dtype: its dtype.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Preprocessing(NamedTuple):
    """What an exported function does with raw data.

    Attributes:
        included: the names of preprocessing layers that are part of the function.
        left_out: the names of layers of strings that run on the host, before the function.
        raw_inputs: the inputs of the model, if some layers are left out.
    """

    included: tuple[str, ...]
    left_out: tuple[str, ...]
    raw_inputs: tuple[InputDescription, ...]

    @property
    def statement(self) -> str:
        """The same in one sentence."""
        if self.left_out:
            return (
                f"The layers {', '.join(self.left_out)} take strings and are left out: the program "
                "takes the numbers that they return."
            )
        if self.included:
            return f"The program includes the preprocessing layers {', '.join(self.included)}."
        return "The model has no preprocessing layers."


class InferenceFunction(NamedTuple):
    """A model in inference.

    Attributes:
        name: the name of the model.
        function: maps the weights by path and the inputs by name to the outputs by name.
        weights: the weights that the function reads, by path.
        inputs: the inputs, in the order of the model.
        outputs: the names of the outputs, in the order of the model.
        preprocessing: which preprocessing layers the function has.
    """

    name: str
    function: Callable[[Arrays, Arrays], Arrays]
    weights: dict[str, np.ndarray]
    inputs: tuple[InputDescription, ...]
    outputs: tuple[str, ...]
    preprocessing: Preprocessing


def describe_inference(model: Any, input_signature: Any = None) -> InferenceFunction:
    """Returns a built model as a pure function in inference.

    The function is traced without the formulations of `cornu.deviations`. Layers that draw random
    numbers in inference draw the same ones in each call.

    Args:
        model: the model.
        input_signature: specs of the inputs, with a shape and a dtype: one, a list in the order of
            the inputs, or a dict by name. By default, the inputs of the model.

    Raises:
        ValueError: the model is not built, or the specs do not match its inputs.
    """
    structure = model._step_tensors_() if model.built else None
    if structure is None and model._graph_ is not None:
        structure = model._graph_.inputs
    if structure is None:
        raise ValueError(
            f"Model {model.name!r} is not built: the shapes of its inputs are unknown.\n"
            "Call it on a batch first, or declare its input shape with an Input."
        )
    graph = model._string_graph_ or model._graph_
    graph = None if graph is None else graph.device_graph
    leaves, definition = tree.flatten_with_treedef(structure)
    names = tuple(graph.input_names if graph is not None else _names_of(structure, "inputs"))
    known = zip(names, leaves, strict=True)
    inputs = tuple(InputDescription(name, tuple(t.shape), t.dtype) for name, t in known)
    inputs = tuple(map(_with_dtype_of_jax, _apply_signature(model, inputs, input_signature)))

    variables = {path: v for path, v in collect_weights_by_path(model).items()}
    counted = list(model.metrics_variables)  # updates of metrics are discarded
    call = scope.functionalize(
        lambda x: model(x, training=False),
        [*variables.values(), *counted],
        model._trainer_.random_sources(),
    )
    constants = [np.asarray(v.stored) for v in counted]
    found: list[str] = list(graph.output_names) if graph is not None else []

    def function(weights: Arrays, arrays: Arrays) -> Arrays:
        values = [weights[path] for path in variables] + constants
        filled = tree.unflatten(definition, [arrays[name] for name in names])
        with plain_formulations():
            outputs, _, _ = call(values, jax.random.key(0), filled)
        leaves = tree.leaves(outputs)
        if not found:
            found.extend(_names_of(outputs, "outputs"))
        return dict(zip(found, leaves, strict=True))

    if not found:
        specs = {d.name: _example(d) for d in inputs}
        jax.eval_shape(function, {path: v.stored for path, v in variables.items()}, specs)
    weights = dict(zip(variables, copy_to_host([*variables.values()]), strict=True))
    preprocessing = _find_preprocessing(model)
    return InferenceFunction(model.name, function, weights, inputs, tuple(found), preprocessing)


def _with_dtype_of_jax(description: InputDescription) -> InputDescription:
    """Returns an input with the dtype that JAX computes with, which may have 32 bits only."""
    dtype = jax.dtypes.canonicalize_dtype(jnp.dtype(description.dtype))
    return description._replace(dtype=dtype.name)


def _example(description: InputDescription) -> Any:
    """Returns a spec with small sizes, which a model of its own `call` is traced with."""
    shape = tuple(2 if size is None else size for size in description.shape)
    return jax.ShapeDtypeStruct(shape, jnp.dtype(description.dtype))


def _names_of(structure: Any, default: str) -> list[str]:
    """Returns a name for each leaf: its path in the structure, or the default."""
    taken: dict[str, int] = {}
    names = []
    for path, _ in tree.flatten_with_path(structure):
        words = [str(step) for step in path]
        if words and words[0].isdigit():
            words = [default, *words]
        names.append(make_unique("_".join(words) or default, taken))
    return names


def _apply_signature(
    model: Any, inputs: tuple[InputDescription, ...], signature: Any
) -> tuple[InputDescription, ...]:
    """Returns the inputs with the shapes and dtypes of a signature."""
    if signature is None:
        return inputs
    if isinstance(signature, Mapping):
        known = [d.name for d in inputs]
        for name in signature:
            if name not in known:
                raise ValueError(
                    f"input_signature: model {model.name!r} has no input {name!r}. It has the "
                    f"inputs {known}. {did_you_mean(name, known)}".rstrip()
                )
        specs: Sequence[Any] = [signature.get(name) for name in known]
    else:
        specs = list(_iterate_specs(signature))
    if len(specs) != len(inputs):
        raise ValueError(
            f"input_signature: expected {len(inputs)} specs, one for each input "
            f"({', '.join(d.name for d in inputs)}); received {len(specs)}."
        )
    return tuple(
        d if spec is None else _merge(d, spec) for d, spec in zip(inputs, specs, strict=True)
    )


def _iterate_specs(signature: Any) -> Iterator[Any]:
    if isinstance(signature, (list, tuple)):
        for item in signature:
            yield from _iterate_specs(item)
    else:
        yield signature


def _merge(description: InputDescription, spec: Any) -> InputDescription:
    shape = getattr(spec, "shape", None)
    shape = description.shape if shape is None else tuple(shape)
    fits = len(shape) == len(description.shape) and all(
        given is None or want is None or given == want
        for given, want in zip(shape, description.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"input_signature: input {description.name!r} has the shape "
            f"{format_shape(description)}; received {shape}."
        )
    # A size that the model fixes remains fixed.
    sizes = zip(shape, description.shape, strict=True)
    merged = tuple(want if given is None else given for given, want in sizes)
    dtype = getattr(spec, "dtype", None)
    name = description.dtype if dtype is None else getattr(dtype, "name", str(dtype))
    return InputDescription(description.name, merged, name)


def _find_preprocessing(model: Any) -> Preprocessing:
    graph = model._string_graph_
    left_out: tuple[str, ...] = ()
    raw: tuple[InputDescription, ...] = ()
    if graph is not None:
        nodes = graph.graph.nodes
        numbers = find_host_nodes(nodes)
        left_out = tuple(node.name for node in nodes if node.number in numbers)
        pairs = zip(graph.input_names, graph.input_tensors, strict=True)
        raw = tuple(InputDescription(name, tuple(t.shape), t.dtype) for name, t in pairs)
    layers = [la for _, la in iterate_layers_by_path(model) if isinstance(la, DatasetLayer)]
    included = tuple(layer.name for layer in layers if layer.name not in left_out)
    return Preprocessing(included, left_out, raw)
