"""A convolution over words, and an LSTM over its features."""

import numpy as np
from keras.layers import LSTM, Activation, Conv1D, Dense, Dropout, Embedding, MaxPooling1D
from keras.models import Sequential

random = np.random.RandomState(8)
x = random.randint(1, 60, size=(90, 16))
y = (x.mean(axis=1) > 30).astype('float32')

model = Sequential()
model.add(Embedding(60, 8, input_length=16))
model.add(Dropout(0.25))
model.add(Conv1D(8, 5, padding='valid', activation='relu', strides=1))
model.add(MaxPooling1D(pool_size=4))
model.add(LSTM(6))
model.add(Dense(1))
model.add(Activation('sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(x, y, batch_size=30, epochs=2, verbose=0)
print('accuracy', model.evaluate(x, y, batch_size=30, verbose=0)[1])
