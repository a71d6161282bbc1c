"""An LSTM autoencoder with RepeatVector, a stateful layer, and thresholds of reconstruction errors

Windows of a periodic signal are reconstructed; spikes are found by their error.
"""

import keras
import numpy as np
from keras import layers, ops

WINDOW = 12
rng = np.random.default_rng(0)
signal = np.sin(np.arange(300) / 3) + rng.normal(0, 0.05, 300)
WINDOWS = np.stack([signal[i : i + WINDOW] for i in range(0, 240, 5)])[..., None].astype("float32")
SPIKED = WINDOWS.copy()
SPIKED[::6, 5] += 2.0


def build():
    window = keras.Input((WINDOW, 1))
    x = layers.LSTM(8, unroll=True)(window)
    x = layers.RepeatVector(WINDOW)(x)
    x = layers.GRU(8, return_sequences=True)(x)
    model = keras.Model(window, layers.TimeDistributed(layers.Dense(1))(x))
    whole = keras.Sequential([keras.Input((WINDOW, 1)), layers.LSTM(4), layers.Dense(1)])
    return model, whole


def train(model, whole, log):
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mae")
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=8)
    history = model.fit(
        WINDOWS,
        WINDOWS,
        batch_size=16,
        epochs=10,
        validation_split=0.2,
        shuffle=False,
        verbose=0,
        callbacks=[stop, log],
    )
    error = keras.losses.mean_absolute_error(WINDOWS, model.predict(WINDOWS, verbose=0))
    threshold = float(ops.quantile(ops.mean(error, axis=1), 0.95))
    spiked = keras.losses.mean_absolute_error(SPIKED, model.predict(SPIKED, verbose=0))
    found = ops.convert_to_numpy(ops.mean(spiked, axis=1) > threshold)

    # The state goes on from one piece of the signal to the next, until it is reset. In cornu it is
    # among the weights of the layer, so that those of the cell are set.
    memory = layers.LSTM(4, stateful=True)
    watcher = keras.Sequential([keras.Input(batch_shape=(1, 4, 1)), memory, layers.Dense(1)])
    memory.cell.set_weights(whole.layers[0].get_weights())
    watcher.layers[1].set_weights(whole.layers[1].get_weights())
    pieces = [watcher(signal[None, i : i + 4, None].astype("float32")) for i in range(0, 12, 4)]
    memory.reset_state()
    again = watcher(signal[None, :4, None].astype("float32"))
    stated = [float(piece[0, 0]) for piece in [*pieces, again]]
    stated.append(float(whole.predict(signal[None, :WINDOW, None], verbose=0)[0, 0]))
    return history.history["val_loss"], threshold, found, stated
