"""Models of tf.keras 2, each of one layer or optimizer, for the comparison of numbers.

A case takes the `keras` module and returns the losses of three steps and the predictions. The
script scripts/make_tf_keras_reference.py runs the cases on tf_keras, the tests on the dialect.
"""

import numpy as np

_CONV = {"padding": "same", "activation": "relu"}
# Name -> the shape of a sample and a function that makes the layer.
LAYERS = {
    "dense": ((6,), lambda k: k.Dense(4, "hard_sigmoid", activity_regularizer="l2")),
    "conv1d": ((8, 3), lambda k: k.Conv1D(4, 3, padding="causal", dilation_rate=2)),
    "conv2d": ((6, 6, 2), lambda k: k.Conv2D(4, 3, 2, groups=2, **_CONV)),
    "conv3d": ((4, 4, 4, 2), lambda k: k.Conv3D(2, 2)),
    "transposed": ((4, 4, 2), lambda k: k.Conv2DTranspose(3, 3, 2, **_CONV)),
    "separable": ((6, 6, 2), lambda k: k.SeparableConv2D(3, 3, depth_multiplier=2)),
    "depthwise": ((6, 6, 2), lambda k: k.DepthwiseConv2D(3, dilation_rate=2)),
    "local1d": ((6, 2), lambda k: k.LocallyConnected1D(3, 2)),
    "local2d": ((5, 5, 2), lambda k: k.LocallyConnected2D(3, 2)),
    "lstm": ((5, 3), lambda k: k.LSTM(4, return_sequences=True)),
    "gru": ((5, 3), lambda k: k.GRU(4, go_backwards=True)),
    "gru_before": ((5, 3), lambda k: k.GRU(4, reset_after=False)),
    "simple_rnn": ((5, 3), lambda k: k.SimpleRNN(4)),
    "stacked": ((5, 3), lambda k: k.RNN([k.LSTMCell(3), k.GRUCell(2)])),
    "bidirectional": ((5, 3), lambda k: k.Bidirectional(k.LSTM(3), merge_mode="ave")),
    "conv_lstm": ((3, 4, 4, 1), lambda k: k.ConvLSTM2D(2, 3, padding="same")),
    "time_distributed": ((4, 3), lambda k: k.TimeDistributed(k.Dense(2))),
    "batch_norm": ((5, 5, 3), lambda k: k.BatchNormalization()),
    "layer_norm": ((6,), lambda k: k.LayerNormalization()),
    "max_pool": ((6, 6, 2), lambda k: k.MaxPooling2D(3, 2, padding="same")),
    "average_pool": ((6, 6, 2), lambda k: k.AveragePooling2D(3, 2, padding="same")),
    "global_pool": ((6, 6, 2), lambda k: k.GlobalAveragePooling2D()),
    "upsampling": ((3, 3, 2), lambda k: k.UpSampling2D(2, interpolation="bilinear")),
    "zero_padding": ((3, 3, 2), lambda k: k.ZeroPadding2D(((1, 0), (2, 1)))),
    "cropping": ((5, 5, 2), lambda k: k.Cropping2D(1)),
    "prelu": ((4, 3), lambda k: k.PReLU(shared_axes=[1])),
    "leaky_relu": ((4, 3), lambda k: k.LeakyReLU(0.2)),
    "thresholded_relu": ((4, 3), lambda k: k.ThresholdedReLU(0.3)),
    "elu": ((4, 3), lambda k: k.ELU(0.7)),
    "softmax": ((4, 3), lambda k: k.Softmax(axis=1)),
}
OPTIMIZERS = {
    "sgd": ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "sgd_clipped": ("SGD", {"learning_rate": 0.1, "clipnorm": 0.05}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True}),
    "adagrad": ("Adagrad", {"learning_rate": 0.1}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adam": ("Adam", {"learning_rate": 0.01, "amsgrad": True}),
    "adamax": ("Adamax", {"learning_rate": 0.01}),
    "ftrl": ("Ftrl", {"learning_rate": 0.1}),
}


def _train(keras, model, optimizer, shape):
    random = np.random.RandomState(3)
    model.set_weights(
        [
            random.uniform(0.5, 1, np.shape(w))
            if np.allclose(w, 1)
            else random.uniform(-0.5, 0.5, np.shape(w))
            for w in model.get_weights()
        ]
    )
    model.compile(optimizer, "mse")
    x, y = random.uniform(-1, 1, (3, 8, *shape)), random.uniform(-1, 1, (3, 8, 2))
    losses = [float(np.ravel(model.train_on_batch(a, b))[0]) for a, b in zip(x, y, strict=True)]
    return np.concatenate([losses, np.ravel(model.predict(x[0], verbose=0))])


def run_layer(keras, name):
    """Returns the numbers of a model with one layer."""
    shape, make = LAYERS[name]
    layers = keras.layers
    model = keras.models.Sequential([layers.Input(shape), make(layers), layers.Flatten()])
    model.add(layers.Dense(2))
    return _train(keras, model, keras.optimizers.SGD(0.05), shape)


def run_optimizer(keras, name):
    """Returns the numbers of a small model with an optimizer."""
    layers = keras.layers
    cls, arguments = OPTIMIZERS[name]
    model = keras.models.Sequential(
        [layers.Input((4,)), layers.Dense(5, "tanh"), layers.Dense(2, kernel_regularizer="l2")]
    )
    return _train(keras, model, getattr(keras.optimizers, cls)(**arguments), (4,))


CASES = {f"layer/{name}": (run_layer, name) for name in LAYERS}
CASES |= {f"optimizer/{name}": (run_optimizer, name) for name in OPTIMIZERS}
