"""Style transfer: gradients of a loss of features with respect to a picture."""

import numpy as np
from keras import backend as K
from keras.layers import AveragePooling2D, Conv2D, Input
from keras.models import Model

random = np.random.RandomState(14)
size = 16
content, style = [K.variable(random.uniform(size=(1, size, size, 3))) for _ in range(2)]
combination = K.placeholder((1, size, size, 3))
tensor = K.concatenate([content, style, combination], axis=0)

picture = Input(tensor=tensor)
first = Conv2D(6, (3, 3), activation='relu', padding='same', name='conv1')(picture)
second = Conv2D(8, (3, 3), activation='relu', padding='same', name='conv2')(
    AveragePooling2D((2, 2))(first))
model = Model(picture, second)
model.set_weights([random.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])
features = {layer.name: layer.output for layer in model.layers}


def gram_matrix(x):
    flat = K.batch_flatten(K.permute_dimensions(x, (2, 0, 1)))
    return K.dot(flat, K.transpose(flat))


loss = K.variable(0.)
loss = loss + 0.5 * K.sum(K.square(features['conv2'][2] - features['conv2'][0]))
for name in ('conv1', 'conv2'):
    difference = gram_matrix(features[name][1]) - gram_matrix(features[name][2])
    loss = loss + K.sum(K.square(difference)) / (4. * 9 * (size * size) ** 2)
grads = K.gradients(loss, combination)
outputs = [loss] + grads
step = K.function([combination], outputs)

x = random.uniform(size=(1, size, size, 3))
losses = []
for i in range(3):
    value, gradient = step([x])
    losses.append(value)
    x = x - 0.01 * gradient
print(losses)
