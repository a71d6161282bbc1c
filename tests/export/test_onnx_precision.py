"""ONNX files in float16 and int8: the distance of outputs from the model, and what is stored."""

import logging

import numpy as np
import onnx
import pytest

import cornu
from cornu import layers
from cornu.export.onnx.float16 import to_half

RNG = np.random.default_rng(0)
FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def convolutional():
    def normalize(x):
        return layers.ReLU()(layers.BatchNormalization(name="norm")(x))

    image = cornu.Input((8, 8, 3), name="image")
    x = normalize(layers.Conv2D(16, 3, name="conv")(image))
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    return cornu.Model(image, layers.Dense(4, "softmax", name="scores")(x))


def recurrent():
    tokens = cornu.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(20, 8, mask_zero=True)(tokens)
    return cornu.Model(tokens, layers.Dense(2)(layers.LSTM(8)(layers.LayerNormalization()(x))))


def large_sums():
    # The sums of squares are beyond the range of float16, and so is the constant.
    x = cornu.Input((2000,), name="x")
    y = layers.RMSNormalization(name="norm")(x)
    return cornu.Model(x, [y, cornu.ops.sum(y * y, axis=-1) + 1e6])


MODELS = {
    "convolutional": (convolutional, lambda: {"image": normal(6, 8, 8, 3)}),
    "recurrent": (recurrent, lambda: {"tokens": RNG.integers(0, 20, (3, 5)).astype("int32")}),
    "large_sums": (large_sums, lambda: {"x": 300 * normal(2, 2000)}),
}


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    build, data = MODELS[request.param]
    cornu.utils.set_random_seed(0)
    model, data = build(), data()
    return model, data, [np.asarray(y) for y in as_list(model(next(iter(data.values()))))]


def as_list(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


def export(model, folder, **options):
    path = folder / "model.onnx"
    model.export(path, format="onnx", verbose=False, **options)
    message = onnx.load(path)
    onnx.checker.check_model(message, full_check=True)
    return path, message.graph


def distance(found, expected):
    return np.abs(found.astype("float64") - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("keeps", [True, False])
def test_float16(case, keeps, tmp_path):
    model, data, expected = case
    path, graph = export(model, tmp_path, precision="float16", keep_io_types=keeps)
    large = [w for w in graph.initializer if np.prod(w.dims) > 1000]
    assert all(w.data_type == HALF for w in large)
    kinds = {v.type.tensor_type.elem_type for v in graph.output}
    assert kinds == {FLOAT if keeps else HALF}
    program = cornu.export.load(path)
    assert {d.dtype for d in program.outputs} == {"float32" if keeps else "float16"}
    for found, target in zip(program(data).values(), expected, strict=True):
        if keeps or np.abs(target).max() < 1000:
            assert distance(found, target) < 3e-3
        else:
            assert np.isinf(found).all()  # as it cannot be expressed


def test_numbers_out_of_the_range_of_float16_become_its_limits():
    x = np.array([0, -0.0, 1e-12, -1e-12, 1e9, -1e9, np.inf, -np.inf, np.nan, 0.1], "float32")
    least = float(np.finfo("float16").smallest_subnormal)
    expected = [0, 0, least, -least, 65504, -65504, np.inf, -np.inf, np.nan, np.float16(0.1)]
    np.testing.assert_array_equal(to_half(x), np.array(expected, "float16"))


def test_names_of_blocks_and_weights_remain(tmp_path):
    _, graph = export(convolutional(), tmp_path, precision="float16")
    assert "normalize/norm/Mul" in {node.name for node in graph.node}
    assert "scores/kernel" in {w.name for w in graph.initializer}


def batches(x):
    yield x[:4]
    yield x[4:]


CALIBRATION = {
    "array": lambda x: x,
    "list": lambda x: [x],
    "dict": lambda x: {"image": x},
    "generator": batches,
}


def test_int8(tmp_path, caplog):
    cornu.utils.set_random_seed(0)
    model, x = convolutional(), normal(40, 8, 8, 3)
    handlers = list(logging.getLogger().handlers)
    files = []
    for make in CALIBRATION.values():
        path, graph = export(model, tmp_path, precision="int8", calibration_data=make(x))
        files.append(path.read_bytes())
    assert logging.getLogger().handlers == handlers and not caplog.records
    assert len(set(files)) == 1
    stored = {w.name: w.data_type for w in graph.initializer}
    assert onnx.TensorProto.INT8 in stored.values()
    assert all(np.prod(w.dims) < 100 for w in graph.initializer if w.data_type == FLOAT)
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("QuantizeLinear") >= 2
    program = cornu.export.load(path)
    assert program.preprocessing is not None and program.outputs[0].dtype == "float32"
    for rows in (1, 40):
        assert 0 < distance(program(x[:rows]), np.asarray(model(x[:rows]))) < 0.05


def test_weights_that_are_quantized_already(tmp_path):
    model = cornu.Sequential([cornu.Input((64,)), layers.Dense(64, "relu"), layers.Dense(8)])
    model.quantize("int8")
    x = normal(16, 64)
    path, graph = export(model, tmp_path)
    assert "MatMulInteger" in {node.op_type for node in graph.node}
    assert path.stat().st_size < 64 * 64 + 64 * 8 + 4096
    assert distance(cornu.export.load(path)(x), np.asarray(model(x))) < 1e-5


def test_models_without_products_remain_in_float32(tmp_path):
    model = cornu.Sequential([cornu.Input((4,)), layers.ReLU()])
    x = normal(3, 4)
    with pytest.warns(UserWarning, match="no products of matrices"):
        path, _ = export(model, tmp_path, precision="int8", calibration_data=x)
    np.testing.assert_array_equal(cornu.export.load(path)(x), model(x))


WRONG = {
    "no data": ({"precision": "int8"}, ValueError, "needs calibration_data"),
    "no precision": ({"calibration_data": normal(1, 8, 8, 3)}, TypeError, "is for precision"),
    "kept": ({"keep_io_types": False}, TypeError, "keep_io_types is for precision"),
    "number": ({"precision": "int8", "calibration_data": 3}, TypeError, "iterable of batches"),
    "unknown": ({"precision": "int4"}, ValueError, "precision"),
    "empty": ({"precision": "int8", "calibration_data": []}, ValueError, "is empty"),
    "count": (
        {"precision": "int8", "calibration_data": {"x": normal(1, 8)}},
        ValueError,
        r"expected the inputs \['image'\]; received \['x'\]",
    ),
    "shape": (
        {"precision": "int8", "calibration_data": normal(5, 8, 8)},
        ValueError,
        "has the shape",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name, tmp_path):
    options, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        export(convolutional(), tmp_path, **options)
    assert not list(tmp_path.iterdir())
