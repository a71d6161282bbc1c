"""A deep autoencoder, with the encoder and the decoder as models."""

import numpy as np
from keras import regularizers
from keras.layers import Dense, Input
from keras.models import Model

x = np.random.RandomState(3).uniform(size=(128, 30))

pictures = Input(shape=(30,))
encoded = Dense(16, activation='relu', activity_regularizer=regularizers.l1(1e-5))(pictures)
code = Dense(6, activation='relu')(encoded)
hidden = Dense(16, activation='relu')
last = Dense(30, activation='sigmoid')
autoencoder = Model(pictures, last(hidden(code)))
encoder = Model(pictures, code)
codes = Input(shape=(6,))
decoder = Model(codes, last(hidden(codes)))

autoencoder.compile(optimizer='adadelta', loss='binary_crossentropy')
autoencoder.fit(x, x, epochs=2, batch_size=32, shuffle=True, validation_data=(x, x), verbose=0)
print(decoder.predict(encoder.predict(x)).shape)
