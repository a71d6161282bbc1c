"""Names of older versions of Keras, and what is written instead today.

Messages about unknown arguments and names read these tables. The dialect of Keras 1 renames
arguments by `KERAS_1_ARGUMENTS`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = [
    "KERAS_1_ARGUMENTS",
    "REMOVED_METHODS",
    "describe_argument",
    "describe_name",
    "find_present_names",
    "is_old_name_of",
]

# Arguments of Keras 1 that have the same meaning in every class -> present names.
KERAS_1_ARGUMENTS = {
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "stride": "strides",
    "atrous_rate": "dilation_rate",
    "dim_ordering": "data_format",
    "output_dim": "units",
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "pool_length": "pool_size",
    "p": "rate",
    "sigma": "stddev",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}

# Arguments of Keras 1 whose present name depends on the class, or whose value has another form. The
# first name that the class has is the present one.
_KERAS_1: dict[str, tuple[str, ...]] = {
    **{old: (new,) for old, new in KERAS_1_ARGUMENTS.items()},
    "W_regularizer": ("kernel_regularizer", "embeddings_regularizer"),
    "W_constraint": ("kernel_constraint", "embeddings_constraint"),
    "beta_init": ("beta_initializer",),
    "gamma_init": ("gamma_initializer",),
    "init": ("kernel_initializer", "embeddings_initializer", "alpha_initializer"),
    "input": ("inputs",),
    "length": ("size",),
    "nb_col": ("kernel_size",),
    "nb_epoch": ("epochs",),
    "nb_row": ("kernel_size",),
    "nb_val_samples": ("validation_steps",),
    "objective": ("loss",),
    "output": ("outputs",),
    "samples_per_epoch": ("steps_per_epoch",),
    "val_samples": ("steps",),
}

# The same for Keras 2.
_KERAS_2: dict[str, tuple[str, ...]] = {
    "alpha": ("negative_slope",),
    "epsilon": ("min_delta",),
    "l": ("l2", "l1"),
    "lr": ("learning_rate",),
    "theta": ("threshold",),
}

# Arguments without a successor -> what to do instead.
_REMOVED_ARGUMENTS = {
    "consume_less": "It is no longer needed: the implementation is chosen automatically.",
    "decay": "Pass the schedule InverseTimeDecay as learning_rate.",
    "input_dtype": "Pass the dtype to Input(shape, dtype=...).",
    "input_length": "It is no longer needed: the length is that of the input.",
    "max_q_size": "Pass max_queue_size to the constructor of the PyDataset.",
    "max_queue_size": "Pass it to the constructor of the PyDataset.",
    "nb_worker": "Pass workers to the constructor of the PyDataset.",
    "period": 'It is replaced by save_freq: "epoch", or a number of batches.',
    "pickle_safe": "Pass use_multiprocessing to the constructor of the PyDataset.",
    "schedule_decay": "It is fixed at 0.004 today.",
    "show_accuracy": 'Pass metrics=["accuracy"] to compile.',
    "use_multiprocessing": "Pass it to the constructor of the PyDataset.",
    "workers": "Pass it to the constructor of the PyDataset.",
}
_KERAS_1_REMOVED = frozenset(
    ("consume_less", "input_dtype", "max_q_size", "nb_worker", "pickle_safe", "show_accuracy")
)

# Methods of models that no longer exist -> what to write instead.
REMOVED_METHODS = {
    "evaluate_generator": "Use evaluate(generator).",
    "fit_generator": "Use fit(generator).",
    "get_input_at": "Use model.input.",
    "get_output_at": "Use model.output.",
    "predict_classes": "Use predict(x).argmax(axis=-1), or predict(x) > 0.5 for one output.",
    "predict_generator": "Use predict(generator).",
    "predict_proba": "Use predict(x).",
    "reset_states": "Call reset_state() of each stateful layer.",
    "to_yaml": "Use to_json().",
    "uses_learning_phase": "Pass training=True or training=False to the call.",
}

# Names of modules -> what to write instead, by module.
_REMOVED_NAMES: dict[str, dict[str, str]] = {
    "cornu": {
        "Functional": "Use cornu.Model(inputs, outputs).",
        "objectives": "Use cornu.losses.",
        "engine": "Use cornu.Layer, cornu.Model and cornu.Input.",
        "keras": "Write `import cornu as keras`.",
        "estimator": "Use cornu.wrappers.",
    },
    "cornu.backend": {
        "function": "Use cornu.Model(inputs, outputs), or an array function in jax.jit.",
        "gradients": "Use cornu.value_and_grad.",
        "int_shape": "Use x.shape.",
        "learning_phase": "Take a parameter `training` in `call`.",
        "placeholder": "Use cornu.Input.",
        "variable": "Use cornu.Variable.",
    },
    "cornu.callbacks": {"ReduceLR": "Use ReduceLROnPlateau."},
    "cornu.layers": {
        "AtrousConvolution1D": "Use Conv1D(..., dilation_rate=...).",
        "AtrousConvolution2D": "Use Conv2D(..., dilation_rate=...).",
        "Convolution2DTranspose": "Use Conv2DTranspose.",
        "CuDNNGRU": "Use GRU.",
        "CuDNNLSTM": "Use LSTM.",
        "Deconvolution2D": "Use Conv2DTranspose.",
        "LocallyConnected1D": "Use unfold and EinsumDense.",
        "MaxoutDense": "Use the maximum over an axis of Dense and Reshape.",
        "Merge": "Use Add, Multiply, Average, Maximum, Concatenate or Dot.",
        "ThresholdedReLU": "Use ReLU(threshold=...).",
        "TimeDistributedDense": "Use Dense, which maps the last axis, or TimeDistributed.",
        "merge": "Use add, multiply, average, maximum, concatenate or dot.",
    },
    "cornu.models": {"model_from_config": "Use cornu.Model.from_config."},
    "cornu.utils": {
        "generic_utils": "Use cornu.utils.",
        "multi_gpu_model": "Data-parallel training is not supported.",
        "np_utils": "Use cornu.utils.to_categorical.",
        "vis_utils": "Use cornu.utils.plot_model.",
        "visualize_util": "Use cornu.utils.plot_model.",
    },
}

_DIALECT = "Programs for Keras 1 run unchanged with: python -m cornu run --as keras1 program.py"


def describe_argument(name: str, known: Collection[str]) -> str:
    """Returns what to write instead of an argument of older versions, or ''.

    Args:
        name: the unknown argument.
        known: the arguments that the function or class has.

    Example:

    >>> describe_argument("lr", ["learning_rate", "momentum"])
    "Today it is called 'learning_rate'."
    >>> describe_argument("epoch", ["epochs", "verbose"])
    ''
    """
    new = _present_name(name, known, _KERAS_1)
    if new or name in _KERAS_1_REMOVED:
        return f"{new or _REMOVED_ARGUMENTS[name]}\n{_DIALECT}"
    return _present_name(name, known, _KERAS_2) or _REMOVED_ARGUMENTS.get(name, "")


def _present_name(name: str, known: Collection[str], table: Mapping[str, tuple[str, ...]]) -> str:
    new = next((new for new in table.get(name, ()) if new in known), None)
    return "" if new is None else f"Today it is called {new!r}."


def find_present_names(name: str) -> tuple[str, ...]:
    """Returns the names that an argument of Keras 1 has today, depending on the class."""
    return _KERAS_1.get(name, ())


def is_old_name_of(name: str, new: str) -> bool:
    """Tells whether an argument of Keras 1 is called by another name today."""
    return new in _KERAS_1.get(name, ())


def describe_name(module: str, name: str) -> str:
    """Returns what to write instead of a name that a module had in older versions, or ''."""
    return _REMOVED_NAMES.get(module, {}).get(name, "")
