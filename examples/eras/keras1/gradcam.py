"""Grad-CAM: where in a picture a class is recognized."""
from __future__ import print_function
import numpy as np
np.random.seed(10)

from keras import backend as K
from keras.layers import Convolution2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential

K.set_image_dim_ordering('tf')
model = Sequential()
model.add(Convolution2D(6, 3, 3, activation='relu', border_mode='same', input_shape=(12, 12, 3)))
model.add(MaxPooling2D((2, 2)))
model.add(Convolution2D(8, 3, 3, activation='relu', border_mode='same', name='last_conv'))
model.add(Flatten())
model.add(Dropout(0.5))
model.add(Dense(4, activation='softmax'))
rng = np.random.RandomState(0)
model.set_weights([rng.uniform(-0.2, 0.2, w.shape) for w in model.get_weights()])

picture = np.random.RandomState(1).uniform(-1, 1, (1, 12, 12, 3))
conv_output = [layer for layer in model.layers if layer.name == 'last_conv'][0].output
losses = []
for category in range(3):
    loss = K.sum(model.output[:, category])
    grads = K.gradients(loss, conv_output)[0]
    function = K.function([model.input, K.learning_phase()], [loss, conv_output, grads])
    score, output, gradient = function([picture, 0])
    weights = np.mean(gradient[0], axis=(0, 1))
    cam = np.maximum(np.dot(output[0], weights), 0)
    losses.append(float(np.sum(cam) + score))
    print('Class %d: strongest at %s' % (category, np.unravel_index(cam.argmax(), cam.shape)))
