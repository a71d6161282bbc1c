"""Deep dream: gradient ascent on the activations of several layers, at two sizes."""

import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Input, MaxPooling2D
from keras.models import Model

random = np.random.RandomState(15)
dream = Input(shape=(None, None, 3))
x = Conv2D(6, 3, activation='relu', padding='same', name='mixed1')(dream)
x = MaxPooling2D()(x)
x = Conv2D(8, 3, activation='relu', padding='same', name='mixed2')(x)
model = Model(dream, x)
model.set_weights([random.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])

K.set_learning_phase(0)
layers = {layer.name: layer for layer in model.layers}
loss = K.variable(0.)
for name, coefficient in (('mixed1', 0.5), ('mixed2', 1.5)):
    x = layers[name].output
    scaling = K.prod(K.cast(K.shape(x), 'float32'))
    loss = loss + coefficient * K.sum(K.square(x[:, 2: -2, 2: -2, :])) / scaling
grads = K.gradients(loss, dream)[0]
grads /= K.maximum(K.mean(K.abs(grads)), K.epsilon())
fetch = K.function([dream], [loss, grads])

losses = []
for size in (16, 24):
    picture = random.uniform(size=(1, size, size, 3))
    for _ in range(2):
        value, gradient = fetch([picture])
        losses.append(value)
        picture += 0.05 * gradient
K.set_learning_phase(1)
print(losses)
