"""Names of Keras 2 that are not supported, with the reason or what to use."""

from __future__ import annotations

__all__ = ["MISSING", "TENSORFLOW_MISSING"]

_CELL = "ConvLSTM2D is supported. Its parts for cells of a program are not."
_QUEUE = "batches are read by cornu itself. Pass the Sequence or the generator to fit_generator."
_CONTENTS = "it is a part of the implementation of Keras."
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
    "losses": {"is_categorical_crossentropy": _CONTENTS},
    "metrics": dict.fromkeys(("Reduce", "SensitivitySpecificityBase"), _CONTENTS),
    "utils.losses_utils": dict.fromkeys(
        (
            *("broadcast_weights", "compute_weighted_loss", "reduce_weighted_loss"),
            "squeeze_or_expand_dimensions",
        ),
        _CONTENTS,
    ),
    "utils.vis_utils": dict.fromkeys(("add_edge", "is_model", "is_wrapped_model"), _CONTENTS),
}

_NETWORK = "it does not exist in Keras 3."
_DISTRIBUTED = "it belongs to TensorFlow's distributed training."
_REGNETS = tuple(
    f"RegNet{kind}{size}"
    for kind in "XY"
    for size in "002 004 006 008 016 032 040 064 080 120 160 320".split()
)
_RESNETS = tuple(f"ResNetRS{size}" for size in (50, 101, 152, 200, 270, 350, 420))

TENSORFLOW_MISSING: dict[str, dict[str, str]] = {
    "applications": dict.fromkeys((*_REGNETS, *_RESNETS), _NETWORK),
    "backend": {
        **dict.fromkeys(
            ("binary_focal_crossentropy", "categorical_focal_crossentropy"), "use keras.losses."
        ),
        "learning_phase_scope": "use set_learning_phase.",
        "random_bernoulli": "use random_binomial.",
    },
    "callbacks.experimental": {"UpdateEmbeddingCallback": _DISTRIBUTED},
    "constraints": dict.fromkeys(("RadialConstraint", "radial_constraint"), _NETWORK),
    "layers.experimental.preprocessing": {
        "PreprocessingLayer": "derive from Layer.",
        **dict.fromkeys(("RandomHeight", "RandomWidth"), "its output has a random shape."),
    },
    "metrics": {
        "MeanRelativeError": "use MeanMetricWrapper with a function.",
        "MeanTensor": "derive from Metric, with a Variable of the shape.",
    },
    "models": {"model_from_yaml": "tf.keras removed it. Use model_from_json."},
    "utils": {
        **dict.fromkeys(("GeneratorEnqueuer", "OrderedEnqueuer", "SequenceEnqueuer"), _QUEUE),
        "SidecarEvaluator": _DISTRIBUTED,
        "StepsPerExecutionTuner": 'pass steps_per_execution="auto" to compile.',
        "TimedThread": "use threading.Timer.",
        "to_ordinal": "compare labels with the numbers of the classes.",
        "warmstart_embedding_matrix": "assign the rows of the words that both vocabularies have.",
    },
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
