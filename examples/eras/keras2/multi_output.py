"""Two inputs and two outputs, with weights of losses and of samples, and names."""

import numpy as np
from keras.layers import LSTM, Dense, Embedding, Input, concatenate
from keras.models import Model

random = np.random.RandomState(27)
headlines = random.randint(1, 50, size=(64, 8))
numbers = random.normal(size=(64, 5))
labels = random.randint(2, size=(64, 1))

main_input = Input(shape=(8,), dtype='int32', name='main_input')
x = Embedding(output_dim=8, input_dim=50, input_length=8)(main_input)
lstm_out = LSTM(6)(x)
aux_output = Dense(1, activation='sigmoid', name='aux_output')(lstm_out)
aux_input = Input(shape=(5,), name='aux_input')
x = concatenate([lstm_out, aux_input])
x = Dense(8, activation='relu')(x)
main_output = Dense(1, activation='sigmoid', name='main_output')(x)
model = Model(inputs=[main_input, aux_input], outputs=[main_output, aux_output])
model.compile(optimizer='rmsprop', metrics=['accuracy'],
              loss={'main_output': 'binary_crossentropy', 'aux_output': 'binary_crossentropy'},
              loss_weights={'main_output': 1., 'aux_output': 0.2})
history = model.fit({'main_input': headlines, 'aux_input': numbers},
                    {'main_output': labels, 'aux_output': labels},
                    batch_size=16, epochs=2, verbose=0)
print(sorted(history.history))
