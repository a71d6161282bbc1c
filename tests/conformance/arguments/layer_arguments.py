"""What a row says of a layer, and the values of arguments that many layers have.

The first value of an argument is its default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.conformance.arguments.subject import DTYPE, MODE, TRAINING, Arguments, Values

DTYPES = ("float32", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16")
MODES = ("eager", "compiled", "symbolic", "gradient")

COMMON: dict[str, Values] = {
    "activation": (None, "tanh", "relu"),
    "activity_regularizer": (None, "l2"),
    "recurrent_activation": ("sigmoid", "hard_sigmoid"),
    "use_bias": (True, False),
    "padding": ("valid", "same"),
    "strides": (1, 2),
    "dilation_rate": (1, 2),
    "groups": (1, 2),
    "depth_multiplier": (1, 2),
    "output_padding": (None, 1),
    "data_format": (None, "channels_first"),
    "dropout": (0.0, 0.3),
    "recurrent_dropout": (0.0, 0.3),
    "keepdims": (False, True),
    "seed": (None, 3),
    "epsilon": (1e-3, 1e-1),
    "center": (True, False),
    "scale": (True, False),
    "return_sequences": (False, True),
    "return_state": (False, True),
    "go_backwards": (False, True),
    "stateful": (False, True),
    "unroll": (False, True),
    "zero_output_for_mask": (False, True),
    "use_cudnn": ("auto", False),
    "unit_forget_bias": (True, False),
    "reset_after": (True, False),
    "flash_attention": (None, False),
    "interpolation": ("bilinear", "nearest"),
    "fill_mode": ("reflect", "constant", "nearest", "wrap"),
    "fill_value": (0.0, 7.0),
    "value_range": ((0, 255), (0, 300)),
}
# Without an effect on the results, or compared elsewhere (adapters and quantizers).
LEFT_OUT = {
    *("lora_rank", "lora_alpha", "quantization_config", "gptq_unpacked_column_size"),
    *("name", "dtype", "trainable", "autocast", "kwargs", "args", "sparse", "ragged", "weights"),
}


@dataclass(frozen=True)
class LayerArguments:
    """The arguments of a layer, and its inputs.

    Attributes:
        name: the class in `layers`.
        required: arguments that every combination has.
        shape: of the input, with the channels last; or a function of the arguments that returns
            the inputs.
        values: of arguments that have others than those of `COMMON`.
        random: whether outputs in training are random; then only inference is compared.
        alike: whether only shapes and dtypes can be compared.
        training: whether the layer is called with `training=True` only.
        modes, dtypes: those in which the layer runs.
        left_out: arguments that are not varied, with the reason.
    """

    name: str
    required: Arguments = field(default_factory=dict)
    shape: tuple[int, ...] | Callable[[Arguments], Any] = (2, 4)
    values: Mapping[str, Values] = field(default_factory=dict)
    random: bool = False
    alike: bool = False
    training: bool = False
    modes: Values = MODES
    dtypes: Values = DTYPES
    left_out: Mapping[str, str] = field(default_factory=dict)

    def options(self, parameters: Sequence[str]) -> dict[str, Values]:
        """Returns the values of every argument among the parameters of the constructor."""
        found: dict[str, Values] = {}
        for name in parameters:
            if name in LEFT_OUT or name in self.left_out or name in self.required:
                continue
            values = self.values.get(name, COMMON.get(name))
            if values is None and name.endswith("_regularizer"):
                values = (None, "l2")
            if values is None and name.endswith("_constraint"):
                values = (None, "non_neg")
            if values is None and name.endswith("_initializer"):
                values = ("glorot_uniform", "ones")
            if values is None:
                raise LookupError(f"{self.name}: no values for the argument {name!r}")
            found[name] = values
        found[DTYPE] = self.dtypes
        found[MODE] = self.modes
        if not (self.random or self.training):
            found[TRAINING] = (False, True)
        return found

    def inputs(self, arguments: Arguments) -> Any:
        """Returns the positional arguments of the call."""
        if callable(self.shape):
            return self.shape(arguments)
        x = np.random.default_rng(5).normal(size=self.shape).astype("float32")
        if arguments.get("data_format") == "channels_first":
            x = np.moveaxis(x, -1, 1)
        return (x,)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=shape).astype("float32")


def images(arguments: Arguments) -> tuple[np.ndarray]:
    x = np.random.default_rng(5).integers(0, 256, (2, 7, 6, 3)).astype("float32")
    return (np.moveaxis(x, -1, 1) if arguments.get("data_format") == "channels_first" else x,)


def pair(_: Arguments) -> tuple[list[np.ndarray]]:
    return ([normal(2, 4, 6), normal(2, 5, 6)],)


def query_value(_: Arguments) -> tuple[np.ndarray, np.ndarray]:
    return normal(2, 4, 6), normal(2, 5, 6)


def indices(*shape: int) -> Callable[[Arguments], Any]:
    return lambda _: (np.random.default_rng(5).integers(0, 5, shape).astype("int32"),)


def step(arguments: Arguments) -> Any:
    units = arguments["units"]
    return normal(2, 4), [normal(2, units)]


def lstm_step(arguments: Arguments) -> Any:
    units = arguments["units"]
    return normal(2, 4), [normal(2, units), normal(2, units)]


def conv(rank: int) -> tuple[int, ...]:
    return 2, *(7, 6, 5)[:rank], 4
