"""Programs of StableHLO: round trips, programs without cornu, and files of strangers."""

import json
import random
import zipfile

import jax
import jax.export
import numpy as np
import pytest
import safetensors.numpy

import cornu
from cornu import layers
from cornu.deviations import is_enabled, plain_formulations
from cornu.export.stablehlo import check_worker
from tests.attacks.damages import DAMAGES

RNG = np.random.default_rng(0)


def convolutional():
    image = cornu.Input((8, 8, 3), name="image")
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(image))
    x = layers.AveragePooling2D(2)(layers.MaxPooling2D(2, 1)(layers.DepthwiseConv2D(2)(x)))
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    return cornu.Model(image, layers.Dense(3, "softmax", name="scores")(x))


def attention():
    tokens = cornu.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(10, 4, mask_zero=True)(tokens)
    x = layers.MultiHeadAttention(2, 2)(x, x)
    x = layers.GRU(3, return_sequences=True)(layers.LSTM(3, return_sequences=True)(x))
    return cornu.Model(tokens, {"last": layers.Dense(2)(x), "mean": x[:, 0]})


def several():
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), name="b")
    return cornu.Model([a, b], [layers.Add(name="sum")([a, b]), layers.Dense(2, name="dense")(b)])


class Branches(cornu.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return {"left": self.dense(inputs["x"]), "right": inputs["y"][1]}


def subclassed():
    model = Branches()
    model({"x": np.ones((2, 3), "float32"), "y": [np.ones(2, "float32"), np.ones((2, 4))]})
    return model


def load(path):
    """Loads a program without the process that reads it first."""
    return cornu.export.load(path, trusted=True)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


CASES = {
    "convolutional": (convolutional, lambda n: {"image": normal(n, 8, 8, 3)}),
    "attention": (attention, lambda n: {"tokens": RNG.integers(0, 10, (n, 2 + n)).astype("int32")}),
    "several": (several, lambda n: {"a": normal(n, 3), "b": normal(n, 3)}),
}


def export(model, folder, **options):
    path = folder / "model.stablehlo"
    model.export(path, format="stablehlo", verbose=False, **options)
    return path


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_equal_for_batches_of_any_size(name, tmp_path):
    build, data = CASES[name]
    model = build()
    program = load(export(model, tmp_path))
    assert [d.shape[0] for d in program.inputs] == [None] * len(model.inputs)
    for rows in (1, 3):
        inputs = data(rows)
        expected = model(list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values())))
        outputs = program(inputs)
        leaves = jax.tree_util.tree_leaves(expected)
        assert len(outputs) == len(leaves)
        for value, target in zip(outputs.values(), leaves, strict=True):
            np.testing.assert_allclose(value, target, rtol=1e-5, atol=1e-6)


def test_a_subclassed_model_has_inputs_by_their_paths(tmp_path):
    model = subclassed()
    program = load(export(model, tmp_path))
    assert [d.name for d in program.inputs] == ["x", "y_0", "y_1"]
    x, y = normal(2, 3), normal(2, 4)
    outputs = program({"x": x, "y_0": np.ones(2), "y_1": y})
    np.testing.assert_allclose(outputs["left"], model.dense(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(outputs["right"], y)


def test_programs_take_the_plain_formulations():
    with plain_formulations():
        assert not is_enabled("recurrence") and is_enabled("block_sharing")
        text = str(jax.make_jaxpr(convolutional())(normal(2, 8, 8, 3)))
    assert "reduce_window_max" in text and "feature_group_count=4" in text
    assert is_enabled("recurrence")


def test_preprocessing_is_stated(tmp_path):
    word, number = cornu.Input((1,), dtype="string", name="word"), cornu.Input((1,), name="number")
    index = layers.StringLookup(vocabulary=["a", "b"], name="lookup")(word)
    x = layers.Concatenate()([layers.Embedding(4, 3)(index)[:, 0], layers.Rescaling(2.0)(number)])
    model = cornu.Model([word, number], layers.Dense(2)(x))
    program = load(export(model, tmp_path))
    stated = program.preprocessing
    assert stated.left_out == ("lookup",) and stated.included == ("rescaling",)
    assert [d.name for d in stated.raw_inputs] == ["word", "number"]
    assert "lookup take strings and are left out" in stated.statement
    expected = model([np.array([["b"]]), np.array([[3.0]])])
    found = program({"lookup": [[2]], "number": [[3.0]]})
    np.testing.assert_allclose(found["dense"], expected, rtol=1e-5)


def test_sizes_and_dtypes_can_be_fixed(tmp_path):
    spec = cornu.InputSpec(shape=(2, None), dtype="int64")
    program = load(export(attention(), tmp_path, input_signature=[spec]))
    wide = jax.config.jax_enable_x64
    assert program.inputs[0][1:] == ((2, None), "int64" if wide else "int32")


WRONG = {
    "rank": ({"input_signature": [cornu.InputSpec(shape=(2, 3, 4))]}, "has the shape"),
    "count": ({"input_signature": [cornu.InputSpec(shape=(2, 3))] * 2}, "expected 1 specs"),
    "name": ({"input_signature": {"token": None}}, "has no input 'token'"),
    "option": ({"opset_version": 18}, "has no option"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(case, tmp_path):
    options, message = WRONG[case]
    with pytest.raises((ValueError, TypeError), match=message):
        export(attention(), tmp_path, **options)


def test_formats_that_are_not_written():
    with pytest.raises(ValueError, match="stablehlo"):
        several().export("x", format="tensorflow")
    with pytest.raises(NotImplementedError, match="openvino.read_model"):
        several().export("x", format="openvino")
    with pytest.raises(ValueError, match="is not built"):
        cornu.Sequential([layers.Dense(2)]).export("x", format="stablehlo")


WRONG_CALLS = {
    "shape": ({"a": np.ones((2, 4)), "b": np.ones((2, 3))}, "'a' has the shape"),
    "empty": ({"a": np.ones((0, 3)), "b": np.ones((0, 3))}, "take at least 1"),
    "missing": ({"a": np.ones((2, 3))}, "Expected the inputs"),
    "count": (np.ones((2, 3)), "Expected 2 inputs"),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return export(several(), tmp_path_factory.mktemp("export"))


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_wrong_calls(case, archive):
    inputs, message = WRONG_CALLS[case]
    with pytest.raises(ValueError, match=message):
        load(archive)(inputs)


def rewrite(archive, target, changes):
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w") as changed:
        for name in source.namelist():
            changed.writestr(name, changes.get(name, source.read(name)))
    return target


def program_of(function, inputs, checks=()):
    spec = {name: jax.ShapeDtypeStruct((2, 3), "float32") for name in inputs}
    none = {
        "dense/kernel": jax.ShapeDtypeStruct((3, 2), "float32"),
        "dense/bias": jax.ShapeDtypeStruct((2,), "float32"),
    }
    lower = jax.export.export(jax.jit(function), disabled_checks=checks)
    return bytes(lower(none, spec).serialize())


def test_programs_that_call_the_process_are_refused(archive, tmp_path):
    target = "xla_ffi_python_cpu_callback"

    def function(weights, inputs):
        a = inputs["a"]
        return {"sum": jax.ffi.ffi_call(target, a)(a, index=np.uint64(0)), "dense": inputs["b"]}

    checks = [jax.export.DisabledSafetyCheck.custom_call(target)]
    program = program_of(function, ["a", "b"], checks)
    path = rewrite(archive, tmp_path / "callback", {"program.bin": program})
    for trusted in (False, True):
        with pytest.raises(ValueError, match=f"calls the function '{target}'"):
            cornu.export.load(path, trusted=trusted)


def test_programs_with_huge_arrays_are_refused(archive, tmp_path):
    def function(weights, inputs):
        huge = jax.numpy.broadcast_to(inputs["a"][:, 0], (1 << 40, 2))
        return {"sum": huge.sum(0), "dense": inputs["b"]}

    program = program_of(function, ["a", "b"])
    path = rewrite(archive, tmp_path / "huge", {"program.bin": program})
    with pytest.raises(ValueError, match="has an array of"):
        load(path)


def test_programs_with_other_inputs_than_stated_are_refused(archive, tmp_path):
    program = program_of(lambda weights, inputs: inputs, ["a", "c"])
    with pytest.raises(ValueError, match="the inputs are not those of the program"):
        load(rewrite(archive, tmp_path / "other", {"program.bin": program}))
    weights = safetensors.numpy.save({"dense/kernel": np.ones((3, 2), "float32")})
    with pytest.raises(ValueError, match="the weights are not those of the program"):
        load(rewrite(archive, tmp_path / "few", {"weights.safetensors": weights}))


@pytest.mark.parametrize("member", ["weights.safetensors", "signature.json"])
def test_damaged_archives_load_or_raise_a_value_error(member, archive, tmp_path):
    rng = random.Random(member)
    with zipfile.ZipFile(archive) as source:
        good = source.read(member)
    refused = 0
    for number in range(40):
        damaged = bytes(rng.choice(DAMAGES)(bytearray(good), rng))
        path = rewrite(archive, tmp_path / str(number), {member: damaged})
        try:
            load(path)
        except ValueError:
            refused += 1
    assert refused > 10


# The first is refused by the reader of flat buffers, the second by that of MLIR.
@pytest.mark.parametrize("seed", [0, 2])
def test_damaged_programs_raise_a_value_error(seed, archive, tmp_path):
    rng = random.Random(seed)
    with zipfile.ZipFile(archive) as source:
        good = source.read("program.bin")
    damaged = bytes(rng.choice(DAMAGES)(bytearray(good), rng))
    path = rewrite(archive, tmp_path / "damaged", {"program.bin": damaged})
    with pytest.raises(ValueError, match="The program cannot be read"):
        cornu.export.load(path)


def test_a_program_that_ends_its_reader_raises_a_value_error(archive, tmp_path, monkeypatch):
    worker = tmp_path / "worker.py"
    worker.write_text("import os\nos.abort()\n")
    monkeypatch.setattr(check_worker, "__file__", str(worker))
    with pytest.raises(ValueError, match="the process that reads it ended with status -6"):
        cornu.export.load(archive)


def test_signature_has_the_outputs(archive):
    with zipfile.ZipFile(archive) as source:
        signature = json.loads(source.read("signature.json"))
    assert [d["name"] for d in signature["outputs"]] == ["sum", "dense"]
    assert signature["outputs"][1]["shape"] == [None, 2]
    assert "ExportedModel" in repr(load(archive))
