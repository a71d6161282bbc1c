"""The names of the modules of well-known networks in torch."""

from __future__ import annotations

import re
from typing import Any

from cornu import layers, models
from cornu.core.tracebacks.api_boundary import api_boundary

__all__ = ["torchvision_resnet", "torchvision_resnet_names"]

_BLOCK = re.compile(r"conv(\d)_block(\d+)_(\d)_(conv|bn)$")
_OTHERS = {"conv1_conv": "conv1", "conv1_bn": "bn1", "predictions": "fc"}


@api_boundary
def torchvision_resnet_names(path: str) -> str | None:
    """Returns the name in torchvision and timm of a layer of `cornu.applications.ResNet50`.

    ResNet101 and ResNet152 have the same names.

    Args:
        path: the path of the layer.

    Example:

    >>> import cornu
    >>> cornu.export.torchvision_resnet_names("features/stage/bottleneck/conv2_block1_0_conv")
    'layer1.0.downsample.0'
    """
    name = path.rpartition("/")[2]
    if (found := _BLOCK.search(name)) is None:
        return _OTHERS.get(name)
    stage, block, part, kind = found.groups()
    prefix = f"layer{int(stage) - 1}.{int(block) - 1}"
    if part == "0":
        return f"{prefix}.downsample.{0 if kind == 'conv' else 1}"
    return f"{prefix}.{kind}{part}"


@api_boundary
def torchvision_resnet(model: Any) -> Any:
    """Returns a ResNet50, ResNet101 or ResNet152 as torchvision computes it.

    In `cornu.applications`, as in Keras, the first convolution of a stage has the strides; in
    torchvision, the second one has them, and pads both sides of an image, where `"same"` pads one
    side only. The epsilons of batch normalization differ as well.

    Args:
        model: a model of `cornu.applications`.

    Example:

    >>> import cornu
    >>> model = cornu.applications.ResNet50(weights=None, input_shape=(32, 32, 3))
    >>> model = cornu.export.torchvision_resnet(model)
    >>> model.get_layer("conv3_block1_2_conv").strides
    (2, 2)
    """
    editor = models.edit(model)
    names = [layer.name for layer in model.layers]
    for name in names:
        if re.fullmatch(r"conv[345]_block1_[12]_conv", name):
            if name.endswith("_1_conv"):
                editor.reconfigure(name, strides=1)
                continue
            editor.reconfigure(name, strides=2, padding="valid")
            editor.insert_before(name, layers.ZeroPadding2D(1, name=f"{name}_pad"))
        elif name.endswith("_bn"):
            editor.reconfigure(name, epsilon=1e-5)
    return editor.build()
