"""Networks of torch, named as in torchvision, timm and transformers, and the same as models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

import cornu
from cornu import layers


class Network(NamedTuple):
    """A network twice.

    Attributes:
        title: what it is.
        module: the network in torch, with random weights.
        model: the network here, with other weights.
        names: the modules of the layers.
        x: inputs of the model.
        to_torch: the same as tensors.
        layers: the number of layers with weights.
    """

    title: str
    module: torch.nn.Module
    model: Any
    names: Callable[[str], str | None]
    x: np.ndarray
    to_torch: torch.Tensor
    layers: int


def difference(network: Network) -> float:
    """Returns the largest difference of the outputs, relative to the largest above 1."""
    with torch.no_grad():
        expected = network.module(network.to_torch).numpy()
    assert np.ptp(expected, axis=0).max() > 0.1  # the outputs depend on the inputs
    found = np.asarray(network.model(network.x))
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


class Bottleneck(torch.nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        self.conv2 = torch.nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(width)
        self.conv3 = torch.nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = torch.nn.BatchNorm2d(4 * width)
        self.downsample = None
        if inputs != 4 * width:
            self.downsample = torch.nn.Sequential(
                torch.nn.Conv2d(inputs, 4 * width, 1, stride, bias=False),
                torch.nn.BatchNorm2d(4 * width),
            )

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet50(torch.nn.Module):
    """The network of torchvision, with its names: strides are those of the 3x3 convolutions."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(64)
        inputs = 64
        for stage, depth in enumerate((3, 4, 6, 3)):
            blocks = []
            for block in range(depth):
                stride = 2 if stage and not block else 1
                blocks.append(Bottleneck(inputs, 64 << stage, stride))
                inputs = 4 * (64 << stage)
            setattr(self, f"layer{stage + 1}", torch.nn.Sequential(*blocks))
        self.fc = torch.nn.Linear(inputs, 1000)

    def forward(self, x):
        x = torch.nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def make_resnet() -> Network:
    torch.manual_seed(0)
    module = ResNet50().eval()
    for part in module.modules():
        if isinstance(part, torch.nn.Conv2d):
            # As torchvision does: by default, the outputs would not depend on the inputs.
            torch.nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
    for name, array in module.state_dict().items():
        if name.endswith("running_mean"):
            array.normal_(0.0, 0.1)
        if name.endswith("running_var"):
            array.uniform_(0.5, 1.5)
    model = cornu.applications.ResNet50(
        weights=None, input_shape=(64, 64, 3), classifier_activation=None
    )
    x = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype("float32")
    return Network(
        "ResNet-50 with the names of torchvision and timm",
        module,
        cornu.export.torchvision_resnet(model),
        cornu.export.torchvision_resnet_names,
        x,
        torch.from_numpy(np.moveaxis(x, -1, 1).copy()),
        107,
    )


class Sizes(NamedTuple):
    vocabulary: int
    length: int
    size: int
    heads: int
    hidden: int
    depth: int


BASE = Sizes(30522, 512, 768, 12, 3072, 12)
SMALL = Sizes(30, 8, 8, 2, 16, 2)
_EPSILON = 1e-12


def _norm(size: int) -> torch.nn.LayerNorm:
    return torch.nn.LayerNorm(size, eps=_EPSILON)


class _Node(torch.nn.Module):
    """A module that only holds others, by their names."""

    def __init__(node, **parts: torch.nn.Module) -> None:  # one of the parts is named `self`
        super().__init__()
        for name, part in parts.items():
            node.add_module(name, part)


class Bert(torch.nn.Module):
    """The encoder of BERT, with the names of `transformers`."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        linear, size = torch.nn.Linear, sizes.size
        self.sizes = sizes
        self.embeddings = _Node(
            word_embeddings=torch.nn.Embedding(sizes.vocabulary, size),
            position_embeddings=torch.nn.Embedding(sizes.length, size),
            token_type_embeddings=torch.nn.Embedding(2, size),
            LayerNorm=_norm(size),
        )
        blocks = []
        for _ in range(sizes.depth):
            attention = _Node(
                self=_Node(
                    query=linear(size, size), key=linear(size, size), value=linear(size, size)
                ),
                output=_Node(dense=linear(size, size), LayerNorm=_norm(size)),
            )
            intermediate = _Node(dense=linear(size, sizes.hidden))
            output = _Node(dense=linear(sizes.hidden, size), LayerNorm=_norm(size))
            blocks.append(_Node(attention=attention, intermediate=intermediate, output=output))
        self.encoder = _Node(layer=torch.nn.ModuleList(blocks))
        self.pooler = _Node(dense=linear(size, size))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (self.sizes.heads, -1)).transpose(1, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        part = self.embeddings
        x = part.word_embeddings(tokens) + part.token_type_embeddings(torch.zeros_like(tokens))
        x = part.LayerNorm(x + part.position_embeddings(torch.arange(tokens.shape[1])))
        for block in self.encoder.layer:
            inner = block.attention.self
            q, k, v = (self._split(f(x)) for f in (inner.query, inner.key, inner.value))
            y = torch.nn.functional.scaled_dot_product_attention(q, k, v)
            y = block.attention.output.dense(y.transpose(1, 2).flatten(2))
            x = block.attention.output.LayerNorm(x + y)
            y = torch.nn.functional.gelu(block.intermediate.dense(x))
            x = block.output.LayerNorm(x + block.output.dense(y))
        return torch.tanh(self.pooler.dense(x[:, 0]))


_PARTS = {
    "attention/query_dense": "attention.self.query",
    "attention/key_dense": "attention.self.key",
    "attention/value_dense": "attention.self.value",
    "attention/output_dense": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "out": "output.dense",
    "out_norm": "output.LayerNorm",
}
_OTHERS = {
    "words": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "types": "embeddings.token_type_embeddings",
    "norm": "embeddings.LayerNorm",
    "pooler": "pooler.dense",
}


def bert_names(path: str) -> str | None:
    """Returns the module of `transformers` of a layer, such as `layer3/attention/query_dense`."""
    block, _, part = path.partition("/")
    if part in _PARTS:
        return f"encoder.layer.{block.removeprefix('layer')}.{_PARTS[part]}"
    return _OTHERS.get(path)


class Block(layers.Layer):
    """Attention and two Dense layers, each with a residual and a normalization."""

    def __init__(self, sizes: Sizes, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(sizes.heads, sizes.size // sizes.heads)
        self.attention_norm = layers.LayerNormalization(epsilon=_EPSILON)
        self.intermediate = layers.Dense(sizes.hidden, "gelu")
        self.out = layers.Dense(sizes.size)
        self.out_norm = layers.LayerNormalization(epsilon=_EPSILON)

    def call(self, x: Any) -> Any:
        x = self.attention_norm(x + self.attention(x, x))
        return self.out_norm(x + self.out(self.intermediate(x)))


def make_bert(sizes: Sizes = BASE) -> Network:
    torch.manual_seed(0)
    module = Bert(sizes).eval()
    tokens = cornu.Input((None,), dtype="int32")
    ones = cornu.ops.ones_like(tokens)
    x = layers.Embedding(sizes.vocabulary, sizes.size, name="words")(tokens)
    x += layers.Embedding(2, sizes.size, name="types")(ones - 1)
    places = cornu.ops.cumsum(ones, axis=-1) - 1
    x += layers.Embedding(sizes.length, sizes.size, name="positions")(places)
    x = layers.LayerNormalization(epsilon=_EPSILON, name="norm")(x)
    for number in range(sizes.depth):
        x = Block(sizes, name=f"layer{number}")(x)
    outputs = layers.Dense(sizes.size, "tanh", name="pooler")(x[:, 0])
    given = np.random.default_rng(0).integers(0, sizes.vocabulary, (2, min(sizes.length, 64)))
    return Network(
        "an encoder like BERT-base with the names of transformers",
        module,
        cornu.Model(tokens, outputs),
        bert_names,
        given.astype("int32"),
        torch.from_numpy(given),
        len(_OTHERS) + len(_PARTS) * sizes.depth,
    )


NETWORKS: dict[str, Callable[[], Network]] = {"ResNet-50": make_resnet, "BERT": make_bert}
