"""Writes the configs of the classes of an old version, as a reference for the tests of dialects.

Run in an environment with Keras 1.2.2, 2.2.4, 2.3.1 or tf_keras, and its TensorFlow:

    python make_dialect_configs.py tests/dialects/configs/2.2.4.json

Each class is created with what it requires, and once for each further argument with another value.
The file has the config of the former, and what the latter change. Tuples are `{"tuple": [...]}`.
"""

import importlib
import inspect
import json
import sys

INNER = "keras.layers.Dense(3, name='inner')"
LSTM = "keras.layers.LSTM(3, name='inner')"
CELL = "keras.layers.LSTMCell(3, name='inner')"
# What a class requires, by its name; by the name of a parameter otherwise.
REQUIRED = {
    "Attention": "",
    "Bidirectional": LSTM,
    "CategoryEncoding": "4",
    "Discretization": "[0.0, 1.0]",
    "Embedding": "5, 3",
    "EinsumDense": "'abc,cd->abd', (None, 64)",
    "Lambda": "abs",
    "Merge": "None, 'concat'",
    "RandomContrast": "0.5",
    "RandomCrop": "4, 4",
    "RandomHeight": "0.5",
    "RandomRotation": "0.5",
    "RandomTranslation": "0.5, 0.25",
    "RandomWidth": "0.5",
    "RandomZoom": "0.5",
    "SpectralNormalization": INNER,
    "StackedRNNCells": "[" + CELL + "]",
    "TimeDistributed": INNER,
    "MeanIoU": "3",
    "BinaryIoU": "",
    "IoU": "3, [0, 1]",
    "OneHotIoU": "3, [0]",
    "OneHotMeanIoU": "3",
    "MeanMetricWrapper": "abs",
    "SumOverBatchSizeMetricWrapper": "abs",
    "PrecisionAtRecall": "0.5",
    "RecallAtPrecision": "0.5",
    "SensitivityAtSpecificity": "0.5",
    "SpecificityAtSensitivity": "0.5",
    "MeanRelativeError": "[1.0, 2.0]",
    "LossFunctionWrapper": "abs",
    "EigenvalueRegularizer": "0.5",
}
BY_PARAMETER = {
    "activation": "'tanh'",
    "axes": "1",
    "cell": CELL,
    "dims": "(2, 1)",
    "factor": "0.5",
    "filter_length": "2",
    "filters": "4",
    "height": "4",
    "k": "0.5",
    "kernel_dim1": "2",
    "kernel_dim2": "3",
    "kernel_dim3": "2",
    "kernel_size": "2",
    "key_dim": "4",
    "layer": INNER,
    "n": "3",
    "nb_col": "2",
    "nb_filter": "4",
    "nb_row": "3",
    "num_bins": "4",
    "num_heads": "2",
    "output_dim": "3",
    "output_shape": "(None, 4, 5, 5)",
    "p": "0.25",
    "rate": "0.25",
    "scale": "2.0",
    "sigma": "0.5",
    "stddev": "0.5",
    "target_shape": "(2, 3)",
    "units": "3",
    "width": "4",
}
INITIALIZER = "'he_normal'"
OTHER = {
    "activation": ["'tanh'", "None"],
    "activity_regularizer": ["keras.regularizers.l2(0.5)"],
    "alpha": ["0.5"],
    "amsgrad": ["True"],
    "arguments": ["{'a': 1}"],
    "atrous_rate": ["2", "(2, 2)"],
    "axis": ["1"],
    "attention_axes": ["(1,)"],
    "batch_input_shape": ["(2, 4, 5)"],
    "beta": ["0.5"],
    "beta_1": ["0.5"],
    "beta_2": ["0.5"],
    "bias": ["False"],
    "bias_axes": ["'d'"],
    "border_mode": ["'same'"],
    "center": ["False"],
    "clipnorm": ["0.5"],
    "clipvalue": ["0.5"],
    "concat_axis": ["1"],
    "consume_less": ["'gpu'"],
    "cropping": ["1"],
    "data_format": ["'channels_first'"],
    "decay": ["0.5"],
    "depth_multiplier": ["2"],
    "dilation_rate": ["2", "(2, 2)"],
    "dim_ordering": ["'th'", "'tf'"],
    "dot_axes": ["1", "[1, 2]"],
    "dropout": ["0.25"],
    "dropout_U": ["0.25"],
    "dropout_W": ["0.25"],
    "dtype": ["'float64'"],
    "epsilon": ["0.5"],
    "forget_bias_init": ["'zero'"],
    "from_logits": ["True"],
    "go_backwards": ["True"],
    "groups": ["2"],
    "implementation": ["1", "2"],
    "initial_accumulator_value": ["0.5"],
    "inner_activation": ["'sigmoid'"],
    "inner_init": ["'glorot_uniform'"],
    "input_dim": ["5"],
    "input_dtype": ["'int32'"],
    "input_length": ["4"],
    "input_shape": ["(4, 5)"],
    "interpolation": ["'bilinear'"],
    "keepdims": ["True"],
    "kernel_size": ["2", "(2, 3)"],
    "l1": ["0.5"],
    "l2": ["0.5"],
    "label_smoothing": ["0.25"],
    "learning_rate": ["0.5"],
    "length": ["3"],
    "lr": ["0.5"],
    "m": ["3.0"],
    "mask_value": ["1.0"],
    "mask_zero": ["True"],
    "max_value": ["4.0"],
    "mean": ["0.5"],
    "merge_mode": ["'sum'", "None"],
    "minval": ["-0.5"],
    "maxval": ["0.5"],
    "min_value": ["0.5"],
    "momentum": ["0.5"],
    "name": ["'other'"],
    "nb_feature": ["2"],
    "negative_slope": ["0.5"],
    "nesterov": ["True"],
    "noise_shape": ["(1, 4)"],
    "normalize": ["True"],
    "output_padding": ["0"],
    "output_shape": ["(3,)"],
    "padding": ["'same'"],
    "pool_length": ["3"],
    "pool_size": ["3", "(3, 2)"],
    "recurrent_activation": ["'tanh'"],
    "recurrent_dropout": ["0.25"],
    "reduction": ["'sum'"],
    "reset_after": ["True", "False"],
    "return_sequences": ["True"],
    "return_state": ["True"],
    "rho": ["0.5"],
    "scale": ["False", "3.0"],
    "schedule_decay": ["0.5"],
    "seed": ["7"],
    "shared_axes": ["[1]"],
    "size": ["3", "(3, 2)"],
    "stateful": ["True"],
    "stddev": ["0.5"],
    "stride": ["2"],
    "strides": ["2", "(2, 2)"],
    "subsample": ["2", "(2, 2)"],
    "subsample_length": ["2"],
    "theta": ["0.5"],
    "threshold": ["0.5"],
    "thresholds": ["0.25"],
    "top_k": ["2"],
    "trainable": ["False"],
    "unit_forget_bias": ["False"],
    "unroll": ["True"],
    "use_bias": ["False"],
    "use_scale": ["True"],
    "value": ["0.5"],
    "distribution": ["'uniform'"],
    "gain": ["0.5"],
    "delta": ["0.5"],
    "initializer": ["'he_normal'"],
    "value_dim": ["3"],
    "supports_masking": [],
}
# Values that only some classes accept.
OF_CLASSES = {
    ("BatchNormalization", "mode"): ["1"],
    ("Cropping2D", "cropping"): ["1", "(1, 2)", "((1, 2), (2, 1))"],
    ("LayerNormalization", "axis"): ["1", "[1, 2]"],
    ("Merge", "mode"): ["'mul'", "'dot'"],
    ("RandomFlip", "mode"): ["'horizontal'"],
    ("VarianceScaling", "mode"): ["'fan_out'"],
    ("ZeroPadding1D", "padding"): ["2", "(1, 2)"],
    ("ZeroPadding2D", "padding"): ["2", "(1, 2)", "((1, 2), (2, 1))"],
    ("ZeroPadding3D", "padding"): ["2", "(1, 2, 1)"],
}
KEYWORDS = {
    1: ["batch_input_shape", "input_dtype", "input_shape", "trainable"],
    2: ["batch_input_shape", "dtype", "input_shape", "trainable"],
}
RECURRENT = ["return_sequences", "go_backwards", "stateful", "unroll", "consume_less"]
MODULES = ("layers", "optimizers", "initializers", "regularizers", "constraints", "losses")
MODULES += ("metrics",)
# Base classes, classes that are made otherwise, and those that store data of the program.
SKIPPED = ("AbstractRNNCell", "ConvRecurrent2D", "DenseFeatures", "Initializer", "InputLayer")
SKIPPED += ("Layer", "Loss", "Metric", "Optimizer", "Recurrent", "Regularizer", "TFOptimizer")
SKIPPED += ("InputSpec", "Wrapper", "Constraint", "Reduction", "MeanTensor", "Reduce")


def data(value):
    """Returns a config as data for JSON."""
    if isinstance(value, dict):
        return {str(key): data(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return {"tuple": [data(item) for item in value]}
    if isinstance(value, list):
        return [data(item) for item in value]
    if hasattr(value, "tolist"):
        return data(value.tolist())
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return {"repr": type(value).__name__}


def values_of(name, cls):
    """Returns other values of a parameter of a class, as expressions."""
    if (cls, name) in OF_CLASSES:
        return OF_CLASSES[cls, name]
    if name.endswith("_regularizer"):
        return ["keras.regularizers.l2(0.5)"]
    if name.endswith("_constraint"):
        return ["'nonneg'", "keras.constraints.MaxNorm(3.0, 1)"]
    if name.endswith("_initializer"):
        return [INITIALIZER, "'orthogonal'", "keras.initializers.Constant(0.5)"]
    if name in ("init", "beta_init", "gamma_init", "t_left_init", "a_right_init"):
        return [INITIALIZER]
    # Pairs are sizes of two axes.
    return [v for v in OTHER.get(name, []) if "2D" in cls or "noise" in name or not is_pair(v)]


def is_pair(value):
    return value.startswith("(") and value.count(",") == 1


def parameters(cls):
    function = getattr(cls.__init__, "_original_function", cls.__init__)
    found = inspect.signature(inspect.unwrap(function)).parameters.values()
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p for p in list(found)[1:] if p.kind not in kinds]


def config_of(keras, path, arguments):
    made = eval("keras.%s(%s)" % (path, arguments), {"keras": keras})  # noqa: UP031
    return data(made.get_config())


def record(keras, module, name, cls):
    """Returns the configs of a class."""
    is_layer = module == "layers"
    own = parameters(cls)
    required = [BY_PARAMETER.get(p.name, "?") for p in own if p.default is p.empty]
    given = REQUIRED.get(name, ", ".join(required))
    if is_layer:
        given = ", ".join(part for part in (given, "name='layer'") if part)
    path = "%s.%s" % (module, name)  # noqa: UP031
    config = config_of(keras, path, given)
    changes = {}
    names = [p.name for p in own if p.default is not p.empty]
    if is_layer:
        era = 1 if keras.__version__ < "2" else 2
        names += [n for n in KEYWORDS[era] if n not in names]
        if era == 1 and name in ("LSTM", "GRU", "SimpleRNN", "ConvLSTM2D"):
            names += RECURRENT
    elif module == "optimizers":
        names += [n for n in ("clipnorm", "clipvalue", "decay") if n not in names]
    for parameter in names:
        if is_layer and parameter == "name":
            continue
        for value in values_of(parameter, name):
            argument = "%s=%s" % (parameter, value)  # noqa: UP031
            try:
                both = ", ".join(part for part in (given, argument) if part)
                other = config_of(keras, path, both)
            except Exception:
                continue  # not an argument, or not a value of this class
            changed = {k: v for k, v in other.items() if k not in config or config[k] != v}
            gone = sorted(k for k in config if k not in other)
            changes[argument] = [changed, gone] if gone else [changed]
    return {"arguments": given, "config": config, "changes": changes}


def is_kind(module, name, value):
    is_class = (
        inspect.isclass(value)
        and name[0].isupper()
        and callable(getattr(value, "get_config", None))
    )
    return is_class and name not in SKIPPED and value.__name__ == name


if __name__ == "__main__":
    path, package = sys.argv[1], "tf_keras" if "--tf_keras" in sys.argv else "keras"
    keras = importlib.import_module(package)
    found = {}
    for module in MODULES:
        try:
            contents = vars(importlib.import_module("%s.%s" % (package, module)))  # noqa: UP031
        except ImportError:
            continue
        for name in sorted(contents):
            if is_kind(module, name, contents[name]):
                try:
                    recorded = record(keras, module, name, contents[name])
                except Exception as error:
                    print(module, name, repr(error)[:200])
                    continue
                found["%s.%s" % (module, name)] = recorded  # noqa: UP031
    with open(path, "w") as file:
        lines = ["%s: %s" % (json.dumps(k), json.dumps(v)) for k, v in found.items()]  # noqa: UP031
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
    print(len(found), sum(1 + len(one["changes"]) for one in found.values()))
