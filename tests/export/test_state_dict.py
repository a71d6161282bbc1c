"""Weights of torch: modules and layers compute the same with weights of either."""

import numpy as np
import pytest
import torch

import cornu
from cornu import layers
from tests.export import torch_networks as networks

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def channels_first(x):
    return np.moveaxis(x, -1, 1)


# Layer, module, shape of the input; the number of spatial axes if channels are first in torch.
CASES = {
    "dense": (lambda: layers.Dense(3), lambda: torch.nn.Linear(4, 3), (2, 4), 0),
    "no_bias": (
        lambda: layers.Dense(3, use_bias=False),
        lambda: torch.nn.Linear(4, 3, bias=False),
        (2, 4),
        0,
    ),
    "einsum": (
        lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"),
        lambda: torch.nn.Linear(4, 6),
        (2, 5, 4),
        0,
    ),
    "conv1d": (lambda: layers.Conv1D(3, 2), lambda: torch.nn.Conv1d(4, 3, 2), (2, 5, 4), 1),
    "conv2d": (
        lambda: layers.Conv2D(6, (2, 3), groups=2),
        lambda: torch.nn.Conv2d(4, 6, (2, 3), groups=2),
        (2, 5, 6, 4),
        2,
    ),
    "conv3d": (lambda: layers.Conv3D(3, 2), lambda: torch.nn.Conv3d(2, 3, 2), (1, 3, 4, 5, 2), 3),
    "conv1d_transpose": (
        lambda: layers.Conv1DTranspose(3, 2, strides=2),
        lambda: torch.nn.ConvTranspose1d(4, 3, 2, stride=2),
        (2, 3, 4),
        1,
    ),
    "conv3d_transpose": (
        lambda: layers.Conv3DTranspose(3, 2),
        lambda: torch.nn.ConvTranspose3d(2, 3, 2),
        (1, 3, 2, 3, 2),
        3,
    ),
    "depthwise1d": (
        lambda: layers.DepthwiseConv1D(2, depth_multiplier=3),
        lambda: torch.nn.Conv1d(4, 12, 2, groups=4),
        (2, 3, 4),
        1,
    ),
    "prelu": (lambda: layers.PReLU(shared_axes=[1]), lambda: torch.nn.PReLU(4), (2, 3, 4), 1),
    "conv2d_transpose": (
        lambda: layers.Conv2DTranspose(3, 2, strides=2),
        lambda: torch.nn.ConvTranspose2d(4, 3, 2, stride=2),
        (2, 3, 4, 4),
        2,
    ),
    "depthwise": (
        lambda: layers.DepthwiseConv2D(2, depth_multiplier=3),
        lambda: torch.nn.Conv2d(4, 12, 2, groups=4),
        (2, 3, 4, 4),
        2,
    ),
    "batch": (
        lambda: layers.BatchNormalization(epsilon=1e-5),
        lambda: torch.nn.BatchNorm2d(4),
        (2, 3, 3, 4),
        2,
    ),
    "layer": (
        lambda: layers.LayerNormalization(epsilon=1e-5),
        lambda: torch.nn.LayerNorm(4),
        (2, 3, 4),
        0,
    ),
    "group": (
        lambda: layers.GroupNormalization(2, epsilon=1e-5),
        lambda: torch.nn.GroupNorm(2, 4),
        (2, 3, 3, 4),
        2,
    ),
    "rms": (
        lambda: layers.RMSNormalization(epsilon=1e-6),
        lambda: torch.nn.RMSNorm(4, eps=1e-6),
        (2, 4),
        0,
    ),
    "lstm": (
        lambda: layers.LSTM(3, return_sequences=True),
        lambda: torch.nn.LSTM(4, 3, batch_first=True),
        (2, 5, 4),
        0,
    ),
    "gru": (
        lambda: layers.GRU(3, return_sequences=True),
        lambda: torch.nn.GRU(4, 3, batch_first=True),
        (2, 5, 4),
        0,
    ),
    "simple_rnn": (
        lambda: layers.SimpleRNN(3, return_sequences=True),
        lambda: torch.nn.RNN(4, 3, batch_first=True),
        (2, 5, 4),
        0,
    ),
    "bidirectional_lstm": (
        lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
        lambda: torch.nn.LSTM(4, 3, batch_first=True, bidirectional=True),
        (2, 5, 4),
        0,
    ),
    "bidirectional_gru": (
        lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True)),
        lambda: torch.nn.GRU(4, 3, batch_first=True, bidirectional=True),
        (2, 5, 4),
        0,
    ),
    "embedding": (lambda: layers.Embedding(7, 3), lambda: torch.nn.Embedding(7, 3), (2, 5), 0),
    "attention": (
        lambda: layers.MultiHeadAttention(2, 2),
        lambda: torch.nn.MultiheadAttention(4, 2, batch_first=True),
        (2, 5, 4),
        0,
    ),
}


def randomized(module):
    torch.manual_seed(0)
    with torch.no_grad():
        for name, array in module.state_dict().items():
            if array.dtype.is_floating_point:
                array.copy_(torch.rand_like(array) + 0.1 * ("running_var" in name))
    return module.eval()


def model_of(layer, x):
    inputs = cornu.Input(x.shape[1:], dtype=x.dtype.name)
    attention = isinstance(layer, layers.MultiHeadAttention)
    return cornu.Model(inputs, layer(inputs, inputs) if attention else layer(inputs))


def run_torch(module, x, spatial):
    given = torch.from_numpy(np.ascontiguousarray(channels_first(x) if spatial else x))
    attention = isinstance(module, torch.nn.MultiheadAttention)
    with torch.no_grad():
        y = module(given, given, given) if attention else module(given)
    y = (y[0] if isinstance(y, tuple) else y).numpy()
    return np.moveaxis(y, 1, -1) if spatial else y


def compare(model, module, x, spatial):
    expected = run_torch(module, x, spatial)
    found = np.reshape(model(x), expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


FAST = ("dense", "conv2d", "batch", "lstm", "attention")
PARAMETERS = [pytest.param(n, marks=[] if n in FAST else [pytest.mark.slow]) for n in CASES]


@pytest.mark.parametrize("name", PARAMETERS)
def test_modules_and_layers_compute_the_same(name):
    make, module, shape, spatial = CASES[name]
    x = RNG.integers(0, 7, shape).astype("int32") if name == "embedding" else normal(*shape)
    model, module = model_of(make(), x), randomized(module())
    report = cornu.export.load_state_dict(model, module.state_dict(), {model.layers[-1].name: ""})
    assert report.complete and report.matches[0].how == "mapping"
    compare(model, module, x, spatial)

    # And back, after a change of the weights.
    for variable in model.weights:
        variable.assign(np.asarray(variable.value) * 1.25 + 0.125)
    state = cornu.export.state_dict(model, {model.layers[-1].name: ""})
    tensors = {key: torch.from_numpy(array.copy()) for key, array in state.items()}
    ignored = {key for key in module.state_dict() if key.endswith("num_batches_tracked")}
    assert set(tensors) | ignored == set(module.state_dict())
    module.load_state_dict(tensors, strict=not ignored)
    compare(model, module, x, spatial)


class Encoder(torch.nn.Module):
    """An encoder with separate projections, in the manner of BERT."""

    def __init__(self, vocabulary, length, size, heads, hidden, depth):
        super().__init__()
        self.words = torch.nn.Embedding(vocabulary, size)
        self.positions = torch.nn.Embedding(length, size)
        self.norm = torch.nn.LayerNorm(size, eps=1e-12)
        self.layer = torch.nn.ModuleList(
            [
                torch.nn.TransformerEncoderLayer(
                    size, heads, hidden, 0.0, "gelu", 1e-12, batch_first=True
                )
                for _ in range(depth)
            ]
        )

    def forward(self, tokens):
        x = self.norm(self.words(tokens) + self.positions(torch.arange(tokens.shape[1])))
        for layer in self.layer:
            x = layer(x)
        return x


def encoder(vocabulary, length, size, heads, hidden, depth):
    def block(x, i):
        a = layers.MultiHeadAttention(heads, size // heads, name=f"self_attn_{i}")(x, x)
        x = layers.LayerNormalization(epsilon=1e-12, name=f"norm1_{i}")(x + a)
        h = layers.Dense(hidden, "gelu", name=f"linear1_{i}")(x)
        h = layers.Dense(size, name=f"linear2_{i}")(h)
        return layers.LayerNormalization(epsilon=1e-12, name=f"norm2_{i}")(x + h)

    tokens = cornu.Input((length,), dtype="int32")
    places = cornu.ops.cumsum(cornu.ops.ones_like(tokens), axis=-1) - 1
    positions = layers.Embedding(length, size, name="positions")(places)
    x = layers.Embedding(vocabulary, size, name="words")(tokens) + positions
    x = layers.LayerNormalization(epsilon=1e-12, name="norm")(x)
    for i in range(depth):
        x = block(x, i)
    return cornu.Model(tokens, x)


def encoder_names(path):
    name, _, number = path.rpartition("/")[2].rpartition("_")
    return f"layer.{number}.{name}" if name else path.rpartition("/")[2]


def test_an_encoder_in_the_manner_of_bert(tmp_path):
    sizes = (30, 6, 8, 2, 16, 2)
    module, model = randomized(Encoder(*sizes)), encoder(*sizes)
    report = cornu.export.load_state_dict(model, module.state_dict(), encoder_names)
    assert report.complete and len(report.matches) == 3 + 2 * 5
    tokens = RNG.integers(0, 30, (3, 6))
    with torch.no_grad():
        expected = module(torch.from_numpy(tokens)).numpy()
    np.testing.assert_allclose(model(tokens), expected, rtol=1e-5, atol=1e-5)

    for file in ("encoder.safetensors", "encoder.pt"):
        model.export(tmp_path / file, format="torch", names=encoder_names, verbose=False)
        other = encoder(*sizes)
        cornu.export.load_state_dict(other, tmp_path / file, encoder_names)
        np.testing.assert_array_equal(other(tokens), model(tokens))


def test_modules_are_found_by_equal_names_and_by_order():
    x = cornu.Input((4,))
    h = layers.Dense(4, name="first")(layers.LayerNormalization(name="norm")(x))
    model = cornu.Model(x, layers.Dense(2, use_bias=True, name="head")(h))
    state = {
        "body.weight": normal(4, 4),
        "body.bias": normal(4),
        "head.weight": normal(2, 4),
        "scale.weight": normal(4),
        "scale.bias": normal(4),
    }
    report = cornu.export.load_state_dict(model, state)
    assert [(m.layer, m.module, m.how) for m in report.matches] == [
        ("norm", "scale", "order"),
        ("first", "body", "order"),
        ("head", "head", "name"),
    ]
    assert report.matches[2].note == "bias is 0"
    np.testing.assert_array_equal(model.get_layer("head").kernel, state["head.weight"].T)


PROBLEMS = {
    "shape": ({"fc.weight": normal(3, 4)}, {"fc": "fc"}, "'weight' has the shape (3, 4)"),
    "no module": ({"fc.weight": normal(2, 4)}, {"fc": "cf"}, "the state_dict has no such module"),
    "no name": ({"fc.weight": normal(2, 4)}, {}, "it has no name in `names`"),
    "unused": (
        {"fc.weight": normal(2, 4), "other.weight": normal(1)},
        None,
        "no layer took it; shape (1,)",
    ),
    "order": ({"a.weight": normal(2, 5)}, None, "no module has the parameters"),
    "bias": (
        {"fc.weight": normal(2, 4), "fc.bias": normal(2), "fc.scale": normal(2)},
        {"fc": "fc"},
        "the layer has no 'scale'",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_the_report_says_why(case):
    state, names, reason = PROBLEMS[case]
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(2, name="fc")])
    before = model.get_weights()
    with pytest.raises(ValueError, match="no weight was changed") as caught:
        cornu.export.load_state_dict(model, state, names)
    assert reason in str(caught.value)
    for array, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, old)
    report = cornu.export.load_state_dict(model, state, names, strict=False)
    assert not report.complete and reason in str(report)


def test_names_of_layers_that_do_not_exist():
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="fc")])
    with pytest.raises(ValueError, match=r"no layers with the paths or names \['fcc'\]"):
        cornu.export.state_dict(model, {"fcc": "head"})
    assert list(cornu.export.state_dict(model, {"fc": "head"})) == ["head.weight", "head.bias"]


def test_layers_without_a_module():
    model = cornu.Sequential([cornu.Input((4, 4)), layers.SeparableConv1D(2, 2, name="s")])
    with pytest.raises(NotImplementedError, match="no module like SeparableConv1D 's'"):
        cornu.export.state_dict(model)
    with pytest.raises(ValueError, match="torch has no module like SeparableConv1D"):
        cornu.export.load_state_dict(model, {})
    with pytest.raises(ValueError, match="is not built"):
        cornu.export.load_state_dict(cornu.Sequential([layers.Dense(2)]), {})


def test_attention_of_other_sizes_is_four_linear_modules():
    x = cornu.Input((5, 4))
    attention = layers.MultiHeadAttention(2, 2, value_dim=3, name="a")
    state = cornu.export.state_dict(cornu.Model(x, attention(x, x)))
    assert {name: array.shape for name, array in state.items() if "weight" in name} == {
        "a.query_dense.weight": (4, 4),
        "a.key_dense.weight": (4, 4),
        "a.value_dense.weight": (6, 4),
        "a.output_dense.weight": (4, 6),
    }


@pytest.mark.parametrize(
    "make",
    [lambda: layers.PReLU(name="x"), lambda: layers.BatchNormalization(renorm=True, name="x")],
)
def test_options_without_a_module(make):
    model = cornu.Sequential([cornu.Input((3, 4)), make()])
    with pytest.raises(NotImplementedError, match="no module like .* 'x'"):
        cornu.export.state_dict(model)


@pytest.mark.slow
def test_resnet50_of_torchvision():
    made = networks.make_resnet()
    report = cornu.export.load_state_dict(made.model, made.module.state_dict(), made.names)
    assert report.complete and len(report.matches) == made.layers
    assert networks.difference(made) < 1e-5


def test_an_encoder_with_the_names_of_transformers():
    made = networks.make_bert(networks.SMALL)
    report = cornu.export.load_state_dict(made.model, made.module.state_dict(), made.names)
    assert report.complete and len(report.matches) == made.layers
    assert networks.difference(made) < 1e-5
