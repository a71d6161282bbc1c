"""The values of the arguments of each layer, from which combinations are made.

The first value of an argument is its default. Arguments that are the same in many layers are
listed once, by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arguments = Mapping[str, Any]
Values = Sequence[Any]

DTYPES = ("float32", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16")
MODES = ("eager", "compiled", "symbolic", "gradient")
# What is varied together with the arguments.
MODE, TRAINING = "how it is called", "in training"

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
# Quantization and adapters are planned; names are compared by the rows of the table.
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
        better: whether Keras is known to refuse some combinations that work here: why.
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
    better: str = ""

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
        found["dtype"] = self.dtypes
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


def _normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=shape).astype("float32")


def _indices(*shape: int) -> Callable[[Arguments], Any]:
    return lambda _: (np.random.default_rng(5).integers(0, 5, shape).astype("int32"),)


def _conv(rank: int) -> tuple[int, ...]:
    return 2, *(7, 6, 5)[:rank], 4


LAYERS = [
    LayerArguments("Dense", {"units": 3}),
    LayerArguments(
        "EinsumDense",
        {"equation": "ab,bc->ac", "output_shape": 3},
        values={"bias_axes": (None, "c")},
    ),
    LayerArguments(
        "Embedding",
        {"input_dim": 5, "output_dim": 3},
        _indices(2, 4),
        {"mask_zero": (False, True)},
        modes=("eager", "compiled", "symbolic"),
    ),
    LayerArguments(
        "ReversibleEmbedding",
        {"input_dim": 5, "output_dim": 3},
        _indices(2, 4),
        {
            "mask_zero": (False, True),
            "tie_weights": (True, False),
            "reverse_dtype": (None, "float32"),
            "logit_soft_cap": (None, 2.0),
        },
        modes=("eager", "compiled", "symbolic"),
    ),
    LayerArguments("Activation", {"activation": "gelu"}),
    LayerArguments("ActivityRegularization", values={"l1": (0.0, 0.1), "l2": (0.0, 0.1)}),
    LayerArguments("ELU", values={"alpha": (1.0, 0.5)}),
    LayerArguments("LeakyReLU", values={"negative_slope": (0.3, 0.1)}),
    LayerArguments("PReLU", shape=(2, 3, 4), values={"shared_axes": (None, [1])}),
    LayerArguments(
        "ReLU",
        values={"max_value": (None, 0.5), "negative_slope": (0.0, 0.1), "threshold": (0.0, 0.2)},
    ),
    LayerArguments("Softmax", values={"axis": (-1, 0)}),
    LayerArguments(
        "Concatenate", shape=lambda _: ([_normal(2, 3), _normal(2, 3)],), values={"axis": (-1, 0)}
    ),
    LayerArguments(
        "Dropout", {"rate": 0.3}, (2, 3, 4), {"noise_shape": (None, (2, 1, 4))}, random=True
    ),
    LayerArguments(
        "AlphaDropout", {"rate": 0.3}, values={"noise_shape": (None, (2, 1))}, random=True
    ),
    LayerArguments("GaussianDropout", {"rate": 0.3}, random=True),
    *(
        LayerArguments(f"SpatialDropout{rank}D", {"rate": 0.3}, _conv(rank), random=True)
        for rank in (1, 2, 3)
    ),
    LayerArguments("Reshape", {"target_shape": (2, -1)}),
    LayerArguments("Masking", shape=(2, 3, 4), values={"mask_value": (0.0, 1.0)}),
    LayerArguments(
        "Lambda",
        {"function": lambda k: k.activations.elu},
        values={"arguments": (None, {"alpha": 0.3}), "mask": (None,), "output_shape": (None,)},
        left_out={"mask": "a function: tests/layers", "output_shape": "is inferred"},
    ),
]
