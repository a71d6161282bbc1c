"""The module trees of Keras 2 and of tf.keras: the contents of each import path."""

from __future__ import annotations

import functools
import importlib.util
import sys
from types import ModuleType
from typing import Any

from cornu import applications, datasets, mixed_precision, saving, utils
from cornu import initializers as modern_initializers
from cornu import optimizers as modern_optimizers
from cornu.backend import set_image_data_format
from cornu.core.graph.tensor import register_shape_type
from cornu.data.readers.image_files import image_dataset_from_directory
from cornu.data.readers.images import smart_resize
from cornu.data.readers.text_files import text_dataset_from_directory
from cornu.data.readers.timeseries import timeseries_dataset_from_array
from cornu.dialects import scikit_learn
from cornu.dialects.keras2.implementation import (
    backend,
    callbacks,
    initializers,
    layer_classes,
    losses,
    merging,
    metrics,
    optimizers,
    tensorflow_methods,
    values,
)
from cornu.dialects.keras2.implementation import models as own_models
from cornu.dialects.keras2.implementation import utils as own_utils
from cornu.dialects.keras2.implementation.base_layer import (
    InputSpec,
    TensorflowInputSpec,
    make_base_layer,
)
from cornu.dialects.keras2.implementation.configs import make_configs
from cornu.dialects.keras2.implementation.interfaces import INTERFACES
from cornu.dialects.keras2.implementation.missing import MISSING, TENSORFLOW_MISSING
from cornu.dialects.keras2.implementation.ready_made import convert_application
from cornu.dialects.keras2.implementation.recurrent import make_recurrent
from cornu.dialects.keras2.implementation.serializers import (
    make_object_serializers,
    make_serializers,
)
from cornu.dialects.keras2.implementation.signatures import TENSORFLOW_MORE
from cornu.dialects.keras2.implementation.tensorflow_module import install_tensorflow
from cornu.dialects.keras2.implementation.tensorflow_optimizers import make_base_class
from cornu.dialects.keras2.implementation.version import (
    KERAS_2_2,
    TENSORFLOW,
    VERSIONS,
    Version,
)
from cornu.dialects.keras_json import apply_settings
from cornu.dialects.old_signatures import with_signature
from cornu.dialects.preprocessing import sequence, text
from cornu.dialects.preprocessing.image_signatures import make_image_module
from cornu.dialects.subclasses.optimizers import DerivedOptimizer
from cornu.dialects.tensor_shape import ListedShape
from cornu.dialects.tree import install_root, make_tree

__all__ = ["install", "load"]

Names = dict[str, Any]
Tree = dict[str, Names]

_APPLICATIONS = (
    *("densenet", "imagenet_utils", "inception_resnet_v2", "inception_v3", "mobilenet"),
    *("mobilenet_v2", "nasnet", "resnet50", "vgg16", "vgg19", "xception"),
)
_LATER_APPLICATIONS = ("resnet", "resnet_v2")
_TENSORFLOW_APPLICATIONS = (
    *("convnext", "efficientnet", "efficientnet_v2", "mobilenet_v3"),
    *_LATER_APPLICATIONS,
)
_DATASETS = ("boston_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "mnist", "reuters")


def _public_names(module: ModuleType) -> Names:
    """Returns the public names of a module."""
    return {name: getattr(module, name) for name in module.__all__}


def _functions(version: Version) -> Tree:
    """Returns the modules of activations, initializers and other parts."""
    is_tensorflow = version.source.is_tensorflow
    of_losses = {**losses.make_functions(version), **losses.make_classes(version)}
    if not version.renames_accuracy:
        of_losses["Reduction"] = losses.Reduction
    of_metrics = {**metrics.make_functions(version), **metrics.make_classes(version)}
    names = initializers.initializers_of(version)
    tree: Tree = {
        "activations": {
            **values.ACTIVATIONS,
            **(values.LATER_ACTIVATIONS if is_tensorflow else {}),
            "get": values.get_activation,
        },
        "constraints": {**values.CONSTRAINTS, "get": values.get_constraint},
        "initializers": {
            "Initializer": modern_initializers.Initializer,
            **names,
            "get": functools.partial(initializers.get_initializer, names=names),
        },
        "regularizers": {
            **values.REGULARIZERS,
            **(values.TENSORFLOW_REGULARIZERS if is_tensorflow else {}),
            "get": values.get_regularizer,
        },
        "losses": {**of_losses, "get": functools.partial(losses.get, version=version)},
        "metrics": {**of_metrics, "get": functools.partial(metrics.resolve, version=version)},
        "optimizers": {
            **optimizers.make_optimizers(version),
            "Optimizer": make_base_class(modern_optimizers.Optimizer)
            if is_tensorflow
            else DerivedOptimizer,
            "get": functools.partial(optimizers.get, version=version),
        },
    }
    for path, names in tree.items():
        names |= make_serializers(path, names["get"], version)
    tree["objectives"] = tree["losses"]
    return tree


def _preprocessing(version: Version) -> Tree:
    found = {
        "image": make_image_module(version.number),
        "sequence": _public_names(sequence),
        "text": _public_names(text),
    }
    return {"preprocessing": {}, **{f"preprocessing.{name}": v for name, v in found.items()}}


def _data(version: Version, model_class: type) -> Tree:
    """Returns the modules of data sets and ready-made models."""
    later = () if version.renames_accuracy else _LATER_APPLICATIONS
    names = (*_APPLICATIONS, *(_TENSORFLOW_APPLICATIONS if version is TENSORFLOW else later))
    modules = {
        name: {
            key: convert_application(value, version, model_class) if key[0].isupper() else value
            for key, value in _public_names(getattr(applications, name)).items()
        }
        for name in names
    }
    classes = {
        name: value
        for module in modules.values()
        for name, value in module.items()
        if name[0].isupper()
    }
    found: Tree = {"applications": classes, "datasets": {}}
    found |= {f"applications.{name}": value for name, value in modules.items()}
    found |= {f"datasets.{name}": _public_names(getattr(datasets, name)) for name in _DATASETS}
    if version is not TENSORFLOW:
        found["applications.mobilenetv2"] = modules["mobilenet_v2"]
    return found


def _layers(version: Version) -> tuple[Names, Tree]:
    """Returns all layers of a version, and the modules below `keras.layers`."""
    base = {
        "InputSpec": InputSpec,
        "Layer": make_base_layer(version),
        **layer_classes.make_inputs(version),
    }
    modules = {name: dict(names) for name, names in layer_classes.make_layers(version).items()}
    modules["merge"] |= merging.make_functions({**modules["merge"]})
    if version.source.is_tensorflow:
        base["InputSpec"] = TensorflowInputSpec
    everything = {name: value for names in modules.values() for name, value in names.items()}
    everything |= base
    everything |= make_serializers("layers", make_configs(version).create_layer, version)
    return everything, {f"layers.{name}": {**names, **base} for name, names in modules.items()}


def _keras_tree(version: Version) -> Tree:
    """Returns the modules of Keras 2.2 and 2.3."""
    layers, modules = _layers(version)
    atrous = merging.make_atrous(layers)
    kept = layer_classes.make_kept_layers(version)
    modules["layers.convolutional"] |= atrous
    recurrent = make_recurrent(layers["Layer"])
    modules["layers.recurrent"]["Recurrent"] = recurrent
    layers |= {**atrous, **kept, "Recurrent": recurrent}
    of_models = dict(own_models.make_models(version))
    base = {name: layers[name] for name in ("Input", "InputLayer", "InputSpec", "Layer")}
    topology = {**base, "get_source_inputs": utils.get_source_inputs}
    network = {**topology, "Network": of_models["Model"], "Container": of_models["Model"]}
    saved = {name: of_models[name] for name in of_models if name.startswith(("load", "save"))}
    saved |= {name: of_models[name] for name in of_models if name.startswith("model_from")}
    of_callbacks = callbacks.make_callbacks(version)
    if not version.renames_accuracy:
        board = {"TensorBoard": of_callbacks["TensorBoard"]}
        modules["callbacks.callbacks"] = {k: v for k, v in of_callbacks.items() if k not in board}
        modules |= {f"callbacks.tensorboard_{name}": board for name in ("v1", "v2")}
        modules["utils.losses_utils"] = {"Reduction": losses.Reduction}
    return {
        "": {**{name: of_models[name] for name in ("Model", "Sequential")}, "Input": base["Input"]},
        **_functions(version),
        **_preprocessing(version),
        **_data(version, of_models["Model"]),
        **modules,
        "backend": backend.FUNCTIONS,
        "callbacks": of_callbacks,
        "engine": {**topology, "Model": of_models["Model"]},
        "engine.base_layer": {"InputSpec": base["InputSpec"], "Layer": base["Layer"]},
        "engine.input_layer": {name: base[name] for name in ("Input", "InputLayer")},
        "engine.network": network,
        "engine.saving": saved,
        "engine.sequential": {"Sequential": of_models["Sequential"]},
        "engine.topology": network,
        "engine.training": {"Model": of_models["Model"]},
        "layers": layers,
        "legacy": {},
        "legacy.interfaces": INTERFACES,
        "legacy.layers": {**kept, "Recurrent": recurrent, **atrous},
        "models": {**of_models, **{name: base[name] for name in ("Input", "InputLayer")}},
        "utils": own_utils.ROOT,
        **{f"utils.{name}": names for name, names in own_utils.MODULES.items()},
        "wrappers": {},
        "wrappers.scikit_learn": _public_names(scikit_learn),
    }


def _tensorflow_tree(version: Version) -> Tree:
    """Returns the modules of tf.keras."""
    layers, _ = _layers(version)
    of_models = own_models.make_models(version)
    of_models = {n: v for n, v in of_models.items() if n not in ("Input", "model_from_yaml")}
    tree = _functions(version)
    del tree["objectives"]
    from_directory = {
        "image_dataset_from_directory": image_dataset_from_directory,
        "text_dataset_from_directory": text_dataset_from_directory,
        "timeseries_dataset_from_array": timeseries_dataset_from_array,
    }
    preprocessing = {name: layers[name] for name in TENSORFLOW_MORE["preprocessing"]}
    of_callbacks = callbacks.make_callbacks(version)
    schedules = _public_names(modern_optimizers.schedules)
    old_optimizers = optimizers.make_legacy_optimizers(version)
    own = {**own_utils.ROOT, **from_directory, "set_random_seed": utils.set_random_seed}
    own |= {name: getattr(utils, name) for name in _TENSORFLOW_UTILS}
    own |= make_object_serializers(version)
    of_models |= tensorflow_methods.of_models(of_models)
    layers["Convolution3DTranspose"] = layers["Conv3DTranspose"]
    tree |= _preprocessing(version) | _data(version, of_models["Model"])
    tree["preprocessing"] |= from_directory
    tree["preprocessing.image"]["smart_resize"] = smart_resize
    own["load_img"] = tree["preprocessing.image"]["load_img"]
    text_to_words = tree["preprocessing.text"]["text_to_word_sequence"]
    tree["preprocessing.text"]["text_to_word_sequence"] = with_signature(
        text_to_words,
        f"input_text, filters={text.FILTERS!r}, lower=True, split=' '",
        {"input_text": "text"},
    )
    return {
        **tree,
        "": {
            **{name: of_models[name] for name in ("Model", "Sequential")},
            "Input": layers["Input"],
        },
        "backend": {**backend.FUNCTIONS, **tensorflow_methods.of_backend(backend.FUNCTIONS)},
        "callbacks": of_callbacks,
        "callbacks.experimental": {"BackupAndRestore": of_callbacks["BackupAndRestore"]},
        "experimental": {name: schedules[name] for name in ("CosineDecay", "CosineDecayRestarts")},
        "layers": layers,
        "layers.experimental": {
            "EinsumDense": layers["EinsumDense"],
            "SyncBatchNormalization": functools.partial(
                layers["BatchNormalization"], synchronized=True
            ),
        },
        "layers.experimental.preprocessing": preprocessing,
        "mixed_precision": _public_names(mixed_precision),
        "mixed_precision.experimental": {
            **{name: vars(mixed_precision)[name] for name in ("Policy", "global_policy")},
            "LossScaleOptimizer": mixed_precision.LossScaleOptimizer,
            "set_policy": mixed_precision.set_global_policy,
        },
        "models": of_models,
        "optimizers.experimental": tree["optimizers"],
        "optimizers.legacy": old_optimizers,
        "optimizers.schedules": schedules,
        "saving": _public_names(saving),
        "utils": own,
        "utils.legacy": _public_names(utils.legacy),
        "wrappers": {},
        "wrappers.scikit_learn": _public_names(scikit_learn),
    }


_TENSORFLOW_UTILS = (
    *("FeatureSpace", "array_to_img", "audio_dataset_from_directory"),
    *("disable_interactive_logging", "enable_interactive_logging", "get_registered_name"),
    *("get_registered_object", "img_to_array", "is_interactive_logging_enabled", "load_img"),
    *("pack_x_y_sample_weight", "pad_sequences", "register_keras_serializable", "save_img"),
    *("split_dataset", "unpack_x_y_sample_weight"),
)


@functools.cache
def load(version: str = KERAS_2_2.number) -> ModuleType:
    """Returns the root of a module tree, without installing it.

    Args:
        version: "2.2.4", "2.3.1", or "2.15.0" for tf.keras.

    Raises:
        ValueError: the dialect does not have the version.

    Example:

    >>> keras = load()
    >>> keras.__version__, keras.layers.core.Dense is keras.layers.Dense
    ('2.2.4', True)
    """
    if version not in VERSIONS:
        raise ValueError(f"version must be in {', '.join(VERSIONS)}. Received: {version!r}")
    chosen = VERSIONS[version]
    if chosen is TENSORFLOW:
        tree, missing = _tensorflow_tree(chosen), TENSORFLOW_MISSING
        return make_tree("tensorflow.keras", version, chosen.name, tree, missing)
    return make_tree("keras", version, chosen.name, _keras_tree(chosen), MISSING)


def install(version: str = KERAS_2_2.number, tensorflow: bool | None = None) -> None:
    """Makes `import keras` import Keras 2 in this process, with the settings of `keras.json`.

    Args:
        version: the version of `keras`: "2.2.4" or "2.3.1".
        tensorflow: whether `tensorflow.keras` becomes tf.keras 2, and TensorFlow is hidden; by
            default where TensorFlow is not installed.

    Raises:
        RuntimeError: another version of Keras is already imported.
    """
    install_root(load(version))
    register_shape_type(ListedShape)
    apply_settings({"image_data_format": set_image_data_format})
    if tensorflow is None:
        tensorflow = importlib.util.find_spec("tensorflow") is None
    if tensorflow and "tensorflow" not in sys.modules:
        install_tensorflow(load(TENSORFLOW.number))
