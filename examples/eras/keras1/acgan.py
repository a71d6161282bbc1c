"""An auxiliary classifier GAN on small pictures: two models that train in turn."""
from __future__ import print_function
import numpy as np
np.random.seed(14)

from keras.layers import Dense, Dropout, Embedding, Flatten, Input, Reshape, merge
from keras.layers.advanced_activations import LeakyReLU
from keras.layers.convolutional import Convolution2D, UpSampling2D
from keras.models import Model, Sequential
from keras.optimizers import Adam

latent_size, nb_classes, batch_size = 6, 3, 16


def build_generator():
    cnn = Sequential()
    cnn.add(Dense(16, input_dim=latent_size, activation='relu'))
    cnn.add(Dense(4 * 4 * 4, activation='relu'))
    cnn.add(Reshape((4, 4, 4)))
    cnn.add(UpSampling2D(size=(2, 2), dim_ordering='tf'))
    cnn.add(Convolution2D(4, 3, 3, border_mode='same', activation='relu', init='glorot_normal',
                          dim_ordering='tf'))
    cnn.add(Convolution2D(1, 2, 2, border_mode='same', activation='tanh', init='glorot_normal',
                          dim_ordering='tf'))
    latent = Input(shape=(latent_size,))
    image_class = Input(shape=(1,), dtype='int32')
    cls = Flatten()(Embedding(nb_classes, latent_size, init='glorot_normal')(image_class))
    h = merge([latent, cls], mode='mul')
    return Model(input=[latent, image_class], output=cnn(h))


def build_discriminator():
    cnn = Sequential()
    cnn.add(Convolution2D(8, 3, 3, border_mode='same', subsample=(2, 2), input_shape=(8, 8, 1),
                          dim_ordering='tf'))
    cnn.add(LeakyReLU())
    cnn.add(Dropout(0.3))
    cnn.add(Flatten())
    image = Input(shape=(8, 8, 1))
    features = cnn(image)
    fake = Dense(1, activation='sigmoid', name='generation')(features)
    aux = Dense(nb_classes, activation='softmax', name='auxiliary')(features)
    return Model(input=image, output=[fake, aux])


losses = ['binary_crossentropy', 'sparse_categorical_crossentropy']
discriminator = build_discriminator()
discriminator.compile(optimizer=Adam(lr=0.0002, beta_1=0.5), loss=losses)
generator = build_generator()
generator.compile(optimizer=Adam(lr=0.0002, beta_1=0.5), loss='binary_crossentropy')
latent = Input(shape=(latent_size,))
image_class = Input(shape=(1,), dtype='int32')
fake = generator([latent, image_class])
discriminator.trainable = False
fake, aux = discriminator(fake)
combined = Model(input=[latent, image_class], output=[fake, aux])
combined.compile(optimizer=Adam(lr=0.0002, beta_1=0.5), loss=losses)

np.random.seed(15)
classes = np.random.randint(0, nb_classes, 64)
pictures = np.random.uniform(-1, -0.5, (64, 8, 8, 1))
for picture, cls in zip(pictures, classes):
    picture[2 * cls: 2 * cls + 3] = 1
for index in range(4):
    noise = np.random.uniform(-1, 1, (batch_size, latent_size))
    real = pictures[index * batch_size:(index + 1) * batch_size]
    labels = classes[index * batch_size:(index + 1) * batch_size]
    sampled = np.random.randint(0, nb_classes, batch_size)
    generated = generator.predict([noise, sampled.reshape((-1, 1))], verbose=0)
    X = np.concatenate((real, generated))
    y = np.array([1] * batch_size + [0] * batch_size)
    aux_y = np.concatenate((labels, sampled), axis=0)
    d_loss = discriminator.train_on_batch(X, [y, aux_y])
    g_loss = combined.train_on_batch([noise, sampled.reshape((-1, 1))],
                                     [np.ones(batch_size), sampled])
    print('Step %d: discriminator %.3f, generator %.3f' % (index, d_loss[0], g_loss[0]))
