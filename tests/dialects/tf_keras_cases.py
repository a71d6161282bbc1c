"""Models of tf.keras 2 with all layers, optimizers, losses and metrics, to compare numbers.

A case takes the `keras` module and returns numbers by name. The script
scripts/make_tf_keras_reference.py runs the cases on tf_keras, the tests on the dialect. Layers are
branches of one model, whose losses and gradients do not depend on each other, so that many layers
are compiled at once.
"""

import numpy as np

_CONV = {"padding": "same", "activation": "relu"}
_GRAY = (6, 6, 2)
_WORDS = (5, 3)
_SEQUENCE = (8, 3)
_VIDEO = (3, 4, 4, 1)
_CUBE = (4, 4, 4, 2)


def _pair(layer):
    """Returns a function that calls a layer on a Tensor and another of the same shape."""
    return lambda k: lambda x: layer(k)([x, k.Activation("tanh")(x)])


# Group -> name -> the shape of a sample and a function that makes what is called on an input.
LAYERS = {
    "core": {
        "dense": ((6,), lambda k: k.Dense(4, activation="hard_sigmoid", activity_regularizer="l2")),
        "activation": ((6,), lambda k: k.Activation("selu")),
        "activity": ((6,), lambda k: k.ActivityRegularization(0.1, 0.1)),
        "lambda": ((6,), lambda k: k.Lambda(lambda x: x * 2)),
        "identity": ((6,), lambda k: k.Identity()),
        "reshape": ((6,), lambda k: k.Reshape((3, 2))),
        "permute": ((4, 3), lambda k: k.Permute((2, 1))),
        "repeat": ((6,), lambda k: k.RepeatVector(3)),
        "masking": (_WORDS, lambda k: lambda x: k.GlobalAveragePooling1D()(k.Masking(0.5)(x))),
        "einsum": (_WORDS, lambda k: k.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d")),
        "embedding": ("integers", lambda k: k.Embedding(7, 3)),
        "time_distributed": ((4, 3), lambda k: k.TimeDistributed(k.Dense(2))),
        "layer_norm": ((6,), lambda k: k.LayerNormalization()),
        "group_norm": ((5, 6), lambda k: k.GroupNormalization(3)),
        "unit_norm": ((6,), lambda k: k.UnitNormalization()),
        "batch_norm": ((5, 5, 3), lambda k: k.BatchNormalization()),
    },
    "activations": {
        "prelu": ((4, 3), lambda k: k.PReLU(shared_axes=[1])),
        "leaky_relu": ((4, 3), lambda k: k.LeakyReLU(0.2)),
        "thresholded_relu": ((4, 3), lambda k: k.ThresholdedReLU(0.3)),
        "elu": ((4, 3), lambda k: k.ELU(0.7)),
        "relu": ((4, 3), lambda k: k.ReLU(0.8, 0.1, 0.2)),
        "softmax": ((4, 3), lambda k: k.Softmax(axis=1)),
        "add": ((6,), _pair(lambda k: k.Add())),
        "subtract": ((6,), _pair(lambda k: k.Subtract())),
        "multiply": ((6,), _pair(lambda k: k.Multiply())),
        "average": ((6,), _pair(lambda k: k.Average())),
        "maximum": ((6,), _pair(lambda k: k.Maximum())),
        "minimum": ((6,), _pair(lambda k: k.Minimum())),
        "concatenate": ((4, 3), _pair(lambda k: k.Concatenate(1))),
        "dot": ((4, 3), _pair(lambda k: k.Dot((2, 2), normalize=True))),
        "attention": (_WORDS, _pair(lambda k: k.Attention(use_scale=True))),
        "additive_attention": (_WORDS, _pair(lambda k: k.AdditiveAttention())),
        "multi_head": (_WORDS, lambda k: lambda x: k.MultiHeadAttention(2, 3, 2)(x, x)),
    },
    "convolutions": {
        "conv1d": (_SEQUENCE, lambda k: k.Conv1D(4, 3, padding="causal", dilation_rate=2)),
        "conv2d": (_GRAY, lambda k: k.Conv2D(4, 3, strides=2, groups=2, **_CONV)),
        "conv3d": (_CUBE, lambda k: k.Conv3D(2, 2)),
        "transposed1d": (_SEQUENCE, lambda k: k.Conv1DTranspose(3, 3, 2, **_CONV)),
        "transposed": (_GRAY, lambda k: k.Conv2DTranspose(3, 3, strides=2, **_CONV)),
        "transposed3d": (_CUBE, lambda k: k.Conv3DTranspose(2, 2, strides=2)),
        "separable1d": (_SEQUENCE, lambda k: k.SeparableConv1D(3, 3)),
        "separable": (_GRAY, lambda k: k.SeparableConv2D(3, 3, depth_multiplier=2)),
        "depthwise1d": (_SEQUENCE, lambda k: k.DepthwiseConv1D(3, 2, depth_multiplier=2)),
        "depthwise": (_GRAY, lambda k: k.DepthwiseConv2D(3, dilation_rate=2)),
        "local1d": ((6, 2), lambda k: k.LocallyConnected1D(3, 2)),
        "local2d": ((5, 5, 2), lambda k: k.LocallyConnected2D(3, 2)),
    },
    "pictures": {
        "max_pool1d": (_SEQUENCE, lambda k: k.MaxPooling1D(3, 2, padding="same")),
        "max_pool": (_GRAY, lambda k: k.MaxPooling2D(3, 2, padding="same")),
        "max_pool3d": (_CUBE, lambda k: k.MaxPooling3D(2)),
        "average_pool1d": (_SEQUENCE, lambda k: k.AveragePooling1D(3, 2, padding="same")),
        "average_pool": (_GRAY, lambda k: k.AveragePooling2D(3, 2, padding="same")),
        "average_pool3d": (_CUBE, lambda k: k.AveragePooling3D(2)),
        "global_average1d": (_SEQUENCE, lambda k: k.GlobalAveragePooling1D()),
        "global_average2d": (_GRAY, lambda k: k.GlobalAveragePooling2D(keepdims=True)),
        "global_average3d": (_CUBE, lambda k: k.GlobalAveragePooling3D()),
        "global_max1d": (_SEQUENCE, lambda k: k.GlobalMaxPooling1D()),
        "global_max2d": (_GRAY, lambda k: k.GlobalMaxPooling2D()),
        "global_max3d": (_CUBE, lambda k: k.GlobalMaxPooling3D()),
        "upsampling1d": (_SEQUENCE, lambda k: k.UpSampling1D(2)),
        "upsampling": ((3, 3, 2), lambda k: k.UpSampling2D(2, interpolation="bilinear")),
        "upsampling3d": (_CUBE, lambda k: k.UpSampling3D((1, 2, 1))),
        "zero_padding1d": (_SEQUENCE, lambda k: k.ZeroPadding1D((1, 2))),
        "zero_padding": ((3, 3, 2), lambda k: k.ZeroPadding2D(((1, 0), (2, 1)))),
        "zero_padding3d": (_CUBE, lambda k: k.ZeroPadding3D(1)),
        "cropping1d": (_SEQUENCE, lambda k: k.Cropping1D((1, 2))),
        "cropping": ((5, 5, 2), lambda k: k.Cropping2D(1)),
        "cropping3d": (_CUBE, lambda k: k.Cropping3D(1)),
        "center_crop": (_GRAY, lambda k: k.CenterCrop(4, 3)),
        "resizing": (_GRAY, lambda k: k.Resizing(4, 9)),
        "rescaling": (_GRAY, lambda k: k.Rescaling(0.5, 1.0)),
        "normalization": ((3,), lambda k: k.Normalization(mean=[1, 2, 3], variance=[1, 4, 9])),
    },
    "recurrent": {
        "lstm": (_WORDS, lambda k: k.LSTM(4, return_sequences=True)),
        "gru": (_WORDS, lambda k: k.GRU(4, go_backwards=True)),
        "gru_before": (_WORDS, lambda k: k.GRU(4, reset_after=False)),
        "simple_rnn": (_WORDS, lambda k: k.SimpleRNN(4)),
        "rnn": (_WORDS, lambda k: k.RNN(k.SimpleRNNCell(3), unroll=True)),
        "stacked": (_WORDS, lambda k: k.RNN(k.StackedRNNCells([k.LSTMCell(3), k.GRUCell(2)]))),
        "bidirectional": (_WORDS, lambda k: k.Bidirectional(k.LSTM(3), merge_mode="ave")),
        "masked": (_WORDS, lambda k: lambda x: k.LSTM(3)(k.Masking(0.5)(x))),
        "conv_lstm1d": ((3, 4, 2), lambda k: k.ConvLSTM1D(2, 3, padding="same")),
        "conv_lstm": (_VIDEO, lambda k: k.ConvLSTM2D(2, 3, padding="same")),
        "conv_lstm3d": ((2, 3, 3, 3, 1), lambda k: k.ConvLSTM3D(2, 2)),
    },
    # Layers with noise in training: their predictions alone are compared.
    "noise": {
        "dropout": ((6,), lambda k: k.Dropout(0.5)),
        "alpha_dropout": ((6,), lambda k: k.AlphaDropout(0.5)),
        "gaussian_dropout": ((6,), lambda k: k.GaussianDropout(0.5)),
        "gaussian_noise": ((6,), lambda k: k.GaussianNoise(0.5)),
        "spatial1d": (_SEQUENCE, lambda k: k.SpatialDropout1D(0.5)),
        "spatial2d": (_GRAY, lambda k: k.SpatialDropout2D(0.5)),
        "spatial3d": (_CUBE, lambda k: k.SpatialDropout3D(0.5)),
        "random_brightness": (_GRAY, lambda k: k.RandomBrightness(0.5)),
        "random_contrast": (_GRAY, lambda k: k.RandomContrast(0.5)),
        "random_crop": (_GRAY, lambda k: k.RandomCrop(4, 3)),
        "random_flip": (_GRAY, lambda k: k.RandomFlip()),
        "random_rotation": (_GRAY, lambda k: k.RandomRotation(0.5)),
        "random_translation": (_GRAY, lambda k: k.RandomTranslation(0.5, 0.5)),
        "random_zoom": (_GRAY, lambda k: k.RandomZoom(0.5)),
    },
}
OPTIMIZERS = {
    "sgd": ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "sgd_clipped": ("SGD", {"learning_rate": 0.1, "clipnorm": 0.05}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True}),
    "adagrad": ("Adagrad", {"learning_rate": 0.1}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adam": ("Adam", {"learning_rate": 0.01, "amsgrad": True}),
    "adam_w": ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1}),
    "adamax": ("Adamax", {"learning_rate": 0.01}),
    "nadam": ("Nadam", {"learning_rate": 0.01}),
    "adafactor": ("Adafactor", {"learning_rate": 0.1}),
    "lion": ("Lion", {"learning_rate": 0.01}),
    "ftrl": ("Ftrl", {"learning_rate": 0.1}),
    "legacy_sgd": ("legacy.SGD", {"lr": 0.1, "momentum": 0.9, "decay": 0.1}),
    "legacy_rmsprop": ("legacy.RMSprop", {"lr": 0.01, "rho": 0.8, "momentum": 0.5}),
    "legacy_adagrad": ("legacy.Adagrad", {"learning_rate": 0.1}),
    "legacy_adadelta": ("legacy.Adadelta", {"learning_rate": 1.0}),
    "legacy_adam": ("legacy.Adam", {"learning_rate": 0.01, "amsgrad": True, "decay": 0.1}),
    "legacy_adamax": ("legacy.Adamax", {"learning_rate": 0.01}),
    "legacy_nadam": ("legacy.Nadam", {"learning_rate": 0.01}),
    "legacy_ftrl": ("legacy.Ftrl", {"learning_rate": 0.1}),
}
# In a compiled step, a factor of Nadam depends on how often tf_keras traced the step.
EAGER = {"nadam"}


def _weights(model):
    random = np.random.RandomState(3)
    values = []
    for weight in model.get_weights():
        is_scale = np.allclose(weight, 1)  # variances, too, must be positive
        values.append(random.uniform(*((0.5, 1.0) if is_scale else (-0.5, 0.5)), weight.shape))
    return values


def _inputs(shape, random):
    if shape == "integers":
        return random.randint(0, 7, (8, 4))
    x = random.uniform(-1, 1, (8, *shape))
    if len(shape) == 2:
        x[:2, -2:] = 0.5  # the value of the cases with masks
    return x


def run_layers(keras, group, without=()):
    """Returns the numbers of each layer of a group: the losses of three steps, and predictions."""
    layers = keras.layers
    cases = {name: row for name, row in LAYERS[group].items() if name not in without}
    branches, given = [], []
    for i, (shape, make) in enumerate(cases.values()):
        is_integer = shape == "integers"
        x = layers.Input((4,) if is_integer else shape, dtype="int32" if is_integer else None)
        y = make(layers)(x)
        # Flatten of Keras 2.2 refuses what is flat.
        y = layers.Flatten()(y) if len(keras.backend.int_shape(y)) > 2 else y
        branch = keras.models.Model(x, layers.Dense(2)(y))
        random = np.random.RandomState(i)
        branch.set_weights(_weights(branch))
        branches.append(branch)
        given.append([_inputs(shape, random) for _ in range(3)])
    outputs = [branch.output for branch in branches]
    model = keras.models.Model([branch.input for branch in branches], outputs)
    model.compile(keras.optimizers.SGD(0.05), "mse")
    targets = [np.random.RandomState(9).uniform(-1, 1, (8, 2))] * len(branches)
    losses = np.zeros((3, len(branches) + 1))
    if group != "noise":
        for step in range(3):
            values = model.train_on_batch([x[step] for x in given], targets)
            losses[step] = np.ravel(values)[: len(branches) + 1]
    predictions = model.predict([x[0] for x in given], verbose=0)
    predictions = predictions if isinstance(predictions, list) else [predictions]
    found = {
        f"layer/{name}": np.concatenate([losses[:, i + 1], np.ravel(predictions[i])])
        for i, name in enumerate(cases)
    }
    return {**found, f"total/{group}": losses[:, 0]}


def run_optimizers(keras, names):
    """Returns the numbers of a small model with each optimizer."""
    layers = keras.layers
    model = keras.models.Sequential(
        [layers.Input((4,)), layers.Dense(5, "tanh"), layers.Dense(2, kernel_regularizer="l2")]
    )
    weights, found = _weights(model), {}
    random = np.random.RandomState(4)
    x, y = random.uniform(-1, 1, (3, 8, 4)), random.uniform(-1, 1, (3, 8, 2))
    for name in names:
        path, arguments = OPTIMIZERS[name]
        module = keras.optimizers.legacy if path.startswith("legacy.") else keras.optimizers
        model.set_weights(weights)
        optimizer = getattr(module, path.removeprefix("legacy."))(**arguments)
        model.compile(optimizer, "mse", run_eagerly=name in EAGER)
        losses = [float(np.ravel(model.train_on_batch(a, b))[0]) for a, b in zip(x, y, strict=True)]
        predictions = np.ravel(model.predict(x[0], verbose=0))
        found[f"optimizer/{name}"] = np.concatenate([losses, predictions])
    return found


# ------------------------------------------------------------------- losses, metrics, preprocessing

_random = np.random.RandomState(5)
SCORES = _random.uniform(0.05, 0.95, (6, 4)).astype("float32")
PROBABILITIES = SCORES / SCORES.sum(axis=1, keepdims=True)
ONE_HOT = np.eye(4, dtype="float32")[[0, 2, 1, 3, 2, 2]]
BINARY = (SCORES[::-1] > 0.5).astype("float32")
CLASSES = ONE_HOT.argmax(axis=1)
VALUES = SCORES[::-1].copy()
_BY_KIND = {
    "binary": (BINARY, SCORES),
    "categorical": (ONE_HOT, PROBABILITIES),
    "sparse": (CLASSES, PROBABILITIES),
    "signs": (2 * BINARY - 1, SCORES),
    "values": (VALUES, SCORES),
    "classes": (CLASSES, CLASSES[::-1]),
}
LOSSES = {
    "BinaryCrossentropy": ("binary", {"label_smoothing": 0.1}),
    "BinaryFocalCrossentropy": ("binary", {"apply_class_balancing": True}),
    "CategoricalCrossentropy": ("categorical", {"label_smoothing": 0.1}),
    "CategoricalFocalCrossentropy": ("categorical", {}),
    "CategoricalHinge": ("categorical", {}),
    "CosineSimilarity": ("values", {}),
    "Hinge": ("signs", {}),
    "Huber": ("values", {"delta": 0.3}),
    "KLDivergence": ("categorical", {}),
    "LogCosh": ("values", {}),
    "MeanAbsoluteError": ("values", {}),
    "MeanAbsolutePercentageError": ("values", {}),
    "MeanSquaredError": ("values", {"reduction": "sum"}),
    "MeanSquaredLogarithmicError": ("values", {}),
    "Poisson": ("values", {}),
    "SparseCategoricalCrossentropy": ("sparse", {"from_logits": True}),
    "SquaredHinge": ("signs", {}),
}
METRICS = {
    "AUC": ("binary", {"num_thresholds": 20}),
    "Accuracy": ("classes", {}),
    "BinaryAccuracy": ("binary", {"threshold": 0.4}),
    "BinaryCrossentropy": ("binary", {}),
    "BinaryIoU": ("binary", {"target_class_ids": [0, 1]}),
    "CategoricalAccuracy": ("categorical", {}),
    "CategoricalCrossentropy": ("categorical", {}),
    "CategoricalHinge": ("categorical", {}),
    "CosineSimilarity": ("values", {}),
    "F1Score": ("categorical", {"average": "macro"}),
    "FBetaScore": ("categorical", {"beta": 2.0}),
    "FalseNegatives": ("binary", {}),
    "FalsePositives": ("binary", {}),
    "Hinge": ("signs", {}),
    "IoU": ("classes", {"num_classes": 4, "target_class_ids": [0, 2]}),
    "KLDivergence": ("categorical", {}),
    "LogCoshError": ("values", {}),
    "MeanAbsoluteError": ("values", {}),
    "MeanAbsolutePercentageError": ("values", {}),
    "MeanIoU": ("classes", {"num_classes": 4}),
    "MeanSquaredError": ("values", {}),
    "MeanSquaredLogarithmicError": ("values", {}),
    "OneHotIoU": ("categorical", {"num_classes": 4, "target_class_ids": [0, 2]}),
    "OneHotMeanIoU": ("categorical", {"num_classes": 4}),
    "Poisson": ("values", {}),
    "Precision": ("binary", {}),
    "PrecisionAtRecall": ("binary", {"recall": 0.5}),
    "R2Score": ("values", {}),
    "Recall": ("binary", {}),
    "RecallAtPrecision": ("binary", {"precision": 0.5}),
    "RootMeanSquaredError": ("values", {}),
    "SensitivityAtSpecificity": ("binary", {"specificity": 0.5}),
    "SparseCategoricalAccuracy": ("sparse", {}),
    "SparseCategoricalCrossentropy": ("sparse", {}),
    "SparseTopKCategoricalAccuracy": ("sparse", {"k": 2}),
    "SpecificityAtSensitivity": ("binary", {"sensitivity": 0.5}),
    "SquaredHinge": ("signs", {}),
    "TopKCategoricalAccuracy": ("categorical", {"k": 2}),
    "TrueNegatives": ("binary", {}),
    "TruePositives": ("binary", {}),
}
WORDS = np.array([["The cat sat."], ["a cat, a dog"]])
PREPROCESSING = {
    "CategoryEncoding": ({"num_tokens": 5, "output_mode": "count"}, [[0, 1, 1], [4, 2, 0]]),
    "Discretization": ({"bin_boundaries": [0.0, 1.0, 2.0]}, [[-1.5, 1.0, 3.4, 0.5]]),
    "Hashing": ({"num_bins": 4}, [["A"], ["B"], ["C"], ["D"]]),
    "HashedCrossing": ({"num_bins": 5}, (["A", "B", "A"], ["C", "C", "D"])),
    "IntegerLookup": ({"vocabulary": [12, 36, 7], "output_mode": "multi_hot"}, [[12, 7, 5]]),
    "StringLookup": ({"vocabulary": ["a", "b"], "num_oov_indices": 2}, [["b", "z", "a"]]),
    "TextVectorization": ({"output_sequence_length": 5, "vocabulary": ["cat", "a"]}, WORDS),
}


def run_losses(keras):
    """Returns the value of each loss, with and without weights of samples."""
    found = {}
    weights = np.linspace(0.5, 2, 6).astype("float32")
    for name, (kind, arguments) in LOSSES.items():
        loss = getattr(keras.losses, name)(**arguments)
        pair = _BY_KIND[kind]
        found[f"loss/{name}"] = np.array([loss(*pair), loss(*pair, sample_weight=weights)])
    return found


def run_metrics(keras):
    """Returns the value of each metric after two batches."""
    found = {}
    for name, (kind, arguments) in METRICS.items():
        metric = getattr(keras.metrics, name)(**arguments)
        for _ in range(2):
            metric.update_state(*_BY_KIND[kind])
        found[f"metric/{name}"] = np.asarray(metric.result())
    for name in ("Mean", "Sum"):
        metric = getattr(keras.metrics, name)()
        metric.update_state(VALUES)
        found[f"metric/{name}"] = np.asarray(metric.result())
    return found


def run_preprocessing(keras):
    """Returns the results of the layers that prepare data."""
    found = {}
    for name, (arguments, x) in PREPROCESSING.items():
        given = tuple(map(np.array, x)) if isinstance(x, tuple) else np.array(x)
        found[f"preprocessing/{name}"] = np.asarray(
            getattr(keras.layers, name)(**arguments)(given), "float32"
        )
    return found


CASES = {f"layers of {group}": (run_layers, group) for group in LAYERS}
CASES.update(
    {
        f"optimizers {i}": (run_optimizers, tuple(OPTIMIZERS)[i : i + 5])
        for i in range(0, len(OPTIMIZERS), 5)
    }
)
CASES.update(
    {
        "losses": (run_losses,),
        "metrics": (run_metrics,),
        "preprocessing": (run_preprocessing,),
    }
)
