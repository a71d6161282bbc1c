"""The programs of the first Keras posts run unmodified."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FUNCTIONAL = """\
from keras.layers import Input, Dense
from keras.models import Model

# this returns a tensor
inputs = Input(shape=(784,))

# a layer instance is callable on a tensor, and returns a tensor
x = Dense(64, activation='relu')(inputs)
x = Dense(64, activation='relu')(x)
predictions = Dense(10, activation='softmax')(x)

# this creates a model that includes
# the Input layer and three Dense layers
model = Model(input=inputs, output=predictions)
model.compile(optimizer='rmsprop',
              loss='categorical_crossentropy',
              metrics=['accuracy'])
model.fit(data, labels)  # starts training
"""

MERGE = """\
from keras.layers import Merge

left_branch = Sequential()
left_branch.add(Dense(32, input_dim=784))

right_branch = Sequential()
right_branch.add(Dense(32, input_dim=784))

merged = Merge([left_branch, right_branch], mode='concat')

final_model = Sequential()
final_model.add(merged)
final_model.add(Dense(10, activation='softmax'))
"""

BN_RELU = '''\
def _bn_relu(input):
    """Helper to build a BN -> relu block
    """
    norm = BatchNormalization(mode=0, axis=CHANNEL_AXIS)(input)
    return Activation("relu")(norm)
'''

POSTS = {"functional": FUNCTIONAL, "sequential_merge": MERGE, "bn_relu": BN_RELU}


def run(*arguments, code=0):
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def outputs():
    """What each program prints; they run side by side."""
    running = {
        name: subprocess.Popen(
            [
                *(sys.executable, "-W", "error::UserWarning", "-m", "cornu"),
                *("run", "--as", "keras1", f"examples/founding/{name}.py"),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in POSTS
    }
    found = {name: process.communicate(timeout=250) for name, process in running.items()}
    for name, process in running.items():
        assert process.returncode == 0, found[name][1]
    return {name: out for name, (out, _) in found.items()}


@pytest.mark.parametrize("name", POSTS)
def test_the_code_is_that_of_the_posts(name):
    text = (ROOT / "examples" / "founding" / f"{name}.py").read_text()
    (marked,) = re.findall(r"# --- as in the post\n(.*?)# --- end\n", text, re.DOTALL)
    assert marked == POSTS[name]


def test_functional(outputs):
    assert "Epoch 10/10" in outputs["functional"]
    losses = [float(x) for x in re.findall(r"loss: ([\d.]+) - acc: [\d.]+", outputs["functional"])]
    assert len(losses) == 10
    assert losses[-1] < losses[0]


def test_sequential_merge(outputs):
    assert re.search(r"loss: [\d.]+ - acc: [\d.]+", outputs["sequential_merge"])
    assert "(256, 10)" in outputs["sequential_merge"]


def test_bn_relu(outputs):
    summary = outputs["bn_relu"]
    assert re.search(r"loss: [\d.]+ - acc: [\d.]+", summary)
    # The function is a block of the model, with what it drew below it.
    assert re.search(r"│ bn_relu +│", summary)
    assert re.search(r"│   batchnormalization_1 \(BatchNormalization\) +│", summary)
    assert re.search(r"│ bn_relu_1 +│", summary)


def test_every_import_path_is_there():
    run(
        "-c",
        """
from cornu.dialects import keras1
keras1.install()
keras1.install()
import keras
import keras.layers.core as core
from keras import backend as K
from keras.engine.topology import InputSpec, Layer, Merge, merge
from keras.engine.training import Model
from keras.layers import *
from keras.layers.advanced_activations import LeakyReLU
from keras.layers.convolutional import Convolution2D, MaxPooling2D
from keras.layers.embeddings import Embedding
from keras.layers.noise import GaussianNoise
from keras.layers.normalization import BatchNormalization
from keras.layers.pooling import AveragePooling2D
from keras.layers.recurrent import GRU, LSTM, SimpleRNN
from keras.layers.wrappers import Bidirectional, TimeDistributed
from keras.models import Sequential, model_from_json
from keras.preprocessing.sequence import pad_sequences
from keras.utils import np_utils
from keras.utils.np_utils import to_categorical
from keras import activations, callbacks, constraints, initializations, metrics
from keras import objectives, optimizers, regularizers
assert keras.__version__ == "1.2.2" and core.Dense is Dense
assert pad_sequences([[1], [1, 2]]).tolist() == [[0, 1], [1, 2]]
try:
    from keras.layers import ConvRecurrent2D
except NotImplementedError as error:
    assert "keras.layers.ConvRecurrent2D" in str(error)
try:
    from keras.layers import Dens
except ImportError:
    pass
""",
    )


def test_another_keras_is_not_replaced():
    done = run(
        "-c",
        """
import sys, types
sys.modules["keras"] = types.ModuleType("keras")
from cornu.dialects import keras1
try:
    keras1.install()
except RuntimeError as error:
    print(error)
""",
    )
    assert "already imported" in done.stdout


@pytest.mark.slow
def test_the_note_is_shown_once_on_request(tmp_path):
    path = tmp_path / "program.py"
    path.write_text('from keras.layers import Dense\nDense(3, init="normal")\nDense(3)\n')
    start = ("-m", "cornu", "run", "--as", "keras1")
    assert run(*start, str(path)).stderr == ""
    noted = run(*start, "--modernize-notes", str(path)).stderr
    assert noted.count("is today") == 1
    assert "cornu.layers.Dense(units=3, kernel_initializer=" in noted
