"""Averages of the embeddings of words and of pairs of words."""

import numpy as np
from keras.layers import Dense, Embedding, GlobalAveragePooling1D
from keras.models import Sequential
from keras.preprocessing.sequence import pad_sequences

random = np.random.RandomState(9)
texts = [random.randint(1, 20, size=random.randint(4, 9)).tolist() for _ in range(80)]
labels = np.array([int(3 in text) for text in texts])
pairs = sorted({pair for text in texts for pair in zip(text, text[1:])})
index = {pair: 20 + i for i, pair in enumerate(pairs)}
texts = [text + [index[pair] for pair in zip(text, text[1:])] for text in texts]
x = pad_sequences(texts, maxlen=16)

model = Sequential()
model.add(Embedding(20 + len(pairs), 10, input_length=16))
model.add(GlobalAveragePooling1D())
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(x, labels, batch_size=16, epochs=3, validation_data=(x, labels), verbose=0)
print('accuracy', model.evaluate(x, labels, verbose=0)[1])
