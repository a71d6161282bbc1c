"""What only some versions of Keras have; "1", "2" and "3" are the versions."""

from __future__ import annotations

from cornu.dialects.keras2.implementation.signatures import MODULES as _LAYERS_OF_KERAS_2
from cornu.renamed import KERAS_1_ARGUMENTS

__all__ = [
    "CALLS",
    "FUNCTIONS_OF_BACKEND",
    "MODULES",
    "MODULES_OR_FUNCTIONS",
    "NAMES",
    "ONLY_NEW_KEYWORDS",
    "THREE_SIZES",
]

_MODULES_OF_LAYERS = (
    *("advanced_activations", "convolutional", "convolutional_recurrent", "core", "embeddings"),
    *("local", "noise", "normalization", "pooling", "recurrent", "wrappers"),
)
# Path below `keras` -> versions that have the module.
MODULES: dict[str, str] = {
    **{f"layers.{name}": "12" for name in _MODULES_OF_LAYERS},
    **dict.fromkeys(("layers.merge", "layers.cudnn_recurrent", "legacy"), "2"),
    **dict.fromkeys(("layers.containers", "initializations", "utils.visualize_util"), "1"),
    **dict.fromkeys(("objectives", "engine", "utils.np_utils", "utils.generic_utils"), "12"),
    **dict.fromkeys(("utils.data_utils", "utils.io_utils", "utils.layer_utils"), "12"),
    **dict.fromkeys(("preprocessing.text", "wrappers.scikit_learn", "datasets.cifar"), "12"),
    **dict.fromkeys(("utils.vis_utils", "utils.multi_gpu_utils", "utils.conv_utils"), "2"),
    **dict.fromkeys(("estimator", "experimental", "layers.experimental"), "2"),
    "optimizers.legacy": "2",
    **dict.fromkeys(("applications.music_tagger_crnn", "applications.audio_conv_utils"), "1"),
    **dict.fromkeys(("ops", "random", "src", "tree", "distribution", "quantizers", "export"), "3"),
    **dict.fromkeys(("dtype_policies", "config", "visualization", "distillation"), "3"),
}
# A function of the first versions whose name is that of a module of others.
MODULES_OR_FUNCTIONS = {"layers.merge": "1"}
# First part of a path below `keras` -> name -> versions that have it.
NAMES: dict[str, dict[str, str]] = {
    "layers": {
        **dict.fromkeys(("Merge", "SReLU", "ParametricSoftplus"), "1"),
        **dict.fromkeys(("TimeDistributedDense", "AtrousConvolution1D", "Deconvolution2D"), "1"),
        **dict.fromkeys(("AtrousConvolution2D", "MaxoutDense", "Highway", "Recurrent"), "12"),
        **dict.fromkeys(("LocallyConnected1D", "LocallyConnected2D", "ThresholdedReLU"), "12"),
        **dict.fromkeys(("CuDNNGRU", "CuDNNLSTM", "ConvRNN2D", "DenseFeatures"), "2"),
    },
    "engine": dict.fromkeys(("Merge", "merge"), "1"),
    "models": {"Graph": "1", "model_from_yaml": "12", "model_from_config": "12"},
    "preprocessing": {
        **dict.fromkeys(("ImageDataGenerator", "Tokenizer", "TimeseriesGenerator"), "12"),
        "skipgrams": "12",
    },
    "regularizers": dict.fromkeys(
        ("l1l2", "activity_l1", "activity_l2", "activity_l1l2", "WeightRegularizer"), "1"
    ),
    "metrics": dict.fromkeys(("fmeasure", "fbeta_score", "matthews_correlation"), "1"),
    "constraints": dict.fromkeys(("maxnorm", "nonneg", "unitnorm"), "12"),
    "utils": {
        **dict.fromkeys(("np_utils", "multi_gpu_model", "HDF5Matrix", "OrderedEnqueuer"), "12"),
        "multi_gpu_model": "2",
        "clear_session": "3",
        "PyDataset": "3",
        "FeatureSpace": "3",
    },
    "saving": dict.fromkeys(("KerasFileEditor", "save_weights", "load_weights"), "3"),
    "optimizers": dict.fromkeys(("LossScaleOptimizer", "Muon", "Lamb"), "3"),
    "callbacks": {"SwapEMAWeights": "3"},
    "": dict.fromkeys(("Variable", "KerasTensor", "Operation", "Function", "StatelessScope"), "3"),
}

_KERAS_1_LAYERS = {
    **dict.fromkeys(KERAS_1_ARGUMENTS, "1"),
    **dict.fromkeys(("nb_row", "nb_col", "forget_bias_init", "consume_less", "beta_init"), "1"),
    **dict.fromkeys(("gamma_init", "kernel_dim1", "pool_length", "input_dtype"), "1"),
}
_OPTIMIZERS = {"lr": "12", "decay": "12", "schedule_decay": "12"}
_GENERATOR = {
    "samples_per_epoch": "1",
    "nb_epoch": "1",
    "nb_val_samples": "1",
    "val_samples": "1",
    "max_q_size": "1",
    "nb_worker": "1",
    "pickle_safe": "1",
    "epochs": "2",
    "steps_per_epoch": "2",
    "validation_steps": "2",
    "steps": "2",
    "workers": "2",
    "use_multiprocessing": "2",
    "max_queue_size": "2",
    "": "12",
}
# What is called -> argument -> versions; the argument "" is the call itself. The keys are a module
# below `keras` and a name, or "." and the name of a method.
CALLS: dict[str, dict[str, str]] = {
    "layers.*": _KERAS_1_LAYERS,
    # The arguments `output_dim` and `input_dim` of Embedding still exist.
    "layers.Embedding": {"dropout": "1", "output_dim": "123"},
    "layers.BatchNormalization": {"mode": "1"},
    "optimizers.*": _OPTIMIZERS,
    "models.Model": {"input": "1", "output": "1"},
    "engine.Model": {"input": "1", "output": "1"},
    "Model.Model": {"input": "1", "output": "1"},
    "wrappers.KerasClassifier": {"nb_epoch": "1", "epochs": "2"},
    "wrappers.KerasRegressor": {"nb_epoch": "1", "epochs": "2"},
    "callbacks.ReduceLROnPlateau": {"epsilon": "12"},
    "callbacks.ModelCheckpoint": {"period": "12"},
    ".fit": {"nb_epoch": "1", "show_accuracy": "1", "epochs": "23"},
    ".compile": {"class_mode": "1", "sample_weight_mode": "12", "target_tensors": "2"},
    ".fit_generator": _GENERATOR,
    ".evaluate_generator": _GENERATOR,
    ".predict_generator": _GENERATOR,
    ".predict_classes": {"": "12"},
    ".reset_states": {"": "12"},
    ".predict_proba": {"": "12"},
    ".get_output_shape_for": {"": "1"},
    **{
        f".get_{what}_at": {"": "12"}
        for what in ("input", "output", "input_shape", "output_shape", "input_mask", "output_mask")
    },
    "preprocessing.ImageDataGenerator": {"dim_ordering": "1"},
    "datasets.load_data": {"nb_words": "1", "num_words": "23"},
    "utils.to_categorical": {"nb_classes": "1", "num_classes": "23"},
}

# Arguments of layers that Keras 1 did not have, by layer.
_OF_KERAS_2 = (
    *("kernel_initializer", "bias_initializer", "kernel_regularizer", "kernel_constraint"),
    *("use_bias", "units", "filters", "kernel_size", "padding", "strides", "data_format", "rate"),
    *("recurrent_dropout", "recurrent_activation", "dilation_rate", "embeddings_initializer"),
)
# Pooling layers had `strides` and zero padding layers `padding` before.
_EARLIER = ("MaxPooling2D", "AveragePooling2D", "MaxPooling3D", "AveragePooling3D")
ONLY_NEW_KEYWORDS: dict[str, frozenset[str]] = {
    name: frozenset(_OF_KERAS_2)
    - (frozenset(("strides",)) if name in _EARLIER else frozenset())
    - (frozenset(("padding",)) if name.startswith("ZeroPadding") else frozenset())
    for rows in _LAYERS_OF_KERAS_2.values()
    for layer in rows
    for name in {layer, layer.replace("Conv", "Convolution")}
}
# Convolutions -> the number of positional sizes in Keras 1. `Conv2D(32, 3, 3)` also has a meaning
# in Keras 3, so that only the longer names are those of Keras 1.
THREE_SIZES = {
    **dict.fromkeys(("Convolution2D", "SeparableConvolution2D", "AtrousConvolution2D"), 3),
    "Convolution3D": 4,
}

# Functions of `keras.backend` that Keras 3 no longer has.
FUNCTIONS_OF_BACKEND = frozenset(
    """
    abs all any arange argmax argmin batch_dot batch_flatten batch_get_value batch_normalization
    batch_set_value binary_crossentropy cast categorical_crossentropy clip concatenate conv1d conv2d
    conv3d cos count_params ctc_batch_cost ctc_decode dot dropout elu equal eval exp expand_dims eye
    flatten foldl foldr function gather get_session get_value gradients greater greater_equal
    hard_sigmoid image_dim_ordering in_test_phase in_train_phase int_shape is_placeholder
    l2_normalize learning_phase less lesser log map_fn max maximum mean min minimum ndim not_equal
    one_hot ones ones_like permute_dimensions placeholder pool2d pow prod random_normal
    random_uniform relu repeat repeat_elements reshape resize_images reverse rnn round
    set_image_dim_ordering set_learning_phase set_session set_value shape sigmoid sign sin softmax
    softplus spatial_2d_padding sqrt square squeeze stack std stop_gradient sum switch tanh tile
    transpose update update_add update_sub var variable zeros zeros_like
    """.split()
)
