"""A PyDataset of windows, Normalization, GRU with recurrent options, and validation data

The next values of a noisy seasonal series are predicted.
"""

import math

import keras
import numpy as np
from keras import layers

WINDOW, HORIZON = 16, 4
rng = np.random.default_rng(0)
hours = np.arange(240)
SERIES = np.stack([np.sin(hours / 4), np.cos(hours / 7) * 3 + 5], axis=1)
SERIES = (SERIES + rng.normal(0, 0.1, SERIES.shape)).astype("float32")


class Windows(keras.utils.PyDataset):
    """Batches of windows of a series and the values that follow."""

    def __init__(self, series, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.series, self.batch_size = series, batch_size
        self.starts = np.arange(0, len(series) - WINDOW - HORIZON, 4)

    def __len__(self):
        return math.ceil(len(self.starts) / self.batch_size)

    def __getitem__(self, index):
        starts = self.starts[index * self.batch_size : (index + 1) * self.batch_size]
        x = np.stack([self.series[s : s + WINDOW] for s in starts])
        y = np.stack([self.series[s + WINDOW : s + WINDOW + HORIZON, 0] for s in starts])
        return x, y


def build():
    normalize = layers.Normalization(axis=-1, mean=SERIES.mean(0), variance=SERIES.var(0))
    return keras.Sequential(
        [
            layers.Input((WINDOW, 2)),
            normalize,
            layers.GRU(8, return_sequences=True, reset_after=False, recurrent_activation="sigmoid"),
            layers.SimpleRNN(8, go_backwards=True, kernel_regularizer="l2"),
            layers.Dense(HORIZON),
        ]
    )


def train(model, log):
    training, validation = Windows(SERIES[:180], 16), Windows(SERIES[160:], 16)
    model.compile(
        loss=keras.losses.LogCosh(), optimizer=keras.optimizers.Adam(0.01), metrics=["mae", "mape"]
    )
    history = model.fit(
        training, validation_data=validation, epochs=10, shuffle=False, verbose=0, callbacks=[log]
    )
    windows = keras.utils.timeseries_dataset_from_array(
        SERIES, SERIES[WINDOW:, 0], sequence_length=WINDOW, sequence_stride=5, batch_size=8
    )
    sums = [float(np.sum(x)) + float(np.sum(y)) for x, y in windows]
    return {key: history.history[key] for key in ("val_loss", "mae", "val_mape")}, sums
