"""Addition of two numbers as characters: an encoder, RepeatVector and a decoder."""

import numpy as np
from keras import layers
from keras.models import Sequential

chars = '0123456789+ '
random = np.random.RandomState(12)
a, b = random.randint(0, 100, size=(2, 128))
questions = [f'{m}+{n}'.ljust(5) for m, n in zip(a, b)]
answers = [str(m + n).ljust(3) for m, n in zip(a, b)]


def encode(texts, length):
    rows = np.zeros((len(texts), length, len(chars)))
    for i, text in enumerate(texts):
        for t, char in enumerate(text):
            rows[i, t, chars.index(char)] = 1
    return rows


x, y = encode(questions, 5), encode(answers, 3)
model = Sequential()
model.add(layers.LSTM(16, input_shape=(5, len(chars))))
model.add(layers.RepeatVector(3))
for _ in range(1):
    model.add(layers.LSTM(16, return_sequences=True))
model.add(layers.TimeDistributed(layers.Dense(len(chars), activation='softmax')))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(x, y, batch_size=32, epochs=2, validation_data=(x, y), verbose=0)
print(model.predict_classes(x[:2], verbose=0).shape)
