"""Calls of functions of the backend, as both Keras 1 and 2 and the dialects run them.

Each case is an expression of `K`, `np`, the arrays `a` ... and `v`, which makes a Variable. The
spelling for Keras 2 is given where it differs.
"""

import numpy as np

STATE = np.random.RandomState(3)


def numbers(*shape):
    return STATE.uniform(-1, 1, shape).astype("float32")


ARRAYS = {
    "a": numbers(2, 3),
    "b": numbers(3, 4),
    "c": numbers(2, 3, 4),
    "d": numbers(2, 4, 3),
    "e": numbers(3, 5),
    "image": numbers(2, 6, 7, 3),
    "picture": numbers(2, 3, 6, 7),
    "kernel": numbers(3, 2, 3, 4),
    "th_kernel": numbers(4, 3, 3, 2),
    "volume": numbers(1, 4, 5, 6, 2),
    "kernel3d": numbers(2, 2, 3, 2, 3),
    "series": numbers(2, 7, 3),
    "filters": numbers(3, 3, 5),
    "depthwise": numbers(3, 2, 3, 2),
    "pointwise": numbers(1, 1, 6, 4),
    "up": numbers(3, 2, 5, 3),
    "probabilities": np.exp(numbers(4, 5)) / np.exp(numbers(4, 5)).sum(-1, keepdims=True),
    "labels": np.eye(5, dtype="float32")[[0, 3, 1, 4]],
    "classes": np.array([[0.0], [3.0], [1.0], [4.0]], "float32"),
    "frames": np.exp(numbers(2, 6, 5)) / np.exp(numbers(2, 6, 5)).sum(-1, keepdims=True),
    "words": np.array([[1.0, 2.0, 0.0], [3.0, 3.0, 1.0]], "float32"),
    "mask": np.array([[1, 1, 0, 0, 1, 1, 0], [1] * 7]),
}

# Expressions with the same spelling in both versions.
SAME = {
    name: f"K.{name}(v(a))"
    for name in (
        *("abs", "exp", "sign", "square", "sigmoid", "hard_sigmoid", "tanh", "softplus", "sin"),
        *("softsign", "cos", "round", "softmax", "elu", "relu", "flatten", "batch_flatten"),
        *("transpose", "sum", "mean", "max", "min", "prod", "std", "var", "argmax", "argmin"),
        *("ones_like", "zeros_like", "sqrt"),
    )
}
SAME.update(
    {
        "log": "K.log(v(probabilities))",
        "pow": "K.pow(v(a), 3)",
        "clip": "K.clip(v(a), -0.3, 0.4)",
        "relu_arguments": "K.relu(v(a), alpha=0.1, max_value=0.5)",
        "sum_axis": "K.sum(v(c), axis=1, keepdims=True)",
        "mean_axes": "K.mean(v(c), axis=[0, 2])",
        "mean_bool": "K.mean(K.equal(K.round(v(a)), 0.))",
        "any": "K.any(K.greater(v(a), 0.5), axis=-1)",
        "all": "K.all(K.greater(v(a), -0.5), axis=0)",
        "maximum": "K.maximum(v(a), 0.1) + K.minimum(v(a), 0.2)",
        "not_equal": "K.cast(K.not_equal(v(words), 3), 'float32')",
        "greater_equal": "K.cast(K.greater_equal(v(words), 2), 'float32')",
        "dot": "K.dot(v(a), v(b))",
        "dot_3d": "K.dot(v(d), v(e))",
        "batch_dot": "K.batch_dot(v(c), v(d))",
        "batch_dot_axes": "K.batch_dot(v(c), v(c), axes=[2, 2])",
        "batch_dot_vectors": "K.batch_dot(v(a), v(a), axes=1)",
        "gather": "K.gather(v(e), np.array([[0, 2], [1, 1]]))",
        "concatenate": "K.concatenate([v(c), v(c)], axis=1)",
        "permute": "K.permute_dimensions(v(c), (2, 0, 1))",
        "reshape": "K.reshape(v(c), (-1, 6))",
        "repeat": "K.repeat(v(a), 3)",
        "repeat_elements": "K.repeat_elements(v(c), 2, axis=1)",
        "tile": "K.tile(v(a), [2, 3])",
        "squeeze": "K.squeeze(v(classes), 1)",
        "reverse": "K.reverse(v(c), 1)",
        "l2_normalize": "K.l2_normalize(v(a), axis=-1)",
        "in_top_k": "K.cast(K.in_top_k(v(probabilities), np.array([0, 3, 1, 4]), 2), 'float32')",
        "one_hot": "K.one_hot(np.array([[0, 2], [1, 1]]), 4)",
        "switch": "K.switch(K.greater(K.sum(v(a)), 0), K.square(v(a)), K.abs(v(a)))",
        "stack": "K.stack([v(a), v(a)])",
        "eye": "K.eye(3)",
        "arange": "K.arange(1, 7, 2)",
        "temporal_padding_default": "K.temporal_padding(v(series))",
        "ctc_batch_cost": "K.ctc_batch_cost(v(words), v(frames), np.array([[6], [5]]), "
        "np.array([[2], [3]]))",
        "foldl": "K.foldl(lambda total, x: total + x, v(e))",
        "foldr": "K.foldr(lambda total, x: total * 0.5 + x, v(e))",
        "map_fn": "K.map_fn(lambda x: K.sum(x), v(e))",
        "rnn": "K.rnn(lambda x, s: (K.tanh(x + s[0]), [K.tanh(x + s[0])]), v(series), "
        "[v(series)[:, 0] * 0])[1]",
        "rnn_mask": "K.rnn(lambda x, s: (K.tanh(x + s[0]), [K.tanh(x + s[0])]), v(series), "
        "[v(series)[:, 0] * 0], mask=K.cast(v(mask), 'bool'))[0]",
        "rnn_backwards": "K.rnn(lambda x, s: (K.tanh(x + s[0] * s[1]), [K.tanh(x + s[0])]), "
        "v(series), [v(series)[:, 0] * 0], go_backwards=True, "
        "constants=[K.square(v(series)[:, 1])])[1]",
        "gradients": "K.gradients(K.sum(K.square(x)), x)[0]",
        "gradients_inner": "(lambda h: K.gradients(K.sum(K.exp(h) * h), h)[0])(K.tanh(x))",
        "second_gradient": "K.gradients(K.sum(K.gradients(K.sum(K.pow(x, 3)), x)[0]), x)[0]",
        "in_train_phase": "K.in_train_phase(K.square(x), K.abs(x))",
        "in_test_phase": "K.in_test_phase(K.square(x), K.abs(x))",
    }
)

# Expressions of Keras 1, and of Keras 2.
DIFFERENT = {
    "categorical_crossentropy": (
        "K.categorical_crossentropy(v(probabilities), v(labels))",
        "K.categorical_crossentropy(v(labels), v(probabilities))",
    ),
    "binary_crossentropy": (
        "K.binary_crossentropy(v(probabilities), v(labels))",
        "K.binary_crossentropy(v(labels), v(probabilities))",
    ),
    "sparse_categorical_crossentropy": (
        "K.sparse_categorical_crossentropy(v(probabilities), v(classes))",
        "K.sparse_categorical_crossentropy(v(classes), v(probabilities))",
    ),
    "expand_dims": ("K.expand_dims(v(a), dim=1)", "K.expand_dims(v(a), axis=1)"),
    "lesser": ("K.cast(K.lesser(v(a), 0), 'float32')", "K.cast(K.less(v(a), 0), 'float32')"),
    "conv1d": (
        "K.conv1d(v(series), v(filters), stride=2, border_mode='same')",
        "K.conv1d(v(series), v(filters), strides=2, padding='same')",
    ),
    "conv2d": (
        "K.conv2d(v(image), v(kernel), strides=(2, 1), border_mode='same', dim_ordering='tf')",
        "K.conv2d(v(image), v(kernel), strides=(2, 1), padding='same', "
        "data_format='channels_last')",
    ),
    "conv2d_th": ("K.conv2d(v(picture), v(th_kernel), dim_ordering='th')", None),
    "conv2d_dilated": (
        "K.conv2d(v(image), v(kernel), filter_dilation=(2, 2), dim_ordering='tf')",
        "K.conv2d(v(image), v(kernel), dilation_rate=(2, 2), data_format='channels_last')",
    ),
    "atrous_conv2d": ("K.atrous_conv2d(v(image), v(kernel), rate=2, dim_ordering='tf')", None),
    "deconv2d": (
        "K.deconv2d(v(image), K.permute_dimensions(v(up), (0, 1, 3, 2)), (2, 12, 7, 5), "
        "strides=(2, 1), border_mode='same', dim_ordering='tf')",
        "K.conv2d_transpose(v(image), v(up), (2, 12, 7, 5), strides=(2, 1), padding='same', "
        "data_format='channels_last')",
    ),
    "conv3d": (
        "K.conv3d(v(volume), v(kernel3d), border_mode='same', dim_ordering='tf')",
        "K.conv3d(v(volume), v(kernel3d), padding='same', data_format='channels_last')",
    ),
    "separable_conv2d": (
        "K.separable_conv2d(v(image), v(depthwise), v(pointwise), dim_ordering='tf')",
        "K.separable_conv2d(v(image), v(depthwise), v(pointwise), data_format='channels_last')",
    ),
    "depthwise_conv2d": (
        None,
        "K.depthwise_conv2d(v(image), v(depthwise), data_format='channels_last')",
    ),
    "pool2d": (
        "K.pool2d(v(image), (2, 3), strides=(2, 2), border_mode='same', dim_ordering='tf', "
        "pool_mode='avg')",
        "K.pool2d(v(image), (2, 3), strides=(2, 2), padding='same', data_format='channels_last', "
        "pool_mode='avg')",
    ),
    "pool3d": (
        "K.pool3d(v(volume), (2, 2, 2), dim_ordering='tf')",
        "K.pool3d(v(volume), (2, 2, 2), data_format='channels_last')",
    ),
    "resize_images": (
        "K.resize_images(v(image), 2, 3, 'tf')",
        "K.resize_images(v(image), 2, 3, 'channels_last')",
    ),
    "resize_volumes": (
        "K.resize_volumes(v(volume), 2, 1, 3, 'tf')",
        "K.resize_volumes(v(volume), 2, 1, 3, 'channels_last')",
    ),
    "temporal_padding": (
        "K.asymmetric_temporal_padding(v(series), 2, 1)",
        "K.temporal_padding(v(series), (2, 1))",
    ),
    "spatial_2d_padding": (
        "K.spatial_2d_padding(v(image), (1, 2), dim_ordering='tf')",
        "K.spatial_2d_padding(v(image), ((1, 1), (2, 2)), data_format='channels_last')",
    ),
    "asymmetric_spatial_2d_padding": (
        "K.asymmetric_spatial_2d_padding(v(image), 1, 2, 0, 3, dim_ordering='tf')",
        "K.spatial_2d_padding(v(image), ((1, 2), (0, 3)), data_format='channels_last')",
    ),
    "spatial_3d_padding": (
        "K.spatial_3d_padding(v(volume), (1, 2, 0), dim_ordering='tf')",
        "K.spatial_3d_padding(v(volume), ((1, 1), (2, 2), (0, 0)), data_format='channels_last')",
    ),
    "batch_normalization": (
        "K.batch_normalization(v(a), v(a)[0], K.square(v(a)[1]), v(a)[0], v(a)[1], epsilon=0.01)",
        "K.batch_normalization(v(a), v(a)[0], K.square(v(a)[1]), v(a)[0], v(a)[1], epsilon=0.01)",
    ),
    "normalize_batch": (
        "K.normalize_batch_in_training(v(a), v(a)[0], v(a)[1], [0])[0]",
        "K.normalize_batch_in_training(v(a), v(a)[0], v(a)[1], [0])[0]",
    ),
    "cumulative": (None, "K.cumsum(v(a), axis=1) + K.cumprod(v(a), axis=0)"),
    "logsumexp": (None, "K.logsumexp(v(c), axis=1)"),
    "bias_add": (None, "K.bias_add(v(picture), v(a)[0], data_format='channels_first')"),
    "slice": (None, "K.slice(v(c), [0, 1, 1], [2, 2, -1])"),
    "local_conv1d": (None, "K.local_conv1d(v(series), v(filters), (1,), (3,))"),
}


def cases(version):
    """Returns the expressions for a version by name."""
    index = {"keras1": 0, "keras2": 1}[version]
    found = dict(SAME)
    found.update({name: pair[index] for name, pair in DIFFERENT.items() if pair[index]})
    return found


def compute(K, version):
    """Returns the values of all expressions, in both learning phases where they depend on it."""
    results = {}
    for name, text in cases(version).items():
        x = K.placeholder((2, 3))
        made = eval(text, dict(ARRAYS, K=K, np=np, x=x, v=K.variable))
        for phase in (0, 1) if "phase" in name else (0,):
            function = K.function([x, K.learning_phase()], [made])
            results[f"{name}/{phase}"] = np.asarray(function([ARRAYS["a"], phase])[0])
    return results
