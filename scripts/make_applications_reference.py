"""Writes what Keras's ready-made networks are and compute to tests/applications/reference.json.

`python -m scripts.make_applications_reference` builds each network of the installed Keras, which
takes several minutes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.compiling import jit_reference

REFERENCE = Path(__file__).parents[1] / "tests" / "applications" / "reference.json"
VALUES = 8  # of the outputs of each image

# One network of each family.
COMPUTED = (
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "VGG16",
    "Xception",
)
_SMALLEST_IMAGE = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}  # else 32


def describe(model: Any) -> dict[str, Any]:
    """Returns the number of parameters, and a digest of the names and shapes of weights."""
    layers = [
        [layer.name, [list(w.shape) for w in layer.weights]]
        for layer in model.layers
        if layer.weights
    ]
    digest = hashlib.sha256(json.dumps(layers).encode()).hexdigest()
    return {"parameters": model.count_params(), "layers": len(layers), "digest": digest}


def compute_outputs(module: Any, name: str) -> np.ndarray:
    """Returns some of the features of two images, with weights that depend only on their shapes.

    Args:
        module: the module `applications` of Keras or cornu.
        name: the name of a network.
    """
    size, rng = _SMALLEST_IMAGE.get(name, 32), np.random.default_rng(0)
    kwargs = {"include_top": False, "pooling": "avg", "input_shape": (size, size, 3)}
    model = getattr(module, name)(weights=None, **kwargs)
    model.set_weights([_random_weight(rng, w.shape) for w in model.get_weights()])
    x = rng.uniform(0, 255, (2, size, size, 3)).astype("float32")
    run = jit_reference(lambda x: model(x, training=False))
    return np.asarray(run(x))[:, :VALUES]


def _random_weight(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    if len(shape) < 2:  # biases, scales and statistics
        return rng.uniform(0.1, 1.0, shape).astype("float32")
    scale = np.sqrt(2 / np.prod(shape[:-1]))
    return (rng.normal(size=shape) * scale).astype("float32")


def main() -> None:
    """Builds all networks, and writes the file."""
    import keras

    found = {}
    for name in sorted(dir(keras.applications)):
        build = getattr(keras.applications, name)
        if callable(build):
            keras.utils.clear_session()
            found[name] = describe(build(weights=None))
            if name in COMPUTED:
                found[name]["outputs"] = compute_outputs(keras.applications, name).tolist()
            print(name, found[name]["parameters"], flush=True)
    REFERENCE.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
