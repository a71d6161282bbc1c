"""Skip-grams of a text, embeddings by the product of two Sequential models, and TensorBoard."""
from __future__ import print_function
import shutil
import tempfile
import numpy as np
np.random.seed(18)

from keras.callbacks import LambdaCallback, TensorBoard
from keras.layers import Activation, Embedding, Merge, Reshape
from keras.models import Sequential
from keras.preprocessing.sequence import make_sampling_table, skipgrams
from keras.preprocessing.text import Tokenizer

texts = ['the cat sat on the mat', 'the dog sat on the log', 'a cat and a dog ran home'] * 3
tokenizer = Tokenizer(nb_words=20)
tokenizer.fit_on_texts(texts)
vocab_size = len(tokenizer.word_index) + 1
table = make_sampling_table(vocab_size)
print('Sampling table:', table.shape)
couples, labels = [], []
for sequence in tokenizer.texts_to_sequences(texts):
    pairs, values = skipgrams(sequence, vocab_size, window_size=2, shuffle=False)
    positive = [i for i, value in enumerate(values) if value == 1]
    couples += [pairs[i] for i in positive] + [[(a + 3) % vocab_size, b]
                                               for a, b in (pairs[i] for i in positive)]
    labels += [1] * len(positive) + [0] * len(positive)
couples, labels = np.array(couples), np.array(labels)

branches = []
for _ in range(2):
    branch = Sequential()
    branch.add(Embedding(vocab_size, 8, input_length=1))
    branch.add(Reshape((8,)))
    branches.append(branch)
model = Sequential()
model.add(Merge(branches, mode='dot', dot_axes=1))
model.add(Activation('sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam')
seen = []
logs = tempfile.mkdtemp()
model.fit([couples[:, :1], couples[:, 1:]], labels, batch_size=16, nb_epoch=2, verbose=2,
          callbacks=[TensorBoard(log_dir=logs, histogram_freq=0, write_graph=False),
                     LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))])
shutil.rmtree(logs)
print(seen, tokenizer.texts_to_matrix(['the cat'], mode='count').sum())
