"""ExportedModel: a program that was exported, as a function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import did_you_mean
from cornu.export.inference import InputDescription, Preprocessing

__all__ = ["ExportedModel", "convert_input"]


class ExportedModel:
    """A program that was exported, as a function of arrays; `cornu.export.load` returns it.

    Args:
        function: a function of a dict of arrays by input name, which returns one by output name.
        name, format, inputs, outputs, preprocessing: the attributes.

    Attributes:
        name: the name of the model.
        format: the format of the file.
        inputs: the name, shape and dtype of each input; None in a shape is any size.
        outputs: the same of each output.
        preprocessing: which preprocessing layers the program has; `preprocessing.statement` says
            it in a sentence.

    Example:

    >>> import cornu, numpy as np, pathlib, tempfile
    >>> model = cornu.Sequential([cornu.Input((3,), name="x"), cornu.layers.Dense(2, name="y")])
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.stablehlo")
    >>> model.export(path, format="stablehlo", verbose=False)
    >>> program = cornu.export.load(path)
    >>> program.inputs
    (InputDescription(name='x', shape=(None, 3), dtype='float32'),)
    >>> x = np.ones((5, 3), "float32")
    >>> np.allclose(program(x), model(x)), list(program({"x": x}))
    (True, ['y'])
    """

    def __init__(
        self,
        name: str,
        format: str,
        inputs: tuple[InputDescription, ...],
        outputs: tuple[InputDescription, ...],
        preprocessing: Preprocessing | None,
        function: Callable[[dict[str, Any]], Mapping[str, Any]],
    ) -> None:
        self.name = name
        self.format = format
        self.inputs = inputs
        self.outputs = outputs
        self.preprocessing = preprocessing
        self._function = function

    @api_boundary
    def __call__(self, inputs: Any) -> Any:
        """Computes the outputs.

        Args:
            inputs: an array, a list of arrays in the order of the inputs, or a dict by name.

        Returns:
            A dict by name if `inputs` is a dict; otherwise an array, or a list of them if the
            program has several outputs.

        Raises:
            ValueError: an input is missing, unknown or of another shape.
        """
        names = [d.name for d in self.inputs]
        if isinstance(inputs, Mapping):
            wrong = [name for name in names if name not in inputs]
            wrong += [str(name) for name in inputs if name not in names]
            if wrong:
                raise ValueError(
                    f"Expected the inputs {names}; received {list(inputs)}. "
                    f"{did_you_mean(wrong[-1], names)}".rstrip()
                )
            given = [inputs[name] for name in names]
        else:
            given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(given) != len(names):
            raise ValueError(f"Expected {len(names)} inputs, {names}; received {len(given)}.")
        arrays = {d.name: convert_input(x, d) for x, d in zip(given, self.inputs, strict=True)}
        outputs = self._function(arrays)
        if isinstance(inputs, Mapping):
            return {d.name: outputs[d.name] for d in self.outputs}
        values = [outputs[d.name] for d in self.outputs]
        return values[0] if len(values) == 1 else values

    def __repr__(self) -> str:
        inputs = ", ".join(f"{d.name}: {d.dtype}{list(d.shape)}" for d in self.inputs)
        outputs = ", ".join(f"{d.name}: {d.dtype}{list(d.shape)}" for d in self.outputs)
        return f"<ExportedModel {self.name!r} ({self.format}): {inputs} -> {outputs}>"


def convert_input(x: Any, description: InputDescription) -> np.ndarray:
    """Returns an input as an array of the dtype that the program takes."""
    array = np.asarray(x)
    shape = description.shape
    fits = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"Input {description.name!r} has the shape {shape}; received {array.shape}."
        )
    return array.astype(description.dtype, copy=False)
