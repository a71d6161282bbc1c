"""A variational autoencoder whose loss uses tensors of the model."""

import numpy as np
from keras import backend as K
from keras import losses
from keras.layers import Dense, Input, Lambda
from keras.models import Model

size, latent = 24, 2
x = np.random.RandomState(4).uniform(size=(96, size))

inputs = Input(shape=(size,))
h = Dense(12, activation='relu')(inputs)
z_mean = Dense(latent)(h)
z_log_var = Dense(latent)(h)


def sampling(args):
    mean, log_var = args
    epsilon = K.random_normal(shape=(K.shape(mean)[0], latent), mean=0., stddev=1.)
    return mean + K.exp(log_var / 2) * epsilon


z = Lambda(sampling, output_shape=(latent,))([z_mean, z_log_var])
outputs = Dense(size, activation='sigmoid')(Dense(12, activation='relu')(z))


def vae_loss(x, decoded):
    crossentropy = size * losses.binary_crossentropy(x, decoded)
    divergence = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
    return crossentropy + divergence


vae = Model(inputs, outputs)
vae.compile(optimizer='rmsprop', loss=vae_loss)
vae.fit(x, x, epochs=2, batch_size=32, verbose=0)
print('loss', vae.evaluate(x, x, verbose=0))
