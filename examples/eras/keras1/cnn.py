"""A small convolutional network in the ordering of the installed backend."""
from __future__ import print_function
import numpy as np
np.random.seed(7)

from keras import backend as K
from keras.layers import Activation, Convolution2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils import np_utils

rows, cols, nb_classes = 12, 12, 3
shapes = np.random.randint(0, nb_classes, 120)
images = np.random.uniform(0, 0.2, (120, rows, cols))
for image, shape in zip(images, shapes):
    at = np.random.randint(2, 9)
    if shape == 0:
        image[at] = 1
    elif shape == 1:
        image[:, at] = 1
    else:
        image[np.arange(rows), np.arange(cols)] = 1

if K.image_dim_ordering() == 'th':
    X = images.reshape(-1, 1, rows, cols)
    input_shape = (1, rows, cols)
else:
    X = images.reshape(-1, rows, cols, 1)
    input_shape = (rows, cols, 1)
X = X.astype('float32')
Y = np_utils.to_categorical(shapes, nb_classes)

model = Sequential()
model.add(Convolution2D(8, 3, 3, border_mode='valid', input_shape=input_shape))
model.add(Activation('relu'))
model.add(Convolution2D(8, 3, 3, border_mode='same', subsample=(1, 1), activation='relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(16, activation='relu'))
model.add(Dropout(0.5))
model.add(Dense(nb_classes))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='adadelta', metrics=['accuracy'])
model.fit(X[:96], Y[:96], batch_size=24, nb_epoch=4, verbose=1, validation_data=(X[96:], Y[96:]))
score = model.evaluate(X[96:], Y[96:], verbose=0)
print('Test accuracy:', score[1])
