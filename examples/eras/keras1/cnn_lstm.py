"""A recurrent convolutional network on sequences of words."""
import numpy as np
np.random.seed(1337)

from keras.layers import (Activation, Convolution1D, Dense, Dropout, Embedding, LSTM,
                          MaxPooling1D)
from keras.models import Sequential

max_features, maxlen = 50, 20
X = np.random.randint(1, max_features, (96, maxlen))
y = (X[:, :10].sum(axis=1) > X[:, 10:].sum(axis=1)).astype('int32')

model = Sequential()
model.add(Embedding(max_features, 12, input_length=maxlen))
model.add(Dropout(0.25))
model.add(Convolution1D(nb_filter=8, filter_length=5, border_mode='valid', activation='relu',
                        subsample_length=1))
model.add(MaxPooling1D(pool_length=4))
model.add(LSTM(10))
model.add(Dense(1))
model.add(Activation('sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(X[:72], y[:72], batch_size=24, nb_epoch=3, validation_data=(X[72:], y[72:]), verbose=2)
print(model.evaluate(X[72:], y[72:], batch_size=24, verbose=0))
