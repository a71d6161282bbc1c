"""Whole programs: imports, models, layers of the program, and what stays as it is."""

import pytest

from cornu.modernize import load_era, modernize_source


def modernize(era, text, package="keras"):
    return modernize_source(text, load_era(era), package).text


UNCHANGED = """\
import keras
from keras.layers import Dense

model = keras.Sequential([keras.Input((3,)), Dense(2, activation='relu')])  # kept
model.compile('sgd', 'mse', metrics=['accuracy'])
model.fit(x,  y, epochs=3)
"""

# Version, program, and the program today.
PROGRAMS = {
    "inputs": (
        "keras1",
        """\
from keras.models import Sequential
from keras.layers import Dense, Embedding, LSTM

# A comment.
model = Sequential()
model.add(Dense(4, input_dim=3))  # the first layer
model.add(Dense(2, input_dim=4))
other = Sequential([Dense(4, input_shape=shape), Dense(1)])
embedded = Embedding(5, 6, input_length=7)(x)
""",
        """\
import keras
from keras.models import Sequential
from keras.layers import Dense, Embedding, LSTM

# A comment.
model = Sequential()
model.add(keras.Input(shape=(3,)))
model.add(Dense(4))  # the first layer
model.add(Dense(2, input_shape=(4,)))
other = Sequential([keras.Input(shape=shape), Dense(4), Dense(1)])
embedded = Embedding(5, 6)(x)
""",
    ),
    "merged models": (
        "keras1",
        """\
from keras.layers import Dense, Merge
from keras.models import Sequential

left, right = make(), make()
model = Sequential()
model.add(Merge([left, right], mode='concat'))
# The head.
model.add(Dense(1))
model.compile('sgd', 'mse')
""",
        """\
from keras.layers import Dense, concatenate
from keras.models import Model

left, right = make(), make()
model_output = concatenate([left.outputs[0], right.outputs[0]])
# The head.
model_output = Dense(1)(model_output)
model = Model([left.inputs[0], right.inputs[0]], model_output)
model.compile('sgd', 'mse')
""",
    ),
    "training": (
        "keras1",
        """\
from keras.models import Sequential
from keras.callbacks import EarlyStopping

model = Sequential()
model.compile('sgd', 'categorical_crossentropy', ['accuracy'])
history = model.fit(x, y, callbacks=[EarlyStopping(monitor='val_acc', mode='max')])
model.fit_generator(batches(batch_size=n), samples_per_epoch=len(x), nb_epoch=2, nb_worker=2)
print(history.history['val_acc'], model.predict_classes(x))
model.reset_states()
""",
        """\
import math
from keras.models import Sequential
from keras.callbacks import EarlyStopping

model = Sequential()
model.compile('sgd', 'categorical_crossentropy', metrics=['accuracy'])
history = model.fit(x, y,
                    callbacks=[EarlyStopping(monitor='val_accuracy', mode='max', patience=1)],
                    epochs=10)
model.fit(batches(batch_size=n), steps_per_epoch=math.ceil(len(x) / n), epochs=2)
print(history.history['val_accuracy'], model.predict(x).argmax(axis=-1))
for layer in model.layers:
    if getattr(layer, 'stateful', False):
        layer.reset_state()
""",
    ),
    "frozen after compile": (
        "keras2",
        """\
from keras.models import Model

model = Model(a, b)
model.compile('sgd', 'mse')
model.trainable = False
for x, y in batches:
    loss = model.train_on_batch(x, y)
""",
        """\
from keras.models import Model

model = Model(a, b)
model.compile('sgd', 'mse')
model.trainable = False
for x, y in batches:
    # Keras 3 looks at `trainable` when a model is trained, not when it is compiled.
    model.trainable = True
    model.reset_metrics()
    loss = model.train_on_batch(x, y)
    model.trainable = False
""",
    ),
    "metrics of several batches": (
        "keras2",
        """\
from keras.models import Model

model = Model(a, b)
model.compile('sgd', 'mse')
loss = model.test_on_batch(x, y, reset_metrics=False)
loss = model.test_on_batch(x, y, reset_metrics=True)
""",
        """\
from keras.models import Model

model = Model(a, b)
model.compile('sgd', 'mse')
loss = model.test_on_batch(x, y)
model.reset_metrics()
loss = model.test_on_batch(x, y)
""",
    ),
    "a layer": (
        "keras1",
        """\
from keras import backend as K
from keras import initializations
from keras.engine.topology import InputSpec, Layer


class Scaled(Layer):
    def __init__(self, output_dim, **kwargs):
        self.init = initializations.get('uniform')
        super(Scaled, self).__init__(**kwargs)

    def build(self, input_shape):
        self.input_spec = [InputSpec(ndim=2)]
        self.W = self.init((input_shape[1], 2), name='W')
        self.b = K.zeros((2,))
        self.trainable_weights = [self.W, self.b]
        self.c = self.add_weight((2,), 'one', 'c')

    def call(self, x, mask=None):
        return K.dot(x, self.W) + self.b

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], 2)
""",
        """\
import keras
from keras import ops, InputSpec, Layer


class Scaled(Layer):
    def __init__(self, output_dim, **kwargs):
        self.init = keras.initializers.get('random_uniform')
        super(Scaled, self).__init__(**kwargs)

    def build(self, input_shape):
        self.input_spec = InputSpec(ndim=2)
        self.W = self.add_weight(shape=(input_shape[1], 2), initializer=self.init, name='W')
        self.b = self.add_weight(shape=(2,), initializer='zeros')
        self.c = self.add_weight((2,), 'one', name='c')

    def call(self, x, mask=None):
        return ops.dot(x, self.W) + self.b

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2)
""",
    ),
    "a sequence": (
        "keras2",
        """\
from keras.utils import Sequence


class Batches(Sequence):
    def __init__(self, x):
        self.x = x
""",
        """\
from keras.utils import PyDataset


class Batches(PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x = x
""",
    ),
    "tf.keras": (
        "keras2",
        """\
import tensorflow as tf
from tensorflow.keras.layers import Dense
from tensorflow import keras

model = keras.Sequential([Dense(3, input_shape=(2,))])
tf.keras.backend.clear_session()
""",
        """\
from keras.layers import Dense
import keras

model = keras.Sequential([keras.Input(shape=(2,)), Dense(3)])
keras.backend.clear_session()
""",
    ),
    "names that are taken": (
        "keras1",
        """\
from keras import backend as K
from keras.layers import Convolution2D

ops, Conv2D = 1, 2
y = Convolution2D(4, 3, 3)(K.square(x))
""",
        """\
import keras

ops, Conv2D = 1, 2
y = keras.layers.Conv2D(4, (3, 3))(keras.ops.square(x))
""",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program(name):
    era, before, after = PROGRAMS[name]
    assert modernize(era, before) == after


@pytest.mark.parametrize("era", ["keras1", "keras2", "keras2.3"])
def test_what_is_the_same_today_is_not_changed(era):
    assert modernize(era, UNCHANGED) == UNCHANGED


def test_what_programs_import_can_be_chosen():
    program = "import keras\nfrom keras.layers.core import Dense\n\nkeras.layers.Dense(Dense)\n"
    today = "import cornu as keras\nfrom cornu.layers import Dense\n\nkeras.layers.Dense(Dense)\n"
    assert modernize("keras2", program, "cornu") == today


def test_an_unknown_version():
    with pytest.raises(ValueError, match="keras1, keras2, keras2.3"):
        load_era("keras3")
