"""A multilayer perceptron that classifies points by their quadrant."""
from __future__ import print_function
import numpy as np
np.random.seed(1337)  # for reproducibility

from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation
from keras.optimizers import RMSprop
from keras.regularizers import l2
from keras.utils import np_utils

points = np.random.uniform(-1, 1, (256, 10)).astype('float32')
quadrants = 2 * (points[:, 0] > 0) + (points[:, 1] > 0)
Y = np_utils.to_categorical(quadrants, 4)

model = Sequential()
model.add(Dense(32, input_shape=(10,), init='he_normal', W_regularizer=l2(1e-4)))
model.add(Activation('relu'))
model.add(Dropout(0.2))
model.add(Dense(32, activation='tanh'))
model.add(Dense(4))
model.add(Activation('softmax'))
model.summary()

model.compile(loss='categorical_crossentropy', optimizer=RMSprop(lr=0.01), metrics=['accuracy'])
history = model.fit(points[:200], Y[:200], batch_size=32, nb_epoch=8, verbose=2,
                    validation_data=(points[200:], Y[200:]))
score = model.evaluate(points[200:], Y[200:], verbose=0)
print('Test score:', score[0])
print('Test accuracy:', score[1])
print('Classes:', model.predict_classes(points[:4], verbose=0))
