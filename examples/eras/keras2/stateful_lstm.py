"""A stateful LSTM, which keeps its state from one batch to the next."""

import numpy as np
from keras.layers import LSTM, Dense
from keras.models import Sequential

t = np.arange(192)
wave = np.sin(t / 7.0)
x = wave.reshape(-1, 2, 1)[:96]
y = np.roll(wave, -2).reshape(-1, 2, 1)[:96, 0]

model = Sequential()
model.add(LSTM(8, input_shape=(2, 1), batch_size=4, return_sequences=True, stateful=True))
model.add(LSTM(8, return_sequences=False, stateful=True))
model.add(Dense(1))
model.compile(loss='mse', optimizer='rmsprop')
for i in range(2):
    model.fit(x, y, batch_size=4, epochs=1, verbose=0, shuffle=False)
    model.reset_states()
print(model.predict(x, batch_size=4).shape)
