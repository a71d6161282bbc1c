"""Sentiment of reviews, here of generated words, by an LSTM on padded sequences."""
from __future__ import print_function
import numpy as np
np.random.seed(1337)

from keras.layers import Dense, Embedding, LSTM
from keras.models import Sequential
from keras.preprocessing import sequence

max_features, maxlen, batch_size = 60, 12, 16
labels = np.random.randint(0, 2, 160)
reviews = [list(np.random.randint(2 + 29 * label, 31 + 29 * label, np.random.randint(4, 20)))
           for label in labels]
X = sequence.pad_sequences(reviews, maxlen=maxlen)
print('X shape:', X.shape)

model = Sequential()
model.add(Embedding(max_features, 16, dropout=0.2, mask_zero=True))
model.add(LSTM(16, dropout_W=0.2, dropout_U=0.2))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(X[:128], labels[:128], batch_size=batch_size, nb_epoch=3, verbose=1,
          validation_data=(X[128:], labels[128:]))
score, acc = model.evaluate(X[128:], labels[128:], batch_size=batch_size, verbose=0)
print('Test score:', score)
print('Test accuracy:', acc)
