"""An end-to-end memory network on small stories, with several inputs and merges."""
from __future__ import print_function
import numpy as np
np.random.seed(4)

from keras.layers import (Activation, Dense, Dropout, Embedding, LSTM, Merge, Permute)
from keras.models import Sequential

vocab_size, story_maxlen, query_maxlen = 14, 10, 4
stories = np.random.randint(1, vocab_size, (96, story_maxlen))
queries = np.random.randint(1, vocab_size, (96, query_maxlen))
answers = np.zeros((96, vocab_size))
answers[np.arange(96), stories[:, 0]] = 1

input_encoder_m = Sequential()
input_encoder_m.add(Embedding(input_dim=vocab_size, output_dim=16, input_length=story_maxlen))
input_encoder_m.add(Dropout(0.3))
question_encoder = Sequential()
question_encoder.add(Embedding(input_dim=vocab_size, output_dim=16, input_length=query_maxlen))
question_encoder.add(Dropout(0.3))
match = Sequential()
match.add(Merge([input_encoder_m, question_encoder], mode='dot', dot_axes=[2, 2]))
match.add(Activation('softmax'))
input_encoder_c = Sequential()
input_encoder_c.add(Embedding(input_dim=vocab_size, output_dim=query_maxlen,
                              input_length=story_maxlen))
input_encoder_c.add(Dropout(0.3))
response = Sequential()
response.add(Merge([match, input_encoder_c], mode='sum'))
response.add(Permute((2, 1)))

answer = Sequential()
answer.add(Merge([response, question_encoder], mode='concat', concat_axis=-1))
answer.add(LSTM(12))
answer.add(Dropout(0.3))
answer.add(Dense(vocab_size))
answer.add(Activation('softmax'))
answer.compile(optimizer='rmsprop', loss='categorical_crossentropy', metrics=['accuracy'])
answer.fit([stories, queries, stories], answers, batch_size=32, nb_epoch=3, verbose=2)
print(answer.predict([stories, queries, stories]).shape)
