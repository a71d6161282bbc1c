"""kimm: image models, their features and reparameterization."""

import keras
import kimm
import numpy as np

from tests.packages.steps import fix_initializers, step

fix_initializers(keras)
images = np.random.default_rng(1).uniform(0, 255, (1, 32, 32, 3)).astype("float32")


def predict(cls, **kwargs):
    model = cls(input_shape=(32, 32, 3), classes=5, weights=None, **kwargs)
    return model, model.predict(images, verbose=0)


@step
def image_classification():
    model, outputs = predict(kimm.models.MobileNetV3W050Small)
    return outputs, model.count_params(), model.default_size, model.input_shape


@step
def more_networks():
    names = ("MobileOneS0", "RegNetX002", "ResNet18", "RepVGGA0")
    return {name: predict(getattr(kimm.models, name))[1] for name in names}


@step
def features():
    cls = kimm.models.ResNet18
    model = cls(
        input_shape=(32, 32, 3), include_top=False, weights=None, feature_extractor=True,
        feature_keys=cls.available_feature_keys[-2:],
    )  # fmt: skip
    return model.predict(images, verbose=0)


@step
def reparameterization():
    model, expected = predict(kimm.models.RepVGGA0)
    other = kimm.utils.get_reparameterized_model(model)
    np.testing.assert_allclose(other.predict(images, verbose=0), expected, atol=1e-3)
    return other.count_params()


@step
def save_and_load():
    model, expected = predict(kimm.models.MobileNetV3W050Small)
    model.save("model.keras")
    objects = {"MobileNetV3W050Small": kimm.models.MobileNetV3W050Small}
    loaded = keras.models.load_model("model.keras", custom_objects=objects)
    return loaded.predict(images, verbose=0) - expected


@step
def transfer_learning():
    base = kimm.models.MobileNetV3W050Small(
        input_shape=(32, 32, 3), include_top=False, weights=None
    )
    base.trainable = False
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(base(inputs, training=False))
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    model.compile("sgd", "mse")
    return model.fit(images, np.ones((1, 2)), epochs=2, verbose=0).history["loss"]


@step
def registry():
    return kimm.list_models("mobileone", weights=None)
