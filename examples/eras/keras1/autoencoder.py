"""A deep autoencoder with an activity penalty, and its encoder and decoder as models."""
import numpy as np
np.random.seed(5)

from keras.layers import Dense, Input
from keras.models import Model
from keras.regularizers import activity_l1

data = np.random.uniform(0, 1, (128, 4)).astype('float32')
data = np.concatenate([data, 1 - data, data ** 2], axis=1)

input_vector = Input(shape=(12,))
encoded = Dense(8, activation='relu')(input_vector)
encoded = Dense(3, activation='relu', activity_regularizer=activity_l1(1e-5))(encoded)
decoded = Dense(8, activation='relu')(encoded)
decoded = Dense(12, activation='sigmoid')(decoded)

autoencoder = Model(input=input_vector, output=decoded)
encoder = Model(input=input_vector, output=encoded)
code = Input(shape=(3,))
decoder = Model(input=code, output=autoencoder.layers[-1](autoencoder.layers[-2](code)))

autoencoder.compile(optimizer='adam', loss='binary_crossentropy')
autoencoder.fit(data, data, nb_epoch=5, batch_size=32, shuffle=True,
                validation_data=(data[:32], data[:32]), verbose=2)
codes = encoder.predict(data)
print(codes.shape, decoder.predict(codes).shape)
