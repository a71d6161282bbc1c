"""An end-to-end memory network: a story, a question, and one word as the answer."""

import numpy as np
from keras.layers import LSTM, Activation, Dense, Dropout, Input, Permute, add, concatenate, dot
from keras.layers.embeddings import Embedding
from keras.models import Model, Sequential

vocabulary, story_length, question_length = 22, 12, 4
random = np.random.RandomState(13)
stories = random.randint(1, vocabulary, size=(96, story_length))
questions = random.randint(1, vocabulary, size=(96, question_length))
answers = np.eye(vocabulary)[stories[:, 0]]

story, question = Input((story_length,)), Input((question_length,))
memory = Sequential()
memory.add(Embedding(input_dim=vocabulary, output_dim=16))
memory.add(Dropout(0.3))
response_memory = Sequential()
response_memory.add(Embedding(input_dim=vocabulary, output_dim=question_length))
response_memory.add(Dropout(0.3))
encoder = Sequential()
encoder.add(Embedding(input_dim=vocabulary, output_dim=16, input_length=question_length))
encoder.add(Dropout(0.3))

encoded_question = encoder(question)
match = dot([memory(story), encoded_question], axes=(2, 2))
match = Activation('softmax')(match)
response = Permute((2, 1))(add([match, response_memory(story)]))
answer = concatenate([response, encoded_question])
answer = LSTM(8)(answer)
answer = Dropout(0.3)(answer)
answer = Activation('softmax')(Dense(vocabulary)(answer))

model = Model([story, question], answer)
model.compile(optimizer='rmsprop', loss='categorical_crossentropy', metrics=['accuracy'])
model.fit([stories, questions], answers, batch_size=32, epochs=2, verbose=0,
          validation_data=([stories, questions], answers))
print('accuracy', model.evaluate([stories, questions], answers, verbose=0)[1])
