"""GradCAM: which parts of a picture made a model decide as it did, across a nested model.

The network that sees (`backbone`) is a model inside the classifier, as in transfer learning. Its
last convolution is found by path, because `flatten()` draws all layers into one graph.
"""

import jax
import numpy as np

import cornu
from cornu import layers


def unit(x, filters):
    return layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(x)))


def backbone(size):
    image = cornu.Input((size, size, 1), name="image")
    x = layers.MaxPooling2D()(unit(image, 8))
    return cornu.Model(image, unit(x, 16), name="backbone")


def classifier(size, classes):
    features = backbone(size)
    image = cornu.Input((size, size, 1), name="picture")
    pooled = layers.GlobalAveragePooling2D()(features(image))
    return cornu.Model(image, layers.Dense(classes, name="classes")(pooled))


def stripes(count, size, seed=0):
    """Pictures of noise in which a patch has stripes: upright (class 0) or lying (class 1)."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, 0.3, (count, size, size, 1)).astype("float32")
    labels = rng.integers(0, 2, count)
    pattern = np.tile([1.0, -1.0], (6, 3))[..., None]
    for image, label in zip(images, labels, strict=True):
        left, top = rng.integers(0, size - 6, 2)
        image[top : top + 6, left : left + 6] += pattern.swapaxes(0, 1) if label else pattern
    return images, labels


def gradcam(model, path, images, classes):
    """Returns a map for each image: how much its class gains by the features at each place."""
    flat = model.flatten()
    features = flat.outputs_of(path)
    head = cornu.Model(features.output, flat.output)

    def gain(maps):
        return head(maps)[np.arange(len(classes)), classes].sum()

    maps = features(images)
    weights = jax.grad(gain)(maps).mean(axis=(1, 2), keepdims=True)
    return np.maximum((weights * maps).sum(axis=-1), 0)


def main(count=512, size=16, epochs=8):
    images, labels = stripes(count, size)
    model = classifier(size, 2)
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(images, labels, epochs=epochs, verbose=2)
    heat = gradcam(model, "backbone/unit_1", images[:4], labels[:4])
    for label, image in zip(labels[:4], heat, strict=True):
        print(f"class {label}")
        for row in image / max(image.max(), 1e-6):
            print("".join(" .:-=+*#"[int(value * 7)] for value in row))
    return heat


if __name__ == "__main__":
    main()
