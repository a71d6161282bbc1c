"""Single lines of programs, and what they become."""

import pytest

from cornu.modernize import load_era, modernize_source

# Imports, a line of Keras 1, and that line today.
KERAS_1 = [
    (
        "from keras.layers.core import Dense",
        "Dense(output_dim=3, bias=False)",
        "Dense(units=3, use_bias=False)",
    ),
    (
        "from keras.layers import Dense",
        "Dense(3, init='zero', W_regularizer=r)",
        "Dense(3, kernel_initializer='zero', kernel_regularizer=r)",
    ),
    (
        "from keras.layers import Dense",
        "Dense(3, init='he_uniform')",
        "Dense(3, kernel_initializer='he_uniform')",
    ),
    ("from keras.layers import Dropout", "Dropout(p=0.5)", "Dropout(rate=0.5)"),
    (
        "from keras.layers import Convolution2D",
        "Convolution2D(n, 3, 3, border_mode=b)(x)",
        "Conv2D(n, (3, 3), padding=b)(x)",
    ),
    (
        "from keras.layers import Convolution2D",
        "Convolution2D(8, nb_row=r, nb_col=3)(x)",
        "Conv2D(8, kernel_size=(r, 3))(x)",
    ),
    (
        "from keras.layers import Conv2D",
        "Conv2D(8, 3, 3, subsample=(2, 2))(x)",
        "Conv2D(8, (3, 3), strides=(2, 2))(x)",
    ),
    (
        "from keras.layers import Convolution1D",
        "Convolution1D(8, 3, init='normal')(x)",
        "Conv1D(8, 3, kernel_initializer='normal')(x)",
    ),
    (
        "from keras.layers import MaxPooling1D",
        "MaxPooling1D(pool_length=2, stride=1)(x)",
        "MaxPooling1D(pool_size=2, strides=1)(x)",
    ),
    (
        "from keras.layers import BatchNormalization",
        "BatchNormalization(1e-5, 0, 1)(x)",
        "BatchNormalization(1, epsilon=1e-5)(x)",
    ),
    (
        "from keras.layers import BatchNormalization",
        "BatchNormalization(mode=0, momentum=m)(x)",
        "BatchNormalization(momentum=m)(x)",
    ),
    (
        "from keras.layers import SimpleRNN",
        "SimpleRNN(4, dropout_W=0.1, inner_init='one')(x)",
        "SimpleRNN(4, dropout=0.1, recurrent_initializer='one')(x)",
    ),
    ("from keras.layers import TimeDistributedDense", "TimeDistributedDense(3)(x)", "Dense(3)(x)"),
    ("from keras.layers import LeakyReLU", "LeakyReLU(alpha=0.2)", "LeakyReLU(negative_slope=0.2)"),
    ("from keras.layers import ThresholdedReLU", "ThresholdedReLU(0.5)", "ReLU(threshold=0.5)"),
    (
        "from keras.layers import ZeroPadding2D",
        "ZeroPadding2D((1, 2, 3, 4))(x)",
        "ZeroPadding2D(((1, 2), (3, 4)))(x)",
    ),
    (
        "from keras.layers import Deconvolution2D",
        "Deconvolution2D(3, 2, 2, (None, 8, 8, 3))(x)",
        "# cornu modernize: the initial weights of 1D, 3D and transposed convolutions of Keras 1 "
        "have another scale\nConv2DTranspose(3, (2, 2), output_padding=(0, 0))(x)",
    ),
    (
        "from keras.layers import merge",
        "merge([a, b], mode='concat', concat_axis=1)",
        "concatenate([a, b], axis=1)",
    ),
    ("from keras.layers import merge", "merge([a, b])", "add([a, b])"),
    (
        "from keras.layers import Merge",
        "Merge(mode='ave', name='mean')([a, b])",
        "Average(name='mean')([a, b])",
    ),
    (
        "from keras.models import Model",
        "Model(input=x, output=[y, z])",
        "Model(inputs=x, outputs=[y, z])",
    ),
    (
        "from keras.optimizers import SGD",
        "SGD(lr=0.1, decay=1e-6, clipnorm=1.)",
        "SGD(learning_rate=keras.optimizers.schedules.InverseTimeDecay(0.1, decay_steps=1, "
        "decay_rate=1e-06),\n    global_clipnorm=1.)",
    ),
    (
        "from keras.optimizers import Adagrad",
        "Adagrad()",
        "OldAdagrad(epsilon=1e-08)",
    ),
    ("from keras.optimizers import Adam", "Adam(0.01)", "Adam(0.01, epsilon=1e-08)"),
    (
        "from keras import optimizers",
        "optimizers.RMSprop(rho=r)",
        "OldRMSprop(rho=r, epsilon=1e-08)",
    ),
    (
        "from keras.regularizers import activity_l2, l1l2",
        "f(activity_l2(0.1), l1l2(l1=0.1))",
        "f(L2(0.1), L1L2(l1=0.1))",
    ),
    ("from keras.constraints import maxnorm", "maxnorm(m=3)", "MaxNorm(max_value=3)"),
    (
        "from keras.utils.np_utils import to_categorical",
        "to_categorical(y, nb_classes=3)",
        "to_categorical(y, num_classes=3)",
    ),
    (
        "from keras.utils.visualize_util import plot",
        "plot(model, 'model.png')",
        "plot_model(model, 'model.png')",
    ),
    (
        "from keras.callbacks import EarlyStopping",
        "EarlyStopping('val_acc', patience=3)",
        "EarlyStopping('val_acc', patience=4)",
    ),
    ("from keras.objectives import mse", "mse(a, b)", "mse(a, b)"),
    (
        "from keras import backend as K",
        "K.mean(K.square(x), axis=-1)",
        "ops.mean(ops.square(x), axis=-1)",
    ),
    ("from keras import backend as K", "K.expand_dims(x)", "ops.expand_dims(x, axis=-1)"),
    (
        "from keras import backend as K",
        "K.permute_dimensions(x, (1, 0))",
        "ops.transpose(x, (1, 0))",
    ),
    (
        "from keras import backend as K",
        "K.clip(x, min_value=0, max_value=1)",
        "ops.clip(x, x_min=0, x_max=1)",
    ),
    (
        "from keras import backend as K",
        "K.binary_crossentropy(output, target)",
        "ops.binary_crossentropy(target, output)",
    ),
    ("from keras import backend as K", "K.int_shape(x)[1]", "x.shape[1]"),
    ("from keras import backend as K", "K.gather(table, i)", "ops.take(table, i, axis=0)"),
    (
        "from keras import backend as K",
        "K.random_normal((2,), std=0.1)",
        "keras.random.normal((2,), stddev=0.1)",
    ),
    (
        "from keras import backend as K",
        "K.image_dim_ordering() == 'th'",
        "keras.config.image_data_format() == 'channels_first'",
    ),
    ("from keras import backend as K", "K.function([x], [y])", "keras.Function([x], [y])"),
    ("from keras import backend as K", "K.epsilon()", "K.epsilon()"),
    ("from keras.layers import recurrent", "recurrent.SimpleRNN", "keras.layers.SimpleRNN"),
]

# The same for Keras 2.2.
KERAS_2 = [
    (
        "from keras.layers import LSTM",
        "LSTM(4)(x)",
        "LSTM(4, recurrent_activation=hard_sigmoid)(x)",
    ),
    (
        "from keras.layers import GRU",
        "GRU(4, recurrent_activation='sigmoid')(x)",
        "GRU(4, recurrent_activation='sigmoid', reset_after=False)(x)",
    ),
    ("from keras.layers import CuDNNLSTM", "CuDNNLSTM(4)(x)", "LSTM(4)(x)"),
    (
        "from keras.layers import Dense",
        "Dense(4, kernel_initializer='he_normal', activation='linear')",
        "Dense(4, kernel_initializer='he_normal', activation='linear')",
    ),
    (
        "from keras.layers import Conv2D",
        "Conv2D(4, 3, 3, border_mode='same')(x)",
        "Conv2D(4, (3, 3), padding='same')(x)",
    ),
    ("from keras.layers.merge import add", "add([a, b])", "add([a, b])"),
    (
        "from keras.optimizers import Adam",
        "Adam(lr=0.01, decay=d)",
        "Adam(learning_rate=keras.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=1, "
        "decay_rate=d))",
    ),
    ("from keras.optimizers import Adadelta", "Adadelta()", "Adadelta(learning_rate=1.0)"),
    ("from keras.optimizers import Adam", "Adam(epsilon=1e-4)", "Adam(epsilon=1e-4)"),
    (
        "from keras import constraints",
        "constraints.max_norm(2.)",
        "constraints.MaxNorm(2.)",
    ),
    ("from keras.utils import Sequence", "Sequence", "PyDataset"),
    (
        "from keras.callbacks import ModelCheckpoint",
        "ModelCheckpoint('best.keras', monitor='val_acc', period=1)",
        "ModelCheckpoint('best.keras', monitor='val_accuracy')",
    ),
    (
        "from keras import backend as K",
        "K.categorical_crossentropy(target, output)",
        "ops.categorical_crossentropy(target, output)",
    ),
    (
        "from keras import backend as K",
        "K.batch_dot(a, b, axes=1)",
        "keras.layers.dot([a, b], axes=1)",
    ),
    (
        "from tensorflow.keras import layers",
        "layers.GRU(4)(x)",
        "layers.GRU(4)(x)",
    ),
    (
        "import tensorflow as tf",
        "tf.keras.layers.LeakyReLU(alpha=0.1)",
        "keras.layers.LeakyReLU(negative_slope=0.1)",
    ),
    (
        "import tensorflow as tf",
        "tf.keras.optimizers.RMSprop(lr=0.1)",
        "keras.optimizers.RMSprop(learning_rate=0.1)",
    ),
]

# What cannot be said today: the line, and a part of the comment.
MARKED = [
    ("from keras import backend as K", "g = K.gradients(loss, x)", "K.gradients"),
    ("from keras import backend as K", "f = K.function([x], [y], updates)", "K.function"),
    ("from keras import backend as K", "K.set_learning_phase(0)", "training=True"),
    (
        "from keras.layers import Embedding",
        "e = Embedding(3, 4, dropout=0.2)",
        "dropped whole words",
    ),
    ("from keras.layers import SReLU", "layer = SReLU()", "SReLU has no equal in Keras 3"),
    ("from keras.layers import BatchNormalization", "BatchNormalization(mode=2)", "no equal"),
    ("from keras.layers import Dense", "Dense(**options)", "were not changed"),
    ("from keras.layers import merge", "merge([a, b], mode='cos')", "Lambda"),
    ("from keras import optimizers", "optimizers.SGD(clipnorm=1, clipvalue=1)", "combined"),
    ("from keras import initializations", "initializations.get(init)", "other distributions"),
    ("from keras.models import Model", "Model(x, y).to_yaml()", "to_json"),
]


def last_line(era, imports, line):
    """Returns the last part of a program, and the comments in it."""
    new = modernize_source(f"{imports}\n\n{line}\n", load_era(era))
    return new.text.strip("\n").split("\n\n")[-1].strip("\n")


@pytest.mark.parametrize(("imports", "line", "today"), KERAS_1)
def test_keras_1(imports, line, today):
    assert last_line("keras1", imports, line) == today


@pytest.mark.parametrize(("imports", "line", "today"), KERAS_2)
def test_keras_2(imports, line, today):
    assert last_line("keras2", imports, line) == today


@pytest.mark.parametrize(("imports", "line", "text"), MARKED)
def test_what_cannot_be_said_is_marked(imports, line, text):
    new = modernize_source(f"{imports}\n\n{line}\n", load_era("keras1"))
    assert text in new.marks[-1].text and new.marks[-1].line == 3
    assert all(f"# cornu modernize: {mark.text}\n" in new.text for mark in new.marks)
