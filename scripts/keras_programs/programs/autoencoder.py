"""Nested Sequential models, upsampling and cropping, models from the parts, `to_json`

A convolutional autoencoder removes noise from images.
"""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
rows, columns = np.mgrid[:12, :12]
CLEAN = np.cos(rng.uniform(0.3, 1, (32, 1, 1)) * rows + rng.uniform(0.3, 1, (32, 1, 1)) * columns)
CLEAN = (0.5 + 0.5 * CLEAN)[..., None].astype("float32")
NOISY = np.clip(CLEAN + rng.normal(0, 0.2, CLEAN.shape), 0, 1).astype("float32")


def build():
    encoder = keras.Sequential(name="encoder")
    encoder.add(keras.Input((12, 12, 1)))
    encoder.add(layers.Conv2D(6, 3, padding="same", activation="elu"))
    encoder.add(layers.MaxPool2D(2, padding="same"))
    encoder.add(layers.Conv2D(4, 3, dilation_rate=2, padding="same", activation="elu"))
    encoder.add(layers.AvgPool2D(2))
    decoder = keras.Sequential(
        [
            keras.Input((3, 3, 4)),
            layers.Conv2D(4, 3, padding="same", activation=keras.activations.softsign),
            layers.UpSampling2D(2),
            layers.Conv2DTranspose(6, 3, strides=2, padding="same", output_padding=1),
            layers.ELU(alpha=0.5),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Cropping2D(6),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ],
        name="decoder",
    )
    return keras.Sequential([encoder, decoder], name="autoencoder")


def train(autoencoder, log):
    autoencoder.compile(
        optimizer=keras.optimizers.Adadelta(1.0),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.RootMeanSquaredError(), "cosine_similarity"],
    )
    history = autoencoder.fit(
        NOISY, CLEAN, batch_size=16, epochs=10, shuffle=False, verbose=0, callbacks=[log]
    )
    copy = keras.models.model_from_json(autoencoder.to_json())
    copy.set_weights(autoencoder.get_weights())
    encoder = autoencoder.get_layer("encoder")
    codes = encoder.predict(NOISY[:4], verbose=0)
    similarity = history.history["cosine_similarity"]
    return codes, copy.layers[1].predict(codes, verbose=0), similarity, autoencoder.count_params()
