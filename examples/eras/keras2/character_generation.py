"""Generation of text, one character after the other."""

import numpy as np
from keras.callbacks import LambdaCallback
from keras.layers import LSTM, Dense
from keras.models import Sequential
from keras.optimizers import RMSprop

text = 'the quick brown fox jumps over the lazy dog. ' * 6
chars = sorted(set(text))
index = {c: i for i, c in enumerate(chars)}
maxlen, step = 8, 2
starts = range(0, len(text) - maxlen, step)
x = np.zeros((len(starts), maxlen, len(chars)), dtype='bool')
y = np.zeros((len(starts), len(chars)), dtype='bool')
for i, start in enumerate(starts):
    for t, char in enumerate(text[start:start + maxlen]):
        x[i, t, index[char]] = 1
    y[i, index[text[start + maxlen]]] = 1

model = Sequential()
model.add(LSTM(16, input_shape=(maxlen, len(chars))))
model.add(Dense(len(chars), activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer=RMSprop(lr=0.01))


def on_epoch_end(epoch, _):
    sentence = text[:maxlen]
    for _ in range(4):
        row = np.zeros((1, maxlen, len(chars)))
        for t, char in enumerate(sentence[-maxlen:]):
            row[0, t, index[char]] = 1.
        sentence += chars[int(np.argmax(model.predict(row, verbose=0)[0]))]
    print(repr(sentence))


model.fit(x, y, batch_size=32, epochs=2, verbose=0,
          callbacks=[LambdaCallback(on_epoch_end=on_epoch_end)])
