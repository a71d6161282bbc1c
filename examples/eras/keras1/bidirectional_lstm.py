"""A bidirectional LSTM, whose input is read from both ends."""
from __future__ import print_function
import numpy as np
np.random.seed(1337)

from keras.layers import Bidirectional, Dense, Dropout, Embedding, LSTM
from keras.models import Sequential
from keras.preprocessing.sequence import pad_sequences

max_features, maxlen = 40, 10
sentences = [np.random.randint(1, max_features, np.random.randint(3, 14)) for _ in range(120)]
labels = np.array([sentence[0] > sentence[-1] for sentence in sentences]).astype('int32')
X = pad_sequences(sentences, maxlen=maxlen)

model = Sequential()
model.add(Embedding(max_features, 12, input_length=maxlen))
model.add(Bidirectional(LSTM(8)))
model.add(Dropout(0.5))
model.add(Dense(1, activation='sigmoid'))
model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
model.fit(X, labels, batch_size=20, nb_epoch=3, validation_split=0.2, verbose=2)
