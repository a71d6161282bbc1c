"""Batches of a Sequence, HDF5 files of a model and of weights by name, and a Tokenizer."""

import os
import tempfile

import numpy as np
from keras.layers import Dense
from keras.models import Sequential, load_model
from keras.preprocessing.text import Tokenizer
from keras.utils import Sequence

texts = ['red green blue', 'green green', 'blue yellow red red', 'yellow', 'red blue'] * 8
tokenizer = Tokenizer(num_words=4)
tokenizer.fit_on_texts(texts)
x = tokenizer.texts_to_matrix(texts, mode='tfidf')
y = np.array([[len(text.split())] for text in texts], dtype='float32')


class Batches(Sequence):
    def __init__(self, x, y, size):
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return len(self.x) // self.size

    def __getitem__(self, i):
        rows = slice(i * self.size, (i + 1) * self.size)
        return self.x[rows], self.y[rows]


model = Sequential()
model.add(Dense(6, activation='relu', input_shape=(4,), name='first'))
model.add(Dense(1, name='last'))
model.compile('adamax', 'logcosh')
model.fit_generator(Batches(x, y, 8), epochs=2, verbose=0, shuffle=False)
path = os.path.join(tempfile.mkdtemp(), 'model.h5')
model.save(path)
print(np.abs(load_model(path).predict(x) - model.predict(x)).max())
model.save_weights(path + 'w')
other = Sequential([Dense(6, input_shape=(4,), name='first'), Dense(2, name='other')])
other.load_weights(path + 'w', by_name=True)
print(np.array_equal(other.get_weights()[0], model.get_weights()[0]))
