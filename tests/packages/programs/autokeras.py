"""AutoKeras: searches for structured data, images and texts, and models of blocks."""

import autokeras as ak
import keras
import numpy as np

from tests.packages.steps import data, fix_initializers, step

fix_initializers(keras)
x = data(32, 5)
images = np.random.default_rng(0).integers(0, 255, (24, 8, 8, 1)).astype("uint8")
labels = np.arange(24) % 3
TRAIN = dict(epochs=1, verbose=0, batch_size=8)


@step
def image_classifier():
    search = ak.ImageClassifier(max_trials=1, overwrite=True, seed=1)
    search.fit(images, labels, **TRAIN)
    model = search.export_model()
    model.save("image.keras")
    loaded = keras.models.load_model("image.keras", custom_objects=ak.CUSTOM_OBJECTS)
    assert search.predict(images, verbose=0).shape == (24, 1)
    return loaded.predict(images, verbose=0).shape


@step
def structured_data_regressor():
    search = ak.StructuredDataRegressor(max_trials=2, overwrite=True, seed=1)
    search.fit(x, x.sum(-1), **TRAIN)
    return search.predict(x, verbose=0).shape, len(search.evaluate(x, x.sum(-1), verbose=0))


@step
def structured_data_classifier():
    search = ak.StructuredDataClassifier(max_trials=1, overwrite=True, seed=1)
    search.fit(x, (x[:, 0] > 0).astype(int), **TRAIN)
    return search.predict(x, verbose=0).shape


@step
def text_classifier():
    texts = np.array(["good film", "bad film", "very good", "very bad"] * 6)
    search = ak.TextClassifier(max_trials=1, overwrite=True, seed=1)
    search.fit(texts, np.array([1, 0, 1, 0] * 6), **TRAIN)
    return search.predict(texts, verbose=0).shape


@step
def model_of_blocks():
    inputs = ak.ImageInput()
    hidden = ak.ConvBlock(num_blocks=1, num_layers=1, kernel_size=3, max_pooling=False)(inputs)
    outputs = ak.RegressionHead()(ak.DenseBlock(num_layers=1, num_units=4)(hidden))
    search = ak.AutoModel(inputs, outputs, max_trials=1, overwrite=True, seed=1)
    search.fit(images, labels.astype("float32"), **TRAIN)
    return search.predict(images, verbose=0).shape
