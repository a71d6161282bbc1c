"""An LSTM on sequences of words."""

import numpy as np
from keras.layers import LSTM, Dense, Embedding
from keras.models import Sequential
from keras.preprocessing import sequence

random = np.random.RandomState(6)
reviews = [random.randint(1, 50, size=random.randint(3, 12)).tolist() for _ in range(96)]
labels = np.array([int(np.mean(review) > 25) for review in reviews])
x = sequence.pad_sequences(reviews, maxlen=10)

model = Sequential()
model.add(Embedding(50, 8, mask_zero=True))
model.add(LSTM(8, dropout=0.2, recurrent_dropout=0.2))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(x, labels, batch_size=32, epochs=2, validation_data=(x, labels), verbose=0)
score, acc = model.evaluate(x, labels, batch_size=32, verbose=0)
print('accuracy', acc)
