"""Models in Keras 2 and tf.keras: layers that keep no state in time, and optimizers."""

from scripts.old_models.recording import table

CASES, case = table()


def sgd(keras):
    return keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)


def adam(keras):
    return keras.optimizers.Adam(0.05)


def sequential(keras, *layers):
    return keras.models.Sequential(list(layers))


def functional(keras, inputs, outputs):
    return keras.models.Model(inputs, outputs)


def channels_first(keras):
    return keras.backend.image_data_format() == "channels_first"


def image(keras, channels, *sizes):
    """Returns the shape of an image in the format of the environment."""
    return (channels,) + sizes if channels_first(keras) else sizes + (channels,)


@case(optimizer=sgd, loss="categorical_crossentropy", metrics=["accuracy"], texts=True)
def dense(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Dense(4, input_dim=5, activation="relu", kernel_initializer="he_normal"),
        layers.Dropout(0.0),
        layers.Dense(3, activation="softmax", use_bias=False),
    )


@case(optimizer=adam, texts=True)
def penalties(keras):
    layers, regularizers = keras.layers, keras.regularizers
    return sequential(
        keras,
        layers.Dense(
            4,
            input_shape=(5,),
            activation="tanh",
            kernel_regularizer=regularizers.l1_l2(0.02, 0.03),
            bias_regularizer=regularizers.l2(0.05),
            activity_regularizer=regularizers.l2(0.01),
            kernel_constraint=keras.constraints.MaxNorm(0.8),
            bias_constraint=keras.constraints.NonNeg(),
        ),
        layers.ActivityRegularization(l1=0.01, l2=0.02),
        layers.Dense(
            2,
            kernel_constraint=keras.constraints.UnitNorm(),
            kernel_initializer=keras.initializers.Orthogonal(gain=0.5),
            bias_initializer=keras.initializers.Constant(0.3),
        ),
        layers.Dense(
            2,
            kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform"),
            kernel_constraint=keras.constraints.MinMaxNorm(0.1, 0.9, rate=0.8),
            kernel_regularizer="l2",
        ),
    )


def of_optimizer(name, make, **kwargs):
    def build(keras):
        layers = keras.layers
        return sequential(
            keras, layers.Dense(3, input_dim=4, activation="sigmoid"), layers.Dense(2)
        )

    build.__name__ = name
    case(optimizer=make, **kwargs)(build)


of_optimizer("sgd_plain", lambda keras: keras.optimizers.SGD(0.3))
of_optimizer("sgd_clipped", lambda keras: keras.optimizers.SGD(0.5, 0.5, clipnorm=0.3))
of_optimizer("sgd_by_value", lambda keras: keras.optimizers.SGD(0.5, 0.8, clipvalue=0.05))
of_optimizer("sgd_decayed", lambda keras: keras.optimizers.SGD(0.3, 0.9, decay=0.1))
of_optimizer("rmsprop", lambda keras: keras.optimizers.RMSprop(0.02, 0.8))
of_optimizer("adagrad", lambda keras: keras.optimizers.Adagrad(0.2))
of_optimizer("adadelta", lambda keras: keras.optimizers.Adadelta(0.9, 0.8))
of_optimizer("adam_decayed", lambda keras: keras.optimizers.Adam(0.05, 0.8, 0.9, decay=0.1))
of_optimizer("adam_amsgrad", lambda keras: keras.optimizers.Adam(0.05, amsgrad=True))
of_optimizer("adam_epsilon", lambda keras: keras.optimizers.Adam(0.05, epsilon=0.1))
of_optimizer("adamax", lambda keras: keras.optimizers.Adamax(0.05, 0.8, 0.9))
of_optimizer("nadam", lambda keras: keras.optimizers.Nadam(0.05, 0.8, 0.9))
of_optimizer("ftrl", lambda keras: keras.optimizers.Ftrl(0.1, l1_regularization_strength=0.01))
of_optimizer(
    "rmsprop_centered", lambda keras: keras.optimizers.RMSprop(0.02, 0.8, 0.5, centered=True)
)
# The optimizers of tf.keras 2.0 to 2.10.
for name, kwargs in {
    "SGD": {"learning_rate": 0.2, "momentum": 0.8, "nesterov": True, "decay": 0.1},
    "RMSprop": {"learning_rate": 0.02, "momentum": 0.5, "centered": True},
    "Adagrad": {"learning_rate": 0.2},
    "Adadelta": {"learning_rate": 0.9, "rho": 0.8},
    "Adam": {"learning_rate": 0.05, "amsgrad": True, "decay": 0.1},
    "Adamax": {"learning_rate": 0.05},
    "Nadam": {"learning_rate": 0.05},
    "Ftrl": {"learning_rate": 0.1, "l2_regularization_strength": 0.01},
}.items():
    of_optimizer(
        "legacy_" + name,
        lambda keras, name=name, kwargs=kwargs: getattr(keras.optimizers.legacy, name)(**kwargs),
    )
of_optimizer("mean_absolute", adam, loss="mae")
of_optimizer("hinge", adam, loss="categorical_hinge")
of_optimizer("logcosh", adam, loss="logcosh")
of_optimizer("cosine", adam, loss="cosine_proximity")


@case(optimizer=sgd)
def convolution_1d(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Conv1D(4, 3, padding="same", input_shape=(9, 2), activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(3, 2, strides=2, padding="causal"),
        layers.ZeroPadding1D(2),
        layers.UpSampling1D(2),
        layers.Cropping1D((1, 2)),
        layers.SeparableConv1D(3, 2, depth_multiplier=2),
        layers.AveragePooling1D(3, strides=2),
        layers.Flatten(),
        layers.Dense(2),
    )


@case(optimizer=adam, loss="categorical_crossentropy", metrics=["accuracy"], texts=True)
def convolution_2d(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Conv2D(3, (3, 2), input_shape=image(keras, 2, 8, 7), activation="tanh"),
        layers.BatchNormalization(axis=1 if channels_first(keras) else -1),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(4, 2, padding="same", strides=(2, 1), use_bias=False),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    )


@case()
def channels_first_pooling(keras):
    layers = keras.layers
    first = {"data_format": "channels_first"}
    return sequential(
        keras,
        layers.ZeroPadding2D((1, 2), input_shape=(2, 5, 6), **first),
        layers.Cropping2D(((1, 0), (0, 1)), **first),
        layers.UpSampling2D((2, 1), **first),
        layers.Flatten(**first),
        layers.Dense(2),
    )


@case()
def images(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.ZeroPadding2D((1, 2), input_shape=image(keras, 2, 5, 6)),
        layers.Cropping2D(((1, 0), (0, 1))),
        layers.UpSampling2D((2, 1)),
        layers.AveragePooling2D((2, 2), strides=(1, 2)),
        layers.SpatialDropout2D(0.3),
        layers.DepthwiseConv2D(2, depth_multiplier=2),
        layers.Conv2D(2, 2, dilation_rate=2),
    )


@case(optimizer=adam)
def convolution_3d(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Conv3D(3, (2, 3, 2), input_shape=image(keras, 2, 4, 5, 4), activation="relu"),
        layers.Conv3DTranspose(2, 2, strides=(1, 2, 1)),
        layers.ZeroPadding3D((1, 1, 0)),
        layers.Cropping3D(((1, 0), (0, 1), (0, 0))),
        layers.MaxPooling3D((2, 2, 2)),
        layers.UpSampling3D((1, 2, 1)),
        layers.GlobalAveragePooling3D(),
    )


@case(optimizer=adam)
def convolution_transposed(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Conv2DTranspose(3, (3, 2), strides=2, input_shape=image(keras, 2, 3, 3)),
        layers.Activation("relu"),
        layers.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1),
        layers.GlobalAveragePooling2D(),
    )


@case(optimizer=sgd)
def separable_convolution(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.SeparableConv2D(
            4, (2, 3), depth_multiplier=2, input_shape=image(keras, 3, 6, 7), padding="same"
        ),
        layers.GlobalMaxPooling2D(),
    )


@case(optimizer=sgd)
def locally_connected(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.LocallyConnected2D(3, 2, input_shape=image(keras, 2, 5, 4), activation="tanh"),
        layers.Reshape((4, 9)),
        layers.LocallyConnected1D(2, 2, strides=2),
        layers.Flatten(),
        layers.Dense(2),
    )


@case(optimizer=sgd)
def batch_normalization(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Dense(4, input_dim=3),
        layers.BatchNormalization(epsilon=0.01, momentum=0.8),
        layers.Dense(4),
        layers.BatchNormalization(center=False),
        layers.Dense(4),
        layers.BatchNormalization(scale=False, axis=1),
    )


@case(optimizer=sgd)
def advanced_activations(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.LeakyReLU(0.2, input_shape=(4, 3)),
        layers.PReLU(shared_axes=[1]),
        layers.ELU(0.7),
        layers.ThresholdedReLU(0.1),
        layers.Softmax(axis=1),
        layers.ReLU(6.0),
        layers.Flatten(),
        layers.Dense(2),
    )


@case()
def activations(keras):
    names = "softplus softsign relu tanh sigmoid hard_sigmoid linear softmax selu elu exponential"
    layers = keras.layers
    x = layers.Input(shape=(4,))
    parts = [layers.Dense(3, activation=name)(x) for name in names.split()]
    parts += [layers.Activation(name)(x) for name in names.split()]
    return functional(keras, x, parts)


@case()
def noise(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.GaussianNoise(0.3, input_shape=(4, 3)),
        layers.GaussianDropout(0.2),
        layers.AlphaDropout(0.2),
        layers.SpatialDropout1D(0.2),
        layers.Dropout(0.4, noise_shape=(None, 1, 3)),
        layers.Dense(2),
    )


@case()
def shapes(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Permute((2, 1), input_shape=(3, 4)),
        layers.Reshape((6, 2)),
        layers.Flatten(),
        layers.RepeatVector(3),
        layers.TimeDistributed(layers.Dense(2)),
    )
