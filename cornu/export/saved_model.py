"""SavedModels of TensorFlow, through `jax2tf`: written, and loaded as functions."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cornu.errors import missing_package
from cornu.export.exported_model import ExportedModel
from cornu.export.inference import InferenceFunction, InputDescription
from cornu.export.stablehlo.writer import PLATFORMS
from cornu.export.symbolic_sizes import trace_with_sizes

__all__ = [
    "ENDPOINT",
    "atomic_directory",
    "convert_endpoint",
    "import_tensorflow",
    "read_saved_model",
    "write_saved_model",
]

ENDPOINT = "serve"
_SIGNATURE = "serving_default"


def import_tensorflow(purpose: str) -> Any:
    """Returns the module `tensorflow`; raises an ImportError that says how to install it."""
    try:
        import tensorflow
    except ImportError as error:
        raise missing_package("tensorflow", "ecosystem", purpose) from error
    return tensorflow


def write_saved_model(
    inference: InferenceFunction,
    path: Path,
    is_static: bool | None = None,
    jax2tf_kwargs: Mapping[str, Any] | None = None,
) -> None:
    """Writes a model as a SavedModel with the endpoint `serve`.

    The endpoint takes the inputs in the order of the model, and returns a tensor, or a dict by name
    if there are several outputs. The signature `serving_default` takes and returns tensors by name.

    Args:
        inference: the model.
        path: the directory.
        is_static: accepted as in Keras; the function of a model in inference is always static.
        jax2tf_kwargs: passed to `jax.experimental.jax2tf.convert`.

    Raises:
        ImportError: TensorFlow is not installed.
        NotADirectoryError: the path is that of a file.
    """
    tensorflow = import_tensorflow("Exporting a SavedModel")
    module = tensorflow.Module()
    module.weights = {
        name: tensorflow.Variable(array, trainable=False, name=name)
        for name, array in inference.weights.items()
    }
    converted = convert_endpoint(
        inference.function, module.weights, inference.inputs, dict(jax2tf_kwargs or {})
    )
    single = len(inference.outputs) == 1

    def by_name(*args: Any) -> dict[str, Any]:
        return {name: converted(*args)[name] for name in inference.outputs}

    def serve(*args: Any) -> Any:
        outputs = converted(*args)
        return outputs[inference.outputs[0]] if single else outputs

    specs = [
        tensorflow.TensorSpec(d.shape, tensorflow.as_dtype(d.dtype), name=d.name)
        for d in inference.inputs
    ]
    trace = tensorflow.function
    setattr(module, ENDPOINT, trace(serve, input_signature=specs, autograph=False))
    signature = trace(by_name, input_signature=specs, autograph=False)
    with atomic_directory(path) as folder:
        tensorflow.saved_model.save(module, str(folder), signatures={_SIGNATURE: signature})


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yields a directory, whose files are moved to `path` if the block succeeds.

    Other files that `path` has are kept.

    Raises:
        NotADirectoryError: the path is that of a file.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(
            f"{str(path)!r} is a file, and a SavedModel is a directory. Pass another path."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name[:40]}.", dir=path.parent) as folder:
        made = Path(folder) / "new"
        yield made
        if not path.exists():
            os.replace(made, path)
            return
        # The graph comes last: without it, there is no SavedModel.
        files = sorted(made.rglob("*"), key=lambda file: file.parent == made)
        for file in files:
            target = path / file.relative_to(made)
            if file.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, target)


def convert_endpoint(
    function: Callable[[dict[str, Any], dict[str, Any]], Any],
    variables: Mapping[str, Any],
    inputs: Sequence[InputDescription],
    options: dict[str, Any],
) -> Callable[..., Any]:
    """Returns a function of tensors, which computes a function of JAX.

    Args:
        function: a function of weights and inputs by name.
        variables: the weights, as Variables of TensorFlow.
        inputs: the inputs, in the order of the arguments of the result.
        options: those of `jax2tf.convert`.
    """
    from jax.experimental import jax2tf

    specs = {
        name: jax.ShapeDtypeStruct(tuple(v.shape), v.dtype.as_numpy_dtype)
        for name, v in variables.items()
    }

    def trace(arrays: dict[str, Any]) -> dict[str, str]:
        jax.eval_shape(function, specs, arrays)
        return {name: f"({', '.join(map(str, x.shape))})" for name, x in arrays.items()}

    shapes = trace_with_sizes(trace, inputs)
    settings = {
        "with_gradient": False,
        "native_serialization_platforms": PLATFORMS,
        "polymorphic_shapes": [None, shapes],
        **options,
    }
    converted = jax2tf.convert(function, **settings)

    def call(*args: Any) -> Any:
        return converted(variables, {d.name: x for d, x in zip(inputs, args, strict=True)})

    return call


def read_saved_model(path: Path) -> ExportedModel:
    """Returns the signature `serving_default` of a SavedModel as a function.

    The graph of a SavedModel may read and write files: load only those of sources that you trust.

    Raises:
        ImportError: TensorFlow is not installed.
        ValueError: it has no such signature.
    """
    tensorflow = import_tensorflow("Loading a SavedModel")
    loaded = tensorflow.saved_model.load(str(path))
    if _SIGNATURE not in loaded.signatures:
        raise ValueError(
            f"{str(path)!r} has no signature {_SIGNATURE!r}. It has: {list(loaded.signatures)}"
        )
    function = loaded.signatures[_SIGNATURE]
    _, inputs = function.structured_input_signature

    def call(arrays: dict[str, Any], owner: Any = loaded) -> dict[str, np.ndarray]:
        # The function does not keep its Variables alive; their owner does.
        given = {name: tensorflow.constant(array) for name, array in arrays.items()}
        return {name: np.asarray(value) for name, value in function(**given).items()}

    return ExportedModel(
        path.name,
        "tf_saved_model",
        tuple(_describe(name, spec) for name, spec in inputs.items()),
        tuple(_describe(name, spec) for name, spec in function.structured_outputs.items()),
        None,
        call,
    )


def _describe(name: str, spec: Any) -> InputDescription:
    return InputDescription(name, tuple(spec.shape.as_list()), spec.dtype.name)
