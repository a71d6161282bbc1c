"""PyTorch, eager, with the modules that people use; arrays in memory, a step for each batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.models import CASES, DEPTH, HEADS, HIDDEN, WIDTH, blocks
from benchmarks.peers import Round
from benchmarks.peers.timing import calls, epochs, resident, since_start
from benchmarks.tasks import STARTED, Size

__all__ = ["SESSIONS", "Loop", "conv_layer", "dense_layer", "load_data", "put_array", "sessions"]

Weights = dict[str, list[np.ndarray]]
Prepare = Callable[[nn.Module], Any]


def put_array(target: Any, array: np.ndarray) -> None:
    """Copies an array into a weight."""
    with torch.no_grad():
        target.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def dense_layer(weights: list[np.ndarray]) -> nn.Linear:
    """Returns the layer with the kernel and bias of Keras."""
    kernel, bias = weights
    layer = nn.Linear(*kernel.shape)
    put_array(layer.weight, kernel.T)
    put_array(layer.bias, bias)
    return layer


def conv_layer(weights: list[np.ndarray], stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """Returns the layer with the kernel of Keras, and the bias if there is one."""
    kernel = weights[0]
    size, _, fan_in, filters = kernel.shape
    layer = nn.Conv2d(fan_in, filters, size, stride, padding, bias=len(weights) > 1)
    put_array(layer.weight, kernel.transpose(3, 2, 0, 1))
    if layer.bias is not None:
        put_array(layer.bias, weights[1])
    return layer


def mlp(w: Weights) -> nn.Module:
    """Returns the MLP."""
    first, second, head = (dense_layer(w[name]) for name in ("dense_0", "dense_1", "head"))
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), head)


class Cnn(nn.Module):
    """The CNN; its input is channels first, as torch expects."""

    def __init__(self, w: Weights) -> None:
        super().__init__()
        self.first, self.second = conv_layer(w["conv_0"]), conv_layer(w["conv_1"])
        kernel, bias = w["head"]
        # Keras flattens with the channels last.
        kernel = kernel.reshape(5, 5, 64, 10).transpose(2, 0, 1, 3).reshape(1600, 10)
        self.head = dense_layer([kernel, bias])

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        x = F.max_pool2d(F.relu(self.second(x)), 2)
        return self.head(F.dropout(x.flatten(1), 0.5, self.training))


class Lstm(nn.Module):
    """The LSTM, by torch's fused kernel; its gates have Keras's order i, f, g, o."""

    def __init__(self, w: Weights) -> None:
        super().__init__()
        kernel, recurrent, bias = w["lstm"]
        self.lstm = nn.LSTM(kernel.shape[0], recurrent.shape[0], batch_first=True)
        put_array(self.lstm.weight_ih_l0, kernel.T)
        put_array(self.lstm.weight_hh_l0, recurrent.T)
        put_array(self.lstm.bias_ih_l0, bias)
        put_array(self.lstm.bias_hh_l0, np.zeros_like(bias))
        self.head = dense_layer(w["head"])

    def forward(self, x: Any) -> Any:
        return self.head(self.lstm(x)[1][0][0])


class Transformer(nn.Module):
    """The Transformer, of torch's encoder layers with the norm first."""

    def __init__(self, w: Weights) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_encoder(w, i) for i in range(DEPTH))
        self.head = dense_layer(w["head"])

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return self.head(x.mean(1))


def _encoder(w: Weights, i: int) -> nn.Module:
    layer = nn.TransformerEncoderLayer(
        WIDTH, HEADS, HIDDEN, dropout=0.0, batch_first=True, norm_first=True
    )
    q, q_bias, k, k_bias, v, v_bias, out, out_bias = w[f"attend_{i}"]
    kernels = [kernel.reshape(WIDTH, WIDTH).T for kernel in (q, k, v)]
    put_array(layer.self_attn.in_proj_weight, np.concatenate(kernels))
    put_array(layer.self_attn.in_proj_bias, np.concatenate([q_bias, k_bias, v_bias]).reshape(-1))
    put_array(layer.self_attn.out_proj.weight, out.reshape(WIDTH, WIDTH).T)
    put_array(layer.self_attn.out_proj.bias, out_bias)
    layer.linear1, layer.linear2 = dense_layer(w[f"wide_{i}"]), dense_layer(w[f"narrow_{i}"])
    return layer


class Resnet18(nn.Module):
    """ResNet-18 for small images."""

    def __init__(self, w: Weights) -> None:
        super().__init__()
        self.parts = nn.ModuleDict()
        for name in w:
            if name.startswith("conv_"):
                kernel = w[name][0]
                down = name[5:] != "stem" and name.endswith(("_0", "_2"))
                stride = 2 if down and name[5:7] in ("10", "20", "30") else 1
                self.parts[name] = conv_layer(w[name], stride, kernel.shape[0] // 2)
                norm = nn.BatchNorm2d(kernel.shape[-1], eps=1e-3, momentum=0.01)
                self.parts[name.replace("conv", "norm")] = norm
        self.head = dense_layer(w["head"])

    def _conv_norm(self, x: Any, name: str) -> Any:
        return self.parts[f"norm_{name}"](self.parts[f"conv_{name}"](x))

    def forward(self, x: Any) -> Any:
        x = F.relu(self._conv_norm(x, "stem"))
        for name, _, stride in blocks():
            y = F.relu(self._conv_norm(x, f"{name}_0"))
            y = self._conv_norm(y, f"{name}_1")
            x = F.relu(y + (self._conv_norm(x, f"{name}_2") if stride > 1 else x))
        return self.head(x.mean((2, 3)))


MODELS: dict[str, Callable[[Weights], nn.Module]] = {
    "mlp": mlp,
    "cnn": Cnn,
    "lstm": Lstm,
    "transformer": Transformer,
    "resnet18": Resnet18,
}


class Loop:
    """A training loop."""

    def __init__(self, name: str, prepare: Prepare) -> None:
        case = CASES[name]
        self.model = prepare(MODELS[name](case.start()))
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3, eps=1e-7)
        self.batch_size = case.batch_size
        self.generator = torch.Generator().manual_seed(2)

    def epoch(self, x: Any, y: Any) -> float:
        """Trains on all batches in a new order; returns the mean of the loss."""
        order = torch.randperm(len(x), generator=self.generator)
        return self.train((x[rows], y[rows]) for rows in order.split(self.batch_size))

    def train(self, batches: Any) -> float:
        """Trains on some batches; returns the mean of the loss."""
        self.model.train()
        total, right, count = torch.zeros(()), torch.zeros(()), 0
        for x, y in batches:
            self.optimizer.zero_grad()
            logits = self.model(x)
            loss = F.cross_entropy(logits, y)
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
            right += (logits.argmax(-1) == y).float().mean()
            count += 1
        return float(total) / count

    def evaluate(self, x: Any, y: Any) -> float:
        """Returns the mean of the loss on all batches."""
        self.model.eval()
        losses = []
        with torch.inference_mode():
            for a, b in zip(x.split(self.batch_size), y.split(self.batch_size), strict=True):
                logits = self.model(a)
                losses.append(F.cross_entropy(logits, b))
                (logits.argmax(-1) == b).float().mean()
        return float(torch.stack(losses).mean())


def load_data(name: str, batches: int) -> tuple[Any, Any]:
    """Returns inputs and labels as tensors, images with the channels first."""
    x, y = CASES[name].data(batches)
    if x.ndim == 4:
        x = x.transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(y.astype("int64"))


def fit(prepare: Prepare, name: str, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of the loop."""
    loop = Loop(name, prepare)
    x, y = load_data(name, size.count)
    return epochs(lambda: loop.epoch(x, y), size)


def generator(prepare: Prepare, name: str, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of the loop over a generator of NumPy arrays."""
    loop = Loop(name, prepare)
    x, y = load_data(name, size.count)
    x, y = x.numpy(), y.numpy()
    step = loop.batch_size

    def batches() -> Any:
        for i in range(0, len(x), step):
            yield torch.from_numpy(x[i : i + step]), torch.from_numpy(y[i : i + step])

    return epochs(lambda: loop.train(batches()), size)


def evaluate(prepare: Prepare, name: str, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of an evaluation."""
    loop = Loop(name, prepare)
    x, y = load_data(name, size.count)
    return epochs(lambda: loop.evaluate(x, y), size)


def start(prepare: Prepare, name: str, module: Any, size: Size) -> Iterator[Round]:
    """Seconds from the start of the process to the end of an epoch."""
    x, y = load_data(name, size.count)
    return since_start(lambda: Loop(name, prepare).epoch(x, y))


def first_step(prepare: Prepare, name: str, module: Any, size: Size) -> Iterator[Round]:
    """Seconds from construction to the end of the first step."""
    x, y = load_data(name, 1)
    begin = perf_counter()
    loss = Loop(name, prepare).epoch(x, y)
    yield Round([perf_counter() - begin], loss)


def predict(prepare: Prepare, name: str, rows: int, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds to predict some rows, without a gradient."""
    model = prepare(MODELS[name](CASES[name].start()).eval())
    x = load_data(name, -(-rows // CASES[name].batch_size))[0][:rows]

    def run() -> Any:
        with torch.inference_mode():
            return F.softmax(model(x), -1).numpy()

    return calls(run, size)


def growth(prepare: Prepare, name: str, module: Any, size: Size) -> Iterator[Round]:
    """Megabytes that building, training and dropping a model leave behind."""
    x, y = load_data(name, 2)
    return resident(lambda: Loop(name, prepare).epoch(x, y), size)


def sessions(prepare: Prepare) -> dict[str, Callable[[Any, Size], Iterator[Round]]]:
    """Returns the sessions, given what is done with each model before it is used."""
    return {
        **{f"{name}_fit": partial(fit, prepare, name) for name in CASES},
        **{f"{name}_first": partial(first_step, prepare, name) for name in ("mlp", "cnn")},
        **{
            f"{name}_start{how}": partial(start, prepare, name)
            for name in STARTED
            for how in ("", "_warm")
        },
        "resnet18_first_warm": partial(first_step, prepare, "resnet18"),
        "mlp_generator": partial(generator, prepare, "mlp"),
        "cnn_evaluate": partial(evaluate, prepare, "cnn"),
        "mlp_call": partial(predict, prepare, "mlp", 1),
        "mlp_predict": partial(predict, prepare, "mlp", 1),
        "mlp_predict_on_batch": partial(predict, prepare, "mlp", 1),
        "cnn_call_256": partial(predict, prepare, "cnn", 256),
        "cnn_predict_256": partial(predict, prepare, "cnn", 256),
        "mlp_growth": partial(growth, prepare, "mlp"),
    }


SESSIONS = sessions(lambda model: model)
