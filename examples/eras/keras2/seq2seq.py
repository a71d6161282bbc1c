"""An encoder and a decoder that share the states of LSTMs, and inference models from the parts."""

import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Model

random = np.random.RandomState(26)
tokens, length, latent = 7, 5, 8
source = np.eye(tokens)[random.randint(tokens, size=(64, length))]
target = source[:, ::-1]
shifted = np.concatenate([np.zeros((64, 1, tokens)), target[:, :-1]], axis=1)

encoder_inputs = Input(shape=(None, tokens))
_, state_h, state_c = LSTM(latent, return_state=True)(encoder_inputs)
states = [state_h, state_c]
decoder_inputs = Input(shape=(None, tokens))
decoder_lstm = LSTM(latent, return_sequences=True, return_state=True)
outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=states)
decoder_dense = Dense(tokens, activation='softmax')
outputs = decoder_dense(outputs)
model = Model([encoder_inputs, decoder_inputs], outputs)
model.compile(optimizer='rmsprop', loss='categorical_crossentropy')
model.fit([source, shifted], target, batch_size=16, epochs=1, verbose=0)

encoder = Model(encoder_inputs, states)
given = [Input(shape=(latent,)), Input(shape=(latent,))]
sequence, h, c = decoder_lstm(decoder_inputs, initial_state=given)
decoder = Model([decoder_inputs] + given, [decoder_dense(sequence), h, c])
found = decoder.predict([shifted[:1, :1]] + encoder.predict(source[:1]))
print([part.shape for part in found])
