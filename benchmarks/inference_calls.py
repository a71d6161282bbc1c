"""Ways to call the same model with cornu and other libraries, for the benchmark of inference."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "BATCH",
    "CALLS",
    "COLUMNS",
    "HIDDEN",
    "Call",
    "layered",
    "make_call",
]

COLUMNS, HIDDEN, BATCH = 64, 256, 1024


class Call(NamedTuple):
    """A way to call a model.

    Attributes:
        peer: the library.
        name: the call, as it is written.
        many: whether it takes 10^6 rows and divides them into batches itself.
    """

    peer: str
    name: str
    many: bool = False


_MAPPED = "model.predict(x), CORNU_DISABLE=memory_reuse"
_NOT_INLINE = "model.predict_on_batch(x), CORNU_DISABLE=inline_programs"
CALLS = (
    Call("cornu", "model.predict(x)", many=True),
    Call("cornu", _MAPPED, many=True),
    Call("cornu", "model.predict_on_batch(x)"),
    Call("cornu", _NOT_INLINE),
    Call("cornu", "model(x)"),
    Call("keras-jax", "model.predict(x)", many=True),
    Call("keras-jax", "model.predict_on_batch(x)"),
    Call("keras-jax", "model(x)"),
    Call("jax", "jitted function", many=True),
    Call("torch", "module(x), inference mode", many=True),
    Call("onnxruntime", "session.run", many=True),
)


def _weights() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = [(COLUMNS, HIDDEN), (HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN, 10), (10,)]
    return [(rng.normal(size=size) / 8).astype("float32") for size in sizes]


def layered(package: str) -> Any:
    """Returns the model of a library with the API of Keras.

    Args:
        package: the name of its module.
    """
    keras: Any = importlib.import_module(package)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((COLUMNS,)),
            *(layers.Dense(HIDDEN, "relu"), layers.Dense(HIDDEN, "relu")),
            layers.Dense(10, "softmax"),
        ]
    )
    model.set_weights(_weights())
    return model


def _call_of_layered(package: str, name: str) -> Callable[[Any], Any]:
    model = layered(package)
    if "predict(x)" in name:
        return lambda x: model.predict(x, batch_size=BATCH, verbose=0)
    if "predict_on_batch" in name:
        return lambda x: np.asarray(model.predict_on_batch(x))
    return lambda x: np.asarray(model(x))


def _in_batches(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def call(x: np.ndarray) -> np.ndarray:
        if len(x) <= BATCH:
            return np.asarray(run(x))
        parts = [run(x[start : start + BATCH]) for start in range(0, len(x), BATCH)]
        return np.concatenate([np.asarray(part) for part in parts])

    return call


def _jax() -> Callable[[Any], Any]:
    import jax

    w = [jax.numpy.asarray(weight) for weight in _weights()]

    @jax.jit
    def forward(w: Any, x: Any) -> Any:
        hidden = jax.nn.relu(x @ w[0] + w[1])
        hidden = jax.nn.relu(hidden @ w[2] + w[3])
        return jax.nn.softmax(hidden @ w[4] + w[5])

    return _in_batches(lambda x: forward(w, x))


def _torch() -> Callable[[Any], Any]:
    import torch

    w = _weights()
    linear = [torch.nn.Linear(*w[i].shape) for i in (0, 2, 4)]
    for i, layer in enumerate(linear):
        layer.load_state_dict(
            {"weight": torch.from_numpy(w[2 * i].T), "bias": torch.from_numpy(w[2 * i + 1])}
        )
    relu = torch.nn.ReLU()
    module = torch.nn.Sequential(
        linear[0], relu, linear[1], relu, linear[2], torch.nn.Softmax(-1)
    ).eval()

    def run(x: np.ndarray) -> Any:
        with torch.inference_mode():
            return module(torch.from_numpy(x)).numpy()

    return _in_batches(run)


def _onnxruntime() -> Callable[[Any], Any]:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.onnx"
        layered("cornu").export(path, format="onnx", verbose=False)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return _in_batches(lambda x: session.run(None, {name: x})[0])


def make_call(peer: str, name: str) -> Callable[[Any], Any]:
    """Returns a function from rows to predictions, both arrays of NumPy."""
    if peer in ("cornu", "keras-jax"):
        return _call_of_layered("cornu" if peer == "cornu" else "keras", name)
    makers = {"jax": _jax, "torch": _torch, "onnxruntime": _onnxruntime}
    return makers[peer]()
