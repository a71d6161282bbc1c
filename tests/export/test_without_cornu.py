"""Exported files run where cornu cannot be imported, and take inputs by their names."""

import json
import subprocess
import sys

import numpy as np
import pytest

import cornu
from cornu import layers

# Each program has the path of a file, and the inputs a and b; it sets `outputs`, by name.
_REFUSE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused}:
            raise ImportError(name + " is refused")

sys.meta_path.insert(0, Refuse())
import json
import numpy as np

path, a, b = sys.argv[1], np.array({a}, "float32"), np.array({b}, "float32")
"""
_PRINT = """
assert not {refused} & {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps({{name: np.asarray(y).tolist() for name, y in outputs.items()}}))
"""
PROGRAMS = {
    # As in the README of the archive.
    "stablehlo": """
import zipfile
import jax.export
import safetensors.numpy

with zipfile.ZipFile(path) as archive:
    program = jax.export.deserialize(bytearray(archive.read("program.bin")))
    weights = safetensors.numpy.load(archive.read("weights.safetensors"))
    signature = json.loads(archive.read("signature.json"))
assert program.platforms == ("cpu", "cuda", "tpu")
assert [d["shape"] for d in signature["inputs"]] == [[None, 3], [None, 4]]
assert signature["preprocessing"]["included"] == ["rescaling"]
outputs = program.call(weights, {"b": b, "a": a})
""",
    "onnx": """
import onnxruntime

session = onnxruntime.InferenceSession(path)
names = [y.name for y in session.get_outputs()]
outputs = dict(zip(names, session.run(names, {"b": b, "a": a})))
""",
    "tf_saved_model": """
import tensorflow as tf

signature = tf.saved_model.load(path).signatures["serving_default"]
outputs = signature(b=tf.constant(b), a=tf.constant(a))
""",
    "torch": """
import torch

state = torch.load(path)
linear = torch.nn.Linear(7, 2)
linear.load_state_dict({name: state["total." + name] for name in ("weight", "bias")})
outputs = {"total": linear(torch.cat([torch.from_numpy(a) * 2, torch.from_numpy(b)], 1)).detach()}
outputs["half"] = torch.from_numpy(b) / 2
""",
}
NAMES = {"torch": "model.pt"}
SLOW = ("tf_saved_model", "torch")  # importing these takes seconds


@pytest.mark.parametrize(
    "format", [pytest.param(f, marks=[pytest.mark.slow] if f in SLOW else []) for f in PROGRAMS]
)
def test_outputs_are_those_of_the_model(format, tmp_path):
    if format in SLOW:
        pytest.importorskip("tensorflow" if format == "tf_saved_model" else "torch")
    a, b = cornu.Input((3,), name="a"), cornu.Input((4,), name="b")
    joined = layers.Concatenate()([layers.Rescaling(2.0, name="rescaling")(a), b])
    outputs = {"total": layers.Dense(2, name="total")(joined), "half": b / 2}
    model = cornu.Model({"a": a, "b": b}, outputs)
    path = tmp_path / NAMES.get(format, "model")
    model.export(path, format=format, verbose=False)

    rng = np.random.default_rng(0)
    inputs = {"a": rng.normal(size=(5, 3)), "b": rng.normal(size=(5, 4))}
    inputs = {name: x.astype("float32") for name, x in inputs.items()}
    # onnxruntime needs neither the package onnx nor JAX.
    refused = {"cornu", "onnx", "jax"} if format == "onnx" else {"cornu"}
    texts = {name: x.tolist() for name, x in inputs.items()}
    program = _REFUSE.format(refused=refused, **texts) + PROGRAMS[format]
    program += _PRINT.format(refused=refused)
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert not done.returncode, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name, expected in model(inputs).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)
