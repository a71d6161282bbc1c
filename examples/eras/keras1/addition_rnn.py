"""Sequence to sequence: a network that adds numbers that are written as text."""
from __future__ import print_function
import numpy as np
np.random.seed(2)

from keras.layers import Activation, Dense, RepeatVector, TimeDistributed, recurrent
from keras.models import Sequential

chars = '0123456789+ '
DIGITS = 2
MAXLEN = DIGITS + 1 + DIGITS
RNN = recurrent.LSTM


def encode(text, length):
    X = np.zeros((length, len(chars)))
    for i, c in enumerate(text):
        X[i, chars.index(c)] = 1
    return X


questions, answers = [], []
for _ in range(160):
    a, b = np.random.randint(0, 100, 2)
    questions.append(encode(('%d+%d' % (a, b)).ljust(MAXLEN)[::-1], MAXLEN))
    answers.append(encode(str(a + b).ljust(DIGITS + 1), DIGITS + 1))
X, y = np.array(questions), np.array(answers)

model = Sequential()
model.add(RNN(24, input_shape=(MAXLEN, len(chars))))
model.add(RepeatVector(DIGITS + 1))
for _ in range(1):
    model.add(RNN(24, return_sequences=True))
model.add(TimeDistributed(Dense(len(chars))))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(X[:128], y[:128], batch_size=32, nb_epoch=3, verbose=2,
          validation_data=(X[128:], y[128:]))
guess = model.predict_classes(X[:3], verbose=0)
print([''.join(chars[i] for i in row) for row in guess])
