"""Names of Keras 2 that are not supported, with the reason or what to use."""

from __future__ import annotations

__all__ = ["MISSING", "TENSORFLOW_MISSING"]

_CELL = "ConvLSTM2D is supported. Its parts for cells of a program are not."
_QUEUE = "batches are read by cornu itself. Pass the Sequence or the generator to fit_generator."
_TARGETS = "it is a part of the implementation of fit."

MISSING: dict[str, dict[str, str]] = {
    "layers": dict.fromkeys(("ConvLSTM2DCell", "ConvRNN2D", "ConvRecurrent2D"), _CELL),
    "layers.convolutional_recurrent": dict.fromkeys(
        ("ConvLSTM2DCell", "ConvRNN2D", "ConvRecurrent2D"), _CELL
    ),
    "legacy.layers": {"ConvRecurrent2D": _CELL},
    "optimizers": {"TFOptimizer": "it wraps an optimizer of TensorFlow."},
    "utils": {
        **dict.fromkeys(("GeneratorEnqueuer", "OrderedEnqueuer"), _QUEUE),
        **dict.fromkeys(("H5Dict", "h5dict"), "open the file with h5py."),
    },
    "utils.data_utils": dict.fromkeys(
        ("GeneratorEnqueuer", "OrderedEnqueuer", "SequenceEnqueuer"), _QUEUE
    ),
    "utils.generic_utils": dict.fromkeys(
        ("func_dump", "func_load"), "it runs Python bytecode of a file."
    ),
    "utils.io_utils": dict.fromkeys(("H5Dict", "h5dict"), "open the file with h5py."),
    "utils.test_utils": {"layer_test": "it belongs to the tests of Keras."},
    "callbacks": {"standardize_input_data": _TARGETS},
}

TENSORFLOW_MISSING: dict[str, dict[str, str]] = {
    "layers": {
        **dict.fromkeys(("AbstractRNNCell", "DenseFeatures"), "it belongs to TensorFlow."),
        **dict.fromkeys(
            ("RandomHeight", "RandomWidth"), "its output has a random shape. Use RandomZoom."
        ),
    },
    "experimental": {
        **dict.fromkeys(("LinearModel", "WideDeepModel"), "build it from Dense layers."),
        "PeepholeLSTMCell": "its weights have no place in LSTMCell.",
        "SequenceFeatures": "it belongs to TensorFlow's feature columns.",
        "SidecarEvaluator": "it belongs to TensorFlow's distributed training.",
    },
    "layers.experimental": dict.fromkeys(
        ("RandomFourierFeatures", "DynamicEmbedding", "DynamicLookup"),
        "it has no equal in Keras 3.",
    ),
    "callbacks": {
        "BaseLogger": "metrics are averaged by cornu itself.",
        "SidecarEvaluatorModelExport": "it belongs to TensorFlow's distributed training.",
    },
}
