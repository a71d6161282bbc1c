"""The founding programs run as Keras 1 programs, unmodified."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "examples" / "founding"

# The blocks of code as they stand in the post.
BLOCKS = {
    "sequential_merge.py": """\
from keras.layers import Merge

left_branch = Sequential()
left_branch.add(Dense(32, input_dim=784))

right_branch = Sequential()
right_branch.add(Dense(32, input_dim=784))

merged = Merge([left_branch, right_branch], mode='concat')

final_model = Sequential()
final_model.add(merged)
final_model.add(Dense(10, activation='softmax'))
""",
    "functional.py": """\
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
""",
    "bn_relu.py": '''\
def _bn_relu(input):
    """Helper to build a BN -> relu block
    """
    norm = BatchNormalization(mode=0, axis=CHANNEL_AXIS)(input)
    return Activation("relu")(norm)
''',
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_programs_hold_the_blocks_of_the_post(name):
    text = (PROGRAMS / name).read_text()
    assert text.partition("# --- as in the post\n")[2].partition("# --- end")[0] == BLOCKS[name]


def run(name):
    command = [sys.executable, "-m", "cornu", "run", "--as", "keras1", str(PROGRAMS / name)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_sequential_branches_are_joined_by_merge():
    shown = run("sequential_merge.py")
    assert shown.count("8/8") == 2 and "acc: " in shown and "(256, 10)" in shown


def test_the_functional_model_trains():
    shown = run("functional.py")
    # Keras 1 trains for ten epochs unless told otherwise.
    assert "Epoch 10/10" in shown and "acc: " in shown


def test_a_block_made_of_a_function_is_shown():
    shown = run("bn_relu.py")
    assert "bn_relu_1" in shown and "convolution2d_1" in shown and "batchnormalization_2" in shown
