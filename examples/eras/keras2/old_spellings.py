"""Arguments of Keras 1 in a program of Keras 2, which warns and accepts them."""

import numpy as np
from keras.layers import Convolution2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from keras.models import Model
from keras.utils import np_utils

random = np.random.RandomState(28)
x = random.uniform(size=(48, 8, 8, 3))
y = np_utils.to_categorical(random.randint(3, size=48), 3)

pictures = Input(shape=(8, 8, 3))
h = Convolution2D(4, 3, 3, border_mode='same', init='he_normal', activation='relu')(pictures)
h = MaxPooling2D(pool_size=(2, 2), border_mode='valid')(h)
h = Dropout(p=0.25)(Flatten()(h))
h = Dense(output_dim=3, init='glorot_normal', activation='softmax')(h)
model = Model(input=pictures, output=h)
model.compile(loss='categorical_crossentropy', optimizer='adagrad', metrics=['accuracy'])
model.fit(x, y, batch_size=16, nb_epoch=2, verbose=0)
print('accuracy', model.evaluate(x, y, verbose=0)[1])
