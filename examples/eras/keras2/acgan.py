"""An auxiliary classifier GAN: two networks that are trained in turn."""

import numpy as np
from keras.layers import Dense, Embedding, Flatten, Input, LeakyReLU, multiply
from keras.models import Model, Sequential
from keras.optimizers import Adam

random = np.random.RandomState(20)
latent, classes = 6, 3
labels = random.randint(classes, size=60)
real = np.eye(classes)[labels].repeat(4, axis=1) + 0.1 * random.normal(size=(60, 12))

network = Sequential()
network.add(Dense(16, input_dim=12))
network.add(LeakyReLU(0.2))
vector = Input(shape=(12,))
features = network(vector)
fake = Dense(1, activation='sigmoid', name='generation')(features)
aux = Dense(classes, activation='softmax', name='auxiliary')(features)
discriminator = Model(vector, [fake, aux])
discriminator.compile(optimizer=Adam(lr=0.0002, beta_1=0.5),
                      loss=['binary_crossentropy', 'sparse_categorical_crossentropy'])

noise = Input(shape=(latent,))
wanted = Input(shape=(1,), dtype='int32')
embedded = Flatten()(Embedding(classes, latent)(wanted))
h = multiply([noise, embedded])
generator = Model([noise, wanted], Dense(12)(Dense(16, activation='relu')(h)))
generator.set_weights([random.uniform(-0.2, 0.2, w.shape) for w in generator.get_weights()])
discriminator.trainable = False
fake, aux = discriminator(generator([noise, wanted]))
combined = Model([noise, wanted], [fake, aux])
combined.compile(optimizer=Adam(lr=0.0002, beta_1=0.5),
                 loss=['binary_crossentropy', 'sparse_categorical_crossentropy'])

for i in range(3):
    rows = slice(20 * i, 20 * (i + 1))
    z = random.uniform(-1, 1, (20, latent))
    sampled = random.randint(0, classes, (20, 1))
    made = generator.predict([z, sampled], verbose=0)
    x = np.concatenate((real[rows], made))
    y = np.array([1] * 20 + [0] * 20)
    aux_y = np.concatenate((labels[rows], sampled.ravel()))
    discriminator.train_on_batch(x, [y, aux_y])
    combined.train_on_batch([z, sampled], [np.ones(20), sampled])
print(discriminator.metrics_names)
