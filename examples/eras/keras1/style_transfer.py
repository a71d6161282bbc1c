"""Neural style transfer: the picture is changed along the gradient of a loss of its features."""
from __future__ import print_function
import numpy as np
np.random.seed(6)
from scipy.optimize import fmin_l_bfgs_b

from keras import backend as K
from keras.layers import Convolution2D, Input, MaxPooling2D
from keras.models import Model

K.set_image_dim_ordering('tf')
height = width = 16
content, style = np.random.uniform(-1, 1, (2, 1, height, width, 3)).astype('float32')

base_image = K.variable(content)
style_reference_image = K.variable(style)
combination_image = K.placeholder((1, height, width, 3))
input_tensor = K.concatenate([base_image, style_reference_image, combination_image], axis=0)

image = Input(tensor=input_tensor, shape=(height, width, 3))
x = Convolution2D(6, 3, 3, activation='relu', border_mode='same', name='conv1')(image)
x = MaxPooling2D((2, 2), name='pool1')(x)
x = Convolution2D(8, 3, 3, activation='relu', border_mode='same', name='conv2')(x)
model = Model(image, x)
rng = np.random.RandomState(0)
model.set_weights([rng.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])
outputs_dict = dict([(layer.name, layer.output) for layer in model.layers])


def gram_matrix(x):
    features = K.batch_flatten(K.permute_dimensions(x, (2, 0, 1)))
    return K.dot(features, K.transpose(features))


def style_loss(style, combination):
    size = height * width
    difference = gram_matrix(style) - gram_matrix(combination)
    return K.sum(K.square(difference)) / (4. * (3 ** 2) * (size ** 2))


def total_variation_loss(x):
    a = K.square(x[:, :height - 1, :width - 1, :] - x[:, 1:, :width - 1, :])
    b = K.square(x[:, :height - 1, :width - 1, :] - x[:, :height - 1, 1:, :])
    return K.sum(K.pow(a + b, 1.25))


loss = K.variable(0.)
features = outputs_dict['conv2']
loss += 0.025 * K.sum(K.square(features[2, :, :, :] - features[0, :, :, :]))
for name in ['conv1', 'conv2']:
    features = outputs_dict[name]
    loss += 0.5 * style_loss(features[1, :, :, :], features[2, :, :, :])
loss += 0.01 * total_variation_loss(combination_image)
grads = K.gradients(loss, combination_image)
outputs = [loss] + (list(grads) if isinstance(grads, (list, tuple)) else [grads])
f_outputs = K.function([combination_image], outputs)


def loss_and_gradient(x):
    found = f_outputs([x.reshape((1, height, width, 3))])
    return float(found[0]), found[1].flatten().astype('float64')


x = np.random.RandomState(1).uniform(-0.5, 0.5, (1, height, width, 3))
losses = []
for i in range(3):
    x, min_val, info = fmin_l_bfgs_b(loss_and_gradient, x.flatten(), maxfun=4)
    losses.append(min_val)
    print('Current loss value:', min_val)
