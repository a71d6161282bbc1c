"""ONNX files are computed by onnxruntime to 1e-5, for batches of any size."""

import jax
import numpy as np
import onnx
import pytest

import cornu
from cornu import layers, ops
from tests.conformance.table import all_rows
from tests.export.layer_models import error_of, model_of

RNG = np.random.default_rng(0)


def export(model, folder, **options):
    path = folder / "model.onnx"
    model.export(path, format="onnx", verbose=False, **options)
    return path


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def compare(model, path, data, tolerance=1e-5):
    inputs = data if len(data) > 1 else next(iter(data.values()))
    program = cornu.export.load(path)
    expected = jax.tree_util.tree_leaves(model(inputs, training=False))
    names = [d.name for d in program.outputs]
    found = program(data)
    for name, target in zip(names, expected, strict=True):
        assert error_of(found[name], target) < tolerance, name


def convolutions():
    def normalize(x):
        return layers.ReLU()(layers.BatchNormalization()(x))

    image = cornu.Input((9, 8, 3), name="image")
    x = normalize(layers.Conv2D(4, 3, strides=2, padding="same", groups=1)(image))
    x = normalize(layers.DepthwiseConv2D(2)(layers.MaxPooling2D(2, 1, padding="same")(x)))
    x = layers.Conv2DTranspose(4, 3, strides=2)(layers.AveragePooling2D(2, 1)(x))
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    return cornu.Model(image, layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D()(x)))


def unknown_sizes():
    image = cornu.Input((None, None, 3), name="image")
    x = layers.Conv2D(4, 3, strides=2, padding="same")(image)
    x = layers.MaxPooling2D(2, padding="same")(layers.DepthwiseConv2D(3, 2, padding="same")(x))
    x = layers.Conv2DTranspose(3, 3, strides=2, padding="same")(x)
    x = layers.AveragePooling2D(2, padding="same")(layers.UpSampling2D(2)(x))
    return cornu.Model(image, [x, layers.GlobalMaxPooling2D()(x)])


def masked_lstm():
    tokens = cornu.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(10, 4, mask_zero=True)(tokens)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    return cornu.Model(tokens, layers.Dense(2)(layers.GRU(3)(x)))


def transformer():
    def block(x):
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
        return layers.LayerNormalization()(x + layers.Dense(8)(layers.Dense(16, "gelu")(x)))

    tokens = cornu.Input((6,), dtype="int32", name="tokens")
    x = layers.Embedding(10, 8)(tokens) + layers.Embedding(6, 8)(ops.arange(6))
    return cornu.Model(tokens, {"states": block(block(x)), "first": x[:, 0]})


def several():
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), name="b")
    return cornu.Model({"a": a, "b": b}, [layers.Add(name="a_b")([a, b]), layers.Dense(2)(b)])


@cornu.op
def loops_and_branches(x):
    count, y = jax.lax.while_loop(
        lambda c: c[0] < 3,
        lambda c: (c[0] + 1, c[1] * 2.0),
        (0, jax.lax.slice_in_dim(x, 0, 2, axis=1)),
    )
    y = jax.lax.switch(count - 1, [lambda y: y, lambda y: -y, lambda y: y * x[:, :2]], y)
    y = jax.lax.fori_loop(0, 3, lambda i, y: y + x[:, i, None], y)
    row = jax.lax.dynamic_slice_in_dim(x, count - 2, 1, axis=1)
    return jax.lax.dynamic_update_slice_in_dim(y, row, 1, axis=1)


def operations():
    x = cornu.Input((4,), name="x")
    order = ops.argsort(x, axis=-1)
    values, _ = ops.top_k(x, 2)
    parts = [
        ops.take_along_axis(x, order, axis=-1),
        ops.sort(x, axis=-1) + ops.cumsum(ops.abs(x), axis=-1),
        ops.where(ops.isfinite(ops.log1p(x)), ops.expm1(x), ops.exp(-x)),
        ops.scatter_update(ops.zeros((4, 4)), ops.arange(4)[:, None], x[:1] * ops.ones((4, 4))),
        ops.logsumexp(x, axis=-1, keepdims=True) + ops.floor(x) // 2,
        ops.one_hot(ops.argmax(x, axis=-1), 4) * ops.mean(x, axis=0),
        ops.scan(lambda c, t: (c + t, c * t), x[0], x)[1],
        loops_and_branches(x),
        ops.einsum("bi,bj->bij", x, x),
        ops.pad(x, ((0, 0), (1, 2)))[:, ::-1],
    ]
    return cornu.Model(x, [*parts, values])


MODELS = {
    "unknown_sizes": (unknown_sizes, lambda n: {"image": normal(n, 9 + n, 15 - n, 3)}),
    "convolutions": (convolutions, lambda n: {"image": normal(n, 9, 8, 3)}),
    "masked_lstm": (
        masked_lstm,
        lambda n: {"tokens": RNG.integers(0, 4, (n, 3 + n)).astype("int32")},
    ),
    "transformer": (
        transformer,
        lambda n: {"tokens": RNG.integers(0, 10, (n, 6)).astype("int32")},
    ),
    "several": (several, lambda n: {"a": normal(n, 3), "b": normal(n, 3)}),
    "operations": (operations, lambda n: {"x": normal(n, 4)}),
}


FAST = ("masked_lstm", "several", "operations")
PARAMETERS = [pytest.param(n, marks=[] if n in FAST else [pytest.mark.slow]) for n in MODELS]


@pytest.mark.parametrize("name", PARAMETERS)
def test_models(name, tmp_path):
    build, data = MODELS[name]
    model = build()
    path = export(model, tmp_path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    for rows in (2, 5):
        compare(model, path, data(rows))


def test_names_of_blocks_layers_and_weights(tmp_path):
    model = onnx.load(export(convolutions(), tmp_path))
    names = [node.name for node in model.graph.node]
    assert "normalize_1/batch_normalization_1/Add" in names and "conv2d/Conv" in names
    weights = [array.name for array in model.graph.initializer]
    assert "normalize/batch_normalization/gamma" in weights and "conv2d/kernel" in weights
    assert model.opset_import[0].version == 18
    (axis, *_) = model.graph.input[0].type.tensor_type.shape.dim
    assert axis.dim_param == "batch"


def test_bfloat16_is_float32_outside(tmp_path):
    x = cornu.Input((4,), dtype="bfloat16", name="x")
    model = cornu.Model(x, layers.Dense(2, dtype="bfloat16", name="y")(x))
    program = cornu.export.load(export(model, tmp_path))
    assert {d.dtype for d in (*program.inputs, *program.outputs)} == {"float32"}
    data = normal(3, 4)
    np.testing.assert_array_equal(program(data), np.asarray(model(data)).astype("float32"))


def test_floats_of_8_bits_need_a_newer_opset(tmp_path):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
    model.quantize("float8")
    with pytest.raises(NotImplementedError, match="Pass opset_version=19"):
        export(model, tmp_path)
    data = normal(3, 4)
    program = cornu.export.load(export(model, tmp_path, opset_version=19))
    np.testing.assert_allclose(program(data), model(data), rtol=1e-5, atol=1e-6)


def test_opset_version(tmp_path):
    path = export(several(), tmp_path, opset_version=20)
    assert onnx.load(path).opset_import[0].version == 20
    with pytest.raises(ValueError, match="between 18"):
        export(several(), tmp_path, opset_version=11)


def test_preprocessing_is_stated(tmp_path):
    word = cornu.Input((1,), dtype="string", name="word")
    index = layers.StringLookup(vocabulary=["a", "b"], name="lookup")(word)
    model = cornu.Model(word, layers.Embedding(4, 3)(index))
    path = export(model, tmp_path)
    assert cornu.export.load(path).preprocessing.left_out == ("lookup",)
    assert "left out" in onnx.load(path).graph.doc_string


def test_what_cannot_be_expressed_says_where(tmp_path):
    x = cornu.Input((2, 2), name="x")
    model = cornu.Model(x, cornu.ops.cholesky(x))
    with pytest.raises(NotImplementedError, match="ONNX cannot express the primitive 'cholesky'"):
        export(model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_damaged_files_raise_a_value_error(tmp_path):
    good = export(several(), tmp_path).read_bytes()
    for end in (0, 10, len(good) // 2):
        path = tmp_path / "damaged.onnx"
        path.write_bytes(good[:end])
        with pytest.raises(ValueError, match="damaged.onnx"):
            cornu.export.load(path)


def first_rows():
    """Returns the first row of each layer."""
    found = {}
    for row in all_rows():
        found.setdefault(type(row.make(cornu)), row)
    return list(found.values())


@pytest.mark.slow
@pytest.mark.parametrize("row", first_rows(), ids=lambda row: row.name)
def test_layers(row, tmp_path):
    model, data = model_of(row)
    compare(model, export(model, tmp_path), data)
