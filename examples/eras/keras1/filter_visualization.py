"""Pictures that maximize the filters of a convolution, by gradient ascent."""
from __future__ import print_function
import numpy as np
np.random.seed(9)

from keras import backend as K
from keras.layers import Convolution2D, MaxPooling2D
from keras.models import Sequential

K.set_image_dim_ordering('tf')
model = Sequential()
model.add(Convolution2D(4, 3, 3, activation='relu', input_shape=(18, 18, 3), name='conv1'))
model.add(MaxPooling2D((2, 2)))
model.add(Convolution2D(5, 3, 3, activation='relu', name='conv2'))
rng = np.random.RandomState(0)
model.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])
input_img = model.input
layer_dict = dict([(layer.name, layer) for layer in model.layers])


def normalize(x):
    return x / (K.sqrt(K.mean(K.square(x))) + 1e-5)


losses = []
for filter_index in range(3):
    layer_output = layer_dict['conv2'].output
    loss = K.mean(layer_output[:, :, :, filter_index])
    grads = normalize(K.gradients(loss, input_img)[0])
    iterate = K.function([input_img], [loss, grads])
    input_img_data = np.random.RandomState(filter_index).random_sample((1, 18, 18, 3))
    for i in range(4):
        loss_value, grads_value = iterate([input_img_data])
        input_img_data += grads_value * 0.5
    losses.append(float(loss_value))
    print('Filter %d: %.4f' % (filter_index, loss_value))
