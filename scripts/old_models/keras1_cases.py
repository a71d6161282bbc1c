"""Models in Keras 1: every layer, merge mode and optimizer."""

from scripts.old_models.recording import table

CASES, case = table()


def sgd(keras):
    return keras.optimizers.SGD(lr=0.1, momentum=0.9, nesterov=True, decay=0.05)


def adam(keras):
    return keras.optimizers.Adam(lr=0.05)


def sequential(keras, *layers):
    return keras.models.Sequential(list(layers))


def functional(keras, inputs, outputs):
    return keras.models.Model(input=inputs, output=outputs)


@case(optimizer=sgd, loss="categorical_crossentropy", metrics=["accuracy"], texts="yaml")
def dense(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Dense(4, input_dim=5, activation="relu", init="he_normal"),
        layers.Dropout(0.0),
        layers.Dense(3, activation="softmax", bias=False),
    )


@case(optimizer=adam, texts="yaml")
def penalties(keras):
    layers, regularizers = keras.layers, keras.regularizers
    return sequential(
        keras,
        layers.Dense(
            4,
            input_shape=(5,),
            activation="tanh",
            W_regularizer=regularizers.l1l2(0.02, 0.03),
            b_regularizer=regularizers.l2(0.05),
            activity_regularizer=regularizers.activity_l2(0.01),
            W_constraint=keras.constraints.maxnorm(0.8),
            b_constraint=keras.constraints.nonneg(),
        ),
        layers.ActivityRegularization(l1=0.01, l2=0.02),
        layers.Dense(2, W_constraint=keras.constraints.unitnorm(), init="orthogonal"),
    )


def of_optimizer(name, make, **kwargs):
    def build(keras):
        layers = keras.layers
        return sequential(
            keras, layers.Dense(3, input_dim=4, activation="sigmoid"), layers.Dense(2)
        )

    build.__name__ = name
    case(optimizer=make, **kwargs)(build)


of_optimizer("sgd_plain", lambda keras: keras.optimizers.SGD(lr=0.3))
of_optimizer("sgd_clipped", lambda keras: keras.optimizers.SGD(0.5, 0.5, clipnorm=0.3))
of_optimizer("sgd_by_value", lambda keras: keras.optimizers.SGD(0.5, 0.8, clipvalue=0.05))
of_optimizer("rmsprop", lambda keras: keras.optimizers.RMSprop(0.02, 0.8, 1e-3))
of_optimizer("adagrad", lambda keras: keras.optimizers.Adagrad(0.2, 1e-3))
of_optimizer("adadelta", lambda keras: keras.optimizers.Adadelta(0.9, 0.8, 1e-2))
of_optimizer("adam_decayed", lambda keras: keras.optimizers.Adam(0.05, 0.8, 0.9, 1e-3, decay=0.1))
of_optimizer("adamax", lambda keras: keras.optimizers.Adamax(0.05, 0.8, 0.9, 1e-3))
of_optimizer("nadam", lambda keras: keras.optimizers.Nadam(0.05, 0.8, 0.9, 1e-3))
of_optimizer("mean_absolute", adam, loss="mae")
of_optimizer("hinge", adam, loss="hinge")
of_optimizer("poisson", adam, loss="poisson")
of_optimizer("cosine", adam, loss="cosine_proximity")


@case(optimizer=sgd)
def convolution_1d(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Convolution1D(4, 3, border_mode="same", input_shape=(9, 2), activation="relu"),
        layers.MaxPooling1D(2),
        layers.Convolution1D(3, 2, subsample_length=2),
        layers.ZeroPadding1D(2),
        layers.UpSampling1D(2),
        layers.Cropping1D((1, 2)),
        layers.AveragePooling1D(3, stride=2, border_mode="valid"),
        layers.Flatten(),
        layers.Dense(2),
    )


@case()
def atrous_convolutions(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.AtrousConvolution1D(4, 2, atrous_rate=2, input_shape=(9, 3)),
        layers.Reshape((7, 4, 1)),
        layers.AtrousConvolution2D(2, 2, 2, atrous_rate=(2, 2), dim_ordering="tf"),
    )


def image(keras, channels, rows, columns):
    """Returns the shape of an image in the ordering of the environment."""
    if keras.backend.image_dim_ordering() == "th":
        return (channels, rows, columns)
    return (rows, columns, channels)


def channel_axis(keras):
    return 1 if keras.backend.image_dim_ordering() == "th" else -1


@case(
    optimizer=adam,
    loss="categorical_crossentropy",
    metrics=["accuracy"],
    texts="yaml",
)
def convolution_2d(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Convolution2D(3, 3, 2, input_shape=image(keras, 2, 8, 7), activation="tanh"),
        layers.BatchNormalization(axis=channel_axis(keras)),
        layers.MaxPooling2D((2, 2)),
        layers.Convolution2D(4, 2, 2, border_mode="same", subsample=(2, 1), bias=False),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    )


@case()
def convolution_2d_other_ordering(keras):
    """A model whose layers say the ordering that the environment does not use."""
    layers = keras.layers
    if keras.backend.image_dim_ordering() == "th":
        other, shape = "tf", (8, 7, 2)
    else:
        other, shape = "th", (2, 8, 7)
    return sequential(
        keras,
        layers.Convolution2D(3, 3, 2, dim_ordering=other, input_shape=shape),
        layers.ZeroPadding2D((1, 2), dim_ordering=other),
        layers.MaxPooling2D((2, 2), dim_ordering=other),
        layers.Flatten(),
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
        layers.Convolution2D(2, 2, 2),
    )


@case(optimizer=adam)
def convolution_3d(keras):
    layers = keras.layers
    shape = (2, 4, 5, 4) if keras.backend.image_dim_ordering() == "th" else (4, 5, 4, 2)
    return sequential(
        keras,
        layers.Convolution3D(3, 2, 3, 2, input_shape=shape, activation="relu"),
        layers.ZeroPadding3D((1, 1, 0)),
        layers.Cropping3D(((1, 0), (0, 1), (0, 0))),
        layers.MaxPooling3D((2, 2, 2)),
        layers.UpSampling3D((1, 2, 1)),
        layers.Flatten(),
        layers.Dense(2),
    )


@case()
def deconvolution(keras):
    layers = keras.layers
    shape = (None,) + image(keras, 3, 8, 7)
    return sequential(
        keras,
        layers.Deconvolution2D(
            3, 3, 2, output_shape=shape, subsample=(2, 2), input_shape=image(keras, 2, 3, 3)
        ),
        layers.Activation("relu"),
    )


@case()
def separable_convolution(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.SeparableConvolution2D(
            4, 2, 3, depth_multiplier=2, input_shape=image(keras, 3, 6, 7), border_mode="same"
        ),
        layers.GlobalMaxPooling2D(),
    )


@case(optimizer=sgd)
def locally_connected(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.LocallyConnected2D(3, 2, 2, input_shape=image(keras, 2, 5, 4), activation="tanh"),
        layers.Reshape((4, 9)),
        layers.LocallyConnected1D(2, 2, subsample_length=2),
        layers.Flatten(),
        layers.Dense(2),
    )


@case()
def global_pooling(keras):
    layers = keras.layers
    x = layers.Input(shape=image(keras, 2, 4, 5))
    sequence = layers.Input(shape=(6, 3))
    parts = [layers.GlobalMaxPooling2D()(x), layers.GlobalAveragePooling2D()(x)]
    parts += [layers.GlobalMaxPooling1D()(sequence), layers.GlobalAveragePooling1D()(sequence)]
    return functional(keras, [x, sequence], layers.merge(parts, mode="concat"))


@case(optimizer=sgd)
def batch_normalization_modes(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Dense(4, input_dim=3),
        layers.BatchNormalization(epsilon=0.01, momentum=0.8),
        layers.Dense(4),
        layers.BatchNormalization(mode=1),
        layers.Dense(4),
        layers.BatchNormalization(mode=2),
    )


@case(optimizer=sgd)
def advanced_activations(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.LeakyReLU(0.2, input_shape=(4, 3)),
        layers.PReLU(),
        layers.ELU(0.7),
        layers.ParametricSoftplus(0.3, 2.0),
        layers.SReLU(),
        layers.ThresholdedReLU(0.1),
        layers.Flatten(),
        layers.Dense(2),
    )


@case()
def activations(keras):
    names = "softplus softsign relu tanh sigmoid hard_sigmoid softmax".split()
    layers = keras.layers
    x = layers.Input(shape=(4,))
    parts = [layers.Dense(3, activation=name)(x) for name in [*names, "linear"]]
    parts += [layers.Activation(name)(x) for name in names]
    return functional(keras, x, parts)


@case()
def noise(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.GaussianNoise(0.3, input_shape=(4, 3)),
        layers.GaussianDropout(0.2),
        layers.SpatialDropout1D(0.2),
        layers.Dropout(0.4),
        layers.Dense(2) if keras.__version__ >= "1.2" else layers.TimeDistributed(layers.Dense(2)),
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
    )


@case(optimizer=sgd)
def maxout_and_highway(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.MaxoutDense(4, nb_feature=3, input_dim=5),
        layers.Highway(activation="tanh"),
        layers.Dense(2),
    )
