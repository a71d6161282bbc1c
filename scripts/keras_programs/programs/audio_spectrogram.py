"""`ops.stft` and MelSpectrogram, convolutions over time, and a nested model

Tones with noise are classified by their pitch.
"""

import keras
import numpy as np
from keras import layers, ops

RATE, LENGTH = 1000, 256
rng = np.random.default_rng(0)
PITCH = rng.integers(0, 3, 36)
time = np.arange(LENGTH) / RATE
WAVES = np.sin(2 * np.pi * np.array([60, 140, 260])[PITCH][:, None] * time)
WAVES = (WAVES + rng.normal(0, 0.3, WAVES.shape)).astype("float32")


class LogSpectrum(layers.Layer):
    """The logarithm of the magnitudes of a short-time Fourier transform."""

    def call(self, waves):
        real, imaginary = ops.stft(waves, sequence_length=64, sequence_stride=32, fft_length=64)
        return ops.log1p(ops.sqrt(ops.square(real) + ops.square(imaginary) + 1e-9))


def build():
    features = keras.Input((None, 33))
    x = layers.Conv1D(8, 3, padding="same", activation="relu")(features)
    x = layers.DepthwiseConv1D(3, padding="same")(x)
    x = layers.SeparableConv1D(8, 3, activation="relu")(x)
    head = keras.Model(features, layers.GlobalAveragePooling1D()(x), name="head")

    wave = keras.Input((LENGTH,))
    x = LogSpectrum()(wave)
    x = layers.GroupNormalization(groups=3)(x)
    return keras.Model(wave, layers.Dense(3)(head(x)))


def train(model, log):
    model.compile(
        optimizer=keras.optimizers.RMSprop(3e-3, centered=True, momentum=0.5),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseTopKCategoricalAccuracy(k=2)],
    )
    model.fit(WAVES, PITCH, batch_size=12, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    mel = layers.MelSpectrogram(
        fft_length=128, sequence_stride=64, sampling_rate=RATE, num_mel_bins=12, max_freq=400
    )
    back = ops.istft(ops.stft(WAVES[:2], 64, 32, 64), 64, 32, 64, length=LENGTH)
    return model.evaluate(WAVES, PITCH, verbose=0), mel(WAVES[:4]), ops.convert_to_numpy(back)
