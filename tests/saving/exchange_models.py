"""Models that are exchanged with Keras: nested, shared, with classes of the program, quantized.

Each function takes a library, and returns a model and its inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import cornu
from tests.saving.exchange import Example
from tests.saving.models import MODELS as SMALL
from tests.saving.models import floats, whole


def _classes(k: Any) -> dict[str, type]:
    """Returns classes that a program registers."""

    @k.saving.register_keras_serializable("exchange")
    class Scale(k.layers.Layer):
        """A layer with arguments of its own."""

        def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(shape=(input_shape[-1],), name="scale")

        def call(self, x: Any) -> Any:
            return x * self.scale * self.factor

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    @k.saving.register_keras_serializable("exchange")
    class Doubled(k.layers.Layer):
        """A layer that stores its weight in its own way, and builds itself from its config."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.inner = k.layers.Dense(3)

        def build(self, input_shape: Any) -> None:
            self.bias = self.add_weight(shape=(3,), name="bias")
            self.inner.build(input_shape)

        def call(self, x: Any) -> Any:
            return self.inner(x) + self.bias

        def save_own_variables(self, store: Any) -> None:
            store["doubled"] = 2 * np.asarray(self.bias.value)

        def load_own_variables(self, store: Any) -> None:
            self.bias.assign(np.asarray(store["doubled"]) / 2)

        def get_build_config(self) -> dict[str, Any]:
            return {"width": int(self.inner.kernel.shape[0])}

        def build_from_config(self, config: dict[str, Any]) -> None:
            self.build((None, config["width"]))
            self.built = True

    @k.saving.register_keras_serializable("exchange")
    class Residual(k.Model):
        """A model with layers in attributes, lists and dicts."""

        def __init__(self, width: int = 4, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.width = width
            self.steps = [k.layers.Dense(width, "tanh"), Scale(0.5), k.layers.BatchNormalization()]
            self.ends = {"b": k.layers.Dense(2), "a": k.layers.LayerNormalization()}
            self.block = k.Sequential([k.layers.Dense(3), k.layers.Dense(width)])

        def call(self, x: Any, training: Any = None) -> Any:
            y = x
            for step in self.steps[:2]:
                y = step(y)
            y = self.steps[2](y, training=training) + self.block(x)
            return self.ends["b"](self.ends["a"](y))

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "width": self.width}

    @k.saving.register_keras_serializable("exchange")
    def shifted(x: Any) -> Any:
        """An activation of the program."""
        return k.ops.tanh(x) + 0.5

    return {"Scale": Scale, "Doubled": Doubled, "Residual": Residual, "shifted": shifted}


CLASSES = {library: _classes(library) for library in (keras, cornu)}


def _subclassed(k: Any) -> Example:
    model, x = CLASSES[k]["Residual"](), floats(3, 4)
    model(x)
    return _moved(model, x)


def _subclassed_inside(k: Any) -> Example:
    inputs = k.Input((4,))
    return _moved(k.Model(inputs, CLASSES[k]["Residual"]()(CLASSES[k]["Scale"]()(inputs))), 3, 4)


def _own_storage(k: Any) -> Example:
    inputs = k.Input((4,))
    return _moved(k.Model(inputs, CLASSES[k]["Doubled"]()(inputs)), 3, 4)


def _own_function(k: Any) -> Example:
    layer = k.layers.Dense(3, activation=CLASSES[k]["shifted"])
    return _moved(k.Sequential([k.Input((4,)), layer]), 3, 4)


def _nested_twice(k: Any) -> Example:
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(4, "relu"), k.layers.BatchNormalization()])
    inputs = k.Input((4,))
    middle = k.Model(inputs, inner(inner(inputs)) + inputs)
    return _moved(k.Sequential([k.Input((4,)), middle, k.layers.Dense(2), k.layers.ReLU()]), 3, 4)


def _siamese(k: Any) -> Example:
    encoder = k.Sequential([k.Input((6,)), k.layers.Embedding(9, 4), k.layers.LSTM(3)])
    one, other = k.Input((6,), dtype="int32"), k.Input((6,), dtype="int32")
    distance = k.layers.Subtract()([encoder(one), encoder(other)])
    return _moved(k.Model([one, other], k.layers.Dense(1)(distance)), [whole(9, 3, 6)] * 2)


def _several_inputs_and_outputs(k: Any) -> Example:
    image, table = k.Input((6, 6, 1), name="image"), k.Input((3,), name="table")
    x = k.layers.Flatten()(k.layers.Conv2D(2, 3)(image))
    x = k.layers.Concatenate()([x, k.layers.Dense(4)(table)])
    outputs = {"kind": k.layers.Dense(3, "softmax", name="kind")(x), "size": k.layers.Dense(1)(x)}
    arrays = {"image": floats(2, 6, 6, 1), "table": floats(2, 3)}
    return _moved(k.Model({"image": image, "table": table}, outputs), arrays)


def _layers_within_layers(k: Any) -> Example:
    inputs = k.Input((5, 4))
    x = k.layers.Bidirectional(k.layers.RNN([k.layers.GRUCell(3), k.layers.LSTMCell(2)]))(inputs)
    y = k.layers.TimeDistributed(k.Sequential([k.Input((4,)), k.layers.Dense(2)]))(inputs)
    return _moved(k.Model(inputs, [x, y]), 2, 5, 4)


def _policy(name: str) -> Callable[[Any], Example]:
    def make(k: Any) -> Example:
        layers = [k.layers.Dense(4, dtype=name), k.layers.BatchNormalization(dtype=name)]
        return _moved(k.Sequential([k.Input((4,)), *layers]), 3, 4)

    return make


def _policy_of_one_layer(k: Any) -> Example:
    policy = k.dtype_policies.DTypePolicy("mixed_bfloat16")
    layers = [k.layers.Dense(4, dtype=policy), k.layers.Dense(2, dtype="float16")]
    return _moved(k.Sequential([k.Input((4,)), *layers, k.layers.Dense(2)]), 3, 4)


def _policy_map(k: Any) -> Example:
    policies = k.dtype_policies.DTypePolicyMap("float32")
    policies["heads/.*query"] = k.dtype_policies.DTypePolicy("mixed_bfloat16")
    inputs = k.Input((3, 4))
    layer = k.layers.MultiHeadAttention(2, 2, dtype=policies, name="heads")
    return _moved(k.Model(inputs, layer(inputs, inputs)), 2, 3, 4)


def _quantized(mode: str, layer: str) -> Callable[[Any], Example]:
    def make(k: Any) -> Example:
        if layer == "Embedding":
            inputs, arrays = k.Input((3,), dtype="int32"), whole(9, 2, 3)
            outputs = k.layers.Embedding(9, 128)(inputs)
        else:
            inputs, arrays = k.Input((8,)), floats(3, 8)
            made = {
                "Dense": lambda: k.layers.Dense(6),
                "EinsumDense": lambda: k.layers.EinsumDense("ab,bcd->acd", (2, 3)),
            }
            outputs = made[layer]()(inputs)
        example = _moved(k.Model(inputs, outputs), arrays)
        example.model.quantize(mode)
        return example

    return make


def _lora(mode: str | None) -> Callable[[Any], Example]:
    def make(k: Any) -> Example:
        layer = k.layers.Dense(6)
        model = k.Sequential([k.Input((8,)), layer])
        example = _moved(model, 3, 8)
        layer.enable_lora(2)
        if mode is not None:
            model.quantize(mode)
        rng = np.random.default_rng(4)
        for weight in (layer.lora_kernel_a, layer.lora_kernel_b):
            weight.assign(rng.normal(size=weight.shape).astype("float32"))
        return example

    return make


def _moved(model: Any, *arrays: Any) -> Example:
    rng = np.random.default_rng(3)
    for weight in model.weights:
        value = np.asarray(weight.value)
        if value.dtype.kind in "fV":
            moved = value.astype("float32") + rng.uniform(0, 0.2, value.shape)
            weight.assign(moved.astype(value.dtype))
    return Example(model, floats(*arrays) if isinstance(arrays[0], int) else arrays[0])


def _small(name: str) -> Callable[[Any], Example]:
    make, x = SMALL[name]
    return lambda k: _moved(make(k), x)


MODELS: dict[str, Callable[[Any], Example]] = {
    **{name.replace("_", " "): _small(name) for name in SMALL},
    "subclassed, registered": _subclassed,
    "subclassed, in a functional model": _subclassed_inside,
    "save_own_variables, build_from_config": _own_storage,
    "registered function": _own_function,
    "nested twice, called twice": _nested_twice,
    "siamese": _siamese,
    "several inputs and outputs": _several_inputs_and_outputs,
    "layers within layers": _layers_within_layers,
    "mixed_bfloat16": _policy("mixed_bfloat16"),
    "mixed_float16": _policy("mixed_float16"),
    "bfloat16": _policy("bfloat16"),
    "policies of single layers": _policy_of_one_layer,
    "DTypePolicyMap": _policy_map,
    **{
        f"{mode}, {layer}": _quantized(mode, layer)
        for mode in ("int8", "int4", "float8")
        for layer in ("Dense", "EinsumDense", "Embedding")
        if (mode, layer) != ("float8", "Embedding")
    },
    "LoRA": _lora(None),
    "LoRA, int8": _lora("int8"),
    "LoRA, int4": _lora("int4"),
}

# Models of short floats, which are compared op by op.
OP_BY_OP = ("short floats", "mixed_bfloat16", "bfloat16", "DTypePolicyMap")

# Models whose files hold merged weights.
LOSSY = ("LoRA", "LoRA, int8", "LoRA, int4")
