"""Text classification by the mean of the embeddings of words and of pairs of words."""
from __future__ import print_function
import numpy as np
np.random.seed(1337)

from keras.layers import Dense, Embedding, GlobalAveragePooling1D
from keras.models import Sequential
from keras.preprocessing import sequence


def create_ngram_set(input_list, ngram_value=2):
    return set(zip(*[input_list[i:] for i in range(ngram_value)]))


def add_ngram(sequences, token_indice, ngram_range=2):
    new_sequences = []
    for input_list in sequences:
        new_list = list(input_list)
        for ngram_value in range(2, ngram_range + 1):
            for i in range(len(input_list) - ngram_value + 1):
                ngram = tuple(input_list[i:i + ngram_value])
                if ngram in token_indice:
                    new_list.append(token_indice[ngram])
        new_sequences.append(new_list)
    return new_sequences


max_features, maxlen = 20, 16
texts = [list(np.random.randint(1, max_features, np.random.randint(5, 12))) for _ in range(120)]
labels = np.array([int((3, 4) in create_ngram_set(text) or text[0] > 10) for text in texts])
ngrams = sorted(set(pair for text in texts for pair in create_ngram_set(text)))
token_indice = {pair: i + max_features for i, pair in enumerate(ngrams)}
max_features += len(ngrams)
X = sequence.pad_sequences(add_ngram(texts, token_indice), maxlen=maxlen)

model = Sequential()
model.add(Embedding(max_features, 10, input_length=maxlen))
model.add(GlobalAveragePooling1D())
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(X, labels, batch_size=24, nb_epoch=4, verbose=2)
