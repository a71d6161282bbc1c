"""A bidirectional LSTM on sequences of words."""

import numpy as np
from keras.layers import LSTM, Bidirectional, Dense, Dropout, Embedding
from keras.models import Sequential

random = np.random.RandomState(7)
x = random.randint(1, 40, size=(96, 9))
y = (x[:, 0] > x[:, -1]).astype('float32')

model = Sequential()
model.add(Embedding(40, 8, input_length=9))
model.add(Bidirectional(LSTM(6)))
model.add(Dropout(0.5))
model.add(Dense(1, activation='sigmoid'))
model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
model.fit(x, y, batch_size=32, epochs=2, validation_data=[x, y], verbose=0)
print([layer.name for layer in model.layers])
