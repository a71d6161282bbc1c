"""Deep dream: a picture is changed so that the features of a layer become stronger."""
from __future__ import print_function
import numpy as np
np.random.seed(8)

from keras import backend as K
from keras.layers import Convolution2D, Input, MaxPooling2D
from keras.models import Model

K.set_image_dim_ordering('tf')
size = (1, 20, 20, 3)
dream = Input(batch_shape=size)
x = Convolution2D(6, 3, 3, activation='relu', border_mode='same', name='block1')(dream)
x = MaxPooling2D((2, 2))(x)
x = Convolution2D(6, 3, 3, activation='relu', border_mode='same', name='block2')(x)
model = Model(dream, x)
rng = np.random.RandomState(0)
model.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])
layer_dict = dict([(layer.name, layer) for layer in model.layers])

loss = K.variable(0.)
for layer_name, coeff in [('block1', 0.1), ('block2', 0.05)]:
    layer_output = layer_dict[layer_name].output
    shape = layer_dict[layer_name].output_shape
    loss -= coeff * K.sum(K.square(layer_output[:, 2: shape[1] - 2, 2: shape[2] - 2, :])) \
        / np.prod(shape[1:])
loss += 0.02 * K.sum(K.square(dream)) / np.prod(size[1:])
grads = K.gradients(loss, dream)
f_outputs = K.function([dream], [loss] + grads)

picture = np.random.RandomState(1).uniform(-0.5, 0.5, size)
losses = []
for i in range(3):
    value, gradient = f_outputs([picture])
    picture = picture - 0.5 * gradient
    losses.append(float(value))
    print('Current loss value:', value)
