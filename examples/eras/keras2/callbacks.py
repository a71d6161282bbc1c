"""Callbacks: checkpoints, early stopping, learning rates, and a history of one's own."""

import os
import tempfile

import numpy as np
from keras.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
)
from keras.layers import Dense
from keras.models import Sequential, load_model

random = np.random.RandomState(22)
x = random.normal(size=(64, 6))
y = x.sum(axis=1, keepdims=True)
folder = tempfile.mkdtemp()


class Epochs(Callback):
    def on_train_begin(self, logs={}):
        self.values = []

    def on_epoch_end(self, epoch, logs={}):
        self.values.append(logs.get('val_loss'))


model = Sequential()
model.add(Dense(8, activation='tanh', input_dim=6))
model.add(Dense(1))
model.compile(optimizer='sgd', loss='mean_squared_error')
epochs = Epochs()
path = os.path.join(folder, 'weights.{epoch:02d}-{val_loss:.2f}.hdf5')
best = os.path.join(folder, 'best.h5')
model.fit(x, y, batch_size=16, epochs=4, validation_split=0.25, verbose=0, shuffle=False, callbacks=[
    epochs,
    ModelCheckpoint(path, save_weights_only=True, period=2),
    ModelCheckpoint(best, monitor='val_loss', save_best_only=True),
    CSVLogger(os.path.join(folder, 'log.csv')),
    EarlyStopping(monitor='val_loss', patience=2),
    ReduceLROnPlateau(factor=0.5, patience=1, min_lr=1e-4),
    LearningRateScheduler(lambda epoch: 0.05 / (1 + epoch)),
    TensorBoard(os.path.join(folder, 'logs'), write_graph=False),
])
files = sorted(os.listdir(folder))
print(files[0], len(files), len(epochs.values))
print(load_model(best).predict(x).shape)
losses = epochs.values
