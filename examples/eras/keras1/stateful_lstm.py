"""A stateful LSTM on a long signal: each batch continues where the last one ended."""
from __future__ import print_function
import numpy as np

from keras.layers import Dense, LSTM
from keras.models import Sequential

tsteps, batch_size, epochs, lahead = 1, 16, 3, 1
t = np.arange(96)
signal = (np.exp(-0.01 * t) * np.cos(2 * np.pi * t / 25)).reshape(-1, 1, 1).astype('float32')
expected = np.roll(signal[:, 0], -lahead, axis=0)

model = Sequential()
model.add(LSTM(8, batch_input_shape=(batch_size, tsteps, 1), return_sequences=True,
               stateful=True))
model.add(LSTM(8, return_sequences=False, stateful=True))
model.add(Dense(1))
model.compile(loss='mse', optimizer='rmsprop')
for i in range(epochs):
    print('Epoch', i, '/', epochs)
    model.fit(signal, expected, batch_size=batch_size, verbose=1, nb_epoch=1, shuffle=False)
    model.reset_states()
predicted = model.predict(signal, batch_size=batch_size)
print('Error:', float(np.mean((predicted - expected) ** 2)))
