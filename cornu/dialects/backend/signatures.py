"""Signatures of the functions of the backends of Keras 1.2.2 and 2.3.1, as tables."""

from __future__ import annotations

__all__ = ["KERAS_1", "KERAS_2", "RENAMES", "THEANO_ONLY"]

# Functions with the same signature in both versions.
_SAME = {
    "abs": "x",
    "all": "x, axis=None, keepdims=False",
    "any": "x, axis=None, keepdims=False",
    "arange": "start, stop=None, step=1, dtype='int32'",
    "argmax": "x, axis=-1",
    "argmin": "x, axis=-1",
    "batch_dot": "x, y, axes=None",
    "batch_flatten": "x",
    "batch_set_value": "tuples",
    "cast": "x, dtype",
    "cast_to_floatx": "x",
    "clear_session": "",
    "clip": "x, min_value, max_value",
    "concatenate": "tensors, axis=-1",
    "cos": "x",
    "count_params": "x",
    "ctc_batch_cost": "y_true, y_pred, input_length, label_length",
    "ctc_label_dense_to_sparse": "labels, label_lengths",
    "dot": "x, y",
    "dropout": "x, level, noise_shape=None, seed=None",
    "dtype": "x",
    "elu": "x, alpha=1.0",
    "epsilon": "",
    "equal": "x, y",
    "eval": "x",
    "exp": "x",
    "eye": "size, dtype=None, name=None",
    "flatten": "x",
    "floatx": "",
    "foldl": "fn, elems, initializer=None, name=None",
    "foldr": "fn, elems, initializer=None, name=None",
    "function": "inputs, outputs, updates=None, **kwargs",
    "gather": "reference, indices",
    "get_session": "",
    "get_uid": "prefix=''",
    "get_value": "x",
    "get_variable_shape": "x",
    "gradients": "loss, variables",
    "greater": "x, y",
    "greater_equal": "x, y",
    "hard_sigmoid": "x",
    "image_dim_ordering": "",
    "in_top_k": "predictions, targets, k",
    "int_shape": "x",
    "is_keras_tensor": "x",
    "is_sparse": "tensor",
    "learning_phase": "",
    "log": "x",
    "manual_variable_initialization": "value",
    "max": "x, axis=None, keepdims=False",
    "maximum": "x, y",
    "mean": "x, axis=None, keepdims=False",
    "min": "x, axis=None, keepdims=False",
    "minimum": "x, y",
    "ndim": "x",
    "normalize_batch_in_training": "x, gamma, beta, reduction_axes, epsilon=0.001",
    "not_equal": "x, y",
    "ones": "shape, dtype=None, name=None",
    "ones_like": "x, dtype=None, name=None",
    "permute_dimensions": "x, pattern",
    "placeholder": "shape=None, ndim=None, dtype=None, sparse=False, name=None",
    "pow": "x, a",
    "print_tensor": "x, message=''",
    "prod": "x, axis=None, keepdims=False",
    "random_binomial": "shape, p=0.0, dtype=None, seed=None",
    "random_normal_variable": "shape, mean, scale, dtype=None, name=None, seed=None",
    "random_uniform_variable": "shape, low, high, dtype=None, name=None, seed=None",
    "repeat": "x, n",
    "repeat_elements": "x, rep, axis",
    "reset_uids": "",
    "reshape": "x, shape",
    "reverse": "x, axes",
    "rnn": (
        "step_function, inputs, initial_states, go_backwards=False, mask=None, "
        "constants=None, unroll=False, input_length=None"
    ),
    "round": "x",
    "set_epsilon": "e",
    "set_floatx": "floatx",
    "set_image_dim_ordering": "dim_ordering",
    "set_learning_phase": "value",
    "set_session": "session",
    "set_value": "x, value",
    "shape": "x",
    "sigmoid": "x",
    "sign": "x",
    "sin": "x",
    "softplus": "x",
    "softsign": "x",
    "sqrt": "x",
    "square": "x",
    "squeeze": "x, axis",
    "std": "x, axis=None, keepdims=False",
    "stop_gradient": "variables",
    "sum": "x, axis=None, keepdims=False",
    "switch": "condition, then_expression, else_expression",
    "tanh": "x",
    "tile": "x, n",
    "to_dense": "tensor",
    "transpose": "x",
    "update": "x, new_x",
    "update_add": "x, increment",
    "update_sub": "x, decrement",
    "var": "x, axis=None, keepdims=False",
    "zeros": "shape, dtype=None, name=None",
    "zeros_like": "x, dtype=None, name=None",
}

KERAS_1 = {
    **_SAME,
    "asymmetric_spatial_2d_padding": (
        "x, top_pad=1, bottom_pad=1, left_pad=1, right_pad=1, dim_ordering='default'"
    ),
    "asymmetric_temporal_padding": "x, left_pad=1, right_pad=1",
    "atrous_conv2d": (
        "x, kernel, rate=1, border_mode='valid', dim_ordering='default', "
        "image_shape=None, filter_shape=None"
    ),
    "batch_get_value": "xs",
    "batch_normalization": "x, mean, var, beta, gamma, epsilon=0.001",
    "binary_crossentropy": "output, target, from_logits=False",
    "categorical_crossentropy": "output, target, from_logits=False",
    "conv1d": "x, kernel, stride=1, border_mode='valid', image_shape=None, filter_shape=None",
    "conv2d": (
        "x, kernel, strides=(1, 1), border_mode='valid', dim_ordering='default', "
        "image_shape=None, filter_shape=None, filter_dilation=(1, 1)"
    ),
    "conv3d": (
        "x, kernel, strides=(1, 1, 1), border_mode='valid', dim_ordering='default', "
        "volume_shape=None, filter_shape=None"
    ),
    "ctc_decode": "y_pred, input_length, greedy=True, beam_width=100, top_paths=1",
    "deconv2d": (
        "x, kernel, output_shape, strides=(1, 1), border_mode='valid', "
        "dim_ordering='default', image_shape=None, filter_shape=None"
    ),
    "expand_dims": "x, dim=-1",
    "in_test_phase": "x, alt",
    "in_train_phase": "x, alt",
    "l2_normalize": "x, axis",
    "legacy_weight_ordering": "",
    "lesser": "x, y",
    "lesser_equal": "x, y",
    "map_fn": "fn, elems, name=None",
    "moving_average_update": "variable, value, momentum",
    "one_hot": "indices, nb_classes",
    "pool2d": (
        "x, pool_size, strides=(1, 1), border_mode='valid', dim_ordering='default', pool_mode='max'"
    ),
    "pool3d": (
        "x, pool_size, strides=(1, 1, 1), border_mode='valid', dim_ordering='default', "
        "pool_mode='max'"
    ),
    "random_normal": "shape, mean=0.0, std=1.0, dtype=None, seed=None",
    "random_uniform": "shape, low=0.0, high=1.0, dtype=None, seed=None",
    "relu": "x, alpha=0.0, max_value=None",
    "resize_images": "X, height_factor, width_factor, dim_ordering",
    "resize_volumes": "X, depth_factor, height_factor, width_factor, dim_ordering",
    "separable_conv2d": (
        "x, depthwise_kernel, pointwise_kernel, strides=(1, 1), border_mode='valid', "
        "dim_ordering='default'"
    ),
    "set_legacy_weight_ordering": "value",
    "softmax": "x",
    "sparse_categorical_crossentropy": "output, target, from_logits=False",
    "spatial_2d_padding": "x, padding=(1, 1), dim_ordering='default'",
    "spatial_3d_padding": "x, padding=(1, 1, 1), dim_ordering='default'",
    "stack": "x",
    "temporal_padding": "x, padding=1",
    "variable": "value, dtype=None, name=None",
}

KERAS_2 = {
    **_SAME,
    "batch_get_value": "ops",
    "batch_normalization": "x, mean, var, beta, gamma, axis=-1, epsilon=0.001",
    "bias_add": "x, bias, data_format=None",
    "binary_crossentropy": "target, output, from_logits=False",
    "categorical_crossentropy": "target, output, from_logits=False, axis=-1",
    "constant": "value, dtype=None, shape=None, name=None",
    "control_dependencies": "control_inputs",
    "conv1d": "x, kernel, strides=1, padding='valid', data_format=None, dilation_rate=1",
    "conv2d": "x, kernel, strides=(1, 1), padding='valid', data_format=None, dilation_rate=(1, 1)",
    "conv2d_transpose": (
        "x, kernel, output_shape, strides=(1, 1), padding='valid', data_format=None, "
        "dilation_rate=(1, 1)"
    ),
    "conv3d": (
        "x, kernel, strides=(1, 1, 1), padding='valid', data_format=None, dilation_rate=(1, 1, 1)"
    ),
    "conv3d_transpose": (
        "x, kernel, output_shape, strides=(1, 1, 1), padding='valid', data_format=None"
    ),
    "ctc_decode": (
        "y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False"
    ),
    "cumprod": "x, axis=0",
    "cumsum": "x, axis=0",
    "depthwise_conv2d": (
        "x, depthwise_kernel, strides=(1, 1), padding='valid', data_format=None, "
        "dilation_rate=(1, 1)"
    ),
    "eager": "func",
    "expand_dims": "x, axis=-1",
    "identity": "x, name=None",
    "image_data_format": "",
    "in_test_phase": "x, alt, training=None",
    "in_train_phase": "x, alt, training=None",
    "is_placeholder": "x",
    "is_symbolic": "x",
    "is_tensor": "x",
    "is_variable": "x",
    "l2_normalize": "x, axis=None",
    "less": "x, y",
    "less_equal": "x, y",
    "local_conv1d": "inputs, kernel, kernel_size, strides, data_format=None",
    "local_conv2d": "inputs, kernel, kernel_size, strides, output_shape, data_format=None",
    "logsumexp": "x, axis=None, keepdims=False",
    "map_fn": "fn, elems, name=None, dtype=None",
    "moving_average_update": "x, value, momentum",
    "name_scope": "name",
    "normalize_data_format": "value",
    "one_hot": "indices, num_classes",
    "pool2d": "x, pool_size, strides=(1, 1), padding='valid', data_format=None, pool_mode='max'",
    "pool3d": "x, pool_size, strides=(1, 1, 1), padding='valid', data_format=None, pool_mode='max'",
    "random_normal": "shape, mean=0.0, stddev=1.0, dtype=None, seed=None",
    "random_uniform": "shape, minval=0.0, maxval=1.0, dtype=None, seed=None",
    "relu": "x, alpha=0.0, max_value=None, threshold=0.0",
    "resize_images": "x, height_factor, width_factor, data_format, interpolation='nearest'",
    "resize_volumes": "x, depth_factor, height_factor, width_factor, data_format",
    "separable_conv1d": (
        "x, depthwise_kernel, pointwise_kernel, strides=1, padding='valid', "
        "data_format=None, dilation_rate=1"
    ),
    "separable_conv2d": (
        "x, depthwise_kernel, pointwise_kernel, strides=(1, 1), padding='valid', "
        "data_format=None, dilation_rate=(1, 1)"
    ),
    "set_image_data_format": "data_format",
    "size": "x, name=None",
    "slice": "x, start, size",
    "softmax": "x, axis=-1",
    "sparse_categorical_crossentropy": "target, output, from_logits=False, axis=-1",
    "spatial_2d_padding": "x, padding=((1, 1), (1, 1)), data_format=None",
    "spatial_3d_padding": "x, padding=((1, 1), (1, 1), (1, 1)), data_format=None",
    "stack": "x, axis=0",
    "symbolic": "func",
    "temporal_padding": "x, padding=(1, 1)",
    "truncated_normal": "shape, mean=0.0, stddev=1.0, dtype=None, seed=None",
    "v1_variable_initialization": "",
    "variable": "value, dtype=None, name=None, constraint=None",
}

# Parameters of Keras 1 -> those of Keras 2.3, whose names the implementations have.
RENAMES = {
    "X": "x",
    "border_mode": "padding",
    "dim": "axis",
    "dim_ordering": "data_format",
    "filter_dilation": "dilation_rate",
    "high": "maxval",
    "low": "minval",
    "nb_classes": "num_classes",
    "rate": "dilation_rate",
    "std": "stddev",
    "stride": "strides",
    "variable": "x",
    "xs": "ops",
}

# Functions that only the backend of Theano has; `backend()` is "tensorflow".
THEANO_ONLY = (
    "ctc_cost",
    "ctc_create_skip_idxs",
    "ctc_interleave_blanks",
    "ctc_path_probs",
    "ctc_update_log_p",
    "is_explicit_shape",
    "pattern_broadcast",
)
