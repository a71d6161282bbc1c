"""Trains on batches of randomly changed pictures from an ImageDataGenerator."""
from __future__ import print_function
import numpy as np
np.random.seed(16)

from keras.callbacks import EarlyStopping, ModelCheckpoint
from keras.layers import Activation, BatchNormalization, Convolution2D, Dense, Flatten
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator
from keras.utils import np_utils

X = np.random.uniform(0, 255, (48, 10, 10, 3)).astype('float32')
labels = np.random.randint(0, 2, 48)
X[labels == 1, :, :, 0] += 60
Y = np_utils.to_categorical(labels, 2)

model = Sequential()
model.add(Convolution2D(6, 3, 3, border_mode='same', input_shape=(10, 10, 3), dim_ordering='tf'))
model.add(BatchNormalization(mode=0, axis=-1))
model.add(Activation('relu'))
model.add(Flatten())
model.add(Dense(2, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer='rmsprop', metrics=['accuracy'])

datagen = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True,
                             width_shift_range=0.1, horizontal_flip=True, dim_ordering='tf')
datagen.fit(X)
print(datagen.mean.shape, next(datagen.flow(X, Y, batch_size=5, seed=1))[0].shape)
generator = ImageDataGenerator(rescale=1. / 255, dim_ordering='tf')
model.fit_generator(generator.flow(X, Y, batch_size=8, shuffle=False), samples_per_epoch=len(X),
                    nb_epoch=2, verbose=2, callbacks=[EarlyStopping('loss', patience=1)],
                    validation_data=(X / 255., Y))
