"""PyTorch: a model under torch.compile, channels last, autocast to bfloat16, data on the device."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.gpu.cases import Case, Lstm, Mlp, Resnet, Transformer, Weights, bottlenecks
from benchmarks.peers.torched import dense_layer, put_array

__all__ = ["Session"]


class ResnetModule(nn.Module):
    """The ResNet. XLA pads at the end if a stride divides the size, so padding is explicit."""

    def __init__(self, s: Resnet, w: Weights) -> None:
        super().__init__()
        self.sizes = s
        self.parts = nn.ModuleDict()
        strides = {f"{name}_b": stride for name, _, stride, _ in bottlenecks(s)}
        strides |= {f"{name}_d": stride for name, _, stride, _ in bottlenecks(s)}
        for name in (name[5:] for name in w if name.startswith("conv_")):
            kernel = w[f"conv_{name}"][0]
            size, _, channels, filters = kernel.shape
            conv = nn.Conv2d(channels, filters, size, strides.get(name, 1), bias=False)
            if name == "stem":
                conv.stride = (2, 2)
            put_array(conv.weight, kernel.transpose(3, 2, 0, 1))
            self.parts[f"conv_{name}"] = conv
            norm = nn.BatchNorm2d(filters, eps=s.epsilon, momentum=1 - s.momentum)
            self.parts[f"norm_{name}"] = norm
        self.head = dense_layer(w["head"])

    def _conv_norm(self, x: Any, name: str) -> Any:
        conv = self.parts[f"conv_{name}"]
        x = _pad(x, conv.kernel_size[0], conv.stride[0], 0.0)
        return self.parts[f"norm_{name}"](conv(x))

    def forward(self, x: Any) -> Any:
        x = F.relu(self._conv_norm(x, "stem"))
        x = F.max_pool2d(_pad(x, 3, 2, -torch.inf), 3, 2)
        for name, _, _, projects in bottlenecks(self.sizes):
            y = F.relu(self._conv_norm(x, f"{name}_a"))
            y = F.relu(self._conv_norm(y, f"{name}_b"))
            y = self._conv_norm(y, f"{name}_c")
            x = F.relu(y + (self._conv_norm(x, f"{name}_d") if projects else x))
        return self.head(x.mean((2, 3)))


def _pad(x: Any, size: int, stride: int, value: float) -> Any:
    """Returns an image of even height and width padded as `padding="same"` does."""
    side = x.shape[-1]
    total = max((-(-side // stride) - 1) * stride + size - side, 0)
    low, high = total // 2, total - total // 2
    return F.pad(x, (low, high, low, high), value=value) if total else x


class TransformerModule(nn.Module):
    """The decoder."""

    def __init__(self, s: Transformer, w: Weights) -> None:
        super().__init__()
        self.sizes = s
        self.tokens = nn.Embedding(s.vocabulary, s.width)
        self.positions = nn.Embedding(s.steps, s.width)
        put_array(self.tokens.weight, w["embed_tokens"][0])
        put_array(self.positions.weight, w["embed_positions"][0])
        self.parts = nn.ModuleDict()
        for i in range(s.blocks):
            *projections, out, out_bias = w[f"attend_{i}"]
            kernels = [kernel.reshape(s.width, s.width) for kernel in projections[::2]]
            biases = np.concatenate([bias.reshape(-1) for bias in projections[1::2]])
            self.parts[f"project_{i}"] = dense_layer([np.concatenate(kernels, 1), biases])
            self.parts[f"out_{i}"] = dense_layer([out.reshape(s.width, s.width), out_bias])
            for name in (f"wide_{i}", f"narrow_{i}"):
                self.parts[name] = dense_layer(w[name])
            for name in (f"norm_in_{i}", f"norm_out_{i}"):
                self.parts[name] = nn.LayerNorm(s.width, s.epsilon)
        self.norm = nn.LayerNorm(s.width, s.epsilon)
        self.head = dense_layer(w["head"])

    def forward(self, x: Any) -> Any:
        s, parts = self.sizes, self.parts
        x = self.tokens(x) + self.positions(torch.arange(s.steps, device=x.device))
        for i in range(s.blocks):
            y = parts[f"project_{i}"](parts[f"norm_in_{i}"](x))
            q, k, v = (part.unflatten(-1, (s.heads, -1)).transpose(1, 2) for part in y.chunk(3, -1))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + parts[f"out_{i}"](y.transpose(1, 2).flatten(2))
            y = parts[f"wide_{i}"](parts[f"norm_out_{i}"](x))
            x = x + parts[f"narrow_{i}"](F.gelu(y, approximate="tanh"))
        return self.head(self.norm(x)).transpose(1, 2)


class LstmModule(nn.Module):
    """The LSTM, by cuDNN; its gates have Keras's order i, f, g, o."""

    def __init__(self, s: Lstm, w: Weights) -> None:
        super().__init__()
        kernel, recurrent, bias = w["lstm"]
        self.lstm = nn.LSTM(s.features, s.units, batch_first=True)
        put_array(self.lstm.weight_ih_l0, kernel.T)
        put_array(self.lstm.weight_hh_l0, recurrent.T)
        put_array(self.lstm.bias_ih_l0, bias)
        put_array(self.lstm.bias_hh_l0, np.zeros_like(bias))
        self.head = dense_layer(w["head"])

    def forward(self, x: Any) -> Any:
        return self.head(self.lstm(x)[1][0][0])


def _mlp(s: Mlp, w: Weights) -> nn.Module:
    layers: list[nn.Module] = []
    for weights in w.values():
        layers += [dense_layer(weights), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


_MODELS: dict[type, Callable[[Any, Weights], nn.Module]] = {
    Resnet: ResnetModule,
    Transformer: TransformerModule,
    Lstm: LstmModule,
    Mlp: _mlp,
}


class Session:
    """A training loop; see `layered.Session`.

    Args:
        case, tiny, module: as there.
        compiles: whether the model runs under torch.compile.
    """

    def __init__(self, case: Case, tiny: bool, module: Any, compiles: bool = True) -> None:
        # Products of float32 use the matrix units, as XLA's default does.
        torch.set_float32_matmul_precision("high")
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        sizes, self._batch, self.batches = case.at(tiny)
        x, y = case.data(tiny)
        weights = case.start(tiny)
        begin = perf_counter()
        self._bfloat16 = case.bfloat16
        model = _MODELS[type(sizes)](sizes, weights).to(self._device)
        self._x, self._y = torch.from_numpy(x), torch.from_numpy(y.astype("int64"))
        if isinstance(sizes, Resnet):
            # The data is channels last already, and so are the strides of its transpose.
            model = model.to(memory_format=torch.channels_last)
            self._x = self._x.permute(0, 3, 1, 2)
        self._x, self._y = self._x.to(self._device), self._y.to(self._device)
        parameters, fused = model.parameters(), self._device == "cuda"
        self._optimizer: torch.optim.Optimizer = (
            torch.optim.Adam(parameters, case.adam, eps=1e-7, fused=fused)
            if case.adam
            else torch.optim.SGD(parameters, case.sgd, momentum=0.9, fused=fused)
        )
        self._model = model

        def loss_of(x: Any, y: Any) -> Any:
            return F.cross_entropy(self._forward(x).float(), y)

        self._loss: Callable[..., Any] = loss_of
        self._predict: Callable[..., Any] = self._forward
        self.building = perf_counter() - begin
        if not compiles:
            return
        # A tiny run checks the programs, not the code that Inductor generates.
        backend = "eager" if tiny else "inductor"
        self._loss = torch.compile(loss_of, backend=backend)
        self._predict = torch.compile(self._forward, backend=backend)

    def _forward(self, x: Any) -> Any:
        if not self._bfloat16:
            return self._model(x)
        with torch.autocast(self._device, torch.bfloat16):
            return self._model(x)

    def epoch(self) -> float:
        """Trains on all batches in order; returns the mean of the loss."""
        self._model.train()
        losses = []
        batches = zip(self._x.split(self._batch), self._y.split(self._batch), strict=True)
        for x, y in batches:
            loss = self._loss(x, y)
            loss.backward()
            self._optimizer.step()
            self._optimizer.zero_grad()
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    def predict(self) -> np.ndarray:
        """Returns the logits of one sample."""
        self._model.eval()
        with torch.inference_mode():
            logits: np.ndarray = self._predict(self._x[:1]).float().cpu().numpy()
        return logits
