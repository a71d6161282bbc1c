"""Grad-CAM: a heatmap of the regions of an image that determine the prediction of a model.

The feature extractor (`backbone`) is nested in the classifier, as in transfer learning. Its last
convolution is addressed by its path, because `flatten()` merges nested models into one graph.

References: Ramprasaath R. Selvaraju et al. (2017), "Grad-CAM: Visual Explanations from Deep
Networks via Gradient-based Localization", arXiv 1610.02391.
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
    """Returns noise images with a patch of vertical (class 0) or horizontal (class 1) stripes."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, 0.3, (count, size, size, 1)).astype("float32")
    labels = rng.integers(0, 2, count)
    pattern = np.tile([1.0, -1.0], (6, 3))[..., None]
    for image, label in zip(images, labels, strict=True):
        left, top = rng.integers(0, size - 6, 2)
        image[top : top + 6, left : left + 6] += pattern.swapaxes(0, 1) if label else pattern
    return images, labels


def gradcam(model, path, images, classes):
    """Returns a heatmap for each image: the contribution of each position to the class score."""
    flat = model.flatten()
    features = flat.outputs_of(path)
    head = cornu.Model(features.output, flat.output)

    # The scores of different images are independent, so one gradient of their sum suffices.
    def total_score(maps):
        return head(maps)[np.arange(len(classes)), classes].sum()

    maps = features(images)
    weights = jax.grad(total_score)(maps).mean(axis=(1, 2), keepdims=True)
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
