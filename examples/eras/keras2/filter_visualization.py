"""Pictures that excite one filter most."""

import numpy as np
from keras import backend as K
from keras.layers import Conv2D, MaxPooling2D
from keras.models import Sequential

random = np.random.RandomState(16)
model = Sequential()
model.add(Conv2D(4, (3, 3), activation='relu', name='block1', input_shape=(12, 12, 3)))
model.add(MaxPooling2D())
model.add(Conv2D(6, (3, 3), activation='relu', name='block2'))
model.set_weights([random.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])
layers = dict([(layer.name, layer) for layer in model.layers])


def normalize(x):
    return x / (K.sqrt(K.mean(K.square(x))) + K.epsilon())


losses = []
for index in range(2):
    output = layers['block2'].output
    loss = K.mean(output[:, :, :, index])
    grads = normalize(K.gradients(loss, model.input)[0])
    iterate = K.function([model.input], [loss, grads])
    picture = random.uniform(size=(1, 12, 12, 3)) * 20 + 128.
    for _ in range(2):
        value, gradient = iterate([picture])
        losses.append(value)
        picture += gradient
print(losses)
